// Draws an icicle, root on top: one row of the canvas per level.

import { nameHash, packageOf, type Palette } from "../color/palette";
import { fit, forms } from "../text/name";
import type { Boxes, View } from "./layout";
import type { Tree } from "./tree";

export const ROW = 20;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";
const PAD = 4;

export interface IcicleScene {
  tree: Tree;
  boxes: Boxes;
  view: View;
  scrollTop: number;
  width: number;
  height: number;
  dpr: number;
  colorBy: "kind" | "package";
  searching: boolean; // frames that are not marked fade
}

export function paintIcicle(ctx: CanvasRenderingContext2D, s: IcicleScene, p: Palette, labels: Labels): void {
  const { tree: t, boxes: b } = s;
  ctx.setTransform(s.dpr, 0, 0, s.dpr, 0, 0);
  ctx.fillStyle = p.ground;
  ctx.fillRect(0, 0, s.width, s.height);
  ctx.font = FONT;
  ctx.textBaseline = "middle";
  ctx.direction = "ltr";
  const zoomRow = t.level[s.view.zoom];
  const color = frameColors(t, s.colorBy, p);
  for (let i = 0; i < b.count; i++) {
    const n = b.node[i], row = b.row[i];
    const fade = s.searching && !b.hit[i];
    const x0 = Math.round(b.x[i] * s.dpr) / s.dpr, x1 = Math.round((b.x[i] + b.w[i]) * s.dpr) / s.dpr;
    const y = row * ROW - s.scrollTop;
    // Faded frames keep a hint of their colour: what kind they are still shows.
    ctx.globalAlpha = (row < zoomRow ? 0.55 : 1) * (fade ? 0.28 : 1);
    ctx.fillStyle = n < 0 ? (s.searching && !fade ? p.mark : p.small) : color(n);
    // A gap of one pixel between frames, unless the frame is all gap.
    const gap = x1 - x0 > 3 ? 1 : 0;
    ctx.fillRect(x0, y, Math.max(1 / s.dpr, x1 - x0 - gap), ROW - 1);
  }
  ctx.globalAlpha = 1;
  // Labels in a second pass: one text colour, no state changes between.
  for (const faded of [false, true]) {
    ctx.fillStyle = faded ? p.fadedText : p.text;
    for (let i = 0; i < b.count; i++) {
      const n = b.node[i];
      if (n < 0 || b.w[i] < 22 || (s.searching && !b.hit[i]) !== faded) continue;
      const x = Math.max(0, b.x[i]);
      const text = labels.of(ctx, t, n, b.w[i] - 2 * PAD - 1);
      if (text) ctx.fillText(text, x + PAD, b.row[i] * ROW - s.scrollTop + (ROW - 1) / 2 + 0.5);
    }
  }
}

/** The colour of a node, by the kind or the package of its frame. */
function frameColors(t: Tree, by: "kind" | "package", p: Palette): (n: number) => string {
  if (by === "kind") {
    const colors = t.kinds.map((k) => p.kinds[k] ?? p.kinds.unknown);
    // The root "all" is nobody's frame; a focused or inverted root is one.
    return (n) => (n === 0 && t.kinds[t.kind[0]] === "unknown" ? p.kinds.vm : colors[t.kind[n]] ?? p.kinds.unknown);
  }
  const byName = new Map<number, string>();
  return (n) => {
    let c = byName.get(t.name[n]);
    if (c === undefined) {
      c = n === 0 ? p.kinds.vm : p.packages[nameHash(packageOf(t.strings[t.name[n]])) % p.packages.length];
      byName.set(t.name[n], c);
    }
    return c;
  };
}

/**
 * Labels of frames. Measuring text is the dear part of drawing, so the forms
 * of a name are kept per tree and ASCII widths are added up from a table.
 */
export class Labels {
  private tree: Tree | null = null;
  private byName = new Map<number, string[]>();
  private ascii: Float64Array | null = null;

  of(ctx: CanvasRenderingContext2D, t: Tree, node: number, width: number): string {
    if (this.tree !== t) { this.tree = t; this.byName.clear(); }
    let names = this.byName.get(t.name[node]);
    if (!names) {
      names = forms(t.strings[t.name[node]]);
      this.byName.set(t.name[node], names);
    }
    return fit(names, width, (s) => this.measure(ctx, s));
  }

  private measure(ctx: CanvasRenderingContext2D, s: string): number {
    if (!this.ascii) {
      this.ascii = new Float64Array(128);
      for (let c = 32; c < 127; c++) this.ascii[c] = ctx.measureText(String.fromCharCode(c)).width;
    }
    let w = 0;
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c === 0x2026) w += 12;
      else if (c >= 128) return ctx.measureText(s).width;
      else w += this.ascii[c];
    }
    return w;
  }
}
