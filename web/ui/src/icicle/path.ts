// A frame is remembered across reloads, refetches and time ranges by the names
// on its path, not by its index. A link carries a hash of the path: the path
// itself can be kilobytes. Two 26-bit halves keep it exact in a double.

import type { Tree } from "./tree";

function hashString(s: string, seed: number): number {
  let h = seed | 0;
  for (let i = 0; i < s.length; i++) h = Math.imul(h ^ s.charCodeAt(i), 0x01000193);
  return h ^ (h >>> 15);
}

const step = (parent: number, own: number) => {
  const h = Math.imul(parent ^ own, 0x85ebca6b);
  return h ^ (h >>> 13);
};

const join = (a: number, b: number) => (a >>> 6) * 0x4000000 + (b >>> 6);

/** The hash of the names from the root to a node. */
export function pathHash(t: Tree, node: number): string {
  const names: string[] = [];
  for (let k = node; k >= 0; k = t.parent[k]) names.push(t.strings[t.name[k]]);
  let a = 0, b = 0;
  for (let i = names.length - 1; i >= 0; i--) {
    a = step(a, hashString(names[i], 0x811c9dc5));
    b = step(b, hashString(names[i], 0x2545f491));
  }
  return join(a, b).toString(36);
}

/** The node with a path hash, -1 when the tree has none. */
export function findByHash(t: Tree, hash: string): number {
  const wanted = hash === "" ? NaN : parseInt(hash, 36);
  if (Number.isNaN(wanted)) return -1;
  const sa = new Int32Array(t.strings.length), sb = new Int32Array(t.strings.length);
  for (let i = 0; i < t.strings.length; i++) {
    sa[i] = hashString(t.strings[i], 0x811c9dc5);
    sb[i] = hashString(t.strings[i], 0x2545f491);
  }
  const a = new Int32Array(t.size), b = new Int32Array(t.size);
  for (let i = 0; i < t.size; i++) {
    const p = t.parent[i];
    a[i] = step(p < 0 ? 0 : a[p], sa[t.name[i]]);
    b[i] = step(p < 0 ? 0 : b[p], sb[t.name[i]]);
    if (join(a[i], b[i]) === wanted) return i;
  }
  return -1;
}
