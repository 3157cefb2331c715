import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventRow } from "../src/heat/marks";
import { bridged, joined, makeAxis, msAt, nice, perSecond, stepOf, steps, ticks, xOf } from "../src/line/axis";
import { barAt, cpuLane, Data, heapLane, jitLane, moment, nextBar, pauseLane, stripLane, threadLane, waitLane, type Series } from "../src/line/model";
import { peaks } from "../src/line/paint";
import { amount, facts } from "../src/line/text";

const T0 = 1_700_000_000_000 - (1_700_000_000_000 % 36e5), M = 6e4;
const f = (...v: (number | null)[]) => Float64Array.from(v, (x) => x ?? NaN);
const list = (v: Float64Array) => Array.from(v, (x) => (Number.isNaN(x) ? null : x));

test("the axis has whole steps, about one a pixel", () => {
  assert.deepEqual(makeAxis(T0 + 300, T0 + 10 * M + 1), { fromMs: T0, untilMs: T0 + 601_000, stepMs: 1000 });
  assert.equal(makeAxis(T0, T0 + 24 * 60 * M).stepMs, 300_000);
  assert.equal(makeAxis(T0, T0 + 7 * 24 * 60 * M).stepMs, 900_000);
  const a = { fromMs: T0, untilMs: T0 + 10 * M, stepMs: 1000 };
  assert.equal(steps(a), 600);
  assert.equal(xOf(a, T0 + 5 * M, 800), 400);
  assert.equal(msAt(a, 400, 800), T0 + 5 * M);
  assert.equal(msAt(a, 900, 800), T0 + 10 * M);
  assert.equal(stepOf(a, T0 + 1999), T0 + 1000);
  assert.equal(stepOf(a, T0 + 99 * M), T0 + 599_000);
});

test("ticks are round in local time", () => {
  const a = { fromMs: T0 + 10 * M, untilMs: T0 + 130 * M, stepMs: M };
  assert.deepEqual(ticks(a, 0, 4).map((t) => (t - T0) / M), [30, 60, 90, 120]);
  assert.deepEqual(ticks(a, 15 * M, 4).map((t) => (t - T0) / M), [15, 45, 75, 105]);
});

test("heights are round numbers, of bytes powers of two", () => {
  assert.deepEqual([0, 0.26, 1, 7.2, 95, 1001].map((v) => nice(v)), [1, 0.3, 1, 8, 100, 1500]);
  assert.deepEqual([60 * 2 ** 20, 700, 1100].map((v) => nice(v, true)), [64 * 2 ** 20, 768, 2048]);
});

test("gaps like those beside them are bridged, others are gaps", () => {
  const minute = f(1, null, null, null, null, null, 7, null, null, null, null, null, 7);
  assert.deepEqual(list(bridged(minute, 10_000)), [1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7]);
  const seconds = f(1, 1, 1, null, null, null, null, null, 5, 5);
  assert.deepEqual(list(bridged(seconds, 1000)), [1, 1, 1, null, null, null, null, null, 5, 5]);
  assert.equal(list(bridged(seconds, 1000, true))[5], 3);
  assert.deepEqual(list(bridged(f(1, null, 3), 60_000)), [1, null, 3]); // two minutes
});

test("a counter becomes what it gains a second; a restart is no loss", () => {
  assert.deepEqual(list(perSecond(f(10, null, 30, 5, 9), 2000)), [null, 5, 5, null, 2]);
});

test("lines of instances are added up, or the largest taken", () => {
  assert.deepEqual(list(joined([f(1, null, 3), f(4, null, null)], 3, "sum")), [5, null, 3]);
  assert.deepEqual(list(joined([f(1, null, 3), f(4, null, null)], 3, "max")), [4, null, 3]);
});

const axis = { fromMs: T0, untilMs: T0 + 4000, stepMs: 1000 };
const series = (name: string, labels: Record<string, string>, ...values: (number | null)[]): Series => ({ name, unit: "", labels, values });
const data = (...s: Series[]) => new Data(axis, s);

test("CPU: pools first, the JVM's own threads after, small pools together", () => {
  const pool = (g: string, v: number) => series("cpu.usage", { thread_group: g }, v, v, null, v);
  const l = cpuLane(data(pool("a", 1), pool("b", 3), pool("JIT C1", 0.5), pool("JIT C2", 0.25), pool("GC", 0.1), pool("JFR", 0.01), pool("VM", 0.02),
    ...["c", "d", "e", "f", "g", "h"].map((g, i) => pool(g, 0.09 - i / 100))));
  assert.deepEqual(l.lines.map((x) => x.name), ["b", "a", "c", "d", "e", "f", "JIT", "GC", "VM", "other (2 groups)"]);
  assert.equal(l.lines[6].values[0], 0.75);
  assert.ok(Math.abs(l.lines[9].values[0] - 0.09) < 1e-9);
  assert.equal(l.lines[0].values[2], 3); // one missed second
  assert.equal(peaks(l).lines, 6); // 3 + 1 + 0.75 + …
});

test("a group that ended counts as nothing, not as unknown", () => {
  const l = cpuLane(data(series("cpu.usage", { thread_group: "a" }, 1, 1, 1, 1), series("cpu.usage", { thread_group: "b" }, 4, null, null, null)));
  assert.deepEqual(l.lines.map((x) => [x.name, ...list(x.values)]), [["a", 1, 1, 1, 1], ["b", 4, 0, 0, 0]]);
  assert.equal(facts(l, axis, null, [T0, T0 + 4000], 0)[1].text, "1 core");
});

test("lanes say what is not recorded", () => {
  assert.deepEqual(threadLane(data()).lines, []);
  assert.match(threadLane(data()).empty, /agent/);
  assert.match(threadLane(data(series("jvm.thread.count", {}, 5, 5, 5, 5))).note, /not recorded/);
  assert.match(waitLane(data(series("cpu.runqueue", { thread_group: "a" }, 0, 0, 0, 0))).note, /throttling was not recorded/);
  const both = waitLane(data(series("cgroup.cpu.throttled_time", {}, 0, 5e8, 5e8, 5e8), series("container.cpu.throttled_time", {}, 0, 1e9, 1e9, 1e9)));
  assert.deepEqual(both.lines.map((x) => list(x.values)), [[null, 0.5, 0, 0]]);
});

test("threads by state, the busiest at the bottom", () => {
  const s = (state: string, v: number) => series("threads.state", { state }, v, v, v, v);
  assert.deepEqual(threadLane(data(s("waiting", 9), s("blocked", 1), s("running", 2), s("runnable", 0))).lines.map((l) => l.name), ["running", "runnable", "blocked", "waiting"]);
});

test("heap of several instances is the largest, and says so", () => {
  const h = (instance: string, when: string, v: number) => series("jvm.memory.used", { instance, when }, v, null, v, v);
  const l = heapLane(data(h("a", "before gc", 5), h("b", "before gc", 9), h("a", "after gc", 2)));
  assert.deepEqual(l.lines.map((x) => [x.name, x.values[1]]), [["before GC", 9], ["after GC", 2]]);
  assert.equal(l.note, "largest of 2 instances");
});

const ev = (kind: string, at: number, ms: number, attrs: Record<string, string> = {}, name = "x"): EventRow =>
  ({ time_ms: T0 + at, duration_ns: ms * 1e6, kind, name, thread: "", instance: "a", attrs });

test("pauses take their cause from the collection", () => {
  const l = pauseLane(data(), [ev("gc.collection", 0, 9, { gcId: "7", cause: "Metadata Threshold" }), ev("gc.pause", 1, 4, { gcId: "7" }, "GC Pause"), ev("gc.pause", 900, 6, { gcId: "8" }, "GC Pause")], true);
  assert.deepEqual(l.names.map((n) => n.name), ["GC Pause", "Metadata Threshold"]); // the larger sum first
  assert.equal(l.bars.length, 2);
  assert.match(l.note, /only the first 2/);
  assert.deepEqual(facts(l, axis, null, [T0, T0 + 4000], 0).map((x) => x.name + " " + x.text), ["GC Pause 1", "Metadata Threshold 1", "sum, longest 10 ms, 6 ms"]);
  assert.deepEqual(facts(l, axis, T0 + 902, [T0, T0 + 4000], 5).map((x) => x.text), ["6 ms"]);
  assert.deepEqual(facts(l, axis, T0 + 500, [T0, T0 + 4000], 5).map((x) => x.name), ["no event here"]);
});

test("events are found by pointer and by key", () => {
  const { bars } = jitLane(data(), [ev("jit.compilation", 100, 50, { compiler: "c2" }), ev("jit.compilation", 120, 400, { compiler: "c1" }), ev("jit.compilation", 3000, 10)], false);
  assert.equal(barAt(bars, T0 + 130, 0)?.event.attrs.compiler, "c1");
  assert.equal(barAt(bars, T0 + 2995, 4), null);
  assert.equal(barAt(bars, T0 + 2995, 6)?.fromMs, T0 + 3000);
  assert.equal(nextBar(bars, T0 + 100, 1)?.fromMs, T0 + 120);
  assert.equal(nextBar(bars, T0 + 3000, -1)?.fromMs, T0 + 120);
  assert.equal(nextBar(bars, T0 + 3000, 1), null);
});

test("the moment of an event is at least a second", () => {
  assert.deepEqual(moment({ time_ms: T0 + 500, duration_ns: 10e6 }), [T0 + 5, T0 + 1005]);
  assert.deepEqual(moment({ time_ms: T0, duration_ns: 3e9 }), [T0, T0 + 3000]);
});

test("amounts in the unit of the lane", () => {
  assert.deepEqual([amount("cores", 1), amount("cores", 0.0123), amount("cores", 0), amount("bytes/s", 2048), amount("1/s", 3), amount("share", 0.015), amount("count", NaN)],
    ["1 core", "0.012 cores", "0 cores", "2 KiB/s", "3/s", "1.50 %", "–"]);
});

test("the strip says cores; what was not recorded stays unknown", () => {
  assert.deepEqual(list(stripLane(axis, [5e8, 0, null, 2e9]).lines[0].values), [0.5, 0, null, 2]);
});
