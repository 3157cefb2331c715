// What a search or a highlighted method covers. Nested matches count once: a
// frame inside a matched frame adds nothing to the share.

import { ancestry, type Tree } from "./tree";

export interface Found {
  nodes: Uint8Array; // 1 for each matched node
  count: number;
  all: number; // value covered in the whole tree
  top: Int32Array; // matched frames not inside another match, largest first
}

/** Nodes whose name (by string index) is marked in hit. */
export function find(t: Tree, hit: Uint8Array): Found {
  const nodes = new Uint8Array(t.size);
  const top: number[] = [];
  let count = 0, all = 0, covered = -1;
  for (let i = 0; i < t.size; i++) {
    if (!hit[t.name[i]]) continue;
    nodes[i] = 1;
    count++;
    if (i < covered) continue;
    covered = t.end[i];
    all += t.value[i];
    top.push(i);
  }
  top.sort((a, b) => t.value[b] - t.value[a] || a - b);
  return { nodes, count, all, top: Int32Array.from(top) };
}

/** The value matched within a zoomed frame. */
export function within(t: Tree, f: Found, zoom: number): number {
  if (zoom <= 0) return f.all;
  // Inside a match everything is matched.
  for (const a of ancestry(t, zoom)) if (f.nodes[a]) return t.value[zoom];
  let sum = 0;
  for (const i of f.top) if (i > zoom && i < t.end[zoom]) sum += t.value[i];
  return sum;
}

/** A mark for one exact name. */
export function exactly(strings: readonly string[], name: string): Uint8Array {
  const hit = new Uint8Array(strings.length);
  for (let i = 0; i < strings.length; i++) if (strings[i] === name) hit[i] = 1;
  return hit;
}

/** How deep a refetch must look so that a frame with this share shows all. */
export function detailFor(share: number): number {
  if (!(share > 0)) return 0;
  return Math.max(0, Math.min(5, Math.ceil(Math.log(1 / share) / Math.log(4) - 1e-9)));
}

/** The min_share of a detail level: four times finer each. */
export const minShare = (detail: number) => 0.0005 / 4 ** detail;
