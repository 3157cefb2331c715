// Selections of the heat map, kept as instants so that they stay put while the
// window moves on: continuous time, or the same part of every column.

import type { Params } from "../api";
import type { Sel } from "../urlstate";
import { cellTime, colX, rowY, stepText, type Grid, type Plot } from "./grid";

export type { Sel } from "../urlstate";

/** All time from one cell to another, whichever comes first. */
export function between(g: Grid, a: number, b: number): Sel {
  return [cellTime(g, Math.min(a, b)), cellTime(g, Math.max(a, b) + 1)];
}

/**
 * The rectangle with two cells as its corners: the same rows of each column,
 * as far as they lie in the range. Of one column, or of whole columns, it is
 * continuous time.
 */
export function rectangle(g: Grid, a: number, b: number): Sel {
  const cols = [Math.floor(a / g.rows), Math.floor(b / g.rows)].sort((x, y) => x - y);
  const rows = [a % g.rows, b % g.rows].sort((x, y) => x - y);
  let [c0, c1] = cols;
  const [r0, r1] = rows;
  // A first or last column may have those rows outside of the range.
  if (c0 < c1 && c0 * g.rows + r1 < g.first) c0++;
  if (c0 < c1 && c1 * g.rows + r0 >= g.end) c1--;
  const first = c0 * g.rows + r0, until = cellTime(g, Math.min(g.end, c1 * g.rows + r1 + 1));
  if (c0 === c1 || r1 - r0 + 1 === g.rows) return [cellTime(g, Math.max(g.first, first)), until];
  // The rhythm is counted from a full start, even where the range cuts the first part.
  return [cellTime(g, first), until, g.rows * g.stepMs, (r1 - r0 + 1) * g.stepMs];
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

/** The stretches of time a selection is made of. */
export function stretches(sel: Sel): [number, number][] {
  const [from, until, every, keep] = sel;
  if (!every || !keep) return [[from, until]];
  const out: [number, number][] = [];
  for (let t = from; t < until && out.length < 2000; t += every) out.push([t, Math.min(until, t + keep)]);
  return out;
}

/** What the API is asked to restrict from–until to. */
export const rhythm = (sel: Sel | null): Params => (sel?.[2] ? { every: stepText(sel[2]), keep: stepText(sel[3]!) } : {});

/** The cells [a, b) time from–until covers; null when it is out of the range. */
export function cells(g: Grid, from: number, until: number): [number, number] | null {
  const a = Math.max(g.first, Math.floor((from - g.originMs) / g.stepMs));
  const b = Math.min(g.end, Math.ceil((until - g.originMs) / g.stepMs));
  return a < b ? [a, b] : null;
}

/** The cells of each stretch of a selection. */
export const pieces = (g: Grid, sel: Sel) => stretches(sel).map(([a, b]) => cells(g, a, b)).filter((c) => c !== null);

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

type Polygon = [number, number][];

/** The outline of the cells [a, b): one closed polygon, or two that are apart. */
export function outline(g: Grid, p: Plot, a: number, b: number, dpr = 1): Polygon[] {
  const ca = Math.floor(a / g.rows), ra = a % g.rows;
  const cb = Math.floor((b - 1) / g.rows), rb = ((b - 1) % g.rows) + 1;
  const X = (c: number) => colX(g, p, c, dpr), Y = (r: number) => rowY(g, p, r, dpr);
  const box = (c0: number, c1: number, r0: number, r1: number): Polygon => [[X(c0), Y(r0)], [X(c1), Y(r0)], [X(c1), Y(r1)], [X(c0), Y(r1)]];
  if (ca === cb) return [box(ca, ca + 1, ra, rb)];
  if (cb === ca + 1 && ra >= rb) return [box(ca, cb, ra, g.rows), box(cb, cb + 1, 0, rb)];
  return [[
    [X(ca), Y(ra)], [X(ca + 1), Y(ra)], [X(ca + 1), Y(0)], [X(cb + 1), Y(0)],
    [X(cb + 1), Y(rb)], [X(cb), Y(rb)], [X(cb), Y(g.rows)], [X(ca), Y(g.rows)],
  ]];
}

/** The outlines of all pieces of a selection; boxes side by side are one box. */
export function outlines(g: Grid, p: Plot, parts: [number, number][], dpr = 1): Polygon[] {
  const out: Polygon[] = [];
  for (let i = 0; i < parts.length; i++) {
    const [a, b] = parts[i];
    let j = i;
    // Equal parts one column apart join, if each lies in one column.
    if (Math.floor(a / g.rows) === Math.floor((b - 1) / g.rows)) {
      while (j + 1 < parts.length && parts[j + 1][0] === parts[j][0] + g.rows && parts[j + 1][1] === parts[j][1] + g.rows) j++;
    }
    const poly = outline(g, p, a, b, dpr);
    if (j > i) {
      const x = colX(g, p, Math.floor(parts[j][0] / g.rows) + 1, dpr);
      poly[0][1][0] = poly[0][2][0] = x;
    }
    out.push(...poly);
    i = j;
  }
  return out;
}
