// Below the heat map: what the pointer is on, and what the tones mean.

import type { Palette } from "../color/palette";
import { span, zone } from "../text/time";
import { noun, rate, rateNoun, rateTick, value } from "../text/units";
import { at, sum, type Cells } from "./cells";
import { cellTime, type Grid } from "./grid";
import { TONES } from "./scale";
import type { Sel } from "./select";

export function Legend({ top, colors, type, unit, seconds, zoneAt }: { top: number; colors: Palette; type: string; unit: string; seconds: number; zoneAt: number }) {
  // Not from tone 0: idle has its swatch, the bar is what was working.
  const stops = Array.from({ length: 9 }, (_, i) => colors.heat[1 + Math.round((i / 8) * (TONES - 1))]);
  return (
    <div class="legend" data-testid="heat-legend">
      <span class="legend-key"><i class="swatch hatched" />not recorded</span>
      <span class="legend-key"><i class="swatch" style={{ background: colors.heat[0] }} />0, idle</span>
      {top > 0 && (
        <span class="legend-key">
          <span>more than 0</span>
          <i class="legend-bar" style={{ background: `linear-gradient(to right, ${stops.join(",")})` }} />
          <span class="num">≥ {rateTick(type, unit, top, seconds)} {rateNoun(type, unit)}</span>
        </span>
      )}
      <span class="quiet">{zone(zoneAt)}</span>
    </div>
  );
}

export function Readout({ cells, grid, type, cell, sel }: { cells: Cells | null; grid: Grid; type: string; cell: number; sel: Sel | null }) {
  return (
    <p id="heat-readout" class="readout" aria-live="polite" data-testid="heat-readout">
      {cells ? text(cells, grid, type, cell, sel) : "Loading the heat map…"}
    </p>
  );
}

function text(cells: Cells, grid: Grid, type: string, cell: number, sel: Sel | null) {
  if (cell >= 0) {
    const ms = cellTime(grid, cell), v = at(cells, ms);
    const what = Number.isNaN(v) ? "not recorded" : v === 0 ? `recorded, idle: ${value(cells.unit, 0)} ${noun(type)}`
      : `${value(cells.unit, v)} ${noun(type)} · ${rate(type, cells.unit, v, grid.stepMs / 1000)}`;
    return <><strong class="num">{span(ms, ms + grid.stepMs)}</strong><span class="num">{what}</span></>;
  }
  const [from, until] = sel ?? [cellTime(grid, grid.first), cellTime(grid, grid.end)];
  const s = sum(cells, from, until);
  const seconds = (s.recorded * grid.stepMs) / 1000;
  const what = s.recorded === 0 ? "not recorded"
    : `${value(cells.unit, s.sum)} ${noun(type)} · ${rate(type, cells.unit, s.sum, seconds)}`;
  return (
    <>
      <strong class="num">{sel ? span(from, until) : "Whole range"}</strong>
      <span class="num">{what}</span>
      {!sel && <span class="quiet roomy">drag to select</span>}
    </>
  );
}
