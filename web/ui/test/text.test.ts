import assert from "node:assert/strict";
import { test } from "node:test";
import { chosen, formatSelector, parseSelector, toggle } from "../src/text/labels";
import { matchTable, parseQuery } from "../src/text/match";
import { displayName, fit, forms, initials, parts } from "../src/text/name";
import { duration, fromInput, parseTime, toInput } from "../src/text/time";
import { digits, percent, rate, rateTick, value } from "../src/text/units";

test("names split at the class", () => {
  assert.deepEqual(parts("com.acme.Foo.bar"), { pkg: "com.acme", cls: "Foo", method: "bar" });
  assert.deepEqual(parts("com.acme.Foo$Bar.baz(int, a.B)"), { pkg: "com.acme", cls: "Foo$Bar", method: "baz(int, a.B)" });
  assert.deepEqual(parts("java.base/java.util.HashMap.get"), { pkg: "java.base/java.util", cls: "HashMap", method: "get" });
  assert.deepEqual(parts("a.b.c"), { pkg: "a", cls: "b", method: "c" });
  assert.deepEqual(parts("do_syscall_64"), { pkg: "", cls: "", method: "do_syscall_64" });
  assert.deepEqual(parts("std::vector<a.B>::push"), { pkg: "", cls: "", method: "std::vector<a.B>::push" });
  assert.deepEqual(parts("..."), { pkg: "", cls: "", method: "..." });
});

test("the package shrinks first", () => {
  assert.equal(initials("com.example.messaging"), "c.e.m");
  assert.deepEqual(forms("com.example.messaging.Codec$Frame.encode"), [
    "com.example.messaging.Codec$Frame.encode", "c.e.m.Codec$Frame.encode", "Codec$Frame.encode", "Frame.encode", "encode",
  ]);
  const at = (width: number) => fit(forms("com.example.messaging.Codec.encode"), width, (s) => Array.from(s).length);
  assert.equal(at(40), "com.example.messaging.Codec.encode");
  assert.equal(at(20), "c.e.m.Codec.encode");
  assert.equal(at(12), "Codec.encode");
  assert.equal(at(6), "encode");
  assert.equal(at(5), "enco…");
  assert.equal(at(2), "");
});

test("hostile names become harmless and bounded", () => {
  assert.equal(displayName("a\u202eb\u2066c"), "a\ufffdb\ufffdc");
  assert.equal(displayName("a\tb\nc\u0000"), "a\ufffdb\ufffdc\ufffd");
  assert.equal(displayName("x".repeat(10_000)).length, 2001);
  assert.equal(displayName("🛒🛒🛒", 3), "🛒…"); // no half of a pair
  assert.ok(forms("y".repeat(10_000))[0].length <= 301);
  assert.equal(fit(["🛒🛒🛒🛒"], 3, (s) => Array.from(s).length), "🛒🛒…");
});

test("search: substring without case, expression between slashes, errors said", () => {
  const hit = (q: string) => [...matchTable(["", "com.acme.Foo", "com.acme.foobar", "x.+"], parseQuery(q))];
  assert.deepEqual(hit("FOO"), [0, 1, 1, 0]);
  assert.deepEqual(hit(".+"), [0, 0, 0, 1]); // not an expression without slashes
  assert.deepEqual(hit("/foo$/"), [0, 1, 0, 0]);
  assert.deepEqual(hit("/foo$"), [0, 1, 0, 0]); // while being typed
  assert.deepEqual(hit(""), [0, 0, 0, 0]);
  assert.deepEqual(hit("/"), [0, 0, 0, 0]);
  const bad = parseQuery("/(/");
  assert.equal(bad.test, null);
  assert.equal(bad.error, "Unterminated group");
  assert.equal(parseQuery("abc").plain, "abc");
  assert.equal(parseQuery("/abc/").plain, "");
});

test("values in the words of their type", () => {
  assert.equal(value("nanoseconds", 1_234_000_000), "1.23 s");
  assert.equal(value("nanoseconds", 90e9), "1.5 min");
  assert.equal(value("nanoseconds", 5400e9), "1.5 h");
  assert.equal(value("nanoseconds", 20e6), "20 ms");
  assert.equal(value("nanoseconds", 0), "0 s");
  assert.equal(value("bytes", 1536), "1.5 KiB");
  assert.equal(value("bytes", 5 * 2 ** 30), "5 GiB");
  assert.equal(value("count", 12345), "12\u202f345");
  assert.equal(rate("cpu", "nanoseconds", 30e9, 60), "50 % of one core");
  assert.equal(rate("offcpu", "nanoseconds", 120e9, 60), "2 threads on average");
  assert.equal(rate("alloc", "bytes", 60 * 2 ** 20, 60), "1 MiB/s");
  assert.equal(rateTick("cpu", "nanoseconds", 120e9, 60), "200 %");
  assert.equal(digits(0.004), "<0.01");
});

test("a share is never rounded to nothing or to all", () => {
  assert.equal(percent(0, 10), "0 %");
  assert.equal(percent(1, 1e9), "<0.01 %");
  assert.equal(percent(123, 1000), "12.3 %");
  assert.equal(percent(41, 1000), "4.10 %");
  assert.equal(percent(999.4, 1000), "99.9 %");
  assert.equal(percent(1000, 1000), "100 %");
  assert.equal(percent(1, 0), "0 %");
});

test("times of the URL", () => {
  const now = 1_700_000_000_000;
  assert.equal(parseTime("now", now), now);
  assert.equal(parseTime("now-24h", now), now - 864e5);
  assert.equal(parseTime("now-90s", now), now - 9e4);
  assert.equal(parseTime("1700000000", now), now);
  assert.equal(parseTime("1700000000000", now), now);
  assert.equal(parseTime("2023-11-14T22:13:20Z", now), now);
  assert.equal(parseTime("yesterday", now), null);
  assert.equal(parseTime("now-1y", now), null);
});

test("durations name their two largest units", () => {
  assert.equal(duration(45_000), "45 s");
  assert.equal(duration(125_000), "2 min 5 s");
  assert.equal(duration(12 * 6e4), "12 min");
  assert.equal(duration(200 * 6e4), "3 h 20 min");
  assert.equal(duration(26 * 36e5), "1 d 2 h");
});

test("label selectors: one value, several, back to none", () => {
  assert.deepEqual(parseSelector('thread_group=~"http.*"'), { name: "thread_group", op: "=~", value: "http.*" });
  assert.deepEqual(parseSelector('a!="b\\"c"'), { name: "a", op: "!=", value: 'b"c' });
  assert.equal(parseSelector("nonsense"), null);
  assert.equal(formatSelector({ name: "a", op: "=", value: 'b"\\' }), 'a="b\\"\\\\"');
  const one = toggle(['instance="a"'], "thread_group", "JIT C2");
  assert.deepEqual(one, ['instance="a"', 'thread_group="JIT C2"']);
  const two = toggle(one, "thread_group", "http-#.x");
  assert.deepEqual(two, ['instance="a"', 'thread_group=~"JIT C2|http-#\\\\.x"']); // quoted for the expression, then for the selector
  assert.deepEqual(chosen(two, "thread_group"), ["JIT C2", "http-#.x"]);
  assert.deepEqual(toggle(two, "thread_group", "JIT C2"), ['instance="a"', 'thread_group="http-#.x"']);
  assert.deepEqual(toggle(['instance="a"'], "instance", "a"), []);
  assert.deepEqual(chosen(['thread_group=~"http.*"'], "thread_group"), []); // somebody's own expression
});

test("an instant goes into an input and comes back", () => {
  const ms = new Date(2026, 10, 22, 5, 3, 9).getTime();
  assert.equal(toInput(ms), "2026-11-22T05:03:09");
  assert.equal(fromInput(toInput(ms)), ms);
  assert.ok(Number.isNaN(fromInput("")));
});
