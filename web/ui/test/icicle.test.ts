import assert from "node:assert/strict";
import { test } from "node:test";
import { depthOf, layout, nodeAt, sideways, type View } from "../src/icicle/layout";
import { flipped, moved } from "../src/icicle/move";
import { rowAt, rowY } from "../src/icicle/paint";
import { findByHash, pathHash } from "../src/icicle/path";
import { detailFor, exactly, find, minShare, within } from "../src/icicle/search";
import { threadStates } from "../src/icicle/threadstate";
import { ancestry, buildTree, children, nodeName, prunedIn, without } from "../src/icicle/tree";
import { matchTable, parseQuery } from "../src/text/match";
import { columns, SMALL } from "./helpers";

const tree = buildTree(columns(SMALL)); // nodes: 0 all, 1 a, 2 b, 3 c, 4 d, 5 b
const view = (v: Partial<View>): View => ({ zoom: 0, width: 1000, minPx: 0.5, firstRow: 0, endRow: 100, marks: null, ...v });
const boxes = (v: View) => {
  const b = layout(tree, v);
  return Array.from({ length: b.count }, (_, i) => [b.node[i], Math.round(b.x[i] * 1e6) / 1e6, Math.round(b.w[i] * 1e6) / 1e6, b.row[i]]);
};

test("the tree knows parents, subtree ends and levels", () => {
  assert.deepEqual([...tree.parent], [-1, 0, 1, 1, 0, 4]);
  assert.deepEqual([...tree.end], [6, 4, 3, 4, 6, 6]);
  assert.deepEqual(tree.levels.map((l) => [...l]), [[0], [1, 4], [2, 3, 5]]);
  assert.deepEqual(children(tree, 0), [1, 4]);
  assert.deepEqual(ancestry(tree, 5), [0, 4, 5]);
});

test("columns that disagree are refused with the node", () => {
  const skip = columns(SMALL);
  skip.nodes.level[1] = 2;
  assert.throws(() => buildTree(skip), /node 1 has level 2 below no parent/);
  const short = columns(SMALL);
  short.nodes.self.pop();
  assert.throws(() => buildTree(short), /column self has 5 entries, level has 6/);
  const twoRoots = columns(SMALL);
  twoRoots.nodes.level[4] = 0;
  assert.throws(() => buildTree(twoRoots), /node 4/);
  const name = columns(SMALL);
  name.nodes.name[3] = 99;
  assert.throws(() => buildTree(name), /node 3 names no string/);
});

test("the whole tree is laid out in proportion", () => {
  assert.deepEqual(boxes(view({})), [[0, 0, 1000, 0], [1, 0, 600, 1], [4, 600, 300, 1], [2, 0, 400, 2], [3, 400, 200, 2], [5, 600, 100, 2]]);
});

test("zooming keeps ancestors at full width and drops the rest", () => {
  assert.deepEqual(boxes(view({ zoom: 4 })), [[0, 0, 1000, 0], [4, 0, 1000, 1], [5, 0, 333.333333, 2]]);
});

test("frames too small to draw become one run, marked when one of them is", () => {
  const b = layout(tree, view({ minPx: 250, marks: Uint8Array.from([0, 0, 0, 1, 0, 0]) }));
  const runs = Array.from({ length: b.count }, (_, i) => i).filter((i) => b.node[i] < 0).map((i) => [b.x[i], b.w[i], b.row[i], b.hit[i]]);
  assert.deepEqual(runs, [[400, 300, 2, 1]]);
});

test("only rows in sight are laid out", () => {
  assert.deepEqual(boxes(view({ firstRow: 1, endRow: 2 })).map((b) => b[0]), [1, 4]);
});

test("a point finds its frame", () => {
  assert.equal(nodeAt(tree, view({}), 450, 2), 3);
  assert.equal(nodeAt(tree, view({}), 950, 1), -1); // self time of the root
  assert.equal(nodeAt(tree, view({}), 950, 0), 0);
  assert.equal(nodeAt(tree, view({ zoom: 4 }), 900, 0), 0);
  assert.equal(nodeAt(tree, view({ zoom: 4 }), 200, 2), 5);
  assert.equal(nodeAt(tree, view({}), 10, 7), -1);
});

test("arrow keys walk the tree", () => {
  assert.equal(moved(tree, view({}), 0, "ArrowDown"), 1); // the largest callee
  assert.equal(moved(tree, view({}), 5, "ArrowUp"), 4);
  assert.equal(moved(tree, view({}), 0, "ArrowUp"), -1);
  assert.equal(moved(tree, view({}), 3, "ArrowRight"), 5);
  assert.equal(moved(tree, view({}), 1, "ArrowLeft"), -1);
  assert.equal(sideways(tree, view({ zoom: 1 }), 3, 1), -1); // d's b is out of the view
  assert.equal(moved(tree, view({}), 0, "x"), undefined);
  assert.equal(depthOf(tree, 4), 3);
});

test("a search counts nested matches once", () => {
  const nested = buildTree(columns(["all", 0, ["x1", 10, ["y", 0, ["x2", 30]]], ["y", 60]]));
  const f = find(nested, matchTable(nested.strings, parseQuery("X")));
  assert.equal(f.count, 2);
  assert.equal(f.all, 40);
  assert.deepEqual([...f.top], [1]);
});

test("matched share of a view", () => {
  const f = find(tree, exactly(tree.strings, "b"));
  assert.equal(f.all, 50);
  assert.deepEqual([...f.top], [2, 5]);
  assert.equal(within(tree, f, 0), 50);
  assert.equal(within(tree, f, 1), 40);
  assert.equal(within(tree, f, 2), 40); // the match itself
  assert.equal(within(tree, f, 3), 0);
});

test("a path hash finds its frame again, also in another tree", () => {
  const hashes = Array.from({ length: 6 }, (_, i) => pathHash(tree, i));
  assert.equal(new Set(hashes).size, 6); // both b differ: they have different callers
  hashes.forEach((h, i) => assert.equal(findByHash(tree, h), i));
  const other = buildTree(columns(["all", 0, ["0", 1], ["d", 5, ["b", 2]]]));
  assert.equal(findByHash(other, hashes[5]), 3);
  assert.equal(findByHash(other, hashes[2]), -1);
  assert.equal(findByHash(tree, ""), -1);
});

test("pruned time is what a node has more than its frames", () => {
  const c = columns(SMALL);
  c.nodes.self[4] = 5; // d's total stays 30: 15 of it were left out
  const t = buildTree(c);
  assert.equal(prunedIn(t, 0), 15);
  assert.equal(prunedIn(t, 4), 15);
  assert.equal(prunedIn(t, 1), 0);
});

test("detail grows with the zoom, to a limit", () => {
  assert.deepEqual([1, 0.5, 0.25, 0.2, 0.01, 1e-9, 0].map(detailFor), [0, 1, 1, 2, 4, 5, 0]);
  assert.equal(minShare(0), 0.0005);
  assert.equal(minShare(2), 0.00003125);
});

test("200,000 frames: what cannot be seen is not laid out one by one", () => {
  const c = columns(["all", 0]);
  const n = c.nodes;
  c.strings.push("leaf", "mid");
  for (let i = 0; i < 2000; i++) {
    n.level.push(1); n.name.push(3); n.file.push(0); n.kind.push(2); n.offset.push(i * 100); n.total.push(100); n.self.push(1);
    for (let k = 0; k < 99; k++) { n.level.push(2); n.name.push(2); n.file.push(0); n.kind.push(2); n.offset.push(i * 100 + k); n.total.push(1); n.self.push(1); }
  }
  n.total[0] = c.total = 200000;
  const t = buildTree(c);
  assert.equal(t.size, 200001);
  const b = layout(t, view({}));
  assert.equal(b.count, 1 + 2000 + 1); // callers are half a pixel each, the leaves one run
});

test("hidden stacks leave no gap and count nowhere", () => {
  const t = without(tree, [2]); // a's b, 40
  assert.deepEqual(Array.from({ length: t.size }, (_, i) => nodeName(t, i)), ["all", "a", "c", "d", "b"]);
  assert.deepEqual([...t.value], [60, 20, 20, 30, 10]);
  assert.deepEqual([...t.offset], [0, 0, 0, 20, 20]);
  assert.deepEqual([...t.parent], [-1, 0, 1, 0, 3]);
  assert.equal(t.total, 60);
  assert.deepEqual([...without(tree, [1, 2]).value], [40, 30, 10]); // inside one hidden already
  assert.equal(without(tree, [-1, 0]), tree); // the root stays, unknown ones are nothing
  assert.deepEqual([...tree.value], [100, 60, 40, 20, 30, 10]); // the whole tree is as it was
});

test("with the root at the bottom callers are above it", () => {
  const flip = { flip: true, skip: 0, inner: 200 }, down = { flip: false, skip: 1, inner: 200 };
  assert.equal(rowY(flip, 0), 180);
  assert.equal(rowY(flip, 2), 140);
  assert.deepEqual([rowAt(flip, 199), rowAt(flip, 180), rowAt(flip, 179)], [0, 0, 1]);
  assert.equal(rowY(down, 1), 0);
  assert.deepEqual([rowAt(down, 0), rowAt(down, 20)], [1, 2]);
  assert.equal(flipped("ArrowUp"), "ArrowDown");
  assert.equal(flipped("ArrowLeft"), "ArrowLeft");
});

test("what threads did is read from where waiting stacks end, the larger part wins", () => {
  const t = buildTree(columns(["all", 0, ["a", 0, ["jdk.internal.misc.Unsafe.park", 60], ["java.lang.Object.wait0", 10]], ["b", 20], ["java.lang.Thread.sleep0", 5], ["sun.nio.ch.EPoll.wait", 9]]));
  assert.deepEqual([...threadStates(t, "offcpu")], [1, 1, 1, 2, 6, 3, 4]);
  assert.deepEqual([...threadStates(t, "cpu")], [0, 0, 0, 0, 0, 0, 0]);
  assert.equal(threadStates(t, "wall")[4], 0);
});
