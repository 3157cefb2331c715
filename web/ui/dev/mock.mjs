// A server of made-up data for developing the page: `node dev/mock.mjs [port]`.
// It answers docs/api.md, serves web/dist, and sets the product's
// Content-Security-Policy. Services: orders-api (live, 7 days, a demo past),
// billing (stopped), fresh (live since a minute), hostile (names that attack),
// huge (200,000 frames). The agents page has a refused target, ledger.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { callersOf, columns, focusOn, makeTree, random, topOf } from "./data.mjs";

const PORT = Number(process.argv[2] ?? 7790);
const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const START = Date.now(), DAY = 864e5;
const TYPES = [["cpu", "nanoseconds"], ["wall", "nanoseconds"], ["offcpu", "nanoseconds"], ["alloc", "bytes"], ["lock", "nanoseconds"]].map(([name, unit]) => ({ name, unit }));

const SERVICES = {
  "orders-api": { first: START - 7 * DAY, live: true, demoUntil: START - 0.9 * DAY, types: TYPES, nodes: 5000, hostile: false, instances: ["orders-1", "orders-2"] },
  billing: { first: START - 5 * DAY, live: false, last: START - 7 * 36e5, types: TYPES.slice(0, 3), nodes: 1500, hostile: false, instances: ["billing-a"] },
  fresh: { first: START - 6e4, live: true, types: TYPES.slice(0, 1), nodes: 400, hostile: false, instances: ["pid-4711"] },
  hostile: { first: START - 3 * 36e5, live: true, types: TYPES, nodes: 300, hostile: true, instances: ["<script>alert(4)</script>"] },
  huge: { first: START - 2 * 36e5, live: false, last: START - 36e5, types: TYPES.slice(0, 1), nodes: 260000, hostile: false, instances: ["one"] },
};
const trees = new Map();
function treeOf(name) {
  if (!trees.has(name)) {
    const s = SERVICES[name];
    trees.set(name, makeTree(random(7), name === "huge" ? 3000 : 200, s.nodes, s.hostile));
  }
  return trees.get(name);
}

/** CPU per second (ns) of a service at an instant; null = not recorded. */
function load(s, ms) {
  const now = Date.now(), last = s.live ? now - 1000 : s.last;
  if (ms < s.first || ms >= last) return null;
  const d = new Date(ms);
  // Whenever it is started, it is the afternoon: screenshots show load.
  const h = (((ms - START) / 36e5 + 15) % 24 + 24) % 24;
  const gap = Math.floor(ms / 36e5) % 61 === 13 && d.getMinutes() < 37;
  if (gap) return null;
  const noise = random(Math.floor(ms / 1000) ^ 0x5bd1e995)();
  const minute = random(Math.floor(ms / 6e4))();
  if (h > 1 && h < 5 && minute < 0.7) return 0;
  const daily = Math.max(0.05, Math.sin(((h - 5) / 24) * 2 * Math.PI) + 0.6);
  const burst = Math.floor(ms / 6e4) % 60 < 4 ? 2.2 : 1;
  const incident = Math.abs(ms - (START - 1.6 * DAY)) < 55 * 6e4 ? 3.5 : 1;
  return 1e9 * 0.35 * daily * burst * incident * (0.6 + minute * 0.8) * (0.3 + noise * 1.4);
}

function cellSum(s, from, step, type) {
  let sum = 0, any = false;
  const parts = Math.min(4, Math.max(1, step / 1000)), dt = step / parts;
  for (let i = 0; i < parts; i++) {
    const v = load(s, from + i * dt);
    if (v !== null) { any = true; sum += (v * dt) / 1000; }
  }
  const factor = { cpu: 1, wall: 14, offcpu: 13, alloc: 0.12, lock: 0.04 }[type] ?? 1;
  return any ? Math.round(sum * factor) : null;
}

function time(text, now) {
  const m = /^now(?:-(\d+)([smhd]))?$/.exec(text ?? "");
  if (m) return now - (m[1] ? Number(m[1]) * { s: 1e3, m: 6e4, h: 36e5, d: DAY }[m[2]] : 0);
  const n = Number(text);
  return n > 1e11 ? n : n * 1000;
}

class Fail extends Error { constructor(status, error, detail = "") { super(error); this.status = status; this.detail = detail; } }

function select(q) {
  const s = SERVICES[q.get("service")], now = Date.now();
  if (!s) throw new Fail(404, "There is no such service.", "GET /api/v1/services lists them.");
  const type = s.types.find((t) => t.name === q.get("type"));
  if (!type) throw new Fail(404, `There is no ${q.get("type")} profile of this service.`);
  const from = time(q.get("from"), now), until = time(q.get("until"), now);
  if (!(from < until)) throw new Fail(400, "from is not before until.", "");
  let total = 0, seconds = 0;
  const step = Math.max(1000, Math.min(6e5, (until - from) / 200));
  for (let t = from; t < until; t += step) {
    const v = cellSum(s, t, step, type.name);
    if (v !== null) { total += v; seconds += step / 1000; }
  }
  return { s, type, from, until, total, seconds: Math.round(seconds), tree: treeOf(q.get("service")) };
}

/** The step asked for, in ms. */
function stepOf(q) {
  const m = /^(\d+)(ms|s)$/.exec(q.get("step") ?? "60s");
  return Number(m[1]) * (m[2] === "s" ? 1000 : 1);
}

/** A few events: a deploy a day, a pause every ninety seconds. */
function eventsIn(s, from, until, kind) {
  const out = [], put = (time_ms, ms, k, name, attrs) => { if (k.startsWith(kind) && time_ms >= s.first) out.push({ time_ms, duration_ns: ms * 1e6, kind: k, name, thread: "VM Thread", instance: s.instances[0], attrs }); };
  for (let t = Math.ceil(from / DAY) * DAY + 14 * 36e5; t < until; t += DAY) put(t, 0, "deploy", "v1." + Math.floor(t / DAY) % 90, {});
  for (let t = Math.ceil(from / 9e4) * 9e4; t < until && out.length < 10000; t += 9e4) put(t, 2 + random(t / 9e4)() * 30, "gc.pause", t % 27e4 ? "G1 Evacuation Pause" : "Metadata GC Threshold", { gcId: String(t / 9e4) });
  return out.sort((a, b) => a.time_ms - b.time_ms);
}

const API = {
  events: (q) => {
    const s = SERVICES[q.get("service")], now = Date.now();
    return { events: eventsIn(s, time(q.get("from"), now), time(q.get("until"), now), q.get("kind") ?? ""), truncated: false, missing: [] };
  },
  timeline: (q) => {
    const s = SERVICES[q.get("service")], now = Date.now(), step = stepOf(q), from = Math.floor(time(q.get("from"), now) / step) * step;
    const times = []; for (let t = from; t < time(q.get("until"), now); t += step) times.push(t);
    const line = (name, unit, labels, f) => ({ name, unit, labels, values: times.map((t) => { const v = load(s, t); return v === null ? null : f(v / 1e9, t); }) });
    const group = (g, share) => line("cpu.usage", "cores", { thread_group: g }, (v) => v * share);
    return { from_ms: from, step_ms: step, missing: [], series: [
      group("http-nio-#-exec-#", 0.7), group("kafka-consumer-#", 0.15), group("JIT C2", 0.08), group("GC", 0.05), group("VM", 0.02),
      line("alloc.rate", "bytes/s", {}, (v) => v * 4e7), line("cpu.runqueue", "cores", { thread_group: "http-nio-#-exec-#" }, (v) => v / 30),
      line("jvm.memory.used", "bytes", { when: "before gc" }, () => 9e8), line("jvm.memory.used", "bytes", { when: "after gc" }, (v) => 3e8 + v * 1e8),
      ...["running", "runnable", "blocked", "waiting"].map((state, i) => line("threads.state", "threads", { state }, (v) => [v, v / 9, v / 5, 60][i])),
      line("jvm.class.loaded", "count", {}, () => 14210), line("jvm.exceptions.thrown", "count", {}, (_, t) => (t - s.first) / 9000),
    ] };
  },
  services: () => ({ services: Object.entries(SERVICES).map(([name, s]) => {
    const now = Date.now(), last = s.live ? now - 1000 : s.last, from = Math.floor(now / 36e5) * 36e5 - 23 * 36e5;
    return { name, demo: !!s.demoUntil, types: s.types, first_ms: s.first, last_ms: last,
      instances: s.instances.map((instance) => ({ instance, labels: { host_name: "build-7" }, first_ms: s.first, last_ms: last, live: s.live })),
      strip: { from_ms: from, step_ms: 36e5, unit: "nanoseconds", cells: Array.from({ length: 24 }, (_, i) => cellSum(s, from + i * 36e5, 36e5, "cpu")) } };
  }) }),
  heatmap: (q) => {
    const { s, type, from, until } = select(q);
    const step = stepOf(q);
    const a = Math.floor(from / step) * step, b = Math.ceil(until / step) * step, cells = [];
    for (let t = a; t < b; t += step) cells.push(cellSum(s, t, step, type.name));
    const found = q.get("search") ? cells.map((c, i) => Math.round((c ?? 0) * (0.5 + 0.5 * Math.sin(i / 40)))) : undefined;
    return { from_ms: a, until_ms: b, step_ms: step, unit: type.unit, cells, matched: found, demo_until_ms: s.demoUntil && s.demoUntil > a ? s.demoUntil : null, missing: [] };
  },
  top: (q) => {
    const { type, total, seconds, tree } = select(q);
    const k = tree.total ? total / tree.total : 0, by = q.get("sort") === "total" ? "total" : "self", search = (q.get("search") ?? "").toLowerCase();
    const all = total > 0 ? topOf(tree).map((r) => ({ ...r, self: Math.round(r.self * k), total: Math.round(r.total * k) })) : [];
    const rows = all.filter((r) => r.function.toLowerCase().includes(search)).sort((x, y) => y[by] - x[by]);
    return { unit: type.unit, total, seconds, rows: rows.slice(0, Number(q.get("limit") ?? 100)), row_count: rows.length, missing: [] };
  },
  icicle: (q) => {
    const { type, total, seconds, tree } = select(q);
    const f = q.get("focus"), t = f ? focusOn(tree, f) : tree;
    const share = q.get("service") === "huge" ? 0 : Number(q.get("min_share") || 0.0005);
    return columns(t, Math.round((total * t.total) / tree.total), type.unit, seconds, share);
  },
  callers: (q) => {
    const { type, total, seconds, tree } = select(q);
    const t = callersOf(tree, q.get("function"));
    return columns(t, Math.round((total * t.total) / tree.total), type.unit, seconds, 0);
  },
  agents: () => ({ agents: [{ host: "build-7", version: "0.1.0", started_ms: START - 5 * 36e5,
    sink: { state: "delivering", reason: "", spool_bytes: 0, spool_batches: 0, dropped_batches: 0, memory_batches: 1 },
    targets: [
      { pid: 4711, service: "orders-api", instance: "orders-1", runtime: "OpenJDK 21.0.4", state: "recording", reason: "", remedy: "", since_ms: START - 5 * 36e5, last_ms: Date.now() - 900, counters: { samples: 1234567, batches: 18001, lost_chunks: 0 }, labels: {} },
      { pid: 4800, service: "legacy-batch", instance: "pid-4800", runtime: "OpenJDK 8u352", state: "limited", reason: "This JVM has no Flight Recorder stream; chunks are read every 30 s.", remedy: "Run it on JDK 14 or later to see it live.", since_ms: START - 36e5, last_ms: Date.now() - 17e3, counters: {}, labels: {} },
      { pid: 990, service: "ledger", instance: "pid-990", runtime: "HotSpot", state: "refused", reason: "The process belongs to user ledger and this agent runs as tacho: the JVM accepts attaches of its own user only.", remedy: "Run the agent as root, or a second one as ledger: sudo -u ledger tacho agent --server http://127.0.0.1:7700", since_ms: START - 36e5, last_ms: 0, counters: {}, labels: {} },
    ] }] }),
};

const MIME = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };

createServer(async (req, res) => {
  const url = new URL(req.url, "http://x");
  const send = (status, type, body) => {
    res.writeHead(status, { "Content-Type": type, "Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store" });
    res.end(body);
  };
  try {
    const api = /^\/api\/v1\/(\w+)$/.exec(url.pathname);
    if (api) {
      if (!API[api[1]]) throw new Fail(404, "There is no such resource.");
      return send(200, "application/json", JSON.stringify(API[api[1]](url.searchParams)));
    }
    const file = url.pathname.startsWith("/assets/") ? url.pathname.slice(8) : "index.html";
    if (!/^[\w.-]+$/.test(file)) throw new Fail(404, "no such file");
    return send(200, MIME[file.split(".").pop()] ?? "application/octet-stream", await readFile(DIST + file));
  } catch (e) {
    return send(e instanceof Fail ? e.status : 404, "application/json", JSON.stringify({ error: e.message, detail: e.detail ?? "" }));
  }
}).listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}/`));
