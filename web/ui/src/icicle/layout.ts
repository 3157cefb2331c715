// Which frames of a tree are seen, and where. Zooming only changes the window
// of values [x0, x1) mapped onto the width: ancestors of the zoomed frame
// overlap the whole window and so fill the row by themselves.

import type { Tree } from "./tree";

export interface Boxes {
  count: number;
  node: Int32Array; // -1 = a run of frames too small to draw one by one
  x: Float64Array; // CSS pixels from the left of the canvas
  w: Float64Array;
  row: Uint16Array; // level in the tree
  hit: Uint8Array; // 1 when the frame, or a frame of the run, is marked
}

export interface View {
  zoom: number; // node at full width
  width: number; // CSS pixels
  minPx: number; // frames narrower than this are drawn as one run
  firstRow: number; // rows outside [firstRow, endRow) are not laid out
  endRow: number;
  marks: Uint8Array | null; // by node, of a search or highlight
}

export function layout(t: Tree, v: View): Boxes {
  const out = new Out();
  if (t.size === 0 || v.width <= 0) return out.done();
  const x0 = t.offset[v.zoom], span = t.value[v.zoom] || 1, x1 = x0 + span, k = v.width / span;
  const end = Math.min(v.endRow, t.depth);
  for (let row = Math.max(0, v.firstRow); row < end; row++) {
    const ids = t.levels[row];
    let runFrom = -1, runTo = -1, runHit = 0;
    const flush = () => {
      if (runFrom >= 0) out.push(-1, runFrom, runTo - runFrom, row, runHit);
      runFrom = -1;
      runHit = 0;
    };
    for (let i = firstAfter(t, ids, x0); i < ids.length; i++) {
      const n = ids[i];
      if (t.offset[n] >= x1) break;
      const a = Math.max(t.offset[n], x0), b = Math.min(t.offset[n] + t.value[n], x1);
      const px = (b - a) * k, at = (a - x0) * k;
      const hit = v.marks ? v.marks[n] : 0;
      if (px >= v.minPx) {
        flush();
        out.push(n, at, px, row, hit);
        continue;
      }
      if (runFrom < 0 || at - runTo >= 1) {
        flush();
        runFrom = at;
      }
      runTo = at + px;
      runHit |= hit;
    }
    flush();
  }
  return out.done();
}

/** The first node of a level that ends after x: levels are sorted by offset. */
function firstAfter(t: Tree, ids: Int32Array, x: number): number {
  let lo = 0, hi = ids.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (t.offset[ids[mid]] + t.value[ids[mid]] > x) hi = mid; else lo = mid + 1;
  }
  return lo;
}

/** The node at a horizontal position of a row, -1 if none is there. */
export function nodeAt(t: Tree, v: View, x: number, row: number): number {
  if (t.size === 0 || row < 0 || row >= t.depth || x < 0 || x > v.width) return -1;
  const at = t.offset[v.zoom] + (x / v.width) * (t.value[v.zoom] || 1);
  const ids = t.levels[row], i = firstAfter(t, ids, at);
  return i < ids.length && t.offset[ids[i]] <= at ? ids[i] : -1;
}

/** The next or previous frame on the same row, -1 at the edge of the view. */
export function sideways(t: Tree, v: View, node: number, by: 1 | -1): number {
  const ids = t.levels[t.level[node]];
  const i = firstAfter(t, ids, t.offset[node]) + by;
  if (i < 0 || i >= ids.length) return -1;
  const n = ids[i], x0 = t.offset[v.zoom], x1 = x0 + t.value[v.zoom];
  return t.offset[n] < x1 && t.offset[n] + t.value[n] > x0 ? n : -1;
}

/** Levels the view needs: as deep as the zoomed frame's stacks go. */
export function depthOf(t: Tree, node: number): number {
  let d = 0;
  for (let i = node; i < t.end[node]; i++) if (t.level[i] > d) d = t.level[i];
  return d + 1;
}

/** Growing columns: how many boxes there are is known only at the end. */
class Out {
  private n = 0;
  private node = new Int32Array(1024);
  private x = new Float64Array(1024);
  private w = new Float64Array(1024);
  private row = new Uint16Array(1024);
  private hit = new Uint8Array(1024);

  push(node: number, x: number, w: number, row: number, hit: number): void {
    if (this.n === this.node.length) {
      this.node = grow(this.node, new Int32Array(this.n * 2));
      this.x = grow(this.x, new Float64Array(this.n * 2));
      this.w = grow(this.w, new Float64Array(this.n * 2));
      this.row = grow(this.row, new Uint16Array(this.n * 2));
      this.hit = grow(this.hit, new Uint8Array(this.n * 2));
    }
    const i = this.n++;
    this.node[i] = node; this.x[i] = x; this.w[i] = w; this.row[i] = row; this.hit[i] = hit;
  }

  done(): Boxes {
    return { count: this.n, node: this.node, x: this.x, w: this.w, row: this.row, hit: this.hit };
  }
}

function grow<T extends Int32Array | Float64Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
