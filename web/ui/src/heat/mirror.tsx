// The heat map for those who cannot see it: a table with a row per column.

import { memo } from "../shell/memo";
import { span } from "../text/time";
import { noun, percent, rate, value } from "../text/units";
import { sum, type Cells } from "./cells";
import { cellTime, type Grid } from "./grid";
import type { Tint } from "./usetint";

const LIMIT = 200;

export const HeatMirror = memo(function HeatMirror({ grid, cells, type, tint }: { grid: Grid; cells: Cells | null; type: string; tint: Tint | null }) {
  if (!cells) return null;
  const rows = [];
  for (let c = Math.max(0, grid.cols - LIMIT); c < grid.cols; c++) {
    const from = cellTime(grid, Math.max(grid.first, c * grid.rows)), until = cellTime(grid, Math.min(grid.end, (c + 1) * grid.rows));
    const s = sum(cells, from, until), found = tint ? sum(tint.matched, from, until).sum : NaN;
    rows.push(
      <tr key={from} data-from-ms={from} data-until-ms={until} data-recorded={s.recorded} data-sum={s.sum} data-matched={tint ? found : undefined}>
        <th scope="row">{span(from, until)}</th>
        <td>{s.recorded ? value(cells.unit, s.sum) + " " + noun(type) : "not recorded"}</td>
        <td>{s.peak > 0 ? `${span(s.peakMs, s.peakMs + grid.stepMs)}: ${rate(type, cells.unit, s.peak, grid.stepMs / 1000)}` : "none"}</td>
        {tint && <td>{percent(found, s.sum)}</td>}
      </tr>,
    );
  }
  return (
    <table class="sr-only" data-testid="heat-table">
      <caption>Heat map, one row per column</caption>
      <thead><tr><th>Time</th><th>Sum</th><th>Peak</th>{tint && <th>Search</th>}</tr></thead>
      <tbody>{rows}</tbody>
    </table>
  );
});
