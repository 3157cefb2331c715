// Below the heat map: what the pointer is on, and what the tones mean.

import type { Palette } from "../color/palette";
import { displayName, forms } from "../text/name";
import { duration, span, zone } from "../text/time";
import { noun, percent, rate, rateNoun, rateTick, value } from "../text/units";
import { at, sumAll, type Cells, type Sum } from "./cells";
import { cellTime, type Grid } from "./grid";
import { lifted, TINTS, TONES } from "./scale";
import { stretches, type Sel } from "./select";
import type { CellTop } from "./usecell";
import { share, type Tint } from "./usetint";

interface LegendProps { top: number; colors: Palette; type: string; unit: string; seconds: number; zoneAt: number; tint: Tint | null; }

export function Legend({ top, colors, type, unit, seconds, zoneAt, tint }: LegendProps) {
  // Not from tone 0: idle has its swatch, the bar is what was working.
  const stops = Array.from({ length: 9 }, (_, i) => colors.heat[(tint ? lifted : Number)(1 + Math.round((i / 8) * (TONES - 1)))]);
  // One tone in the middle, through the hues.
  const hues = colors.tint.map((ramp) => ramp[Math.round(TONES * 0.6)]);
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
      {tint && (
        <span class="legend-key" data-testid="tint-legend" data-steps={TINTS} data-top-share={tint.topShare}>
          <span>search matches 0 %</span>
          <i class="legend-bar" style={{ background: `linear-gradient(to right, ${hues.join(",")})` }} />
          <span class="num">{tint.topShare > 0 ? "≥ " + percent(tint.topShare, 1) : "nowhere"}</span>
        </span>
      )}
      <span class="quiet">{zone(zoneAt)}</span>
    </div>
  );
}

interface ReadoutProps {
  cells: Cells | null; grid: Grid; type: string; cell: number; sel: Sel | null; base: Sel | null; top: CellTop | null; tint: Tint | null;
}

export function Readout(p: ReadoutProps) {
  return (
    <p id="heat-readout" class="readout" aria-live="polite" data-testid="heat-readout">
      {p.cells ? text(p, p.cells) : "Loading the heat map…"}
    </p>
  );
}

function text({ grid, type, cell, sel, base, top, tint }: ReadoutProps, cells: Cells) {
  if (cell >= 0) {
    const ms = cellTime(grid, cell), v = at(cells, ms);
    const what = Number.isNaN(v) ? "not recorded" : v === 0 ? `recorded, idle: ${value(cells.unit, 0)} ${noun(type)}`
      : `${value(cells.unit, v)} ${noun(type)} · ${rate(type, cells.unit, v, grid.stepMs / 1000)}`;
    return (
      <>
        <strong class="num">{span(ms, ms + grid.stepMs)}</strong><span class="num">{what}</span>
        {tint && v > 0 && <span class="num" data-testid="heat-matched">search {percent(share(tint, cells, ms), 1)}</span>}
        {v > 0 && top && <span class="heat-top" data-testid="heat-top" data-name={top.name.slice(0, 500)}>{percent(top.self, top.total)} in <b>{forms(top.name).find((f) => f.length <= 48) ?? displayName(top.name, 48)}</b></span>}
      </>
    );
  }
  const all: Sel = [cellTime(grid, grid.first), cellTime(grid, grid.end)];
  return (
    <>
      <strong class="num">{sel ? selText(sel) : "Whole range"}</strong>
      <span class="num">{amount(sumAll(cells, stretches(sel ?? all)), cells, grid, type)}</span>
      {base && <span class="num base-text" data-testid="base-readout">baseline {span(base[0], base[1])}: {amount(sumAll(cells, stretches(base)), cells, grid, type)}</span>}
      {!sel && !base && <span class="quiet roomy">drag to select, Ctrl-drag for a baseline</span>}
    </>
  );
}

function amount(s: Sum, cells: Cells, grid: Grid, type: string): string {
  if (s.recorded === 0) return "not recorded";
  return `${value(cells.unit, s.sum)} ${noun(type)} · ${rate(type, cells.unit, s.sum, (s.recorded * grid.stepMs) / 1000)}`;
}

/** "Sat 22 Nov 10:00 – 16:05, 5 min of every hour" */
export function selText(sel: Sel): string {
  const fine = (ms: number) => (ms < 1000 ? ms + " ms" : ms < 6e4 && ms % 1000 ? ms / 1000 + " s" : duration(ms));
  const each = sel[2] === 36e5 ? "hour" : sel[2] === 6e4 ? "minute" : sel[2] === 1000 ? "second" : sel[2] ? fine(sel[2]) : "";
  return span(sel[0], sel[1]) + (sel[2] ? `, ${fine(sel[3]!)} of every ${each}` : "");
}
