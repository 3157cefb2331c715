// The icicle as a picture: all its rows, not only those scrolled to, under a
// line that says what it is of.

import { palette } from "../color/palette";
import { isDark } from "../color/theme";
import { Labels } from "../icicle/labels";
import { depthOf, layout, type View } from "../icicle/layout";
import { FONT, paintIcicle, ROW } from "../icicle/paint";
import type { Found } from "../icicle/search";
import type { Tree } from "../icicle/tree";
import type { Color } from "../urlstate";

const HEAD = 44, WIDTH = 1600, SCALE = 2;
/** Canvases end somewhere near 16,000 pixels. */
const MAX_ROWS = 380;

export interface Picture { tree: Tree; zoom: number; found: Found | null; colorBy: Color; type: string; title: string; subtitle: string; flip: boolean; }

/** Draws onto a canvas of its own; null when the browser has no room for it. */
export function picture(p: Picture): HTMLCanvasElement | null {
  const colors = palette(isDark()), depth = Math.min(MAX_ROWS, depthOf(p.tree, p.zoom)), h = depth * ROW;
  const out = document.createElement("canvas"), body = document.createElement("canvas");
  out.width = body.width = WIDTH * SCALE;
  body.height = h * SCALE;
  out.height = (HEAD + h + 8) * SCALE;
  const ctx = out.getContext("2d", { alpha: false }), inner = body.getContext("2d", { alpha: false });
  if (!ctx || !inner) return null;
  const view: View = { zoom: p.zoom, width: WIDTH, minPx: 0.4, firstRow: 0, endRow: depth, marks: p.found?.nodes ?? null };
  paintIcicle(inner, {
    tree: p.tree, boxes: layout(p.tree, view), view, rows: { flip: p.flip, skip: 0, inner: h }, scrollTop: 0, width: WIDTH, height: h, dpr: SCALE,
    colorBy: p.colorBy, type: p.type, searching: p.found !== null,
  }, colors, new Labels());
  ctx.scale(SCALE, SCALE);
  ctx.fillStyle = colors.ground;
  ctx.fillRect(0, 0, WIDTH, HEAD + h + 8);
  ctx.drawImage(body, 0, HEAD, WIDTH, h);
  ctx.fillStyle = colors.text;
  ctx.font = "600 " + FONT.replace("12px", "15px");
  ctx.fillText(p.title, 8, 19, WIDTH - 16);
  ctx.fillStyle = colors.axis;
  ctx.font = FONT;
  ctx.fillText(p.subtitle, 8, 36, WIDTH - 16);
  return out;
}

/** Hands a canvas over as a file. */
export function download(canvas: HTMLCanvasElement, name: string): void {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const a = document.createElement("a");
    a.href = URL.createObjectURL(blob);
    a.download = name;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
  }, "image/png");
}
