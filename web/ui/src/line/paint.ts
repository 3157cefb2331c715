// Draws one lane: stacked areas, lines, or bars of events, over a faint grid.
// Own code, because a library for line charts alone would weigh as much as all
// lanes together.

import type { Palette } from "../color/palette";
import { nice, xOf, type Axis } from "./axis";
import type { Bar, Lane, Line } from "./model";

export interface Canvas { width: number; height: number; dpr: number; }

/** Room for the number at the top of the scale. */
const HEAD = 4;

/** Areas and bars have the colours of frames; what is thin has stronger ones. */
export function toneOf(p: Palette, tone: string | number, thin = false): string {
  if (typeof tone === "number") return (thin ? p.strokes : p.packages)[tone % p.strokes.length];
  return thin ? p.axis : (p.kinds[tone] ?? p.kinds.unknown);
}

/** The values at the upper edge of a lane, of its lines and of its bars; 0 when there is nothing to show. */
export interface Tops { lines: number; bars: number; }

export function peaks(lane: Lane): Tops {
  let most = 0;
  if (lane.stacked && lane.lines.length > 0) {
    for (let i = 0; i < lane.lines[0].values.length; i++) most = Math.max(most, lane.lines.reduce((t, l) => t + (l.values[i] || 0), 0));
  } else for (const l of lane.lines) for (const v of l.values) if (v > most) most = v;
  const longest = lane.bars.reduce((t, b) => Math.max(t, b.value), 0);
  return { lines: most > 0 ? nice(most, lane.unit.startsWith("bytes")) : 0, bars: longest > 0 ? nice(longest) : 0 };
}

export function paintLane(ctx: CanvasRenderingContext2D, lane: Lane, a: Axis, grid: number[], tops: Tops, c: Canvas, p: Palette): void {
  ctx.setTransform(c.dpr, 0, 0, c.dpr, 0, 0);
  ctx.clearRect(0, 0, c.width, c.height);
  ctx.fillStyle = p.grid;
  for (const t of grid) ctx.fillRect(Math.round(xOf(a, t, c.width) * c.dpr) / c.dpr, 0, 1 / c.dpr, c.height);
  ctx.fillRect(0, c.height - 1 / c.dpr, c.width, 1 / c.dpr);
  const y = (v: number) => c.height - (v / (tops.lines || 1)) * (c.height - HEAD);
  const x = (i: number) => xOf(a, a.fromMs + (i + 0.5) * a.stepMs, c.width);
  if (lane.stacked) areas(ctx, lane.lines, x, y, p);
  else for (const l of lane.lines) line(ctx, l, x, y, toneOf(p, l.tone, true));
  bars(ctx, lane.bars, a, tops.bars || 1, c, p);
}

function areas(ctx: CanvasRenderingContext2D, lines: Line[], x: (i: number) => number, y: (v: number) => number, p: Palette): void {
  const n = lines[0]?.values.length ?? 0;
  const low = new Float64Array(n);
  for (const l of lines) {
    ctx.beginPath();
    // Runs of points one after the other: up along the sums, back along what lies below.
    for (let i = 0; i < n; i++) {
      if (gap(lines, i)) continue;
      let end = i;
      while (end < n && !gap(lines, end)) end++;
      // A lone point is as wide as its step.
      const half = end - i === 1 ? (x(1) - x(0)) / 2 : 0;
      ctx.moveTo(x(i) - half, y(low[i]));
      for (let k = i; k < end; k++) ctx.lineTo(x(k) - half, y(low[k] + (l.values[k] || 0)));
      if (half) ctx.lineTo(x(i) + half, y(low[i] + (l.values[i] || 0)));
      for (let k = end - 1; k >= i; k--) ctx.lineTo(x(k) + half, y(low[k]));
      i = end;
    }
    ctx.fillStyle = toneOf(p, l.tone);
    ctx.fill();
    for (let i = 0; i < n; i++) low[i] += l.values[i] || 0;
  }
}

const gap = (lines: Line[], i: number) => lines.every((l) => Number.isNaN(l.values[i]));

function line(ctx: CanvasRenderingContext2D, l: Line, x: (i: number) => number, y: (v: number) => number, color: string): void {
  ctx.beginPath();
  let pen = false;
  for (let i = 0; i < l.values.length; i++) {
    const v = l.values[i];
    if (Number.isNaN(v)) { pen = false; continue; }
    // A point between two gaps is a dash as wide as its step.
    if (!pen && (i + 1 >= l.values.length || Number.isNaN(l.values[i + 1]))) { ctx.moveTo(x(i) - 1, y(v)); ctx.lineTo(x(i) + 1, y(v)); }
    else if (pen) ctx.lineTo(x(i), y(v));
    else ctx.moveTo(x(i), y(v));
    pen = true;
  }
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.5;
  ctx.lineJoin = "round";
  ctx.setLineDash(l.dashed ? [4, 3] : []);
  ctx.stroke();
  ctx.setLineDash([]);
}

function bars(ctx: CanvasRenderingContext2D, list: Bar[], a: Axis, most: number, c: Canvas, p: Palette): void {
  for (const b of list) {
    const x = xOf(a, b.fromMs, c.width), w = Math.max(2, xOf(a, b.untilMs, c.width) - x);
    // Short ones must be seen beside long ones: none is lower than two pixels.
    const top = c.height - Math.max(3, (b.value / most) * (c.height - HEAD));
    ctx.fillStyle = toneOf(p, b.tone, true);
    ctx.fillRect(Math.round(x * c.dpr) / c.dpr, top, w, c.height - top);
  }
}
