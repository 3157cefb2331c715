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
  id: number; // of this tree alone, to tell trees apart
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
  diff: Diff | null; // of a comparison: value and self are then widths
}

/** What a comparison knows of each node beside its width; base is as it was, not scaled. */
export interface Diff {
  states: readonly string[];
  scale: number; // makes base values comparable
  total: Float64Array;
  self: Float64Array;
  base: Float64Array;
  baseSelf: Float64Array;
  state: Uint8Array;
}

/** Levels beyond this are an error of the sender: Java stacks end at 2048. */
const MAX_LEVEL = 65535;

/** Builds the tree; throws with the node's index when the columns disagree. */
export function buildTree(c: Columns): Tree {
  const src = c.nodes, n = src.level.length;
  for (const k of ["name", "file", "kind", "offset", "total", "self"] as const) sameLength(k, src[k].length, n);
  for (let i = 0; i < n; i++) {
    const l = src.level[i];
    if (l > MAX_LEVEL || (i > 0 && (l < 1 || l > src.level[i - 1] + 1)) || (i === 0 && l !== 0)) throw new Error(`icicle: node ${i} has level ${l} below no parent`);
    if (src.name[i] >= c.strings.length || src.file[i] >= c.strings.length) throw new Error(`icicle: node ${i} names no string`);
  }
  return indexed({
    unit: c.unit, total: c.total, seconds: c.seconds, strings: c.strings, kinds: c.kinds,
    prunedCount: c.pruned?.count ?? 0, prunedSum: c.pruned?.sum ?? 0, diff: null,
    level: new Uint16Array(src.level), name: new Uint32Array(src.name), file: new Uint32Array(src.file), kind: new Uint8Array(src.kind),
    offset: new Float64Array(src.offset), value: new Float64Array(src.total), self: new Float64Array(src.self),
  });
}

export function sameLength(column: string, got: number, want: number): void {
  if (got !== want) throw new Error(`icicle: column ${column} has ${got} entries, level has ${want}`);
}

let trees = 0;

/** Adds what follows from the levels: parents, ends of subtrees, nodes by level. */
export function indexed(t: Omit<Tree, "id" | "size" | "depth" | "parent" | "end" | "levels">): Tree {
  const level = t.level, n = level.length;
  const parent = new Int32Array(n), end = new Int32Array(n);
  let depth = 0;
  for (let i = 0; i < n; i++) if (level[i] >= depth) depth = level[i] + 1;
  const counts = new Int32Array(depth), open = new Int32Array(depth); // the open node of each level
  let top = -1;
  for (let i = 0; i < n; i++) {
    const l = level[i];
    while (top >= l) end[open[top--]] = i;
    parent[i] = l > 0 ? open[l - 1] : -1;
    open[++top] = i;
    counts[l]++;
  }
  while (top >= 0) end[open[top--]] = n;
  const levels = Array.from(counts, (k) => new Int32Array(k));
  const fill = new Int32Array(depth);
  for (let i = 0; i < n; i++) levels[level[i]][fill[level[i]]++] = i;
  return { ...t, id: ++trees, size: n, depth, parent, end, levels };
}

/** The tree less some subtrees, closed up: what is hidden counts nowhere. The root stays. */
export function without(t: Tree, hidden: readonly number[]): Tree {
  const drop = [...new Set(hidden)].filter((h) => h > 0).sort((a, b) => a - b);
  if (drop.length === 0) return t;
  const ids = new Int32Array(t.size), shift = new Float64Array(t.size);
  const value = t.value.slice(), parts = t.diff ? [t.diff.total, t.diff.base].map((c) => c.slice()) : [];
  let kept = 0, gone = 0, next = 0;
  for (let i = 0; i < t.size; ) {
    while (next < drop.length && drop[next] < i) next++; // inside one dropped before
    if (drop[next] === i) {
      for (let k = t.parent[i]; k >= 0; k = t.parent[k]) {
        value[k] -= t.value[i];
        if (t.diff) { parts[0][k] -= t.diff.total[i]; parts[1][k] -= t.diff.base[i]; }
      }
      gone += t.value[i];
      i = t.end[i];
      continue;
    }
    shift[kept] = gone;
    ids[kept++] = i++;
  }
  const pick = <T extends Float64Array | Uint16Array | Uint32Array | Uint8Array>(from: T): T => {
    const to = from.slice(0, kept) as T;
    for (let i = 0; i < kept; i++) to[i] = from[ids[i]];
    return to;
  };
  const offset = pick(t.offset);
  for (let i = 0; i < kept; i++) offset[i] -= shift[i];
  return indexed({
    unit: t.unit, total: t.diff ? parts[0][0] : value[0], seconds: t.seconds, strings: t.strings, kinds: t.kinds, prunedCount: t.prunedCount, prunedSum: t.prunedSum,
    level: pick(t.level), name: pick(t.name), file: pick(t.file), kind: pick(t.kind), offset, value: pick(value), self: pick(t.self),
    diff: t.diff && { ...t.diff, total: pick(parts[0]), self: pick(t.diff.self), base: pick(parts[1]), baseSelf: pick(t.diff.baseSelf), state: pick(t.diff.state) },
  });
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
