// Draws an icicle, one row of the canvas per level: root on top, or with the
// root at the bottom and its callers above it (flip).

import { nameHash, packageOf, type Palette } from "../color/palette";
import type { Color } from "../urlstate";
import { lean, sign, tint } from "./diff";
import type { Labels } from "./labels";
import type { Boxes, View } from "./layout";
import { threadStates } from "./threadstate";
import type { Tree } from "./tree";

export const ROW = 20;
export const FONT = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";
const PAD = 4;

/** Where rows are: from the top less some rows, or from the bottom of a height. */
export interface Rows { flip: boolean; skip: number; inner: number; }

/** The top of a level, in pixels of the whole height. */
export const rowY = (r: Rows, level: number) => (r.flip ? r.inner - (level + 1) * ROW : (level - r.skip) * ROW);

/** The level at a height. */
export const rowAt = (r: Rows, y: number) => (r.flip ? Math.ceil((r.inner - y) / ROW) - 1 : Math.floor(y / ROW) + r.skip);

export interface IcicleScene {
  tree: Tree;
  boxes: Boxes;
  view: View;
  rows: Rows;
  scrollTop: number;
  width: number;
  height: number;
  dpr: number;
  colorBy: Color;
  type: string; // of the profile: thread states depend on it
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
  const color = frameColors(t, s.colorBy, s.type, p);
  let alpha = 1, fill = "";
  for (let i = 0; i < b.count; i++) {
    const n = b.node[i], row = b.row[i];
    const fade = s.searching && !b.hit[i];
    const x0 = Math.round(b.x[i] * s.dpr) / s.dpr, x1 = Math.round((b.x[i] + b.w[i]) * s.dpr) / s.dpr;
    // Faded frames keep a hint of their colour: what kind they are still shows.
    const a = (row < zoomRow ? 0.55 : 1) * (fade ? 0.28 : 1);
    const c = n < 0 ? (s.searching && !fade ? p.mark : p.small) : color(n);
    if (a !== alpha) ctx.globalAlpha = alpha = a;
    if (c !== fill) ctx.fillStyle = fill = c;
    // A gap of one pixel between frames, unless the frame is all gap.
    const gap = x1 - x0 > 3 ? 1 : 0;
    ctx.fillRect(x0, rowY(s.rows, row) - s.scrollTop, Math.max(1 / s.dpr, x1 - x0 - gap), ROW - 1);
  }
  ctx.globalAlpha = 1;
  // Labels in a second pass: one text colour, no state changes between.
  for (const faded of [false, true]) {
    ctx.fillStyle = faded ? p.fadedText : p.text;
    for (let i = 0; i < b.count; i++) {
      const n = b.node[i];
      if (n < 0 || b.w[i] < 22 || (s.searching && !b.hit[i]) !== faded) continue;
      const mark = t.diff ? sign(t.diff.states[t.diff.state[n]]) : "";
      const text = labels.of(ctx, t, n, b.w[i] - 2 * PAD - 1, mark && mark + "\u00a0");
      if (text) ctx.fillText(text, Math.max(0, b.x[i]) + PAD, rowY(s.rows, b.row[i]) - s.scrollTop + (ROW - 1) / 2 + 0.5);
    }
  }
}

/** The colour of a node, by the kind or the package of its frame, its threads, or the change. */
function frameColors(t: Tree, by: Color, type: string, p: Palette): (n: number) => string {
  const d = t.diff;
  if (d) {
    const k = (p.diff.length - 1) / 2;
    return (n) => p.diff[tint(d.states[d.state[n]], lean(d.total[n], d.base[n] * d.scale), k)];
  }
  if (by === "state") {
    const of = statesOf(t, type);
    return (n) => p.states[of[n]];
  }
  // The root "all" is nobody's frame; a focused or inverted root is one.
  const nobody = t.kinds[t.kind[0]] === "unknown";
  if (by === "kind") {
    const colors = t.kinds.map((k) => p.kinds[k] ?? p.kinds.unknown);
    return (n) => (n === 0 && nobody ? p.kinds.vm : colors[t.kind[n]] ?? p.kinds.unknown);
  }
  const byName: string[] = [];
  return (n) => (n === 0 && nobody ? p.kinds.vm : (byName[t.name[n]] ??= p.packages[nameHash(packageOf(t.strings[t.name[n]])) % p.packages.length]));
}

const known = new WeakMap<Tree, { type: string; of: Uint8Array }>();

/** Thread states of a tree, found once. */
export function statesOf(t: Tree, type: string): Uint8Array {
  let k = known.get(t);
  if (k?.type !== type) known.set(t, (k = { type, of: threadStates(t, type) }));
  return k!.of;
}
