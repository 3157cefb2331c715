import assert from "node:assert/strict";
import { test } from "node:test";
import { at, first, fromAnswer, merge, sum } from "../src/heat/cells";
import { cellAt, cellAtPoint, cellTime, makeGrid, moveCell, scheme, ticks } from "../src/heat/grid";
import { quantile, ramp, tone, TONES } from "../src/heat/scale";
import { between, cells, column, extend, outline, rects } from "../src/heat/select";

const H = 36e5, M = 6e4, T0 = 1_700_000_000_000 - (1_700_000_000_000 % H); // an hour in UTC
const day = makeGrid(T0 + 10 * M, T0 + 24 * H + 10 * M, { stepMs: M, rows: 60 }, 0);
const plot = { x: 40, y: 10, w: 250, h: 120 }; // 10 px a column, 2 px a row

test("a column is an hour and a row a minute", () => {
  assert.equal(day.originMs, T0);
  assert.equal(day.cols, 25);
  assert.equal(day.first, 10);
  assert.equal(day.end, 24 * 60 + 10);
  assert.equal(cellTime(day, 61), T0 + H + M);
  assert.equal(cellAt(day, T0 + H + M + 59_999), 61);
});

test("columns start on local hours where the zone has half ones", () => {
  const g = makeGrid(T0 + 45 * M, T0 + 3 * H, { stepMs: M, rows: 60 }, 5.5 * H);
  assert.equal(g.originMs, T0 + 30 * M);
});

test("squares get finer for short ranges, and minutes where only those are kept", () => {
  assert.deepEqual(scheme(7 * 24 * H), { stepMs: M, rows: 60 });
  assert.deepEqual(scheme(24 * H), { stepMs: M, rows: 60 });
  assert.deepEqual(scheme(6 * H), { stepMs: 10_000, rows: 60 });
  assert.deepEqual(scheme(H), { stepMs: 1000, rows: 60 });
  assert.deepEqual(scheme(H, true), { stepMs: M, rows: 10 });
});

test("a point finds its cell; outside it finds the nearest in the range", () => {
  assert.equal(cellAtPoint(day, plot, 55, 11), 60);
  assert.equal(cellAtPoint(day, plot, 55, 129), 119);
  assert.equal(cellAtPoint(day, plot, -5, -5), day.first);
  assert.equal(cellAtPoint(day, plot, 999, 999), day.end - 1);
});

test("keys move by a row and by a column", () => {
  assert.equal(moveCell(day, 100, 0, 1), 101);
  assert.equal(moveCell(day, 100, 1, 0), 160);
  assert.equal(moveCell(day, 12, -1, 0), day.first);
});

test("dragging selects continuous time, in either direction", () => {
  assert.deepEqual(between(day, 70, 130), [T0 + 70 * M, T0 + 131 * M]);
  assert.deepEqual(between(day, 130, 70), [T0 + 70 * M, T0 + 131 * M]);
  assert.deepEqual(between(day, 70, 70), [T0 + 70 * M, T0 + 71 * M]);
});

test("shift-click extends to the cell, or pulls the nearer end in", () => {
  const sel: [number, number] = [T0 + 100 * M, T0 + 200 * M];
  assert.deepEqual(extend(day, sel, 50, 0), [T0 + 50 * M, T0 + 200 * M]);
  assert.deepEqual(extend(day, sel, 250, 0), [T0 + 100 * M, T0 + 251 * M]);
  assert.deepEqual(extend(day, sel, 110, 0), [T0 + 110 * M, T0 + 200 * M]);
  assert.deepEqual(extend(day, sel, 190, 0), [T0 + 100 * M, T0 + 191 * M]);
  assert.deepEqual(extend(day, null, 30, 20), [T0 + 20 * M, T0 + 31 * M]);
});

test("double-click selects the hour within the range", () => {
  assert.deepEqual(column(day, 75), [T0 + H, T0 + 2 * H]);
  assert.deepEqual(column(day, 30), [T0 + 10 * M, T0 + H]);
});

test("a selection covers cells, cut to the range", () => {
  assert.deepEqual(cells(day, [T0 + 70 * M, T0 + 71 * M]), [70, 71]);
  assert.deepEqual(cells(day, [T0 - H, T0 + 71 * M]), [10, 71]);
  assert.equal(cells(day, [T0 - 2 * H, T0 - H]), null);
});

test("a selection across columns is drawn as parts that do not overlap", () => {
  assert.deepEqual(rects(day, plot, 90, 91), [{ x: 50, y: 70, w: 10, h: 2 }]);
  assert.deepEqual(rects(day, plot, 90, 190), [{ x: 50, y: 70, w: 10, h: 60 }, { x: 60, y: 10, w: 10, h: 120 }, { x: 70, y: 10, w: 10, h: 20 }]);
  assert.deepEqual(rects(day, plot, 60, 180), [{ x: 50, y: 10, w: 20, h: 120 }]);
});

test("its outline is one staircase, or two boxes that are apart", () => {
  assert.equal(outline(day, plot, 90, 91).length, 1);
  assert.deepEqual(outline(day, plot, 110, 125), [
    [[50, 110], [60, 110], [60, 130], [50, 130]],
    [[60, 10], [70, 10], [70, 20], [60, 20]],
  ]);
  assert.deepEqual(outline(day, plot, 90, 190), [[[50, 70], [60, 70], [60, 10], [80, 10], [80, 30], [70, 30], [70, 130], [50, 130]]]);
});

test("tick labels stand on round local times and mark midnights", () => {
  const t = ticks(day, 0, 6);
  assert.ok(t.length >= 3 && t.length <= 6);
  assert.ok(t.every((x) => x.ms % (6 * H) === 0));
  assert.deepEqual(t.filter((x) => x.major).map((x) => x.ms % (24 * H)), [0]);
});

test("the scale is clamped at its top and keeps 0 apart", () => {
  assert.equal(tone(0, 100), 0);
  assert.equal(tone(0.001, 100), 1);
  assert.equal(tone(50, 100), 128);
  assert.equal(tone(100, 100), TONES);
  assert.equal(tone(5000, 100), TONES);
  assert.equal(tone(NaN, 100), 0);
});

test("the 99th percentile ignores idle and missing cells", () => {
  const v = [...Array(100).keys()].map((i) => i + 1);
  assert.equal(quantile([...v, 0, 0, NaN], 0.99), 99);
  assert.equal(quantile([0, NaN], 0.99), 0);
  assert.equal(quantile([7], 0.99), 7);
});

test("the ramp runs through its stops", () => {
  const r = ramp([[0, 0, 0], [100, 50, 0], [200, 100, 255]]);
  assert.equal(r.length, TONES + 1);
  assert.equal(r[0], "rgb(0,0,0)");
  assert.equal(r[TONES], "rgb(200,100,255)");
});

test("null stays missing and 0 stays idle", () => {
  const c = fromAnswer({ from_ms: T0, step_ms: M, unit: "nanoseconds", cells: [null, 0, 5] });
  assert.ok(Number.isNaN(at(c, T0)));
  assert.equal(at(c, T0 + M), 0);
  assert.deepEqual(sum(c, T0, T0 + 3 * M), { sum: 5, recorded: 2, peak: 5, peakMs: T0 + 2 * M });
});

test("a poll is laid over older cells and the window moves on", () => {
  const old = fromAnswer({ from_ms: T0, step_ms: M, unit: "bytes", cells: [1, 2, 3, null], demo_until_ms: T0 + M });
  const next = fromAnswer({ from_ms: T0 + 2 * M, step_ms: M, unit: "bytes", cells: [30, 40, 50], demo_until_ms: null });
  const m = merge(old, next, T0 + M, T0 + 6 * M);
  assert.equal(m.fromMs, T0 + M);
  assert.deepEqual([...m.values], [2, 30, 40, 50, NaN]);
  assert.equal(m.demoUntilMs, T0 + M);
  // Other squares replace, they do not mix.
  const fine = fromAnswer({ from_ms: T0, step_ms: 1000, unit: "bytes", cells: [1] });
  assert.equal(merge(old, fine, T0, T0 + M), fine);
});

test("where data begins: the first cell that is recorded, idle or not", () => {
  const c = fromAnswer({ from_ms: T0, step_ms: M, unit: "nanoseconds", cells: [null, null, 0, null, 7] });
  assert.equal(first(c, T0 - 9 * M), T0 + 2 * M);
  assert.equal(first(c, T0 + 3 * M), T0 + 4 * M);
  assert.equal(first(c, T0 + 5 * M), T0 + 5 * M);
});
