// The tree of a comparison: docs/api.md, /diff. A frame is as wide as before
// and after together, so that what vanished is as wide as what came.

import { buildTree, sameLength, type Diff, type Tree } from "./tree";

export interface DiffColumns {
  unit: string; total: number; base_total: number; seconds: number; width: number;
  strings: string[]; kinds: string[]; states: string[]; scale: number;
  nodes: {
    level: number[]; name: number[]; file: number[]; kind: number[]; offset: number[]; width: number[];
    total: number[]; self: number[]; base_total: number[]; base_self: number[]; state: number[];
  };
  pruned?: { count: number; sum: number };
}

export type DiffTree = Tree & { diff: Diff };

/** Builds the tree; throws like buildTree when the columns disagree. */
export function buildDiff(c: DiffColumns): DiffTree {
  const src = c.nodes, n = src.level.length;
  for (const k of ["width", "total", "base_total", "base_self", "state"] as const) sameLength(k, src[k].length, n);
  const self = src.self.map((v, i) => v + src.base_self[i] * c.scale);
  const t = buildTree({ ...c, nodes: { ...src, total: src.width, self } });
  return Object.assign(t, { diff: {
    states: c.states, scale: c.scale, total: new Float64Array(src.total), self: new Float64Array(src.self),
    base: new Float64Array(src.base_total), baseSelf: new Float64Array(src.base_self), state: new Uint8Array(src.state),
  } });
}

/** How much more (1 = all of it is new, −1 = all of it is gone), for the colour. */
export function lean(total: number, base: number): number {
  const width = total + base;
  return width > 0 ? (total - base) / width : 0;
}

export type Change = "same" | "new" | "removed" | "grew" | "shrank";

const SIGN: Record<string, string> = { new: "▲", grew: "▲", removed: "▼", shrank: "▼" };

/** ▲ or ▼ of a state, "" of what stayed: the sign for those who see no hue. */
export const sign = (state: string) => SIGN[state] ?? "";

/** Which of a ramp of 2k+1 colours, from gone to new, shows a node; the middle is "same". */
export function tint(state: string, leaning: number, k: number): number {
  if (sign(state) === "") return k;
  // A third more is the weakest tone, four times as much the strongest.
  const strength = Math.min(k, 1 + Math.floor(Math.abs(leaning) * k * 1.6));
  return sign(state) === "▲" ? k + strength : k - strength;
}

/** The difference in words: "+12.3 points" of the share, or in the unit and per minute. */
export interface Delta { after: number; before: number; change: number; }

/** Shares of both sides, in points of a hundred, or both per minute. */
export function delta(norm: "share" | "rate", v: { total: number; base: number }, of: { total: number; base: number; seconds: number; baseSeconds: number }): Delta {
  const per = (x: number, whole: number, s: number) => (norm === "share" ? (whole > 0 ? (x / whole) * 100 : 0) : s > 0 ? (x / s) * 60 : 0);
  const after = per(v.total, of.total, of.seconds), before = per(v.base, of.base, of.baseSeconds);
  return { after, before, change: after - before };
}
