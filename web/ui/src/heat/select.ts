// Selections of the heat map: continuous time, kept as instants so that they
// stay put while the window moves on.

import type { Grid, Plot } from "./grid";
import { cellTime, colX, rowY } from "./grid";

export type Sel = [number, number]; // [from, until) in Unix ms

/** All time from one cell to another, whichever comes first. */
export function between(g: Grid, a: number, b: number): Sel {
  return [cellTime(g, Math.min(a, b)), cellTime(g, Math.max(a, b) + 1)];
}

/** Shift-click: the selection grows or shrinks to reach a cell. */
export function extend(g: Grid, sel: Sel | null, cell: number, anchor: number): Sel {
  if (!sel) return between(g, anchor, cell);
  const from = cellTime(g, cell), until = cellTime(g, cell + 1);
  if (from < sel[0]) return [from, sel[1]];
  if (until > sel[1]) return [sel[0], until];
  // Inside: the nearer end comes to the cell.
  return from - sel[0] < sel[1] - until ? [from, sel[1]] : [sel[0], until];
}

/** Double-click: the whole column a cell is in, within the range. */
export function column(g: Grid, cell: number): Sel {
  const c = Math.floor(cell / g.rows) * g.rows;
  return [cellTime(g, Math.max(c, g.first)), cellTime(g, Math.min(c + g.rows, g.end))];
}

/** The cells [a, b) a selection covers; null when it is out of the range. */
export function cells(g: Grid, sel: Sel): [number, number] | null {
  const a = Math.max(g.first, Math.floor((sel[0] - g.originMs) / g.stepMs));
  const b = Math.min(g.end, Math.ceil((sel[1] - g.originMs) / g.stepMs));
  return a < b ? [a, b] : null;
}

export interface Rect { x: number; y: number; w: number; h: number; }

/** The cells [a, b) as at most three rectangles that do not overlap. */
export function rects(g: Grid, p: Plot, a: number, b: number, dpr = 1): Rect[] {
  const out: Rect[] = [];
  const put = (c0: number, c1: number, r0: number, r1: number) => {
    if (c0 >= c1 || r0 >= r1) return;
    const x = colX(g, p, c0, dpr), y = rowY(g, p, r0, dpr);
    out.push({ x, y, w: colX(g, p, c1, dpr) - x, h: rowY(g, p, r1, dpr) - y });
  };
  const ca = Math.floor(a / g.rows), ra = a % g.rows;
  const cb = Math.floor((b - 1) / g.rows), rb = ((b - 1) % g.rows) + 1;
  if (ca === cb) {
    put(ca, ca + 1, ra, rb);
    return out;
  }
  const full0 = ra === 0 ? ca : ca + 1, full1 = rb === g.rows ? cb + 1 : cb;
  if (ra !== 0) put(ca, ca + 1, ra, g.rows);
  put(full0, full1, 0, g.rows);
  if (rb !== g.rows) put(cb, cb + 1, 0, rb);
  return out;
}

/** The outline of the cells [a, b): one closed polygon, or two that are apart. */
export function outline(g: Grid, p: Plot, a: number, b: number, dpr = 1): [number, number][][] {
  const ca = Math.floor(a / g.rows), ra = a % g.rows;
  const cb = Math.floor((b - 1) / g.rows), rb = ((b - 1) % g.rows) + 1;
  const X = (c: number) => colX(g, p, c, dpr), Y = (r: number) => rowY(g, p, r, dpr);
  const box = (c0: number, c1: number, r0: number, r1: number): [number, number][] =>
    [[X(c0), Y(r0)], [X(c1), Y(r0)], [X(c1), Y(r1)], [X(c0), Y(r1)]];
  if (ca === cb) return [box(ca, ca + 1, ra, rb)];
  if (cb === ca + 1 && ra >= rb) return [box(ca, cb, ra, g.rows), box(cb, cb + 1, 0, rb)];
  return [[
    [X(ca), Y(ra)], [X(ca + 1), Y(ra)], [X(ca + 1), Y(0)], [X(cb + 1), Y(0)],
    [X(cb + 1), Y(rb)], [X(cb), Y(rb)], [X(cb), Y(g.rows)], [X(ca), Y(g.rows)],
  ]];
}
