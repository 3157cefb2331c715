// What the lanes of the timeline show, from the server's series and events.

import type { EventRow } from "../heat/marks";
import { bridged, joined, perSecond, steps, type Axis } from "./axis";

export interface Series { name: string; unit: string; labels: Record<string, string>; values: (number | null)[]; }
export interface TimelineAnswer { from_ms: number; step_ms: number; series: Series[]; missing?: string[]; }

/** tone: an index into the colours of packages, or the name of a frame kind. */
export interface Line { name: string; tone: string | number; values: Float64Array; dashed?: boolean; }
export interface Bar { fromMs: number; untilMs: number; value: number; tone: string | number; event: EventRow; }
export interface Lane {
  id: string;
  title: string;
  unit: string;
  stacked: boolean;
  lines: Line[];
  bars: Bar[];
  names: { name: string; tone: string | number }[]; // the legend of the bars
  note: string; // what the reader has to know about it
  empty: string; // why nothing may be there
}

const lane = (id: string, title: string, unit: string, empty: string, part: Partial<Lane> = {}): Lane => {
  const l: Lane = { id, title, unit, stacked: false, lines: [], bars: [], names: [], note: "", empty, ...part };
  // Of parts of one whole, those that are not named at a time were nothing then.
  if (l.stacked) l.lines[0]?.values.forEach((_, i) => {
    if (l.lines.some((x) => !Number.isNaN(x.values[i]))) for (const x of l.lines) x.values[i] ||= 0;
  });
  return l;
};

/** The JVM's own thread groups, as package record names them. */
const RUNTIME: Record<string, string> = { "JIT C1": "JIT", "JIT C2": "JIT", GC: "GC", VM: "VM", JFR: "VM" };
const RUNTIME_TONE: Record<string, string> = { JIT: "compiler", GC: "gc", VM: "vm" };
/** Hues of the pools that are none of JIT, GC or VM. */
const POOL_TONES = [0, 1, 3, 4, 9, 7];
const POOLS = POOL_TONES.length;

const numbers = (s: Series, n: number) => Float64Array.from({ length: n }, (_, i) => s.values[i] ?? NaN);
const total = (v: Float64Array) => v.reduce((t, x) => t + (x > 0 ? x : 0), 0);

export class Data {
  readonly n: number;
  constructor(readonly axis: Axis, readonly series: Series[]) { this.n = steps(axis); }
  has = (name: string) => this.series.some((s) => s.name === name);
  named = (name: string, label = "", value = "") => this.series.filter((s) => s.name === name && (!label || s.labels[label] === value));
  /** Of counters of nanoseconds: nanoseconds a nanosecond, a share of the time or a number of threads. */
  busy = (...names: string[]) => joined(names.map((n) => this.line(this.named(n), "sum", true)), this.n, "sum").map((v) => v / 1e9);
  /** Series of all instances as one line; counters as what they gain a second. */
  line(list: Series[], how: "sum" | "max", counter = false, loose = false): Float64Array {
    const each = list.map((s) => numbers(s, this.n)).map((v) => (counter ? perSecond(v, this.axis.stepMs) : bridged(v, this.axis.stepMs, loose)));
    return joined(each, this.n, how);
  }
}

/** CPU by thread group: the application's pools, the largest at the bottom, then the JVM's own threads. */
export function cpuLane(d: Data): Lane {
  const pools = new Map<string, Series[]>(), own = new Map<string, Series[]>();
  for (const s of d.named("cpu.usage")) {
    const group = s.labels.thread_group ?? "", run = RUNTIME[group], into = run ? own : pools;
    into.set(run ?? group, [...(into.get(run ?? group) ?? []), s]);
  }
  const app = [...pools].map(([name, list]) => ({ name, values: d.line(list, "sum") })).sort((a, b) => total(b.values) - total(a.values));
  const lines: Line[] = app.slice(0, POOLS).map((p, i) => ({ ...p, tone: POOL_TONES[i] }));
  for (const name of ["JIT", "GC", "VM"]) if (own.has(name)) lines.push({ name, tone: RUNTIME_TONE[name], values: d.line(own.get(name)!, "sum") });
  const rest = app.slice(POOLS);
  if (rest.length > 0) lines.push({ name: `other (${rest.length} groups)`, tone: "unknown", values: joined(rest.map((p) => p.values), d.n, "sum") });
  return lane("cpu", "CPU by thread group", "cores", "CPU by thread is read from /proc by an agent on the same host; uploaded files have none.", { stacked: true, lines });
}

export function heapLane(d: Data): Lane {
  const lines: Line[] = [];
  const put = (name: string, tone: string | number, list: Series[], dashed = false) => { if (list.length > 0) lines.push({ name, tone, dashed, values: d.line(list, "max", false, true) }); };
  const of = (name: string, when: string) => d.named(name, "when", when);
  put("before GC", 0, of("jvm.memory.used", "before gc"));
  put("after GC", 5, of("jvm.memory.used", "after gc"));
  put("old generation", 1, d.named("jvm.memory.old.used"));
  put("committed", "unknown", of("jvm.memory.committed", "after gc"), true);
  const many = new Set(d.named("jvm.memory.used").map((s) => s.labels.instance)).size;
  return lane("heap", "Heap before and after GC", "bytes", "The heap is measured at each collection: there was none in this time, or the JVM has no Flight Recorder.", { lines, note: many > 1 ? `largest of ${many} instances` : "" });
}

export function allocLane(d: Data): Lane {
  const lines: Line[] = d.has("alloc.rate") ? [{ name: "allocated", tone: 3, values: d.line(d.named("alloc.rate"), "sum") }] : [];
  const any = lines.some((l) => l.values.some((v) => !Number.isNaN(v)));
  return lane("alloc", "Allocation rate", "bytes/s", "No allocation samples: the JVM has no Flight Recorder, or they are older than what is kept.", { stacked: true, lines: any ? lines : [] });
}

export function threadLane(d: Data): Lane {
  const states = new Map<string, Series[]>();
  for (const s of d.named("threads.state")) states.set(s.labels.state, [...(states.get(s.labels.state) ?? []), s]);
  if (states.size > 0) {
    const order = ["running", "runnable", "blocked", "waiting"], at = (s: string) => (order.indexOf(s) + 9) % 9;
    const lines = [...states].sort((a, b) => at(a[0]) - at(b[0])).map(([name, list], i) => ({ name, tone: [0, 6, 3, 1, 4, 5][i] ?? 7, values: d.line(list, "sum") }));
    return lane("threads", "Threads by state", "count", "", { stacked: true, lines });
  }
  const lines: Line[] = d.has("jvm.thread.count") ? [{ name: "all", tone: 1, values: d.line(d.named("jvm.thread.count"), "sum") }] : [];
  return lane("threads", "Threads by state", "count", "Threads are counted by an agent on the same host.", { lines, note: lines.length > 0 ? "their states were not recorded in this time" : "" });
}

export function classLane(d: Data): Lane {
  const lines: Line[] = [];
  if (d.has("jvm.class.loaded")) {
    const gone = d.line(d.named("jvm.class.unloaded"), "sum");
    lines.push({ name: "loaded now", tone: 2, values: d.line(d.named("jvm.class.loaded"), "sum").map((v, i) => v - (gone[i] || 0)) });
  }
  return lane("classes", "Classes loaded", "count", "Classes are counted by JVMs with a Flight Recorder.", { lines });
}

export function exceptionLane(d: Data): Lane {
  const lines: Line[] = d.has("jvm.exceptions.thrown") ? [{ name: "thrown", tone: 3, values: d.line(d.named("jvm.exceptions.thrown"), "sum", true) }] : [];
  return lane("exceptions", "Exceptions thrown", "1/s", "Exceptions are counted by JVMs with a Flight Recorder.", { stacked: true, lines });
}

/** The heat map's row: what was sampled in each step, as cores. */
export function stripLane(a: Axis, cells: (number | null)[] | null): Lane {
  const values = Float64Array.from({ length: steps(a) }, (_, i) => (cells?.[i] ?? NaN) / (a.stepMs * 1e6));
  return lane("strip", "CPU samples", "cores", "", { lines: [{ name: "CPU samples", tone: 0, values }] });
}

/** CPU the service was ready to use and did not get. */
export function waitLane(d: Data): Lane {
  const lines: Line[] = [];
  if (d.has("cpu.runqueue")) lines.push({ name: "waiting for a CPU", tone: 1, values: d.line(d.named("cpu.runqueue"), "sum") });
  // The kernel's own count where an agent reads it, else the JVM's.
  const throttled = ["cgroup.cpu.throttled_time", "container.cpu.throttled_time"].find(d.has);
  if (throttled) lines.push({ name: "container throttled", tone: 3, values: d.busy(throttled) });
  return lane("wait", "CPU it did not get", "cores", "The run queue is read from /proc by an agent on the same host, throttling from the container's cgroup.", {
    lines, note: lines.length > 0 && !throttled ? "container throttling was not recorded: no cgroup could be read" : "",
  });
}

/** Events as bars, coloured by what a function calls them, the largest sum first. */
export function barLane(base: Lane, events: EventRow[], nameOf: (e: EventRow) => string, cut: boolean): Lane {
  const sums = new Map<string, number>();
  for (const e of events) sums.set(nameOf(e), (sums.get(nameOf(e)) ?? 0) + e.duration_ns);
  const order = [...sums].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const tone = (name: string) => { const i = order.indexOf(name); return i < COLOURS ? i : "unknown"; };
  const bars = events.map((e) => ({ fromMs: e.time_ms, untilMs: e.time_ms + e.duration_ns / 1e6, value: e.duration_ns, tone: tone(nameOf(e)), event: e }));
  const names = order.slice(0, COLOURS).map((name, i) => ({ name, tone: i as string | number }));
  if (order.length > COLOURS) names.push({ name: `other (${order.length - COLOURS})`, tone: "unknown" });
  return { ...base, bars, names, note: cut ? `only the first ${events.length} of this range; zoom in for the rest` : "" };
}
const COLOURS = 5;

/** Lanes of events have what counters say of all of them behind, for short ones are not recorded one by one. */
function busyLine(d: Data, name: string, tone: string, ...series: string[]): Line[] {
  return series.some(d.has) ? [{ name, tone, values: d.busy(...series) }] : [];
}

export function pauseLane(d: Data, events: EventRow[], cut: boolean): Lane {
  const causes = new Map<string, string>();
  const id = (e: EventRow) => e.instance + "\n" + e.attrs.gcId;
  for (const e of events) if (e.kind === "gc.collection") causes.set(id(e), e.attrs.cause || e.name);
  const base = lane("gc", "GC pauses by cause", "share", "No pause in this time, or the JVM has no Flight Recorder.", {
    stacked: true, lines: busyLine(d, "time in GC", "gc", "jvm.gc.young.time", "jvm.gc.full.time"),
  });
  return barLane(base, events.filter((e) => e.kind === "gc.pause"), (e) => causes.get(id(e)) ?? e.name, cut);
}

export function jitLane(d: Data, events: EventRow[], cut: boolean): Lane {
  const base = lane("jit", "Compilations", "cores", "No compilation was long enough to be recorded, or the JVM has no Flight Recorder.", {
    stacked: true, lines: busyLine(d, "compiling", "compiler", "jvm.jit.compile_time"),
  });
  return barLane(base, events.filter((e) => e.kind === "jit.compilation"), (e) => (e.attrs.compiler ?? "compiler").toUpperCase(), cut);
}

export function safepointLane(d: Data, events: EventRow[], cut: boolean): Lane {
  const base = lane("safepoints", "Safepoints", "share", "No safepoint was long enough to be recorded, or the JVM has no Flight Recorder.", {
    stacked: true, lines: busyLine(d, "at safepoints", "vm", "jvm.safepoint.time"),
  });
  return barLane(base, events, (e) => e.name || e.kind, cut);
}

/** The bar a reader means at an instant: the longest of those that are near. */
export function barAt(bars: Bar[], ms: number, nearMs: number): Bar | null {
  let best: Bar | null = null;
  for (const b of bars) if (b.fromMs - nearMs <= ms && b.untilMs + nearMs >= ms && (!best || b.value > best.value)) best = b;
  return best;
}

/** The next bar after an instant, or the one before it. */
export function nextBar(bars: Bar[], ms: number, by: 1 | -1): Bar | null {
  let best: Bar | null = null;
  for (const b of bars) if ((b.fromMs - ms) * by > 0 && (!best || (b.fromMs - best.fromMs) * by < 0)) best = b;
  return best;
}

/** The time a lane's event is looked at in: itself, at least a second. */
export function moment(e: { time_ms: number; duration_ns: number }): [number, number] {
  const end = e.time_ms + e.duration_ns / 1e6, short = Math.max(0, 1000 - (end - e.time_ms)) / 2;
  return [Math.floor(e.time_ms - short), Math.ceil(end + short)];
}
