import assert from "node:assert/strict";
import { test } from "node:test";
import { initialRange, resolve, shifted } from "../src/range";
import { brief, count, summary } from "../src/shell/counts";
import { command, escapeStep, isTyping } from "../src/shell/keys";
import { matching, sorted, source } from "../src/top/rows";
import { parseQuery } from "../src/text/match";
import { DEFAULTS, formatState, formatZoom, parsePath, parseState, parseZoom, servicePath, type State } from "../src/urlstate";

const NOW = 1_700_000_000_000;

test("the URL holds the state, there and back", () => {
  const s: State = {
    from: "now-24h", to: "", sel: [1_699_999_000_000, 1_699_999_600_000], type: "cpu", q: "/a&b=#?/", f: "com.acme.<Foo>.bar",
    callers: "x y", m: "ü🛒", z: "1a2b~2", color: "package", sort: "total",
    match: ['instance="a"', 'thread_group=~"http.*"'], filter: ["/x|y/"], x: ["a.B.c"], hide: ["1f", "2g"], fold: ["recursion", "package:java."], inv: true,
    base: [1_699_990_000_000, 1_699_991_000_000], basematch: ['instance="b"'], norm: "rate",
    ev: "1699999500000.gc.pause",
  };
  assert.deepEqual(parseState(formatState(s)), s);
  assert.equal(formatState(DEFAULTS), "");
  assert.equal(formatState({ ...DEFAULTS, from: "now-7d", sel: s.sel }), "?from=now-7d&sel=1699999000000-1699999600000");
});

test("bad values fall back to defaults", () => {
  assert.deepEqual(parseState("?from=javascript:1&to=%27&sel=9-1&type=a%20b&z=<x>&color=red&sort=3&nonsense=1"), DEFAULTS);
  assert.equal(parseState("?sel=1700000000001-1700000000000").sel, null);
});

test("a zoom carries its detail level", () => {
  assert.deepEqual(parseZoom("abc~3"), { hash: "abc", detail: 3, below: false });
  assert.deepEqual(parseZoom("abc"), { hash: "abc", detail: 0, below: false });
  assert.deepEqual(parseZoom("~9"), { hash: "", detail: 5, below: false });
  assert.deepEqual(parseZoom("_abc~1"), { hash: "abc", detail: 1, below: true });
  assert.equal(formatZoom("abc", 0), "abc");
  assert.equal(formatZoom("abc", 2), "abc~2");
  assert.equal(parseState("?z=~1").z, "~1");
});

test("paths name pages and services", () => {
  assert.deepEqual(parsePath("/"), { page: "services" });
  assert.deepEqual(parsePath("/agents"), { page: "agents" });
  assert.deepEqual(parsePath("/files/"), { page: "files" });
  assert.deepEqual(parsePath(servicePath("a/b c?")), { page: "recorder", service: "a/b c?" });
  assert.deepEqual(parsePath("/r/%zz"), { page: "none" });
  assert.deepEqual(parsePath("/x/y"), { page: "none" });
});

test("the first range is the smallest that holds what there is", () => {
  assert.equal(initialRange(NOW - 6e4, NOW), "now-1h");
  assert.equal(initialRange(NOW - 5 * 36e5, NOW), "now-6h");
  assert.equal(initialRange(NOW - 30 * 36e5, NOW), "now-3d");
  assert.equal(initialRange(NOW - 4 * 864e5, NOW), "now-7d");
  assert.equal(initialRange(NOW - 90 * 864e5, NOW), "now-7d");
});

test("ranges move with now unless they end at an instant", () => {
  assert.deepEqual(resolve("now-1h", "", NOW), { fromMs: NOW - 36e5, untilMs: NOW, moving: true });
  assert.deepEqual(resolve("1699990000000", "1699999000000", NOW), { fromMs: 1699990000000, untilMs: 1699999000000, moving: false });
  assert.deepEqual(resolve("now", "now-1h", NOW), { fromMs: NOW - 864e5, untilMs: NOW, moving: true });
});

test("[ and ] shift by half a range; at now it follows now again", () => {
  const r = resolve("now-1h", "", NOW);
  const back = shifted(r, -1, NOW);
  assert.equal(Number(back.to), Math.round((NOW - 18e5) / 6e4) * 6e4);
  assert.equal(Number(back.to) - Number(back.from), 36e5);
  assert.deepEqual(shifted(resolve(back.from, back.to, NOW), 1, NOW + 6e4), { from: "now-1h", to: "" });
});

test("keys: fields keep theirs, modifiers are the browser's", () => {
  const press = (key: string, more = {}) => command({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, typing: false, ...more });
  assert.equal(press("/"), "search");
  assert.equal(press("n"), "next");
  assert.equal(press("N", { shiftKey: true }), "previous");
  assert.equal(press("U", { shiftKey: true }), "redo");
  assert.equal(press("u"), "undo");
  assert.equal(press("a", { ctrlKey: true }), null);
  assert.equal(press("n", { typing: true }), null);
  assert.equal(press("Escape", { typing: true }), "escape");
  assert.equal(isTyping("INPUT", false, "text"), true);
  assert.equal(isTyping("INPUT", false, "checkbox"), false);
  assert.equal(isTyping("CANVAS", false, ""), false);
});

test("Esc clears search, then zoom, then selection", () => {
  const s = { q: "x", m: "", z: "1", f: "", callers: "", sel: [1, 2] };
  assert.equal(escapeStep(s), "q");
  assert.equal(escapeStep({ ...s, q: "" }), "z");
  assert.equal(escapeStep({ ...s, q: "", z: "" }), "sel");
  assert.equal(escapeStep({ ...s, q: "", z: "", sel: null }), null);
});

test("rows: largest first, equals by name, a search leaves matches", () => {
  const row = (f: string, self: number, total: number) => ({ function: f, file: "", line: 0, kind: "jit", self, total });
  const rows = [row("b", 1, 9), row("a", 1, 9), row("c", 5, 6)];
  assert.deepEqual(sorted(rows, "self").map((r) => r.function), ["c", "a", "b"]);
  assert.deepEqual(sorted(rows, "total").map((r) => r.function), ["a", "b", "c"]);
  assert.deepEqual(matching(rows, parseQuery("C")).map((r) => r.function), ["c"]);
  assert.equal(source("Foo.java", 12), "Foo.java:12");
  assert.equal(source("Foo.java", 0), "Foo.java");
  assert.equal(source("", 5), "");
});

test("the agents line counts targets by state", () => {
  const t = (state: string) => ({ state }) as never;
  const c = count([{ targets: [t("recording"), t("starting"), t("refused"), t("gone")] }, { targets: [t("limited")] }] as never);
  assert.deepEqual(c, { recording: 2, limited: 1, refused: 1, agents: 2 });
  assert.equal(summary(c), "2 recording · 1 limited · 1 refused");
  assert.equal(brief(c), "1 refused");
  assert.equal(summary(count([])), "no agent");
});

test("a selection may have a rhythm", () => {
  const sel: [number, number, number, number] = [1_699_999_000_000, 1_700_009_000_000, 3_600_000, 300_000];
  assert.equal(formatState({ ...DEFAULTS, sel }), "?sel=1699999000000-1700009000000~3600000~300000");
  assert.deepEqual(parseState("?sel=1699999000000-1700009000000~3600000~300000").sel, sel);
  for (const bad of ["~3600000", "~300000~3600000", "~1~2~3", "~x~1"]) assert.equal(parseState("?sel=1699999000000-1700009000000" + bad).sel, null);
});

test("the timeline has its page and its event", () => {
  assert.deepEqual(parsePath("/tl/a%20b"), { page: "tl", service: "a b" });
  assert.equal(parseState("?ev=1699999000000.gc.pause").ev, "1699999000000.gc.pause");
  assert.equal(parseState("?ev=<b>").ev, "");
});
