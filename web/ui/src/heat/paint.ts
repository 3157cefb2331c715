// Draws the heat map in two steps: the squares (hatching for what was not
// recorded, one rectangle per cell that was, axes), which are kept, and over
// them what follows the pointer: selection, baseline and cursor. Everything is
// placed on whole device pixels so that squares stay crisp.

import type { Palette } from "../color/palette";
import { clock, day } from "../text/time";
import { at, type Cells } from "./cells";
import { cellTime, colX, rowY, ticks, type Grid, type Plot } from "./grid";
import { lifted, tint, tone } from "./scale";
import { outlines, rects } from "./select";

export interface Scene {
  grid: Grid;
  plot: Plot;
  cells: Cells | null;
  top: number; // the value of the darkest tone
  matched: Cells | null; // of the cells, what a search found
  topShare: number; // the matched share of the full second hue
  hatchUntilMs: number; // later cells are to come: neither hatched nor filled
  zoneMs: number;
  dpr: number;
  width: number;
  height: number;
}

export interface Overlay {
  sel: [number, number][]; // pieces of cells [a, b)
  base: [number, number][];
  cursor: number; // cell under the pointer or keyboard, -1 for none
}

/** The part that changes with the data only. */
export function paintSquares(ctx: CanvasRenderingContext2D, s: Scene, p: Palette): void {
  ctx.setTransform(s.dpr, 0, 0, s.dpr, 0, 0);
  ctx.clearRect(0, 0, s.width, s.height);
  ctx.textRendering = "optimizeSpeed";
  const { grid: g } = s;
  const nowEnd = Math.min(g.end, Math.floor((s.hatchUntilMs - g.originMs) / g.stepMs) + 1);
  if (s.cells) squares(ctx, s, s.cells, p);
  if (nowEnd > g.first) hatch(ctx, s, p, nowEnd);
  axes(ctx, s, p);
}

/** The squares as they were painted, and what lies over them. */
export function paint(ctx: CanvasRenderingContext2D, squares: HTMLCanvasElement, s: Scene, o: Overlay, p: Palette): void {
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.clearRect(0, 0, squares.width, squares.height);
  if (squares.width > 0 && squares.height > 0) ctx.drawImage(squares, 0, 0);
  ctx.setTransform(s.dpr, 0, 0, s.dpr, 0, 0);
  const { grid: g, plot } = s;
  if (o.sel.length > 0) veil(ctx, squares, s, p, o.sel.concat(o.base));
  if (o.base.length > 0) edge(ctx, s, o.base, p.base, true);
  if (o.sel.length > 0) edge(ctx, s, o.sel, p.mark, false);
  if (o.cursor >= 0) {
    const c = Math.floor(o.cursor / g.rows), r = o.cursor % g.rows;
    const x = colX(g, plot, c, s.dpr), y = rowY(g, plot, r, s.dpr);
    ctx.strokeStyle = p.mark;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(x - 0.5, y - 0.5, colX(g, plot, c + 1, s.dpr) - x + 1, rowY(g, plot, r + 1, s.dpr) - y + 1);
  }
}

function hatch(ctx: CanvasRenderingContext2D, s: Scene, p: Palette, end: number): void {
  ctx.save();
  ctx.globalCompositeOperation = "destination-over";
  ctx.beginPath();
  for (const r of rects(s.grid, s.plot, s.grid.first, end, s.dpr)) ctx.rect(r.x, r.y, r.w, r.h);
  ctx.clip();
  ctx.beginPath();
  const { x, y, w, h } = s.plot;
  for (let d = -h; d < w; d += 5) { ctx.moveTo(x + d, y + h); ctx.lineTo(x + d + h, y); }
  ctx.strokeStyle = p.hatch;
  ctx.lineWidth = 1;
  ctx.stroke();
  ctx.restore();
}

/**
 * Pixel by pixel, because a dense map has more squares than a canvas likes
 * calls: 20 ms cells are fifteen thousand. What lies between squares is the
 * ground, so that hatching drawn behind does not show through.
 */
function squares(ctx: CanvasRenderingContext2D, s: Scene, cells: Cells, p: Palette): void {
  const { grid: g, plot, dpr } = s;
  const width = Math.round(plot.w * dpr), height = Math.round(plot.h * dpr);
  if (width < 1 || height < 1) return;
  // A hairline between squares where there is room for one.
  const w = plot.w / g.cols, h = plot.h / g.rows;
  const gapX = w >= 6 ? Math.round(dpr) : w >= 3 ? 1 : 0, gapY = h >= 6 ? Math.round(dpr) : h >= 3.5 && dpr > 1 ? 1 : 0;
  const img = ctx.createImageData(width, height), px = new Uint32Array(img.data.buffer);
  const ground = pixel(p.ground), heat = pixels(p.heat), tinted = p.tint.map(pixels);
  const edgeX = (c: number) => Math.round((c * width) / g.cols), edgeY = (r: number) => Math.round((r * height) / g.rows);
  for (let i = g.first; i < g.end; i++) {
    const ms = cellTime(g, i), v = at(cells, ms);
    if (v !== v) continue;
    const c = Math.floor(i / g.rows), r = i % g.rows, t = tone(v, s.top);
    const color = s.matched ? tinted[tint(at(s.matched, ms) / v, s.topShare)][lifted(t)] : heat[t];
    const x = edgeX(c), end = edgeX(c + 1), bottom = edgeY(r + 1);
    for (let y = edgeY(r); y < bottom; y++) {
      px.fill(y < bottom - gapY ? color : ground, y * width + x, y * width + end - gapX);
      if (gapX) px.fill(ground, y * width + end - gapX, y * width + end);
    }
  }
  ctx.putImageData(img, Math.round(plot.x * dpr), Math.round(plot.y * dpr));
}

const known = new WeakMap<string[], Uint32Array>();

function pixels(colors: string[]): Uint32Array {
  let out = known.get(colors);
  if (!out) known.set(colors, (out = Uint32Array.from(colors, pixel)));
  return out;
}

/** "rgb(1,2,3)" or "#010203" as it lies in memory: red first, on every machine browsers run on. */
function pixel(color: string): number {
  const [r, g, b] = color[0] === "#" ? [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16)) : color.match(/\d+/g)!.map(Number);
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}

/** Fades what is neither selected nor the baseline: all, and then those as they were. */
function veil(ctx: CanvasRenderingContext2D, squares: HTMLCanvasElement, s: Scene, p: Palette, parts: [number, number][]): void {
  const { x, y, w, h } = s.plot;
  ctx.fillStyle = p.veil;
  ctx.fillRect(x, y, w, h);
  ctx.save();
  ctx.beginPath();
  for (const [a, b] of parts) for (const r of rects(s.grid, s.plot, a, b, s.dpr)) ctx.rect(r.x, r.y, r.w, r.h);
  ctx.clip();
  ctx.clearRect(x, y, w, h);
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.drawImage(squares, 0, 0);
  ctx.restore();
}

function edge(ctx: CanvasRenderingContext2D, s: Scene, parts: [number, number][], color: string, dashed: boolean): void {
  ctx.beginPath();
  for (const poly of outlines(s.grid, s.plot, parts, s.dpr)) {
    poly.forEach(([px, py], i) => (i ? ctx.lineTo(px, py) : ctx.moveTo(px, py)));
    ctx.closePath();
  }
  ctx.lineJoin = "round";
  ctx.strokeStyle = color;
  ctx.lineWidth = 2;
  // Dashes tell it from the selection without colours.
  ctx.setLineDash(dashed ? [6, 3] : []);
  ctx.stroke();
  ctx.setLineDash([]);
}

function axes(ctx: CanvasRenderingContext2D, s: Scene, p: Palette): void {
  const { grid: g, plot } = s;
  ctx.font = "11px system-ui, sans-serif";
  ctx.fillStyle = p.axis;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  const every = g.stepMs === 1e4 ? 12 : g.rows === 60 ? 15 : g.rows === 24 ? 6 : g.stepMs < 1e3 ? g.rows / 5 : 5;
  const marks = Array.from({ length: Math.ceil(g.rows / every) }, (_, i) => i * every);
  for (const r of marks) ctx.fillText(rowLabel(g, r), plot.x - 6, rowY(g, plot, r) + (r === 0 ? 5 : 0));
  ctx.textBaseline = "alphabetic";
  let free = -Infinity;
  for (const t of ticks(g, s.zoneMs, Math.max(2, Math.floor(plot.w / 64)))) {
    const x = colX(g, plot, t.col, s.dpr), base = plot.y + plot.h;
    const text = t.major ? day(t.ms) : clock(t.ms, g.stepMs < 1e3 || t.ms % 6e4 !== 0, false);
    const w = ctx.measureText(text).width;
    ctx.fillStyle = p.grid;
    ctx.fillRect(x, base, 1 / s.dpr, 5);
    // The last label is pulled in rather than cut off.
    const at = Math.min(x, s.width - w - 1);
    if (at < free) continue;
    ctx.fillStyle = p.axis;
    ctx.textAlign = "left";
    ctx.fillText(text, at, base + 16);
    free = at + w + 10;
  }
}

/** ".2" within a second, ":15" for minutes or seconds within a column, "06:00" for hours of a day, "+4 min" else. */
function rowLabel(g: Grid, r: number): string {
  if (g.rows === 24) return String(r).padStart(2, "0") + ":00";
  const within = r * g.stepMs;
  if (g.stepMs < 1000) return "." + within / 100;
  if (g.stepMs === 1000) return ":" + String(r).padStart(2, "0");
  if (g.rows * g.stepMs === 36e5) return ":" + String(within / 6e4).padStart(2, "0");
  return `+${within / 6e4} min`;
}
