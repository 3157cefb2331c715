// Draws the heat map: hatching for what was not recorded, one rectangle per
// cell that was, axes, the selection and the cursor. Everything is placed on
// whole device pixels so that squares stay crisp.

import type { Palette } from "../color/palette";
import { clock, day } from "../text/time";
import { at, type Cells } from "./cells";
import { cellTime, colX, rowY, ticks, type Grid, type Plot } from "./grid";
import { tone } from "./scale";
import { outline, rects } from "./select";

export interface Scene {
  grid: Grid;
  plot: Plot;
  cells: Cells | null;
  top: number; // the value of the darkest tone
  sel: [number, number] | null; // cells [a, b)
  cursor: number; // cell under the pointer or keyboard, -1 for none
  hatchUntilMs: number; // later cells are to come: neither hatched nor filled
  zoneMs: number;
  dpr: number;
  width: number;
  height: number;
}

export function paint(ctx: CanvasRenderingContext2D, s: Scene, p: Palette): void {
  ctx.setTransform(s.dpr, 0, 0, s.dpr, 0, 0);
  ctx.clearRect(0, 0, s.width, s.height);
  ctx.textRendering = "optimizeSpeed";
  const { grid: g, plot } = s;
  const nowEnd = Math.min(g.end, Math.floor((s.hatchUntilMs - g.originMs) / g.stepMs) + 1);
  if (nowEnd > g.first) hatch(ctx, s, p, nowEnd);
  if (s.cells) squares(ctx, s, s.cells, p);
  if (s.sel) selection(ctx, s, p, s.sel);
  if (s.cursor >= 0) {
    const c = Math.floor(s.cursor / g.rows), r = s.cursor % g.rows;
    const x = colX(g, plot, c, s.dpr), y = rowY(g, plot, r, s.dpr);
    ctx.strokeStyle = p.mark;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(x - 0.5, y - 0.5, colX(g, plot, c + 1, s.dpr) - x + 1, rowY(g, plot, r + 1, s.dpr) - y + 1);
  }
  axes(ctx, s, p);
}

function hatch(ctx: CanvasRenderingContext2D, s: Scene, p: Palette, end: number): void {
  ctx.save();
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

function squares(ctx: CanvasRenderingContext2D, s: Scene, cells: Cells, p: Palette): void {
  const { grid: g, plot, dpr } = s;
  const w = plot.w / g.cols, h = plot.h / g.rows;
  // A hairline between squares where there is room for one.
  const gapX = w >= 6 ? 1 : w >= 3 ? 1 / dpr : 0, gapY = h >= 6 ? 1 : h >= 3.5 && dpr > 1 ? 1 / dpr : 0;
  let last = "";
  for (let c = 0; c < g.cols; c++) {
    const x = colX(g, plot, c, dpr), cw = colX(g, plot, c + 1, dpr) - x - gapX;
    for (let r = 0; r < g.rows; r++) {
      const i = c * g.rows + r;
      if (i < g.first || i >= g.end) continue;
      const v = at(cells, cellTime(g, i));
      if (v !== v) continue;
      const fill = p.heat[tone(v, s.top)];
      if (fill !== last) { ctx.fillStyle = fill; last = fill; }
      const y = rowY(g, plot, r, dpr);
      if (gapX || gapY) {
        // The gap must not show the hatching behind.
        ctx.clearRect(x, y, cw + gapX, rowY(g, plot, r + 1, dpr) - y);
      }
      ctx.fillRect(x, y, cw, rowY(g, plot, r + 1, dpr) - y - gapY);
    }
  }
}

function selection(ctx: CanvasRenderingContext2D, s: Scene, p: Palette, sel: [number, number]): void {
  const { x, y, w, h } = s.plot;
  ctx.beginPath();
  ctx.rect(x, y, w, h);
  for (const r of rects(s.grid, s.plot, sel[0], sel[1], s.dpr)) ctx.rect(r.x, r.y, r.w, r.h);
  ctx.fillStyle = p.veil;
  ctx.fill("evenodd");
  ctx.beginPath();
  for (const poly of outline(s.grid, s.plot, sel[0], sel[1], s.dpr)) {
    poly.forEach(([px, py], i) => (i ? ctx.lineTo(px, py) : ctx.moveTo(px, py)));
    ctx.closePath();
  }
  ctx.lineJoin = "round";
  ctx.strokeStyle = p.mark;
  ctx.lineWidth = 2;
  ctx.stroke();
}

function axes(ctx: CanvasRenderingContext2D, s: Scene, p: Palette): void {
  const { grid: g, plot } = s;
  ctx.font = "11px system-ui, sans-serif";
  ctx.fillStyle = p.axis;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  const marks = g.stepMs === 1e4 ? [0, 12, 24, 36, 48] : g.rows === 60 ? [0, 15, 30, 45] : g.rows === 24 ? [0, 6, 12, 18] : [0, 5];
  for (const r of marks) ctx.fillText(rowLabel(g, r), plot.x - 6, rowY(g, plot, r) + (r === 0 ? 5 : 0));
  ctx.textBaseline = "alphabetic";
  let free = -Infinity;
  for (const t of ticks(g, s.zoneMs, Math.max(2, Math.floor(plot.w / 64)))) {
    const x = colX(g, plot, t.col, s.dpr), base = plot.y + plot.h;
    const text = t.major ? day(t.ms) : clock(t.ms, false);
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

/** ":15" for minutes or seconds within a column, "06:00" for hours of a day, "+4 min" else. */
function rowLabel(g: Grid, r: number): string {
  if (g.rows === 24) return String(r).padStart(2, "0") + ":00";
  const within = r * g.stepMs;
  if (g.stepMs === 1000) return ":" + String(r).padStart(2, "0");
  if (g.rows * g.stepMs === 36e5) return ":" + String(within / 6e4).padStart(2, "0");
  return `+${within / 6e4} min`;
}
