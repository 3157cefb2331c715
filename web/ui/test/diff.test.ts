import assert from "node:assert/strict";
import { test } from "node:test";
import { buildDiff, delta, lean, sign, tint, type DiffColumns } from "../src/icicle/diff";
import { layout } from "../src/icicle/layout";
import { without } from "../src/icicle/tree";
import { baseline } from "../src/page/narrow";
import { ANY, explicit, said, side, swapped } from "../src/page/sides";
import { changeWords, deltaText, significance } from "../src/top/change";
import { diffSorted } from "../src/top/rows";
import { DEFAULTS, formatState, parseState, type State } from "../src/urlstate";

// Before: all 60 = old 20 + kept 40. After: all 90 = kept 60 + new 30. Scale 1.5.
const COLUMNS: DiffColumns = {
  unit: "nanoseconds", total: 90, base_total: 60, seconds: 60, width: 180, scale: 1.5,
  strings: ["", "all", "new", "old", "kept"], kinds: ["unknown", "jit"], states: ["same", "new", "removed", "grew", "shrank"],
  nodes: {
    level: [0, 1, 1, 1], name: [1, 4, 2, 3], file: [0, 0, 0, 0], kind: [0, 1, 1, 1], offset: [0, 0, 120, 150], width: [180, 120, 30, 30],
    total: [90, 60, 30, 0], self: [0, 60, 30, 0], base_total: [60, 40, 0, 20], base_self: [0, 40, 0, 20], state: [0, 0, 1, 2],
  },
};

test("a comparison is as wide as before and after together: what vanished is there", () => {
  const t = buildDiff(COLUMNS);
  const b = layout(t, { zoom: 0, width: 1800, minPx: 0.5, firstRow: 0, endRow: 9, marks: null });
  assert.deepEqual([...b.node.slice(0, b.count)], [0, 1, 2, 3]);
  assert.deepEqual([...b.w.slice(0, b.count)], [1800, 1200, 300, 300]);
  assert.equal(t.diff.base[3], 20);
  assert.deepEqual([...t.self], [0, 120, 30, 30]); // widths too: nothing counts as pruned
  assert.throws(() => buildDiff({ ...COLUMNS, nodes: { ...COLUMNS.nodes, state: [0] } }), /column state has 1 entries, level has 4/);
});

test("hiding closes both sides up", () => {
  const t = without(buildDiff(COLUMNS), [1]);
  assert.deepEqual([...t.value], [60, 30, 30]);
  assert.deepEqual([...t.offset], [0, 0, 30]);
  assert.deepEqual([...t.diff!.total], [30, 30, 0]);
  assert.deepEqual([...t.diff!.base], [20, 0, 20]);
});

test("the tone says how much, the sign and the middle say whether", () => {
  assert.equal(lean(30, 0), 1);
  assert.equal(lean(0, 30), -1);
  assert.equal(lean(60, 60), 0);
  assert.equal(lean(0, 0), 0);
  assert.deepEqual(["same", "new", "grew", "removed", "shrank", "unheard"].map(sign), ["", "▲", "▲", "▼", "▼", ""]);
  assert.equal(tint("same", 0.9, 4), 4); // not significant: no colour, however large
  assert.equal(tint("new", 1, 4), 8);
  assert.equal(tint("removed", -1, 4), 0);
  assert.equal(tint("grew", 0.01, 4), 5);
  assert.equal(tint("shrank", -0.2, 4), 2);
});

test("sides are compared by share or per minute", () => {
  const of = { total: 200, base: 100, seconds: 120, baseSeconds: 30 };
  assert.deepEqual(delta("share", { total: 50, base: 10 }, of), { after: 25, before: 10, change: 15 });
  assert.deepEqual(delta("rate", { total: 50, base: 10 }, of), { after: 25, before: 20, change: 5 });
  assert.deepEqual(delta("share", { total: 5, base: 0 }, { ...of, base: 0 }), { after: 2.5, before: 0, change: 2.5 });
});

test("a change in words", () => {
  assert.equal(deltaText("share", "nanoseconds", 7.8), "+7.8 points");
  assert.equal(deltaText("share", "nanoseconds", -0.5), "−0.5 points");
  assert.equal(deltaText("rate", "bytes", -2048), "−2 KiB/min");
  const d = { before: 12.3, after: 20.1, change: 7.8 };
  assert.equal(changeWords("share", "nanoseconds", d, "grew"), "12.3 % → 20.1 %, +7.8 points");
  assert.equal(changeWords("share", "nanoseconds", d, "same"), "12.3 % → 20.1 %, +7.8 points (not significant)");
  assert.equal(changeWords("share", "nanoseconds", { ...d, before: 0 }, "new"), "new, 20.1 %");
  assert.equal(changeWords("rate", "nanoseconds", { before: 3e9, after: 0, change: -3e9 }, "removed"), "gone, was 3 s/min");
  assert.match(significance(null, "new"), /too few time slices/);
  assert.match(significance(0.25, "same"), /^p = 0.25: slices of the two times differ as much by chance/);
  assert.match(significance(0.00001, "grew"), /^p = <0.0001/);
});

test("rows by change: what means nothing comes last", () => {
  const row = (f: string, self: number, base: number, state: string) => ({ function: f, file: "", line: 0, kind: "jit", self, total: self, base_self: base, base_total: base, state, p: 0.5 });
  const rows = [row("noise", 50, 10, "same"), row("up", 20, 10, "grew"), row("gone", 0, 30, "removed")];
  const a = { total: 100, base_total: 100, seconds: 60, base_seconds: 60 };
  assert.deepEqual(diffSorted(rows, "delta", "share", a).map((r) => r.function), ["gone", "up", "noise"]);
  assert.deepEqual(diffSorted(rows, "self", "share", a).map((r) => r.function), ["noise", "up", "gone"]);
});

const A = 'instance="a"', B = 'instance="b"';
const state = (s: Partial<State>): State => ({ ...DEFAULTS, ...s });
const both = (s: State) => [s.match, s.basematch.length ? s.basematch : s.match];

test("swapping twice is where one began", () => {
  for (const s of [state({ sel: [5, 9], base: [1, 4] }), state({ match: [A], basematch: [B] }), state({ match: [A], basematch: [ANY] }), state({ basematch: [B] }), state({ match: [A] })]) {
    const now: [number, number] = s.sel ? [s.sel[0], s.sel[1]] : [10, 20], base: [number, number] = s.base ?? now;
    const once = { ...s, ...swapped(s, now, base) };
    assert.deepEqual(once.sel, base);
    assert.deepEqual(once.base, now);
    const clean = (m: string[]) => m.filter((x) => x !== ANY);
    assert.deepEqual(both(once).map(clean), both(s).map(clean).reverse(), JSON.stringify(s));
    const twice = { ...once, ...swapped(once, base, now) };
    assert.deepEqual(both(twice).map(clean), both(s).map(clean));
  }
});

test("all of it is said where nothing would mean the other side's selectors", () => {
  assert.deepEqual(said([], [A]), [ANY]);
  assert.deepEqual(said([], []), []);
  assert.deepEqual(said([ANY, B], [A]), [B]);
  assert.deepEqual(explicit(state({})), [ANY]);
  assert.deepEqual(explicit(state({ match: [A] })), [A]);
  assert.deepEqual(explicit(state({ match: [A], basematch: [B] })), [B]);
});

test("what is asked: a baseline of time, of labels, or none", () => {
  assert.equal(baseline(state({ match: [A] }), 1, 2, false), null);
  assert.deepEqual(baseline(state({ base: [3, 4] }), 1, 2, false), { base_from: 3, base_until: 4, base_match: [], norm: "share" });
  assert.deepEqual(baseline(state({ basematch: [B], norm: "rate" }), 1, 2, true), { base_from: 1, base_until: 2, base_match: [B], norm: "rate" });
});

test("a comparison survives the address", () => {
  const s = state({ base: [1_699_990_000_000, 1_699_991_000_000], basematch: [ANY, B], norm: "rate", sort: "delta" });
  assert.deepEqual(parseState(formatState(s)), s);
  assert.equal(side("nanoseconds", "CPU", 90e9, 120), "1.5 min CPU in 2 min");
  assert.equal(side("bytes", "allocated", 0, 0), "nothing recorded");
});
