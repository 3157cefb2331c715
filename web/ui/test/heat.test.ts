import assert from "node:assert/strict";
import { test } from "node:test";
import { at, first, fromAnswer, merge, sum } from "../src/heat/cells";
import { cellAt, cellAtPoint, cellTime, makeGrid, moveCell, scheme, ticks } from "../src/heat/grid";
import { around, grouped } from "../src/heat/marks";
import { quantile, ramp, tint, tints, TINTS, tone, TONES } from "../src/heat/scale";
import { between, cells, column, extend, outline, outlines, pieces, rectangle, rects, rhythm, stretches } from "../src/heat/select";
import { zoomed, zoomedTo } from "../src/heat/zoom";

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
  assert.deepEqual(scheme(10 * M), { stepMs: 50, rows: 20 });
  assert.deepEqual(scheme(5 * M), { stepMs: 20, rows: 50 });
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
  assert.deepEqual(cells(day, T0 + 70 * M, T0 + 71 * M), [70, 71]);
  assert.deepEqual(cells(day, T0 - H, T0 + 71 * M), [10, 71]);
  assert.equal(cells(day, T0 - 2 * H, T0 - H), null);
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

test("a rectangle is the same minutes of every hour", () => {
  // From 02:05 to 04:09: minutes 5 to 9 of three hours, whichever corners are given.
  const want = [T0 + 2 * H + 5 * M, T0 + 4 * H + 10 * M, H, 5 * M];
  assert.deepEqual(rectangle(day, 125, 249), want);
  assert.deepEqual(rectangle(day, 245, 129), want);
  assert.deepEqual(stretches([...want] as [number, number, number, number]), [
    [T0 + 2 * H + 5 * M, T0 + 2 * H + 10 * M], [T0 + 3 * H + 5 * M, T0 + 3 * H + 10 * M], [T0 + 4 * H + 5 * M, T0 + 4 * H + 10 * M],
  ]);
  assert.deepEqual(rhythm([T0, T0 + H, H, 5 * M]), { every: "3600s", keep: "300s" });
  assert.deepEqual(rhythm([T0, T0 + H, 1000, 40]), { every: "1s", keep: "40ms" });
  assert.deepEqual(rhythm([T0, T0 + H]), {});
});

test("a rectangle of one column, or of whole columns, is continuous", () => {
  assert.deepEqual(rectangle(day, 125, 130), [T0 + 125 * M, T0 + 131 * M]);
  assert.deepEqual(rectangle(day, 120, 239), [T0 + 2 * H, T0 + 4 * H]);
});

test("a rectangle leaves out columns in which its rows lie outside of the range", () => {
  // The range starts at minute 10 and ends at minute 10 a day later.
  assert.deepEqual(rectangle(day, 0, 65), [T0 + H, T0 + H + 6 * M]);
  assert.deepEqual(rectangle(day, 60 * 22 + 20, 60 * 24 + 29), [T0 + 22 * H + 20 * M, T0 + 23 * H + 30 * M, H, 10 * M]);
});

test("a rectangle is drawn as one box, on other squares as its stretches", () => {
  const sel = rectangle(day, 125, 249);
  assert.deepEqual(pieces(day, sel), [[125, 130], [185, 190], [245, 250]]);
  assert.deepEqual(outlines(day, plot, pieces(day, sel)), [[[60, 20], [90, 20], [90, 30], [60, 30]]]);
  const hour = makeGrid(T0 + 2 * H, T0 + 3 * H, { stepMs: 1000, rows: 60 }, 0);
  assert.deepEqual(pieces(hour, sel), [[300, 600]]);
});

const M5 = 5 * M;
test("zooming goes down the ladder and keeps the anchor in place", () => {
  const day = { fromMs: T0, untilMs: T0 + 24 * H, moving: false }, later = T0 + 48 * H;
  assert.deepEqual(zoomed(day, 1, T0 + 12 * H, later), { from: String(T0 + 9 * H), to: String(T0 + 15 * H) });
  assert.deepEqual(zoomed(day, 1, T0, later), { from: String(T0), to: String(T0 + 6 * H) });
  const six = { fromMs: T0, untilMs: T0 + 6 * H, moving: false };
  assert.deepEqual(zoomed(six, 1, T0 + 3 * H, later), { from: String(T0 + 2.5 * H), to: String(T0 + 3.5 * H) });
  const hour = { fromMs: T0, untilMs: T0 + H, moving: false };
  assert.deepEqual(zoomed(hour, 1, T0 + H, later), { from: String(T0 + 50 * M), to: String(T0 + H) });
  assert.deepEqual(zoomed({ fromMs: T0, untilMs: T0 + 2 * M, moving: false }, 1, T0 + M, later), { from: String(T0 + 50_000), to: String(T0 + 70_000) });
  assert.equal(zoomed({ fromMs: T0, untilMs: T0 + 20_000, moving: false }, 1, T0, later), null);
});

test("zooming out ends at a week and follows now where it reaches it", () => {
  const hour = { fromMs: T0, untilMs: T0 + H, moving: false };
  assert.deepEqual(zoomed(hour, -1, T0 + H / 2, T0 + 24 * H), { from: String(T0 - 2.5 * H), to: String(T0 + 3.5 * H) });
  assert.deepEqual(zoomed(hour, -1, T0 + H, T0 + H), { from: "now-6h", to: "" });
  assert.equal(zoomed({ fromMs: T0, untilMs: T0 + 168 * H, moving: false }, -1, T0, T0 + 200 * H), null);
});

test("zooming to a selection shows it, and at least ten seconds", () => {
  assert.deepEqual(zoomedTo(T0 + M5, T0 + 2 * M5, T0 + H), { from: String(T0 + M5), to: String(T0 + 2 * M5) });
  assert.deepEqual(zoomedTo(T0 + 30_000, T0 + 30_020, T0 + H), { from: String(T0 + 25_000), to: String(T0 + 36_000) });
});

test("marks that are near are one, and compare equal times around them", () => {
  const m = (ms: number) => ({ ms, kind: "deploy" as const, text: "" });
  assert.deepEqual(grouped([m(0), m(5), m(40)], (ms) => ms).map((g) => [g.x, g.marks.length]), [[0, 2], [40, 1]]);
  assert.deepEqual(around(T0 + 6 * H + 123, T0, T0 + 24 * H), { base: [T0 + 5 * H, T0 + 6 * H], sel: [T0 + 6 * H, T0 + 7 * H] });
  assert.deepEqual(around(T0 + 10 * M, T0, T0 + 24 * H), { base: [T0, T0 + 10 * M], sel: [T0 + 10 * M, T0 + 20 * M] });
  assert.equal(around(T0, T0, T0 + 24 * H), null);
});

test("a search tints by share; any match at all is seen", () => {
  assert.equal(tint(0, 0.5), 0);
  assert.equal(tint(0.001, 0.5), 1);
  assert.equal(tint(0.25, 0.5), TINTS / 2);
  assert.equal(tint(0.9, 0.5), TINTS);
  assert.equal(tint(0.9, 0), 0);
  const two = tints([[0, 0, 0], [255, 255, 255]], [[0, 0, 80], [0, 0, 240]]);
  assert.equal(two.length, TINTS + 1);
  assert.equal(two[0][TONES], "rgb(255,255,255)");
  assert.equal(two[TINTS][TONES], "rgb(0,0,240)");
});
