// The columnar tree of the API, checked once and indexed for drawing. All
// arrays are flat and indexed by node: nodes are in depth-first order, so a
// subtree is the run [i, end[i]) and a level's nodes are sorted by offset.

export interface Columns {
  unit: string;
  total: number;
  seconds: number;
  strings: string[];
  nodes: { level: number[]; name: number[]; file: number[]; kind: number[]; offset: number[]; total: number[]; self: number[] };
  kinds: string[];
  pruned?: { count: number; sum: number };
}

export interface Tree {
  unit: string;
  total: number;
  seconds: number;
  strings: readonly string[];
  kinds: readonly string[];
  prunedCount: number;
  prunedSum: number;
  size: number;
  depth: number; // number of levels
  level: Uint16Array;
  name: Uint32Array;
  file: Uint32Array;
  kind: Uint8Array;
  offset: Float64Array;
  value: Float64Array; // total
  self: Float64Array;
  parent: Int32Array; // -1 for the root
  end: Int32Array; // after the last node of the subtree
  levels: Int32Array[]; // nodes of each level, by offset
}

/** Levels beyond this are an error of the sender: Java stacks end at 2048. */
const MAX_LEVEL = 65535;

/** Builds the tree; throws with the node's index when the columns disagree. */
export function buildTree(c: Columns): Tree {
  const src = c.nodes, n = src.level.length;
  for (const k of ["name", "file", "kind", "offset", "total", "self"] as const) {
    if (src[k].length !== n) throw new Error(`icicle: column ${k} has ${src[k].length} entries, level has ${n}`);
  }
  const level = Uint16Array.from(src.level), name = Uint32Array.from(src.name), file = Uint32Array.from(src.file);
  const kind = Uint8Array.from(src.kind);
  const parent = new Int32Array(n), end = new Int32Array(n);
  const path: number[] = []; // the open node of each level
  const counts: number[] = [];
  for (let i = 0; i < n; i++) {
    const l = src.level[i];
    if (l > path.length || l > MAX_LEVEL || (l === 0) !== (i === 0)) throw new Error(`icicle: node ${i} has level ${l} below no parent`);
    if (name[i] >= c.strings.length || file[i] >= c.strings.length) throw new Error(`icicle: node ${i} names no string`);
    while (path.length > l) end[path.pop()!] = i;
    parent[i] = l > 0 ? path[l - 1] : -1;
    path.push(i);
    counts[l] = (counts[l] ?? 0) + 1;
  }
  while (path.length) end[path.pop()!] = n;
  const levels = counts.map((k) => new Int32Array(k));
  const fill = new Int32Array(levels.length);
  for (let i = 0; i < n; i++) levels[level[i]][fill[level[i]]++] = i;
  return {
    unit: c.unit, total: c.total, seconds: c.seconds, strings: c.strings, kinds: c.kinds,
    prunedCount: c.pruned?.count ?? 0, prunedSum: c.pruned?.sum ?? 0,
    size: n, depth: levels.length, level, name, file, kind,
    offset: Float64Array.from(src.offset), value: Float64Array.from(src.total), self: Float64Array.from(src.self),
    parent, end, levels,
  };
}

export const nodeName = (t: Tree, i: number) => t.strings[t.name[i]];

/** Direct children, in order. */
export function children(t: Tree, i: number): number[] {
  const out: number[] = [];
  for (let k = i + 1; k < t.end[i]; k = t.end[k]) out.push(k);
  return out;
}

/** From the root to the node, both included. */
export function ancestry(t: Tree, i: number): number[] {
  const out: number[] = [];
  for (let k = i; k >= 0; k = t.parent[k]) out.push(k);
  return out.reverse();
}

/**
 * Time inside a node that the server left out of the tree: its total, less
 * its self time and its children, over the whole subtree.
 */
export function prunedIn(t: Tree, i: number): number {
  let sum = 0;
  for (let k = i; k < t.end[i]; k++) sum += t.self[k];
  return Math.max(0, t.value[i] - sum);
}
