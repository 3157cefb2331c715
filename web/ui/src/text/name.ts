// Symbols are foreign text. This file makes them showable (no control
// characters, no direction overrides, a bounded length) and short: the package
// shrinks first, because the end of a name is what tells methods apart.

/** The longest name any element shows; the rest is in the API. */
export const MAX_NAME = 2000;

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Control and direction characters become visible, the length bounded. */
export function displayName(s: string, max = MAX_NAME): string {
  const cut = s.length > max ? clip(s, max) + "…" : s;
  return cut.replace(CONTROL, "\ufffd");
}

/** The first n UTF-16 units without splitting a surrogate pair. */
function clip(s: string, n: number): string {
  const c = s.charCodeAt(n - 1);
  return s.slice(0, c >= 0xd800 && c <= 0xdbff ? n - 1 : n);
}

/** Where the parts of a qualified name are. */
export interface Parts { pkg: string; cls: string; method: string; }

/**
 * Splits com.acme.Foo.bar into package, class and method. The class starts at
 * the first part with a capital (Java's custom); C++ and kernel names have no
 * dots and are all method. Text from the first bracket, blank or angle on
 * (arguments, generics) belongs to the method.
 */
export function parts(name: string): Parts {
  const stop = name.search(/[(<[\s]/);
  const head = stop < 0 ? name : name.slice(0, stop);
  const tail = stop < 0 ? "" : name.slice(stop);
  const ids = head.split(".");
  if (ids.length < 2 || ids.some((p) => p === "")) return { pkg: "", cls: "", method: name };
  let c = ids.findIndex((p, i) => i < ids.length - 1 && /^\p{Lu}/u.test(p.slice(p.lastIndexOf("/") + 1)));
  if (c < 0) c = ids.length - 2;
  return {
    pkg: ids.slice(0, c).join("."),
    cls: ids.slice(c, ids.length - 1).join("."),
    method: ids[ids.length - 1] + tail,
  };
}

/** c.e.m of com.example.messaging; lambda and module prefixes shrink too. */
export function initials(pkg: string): string {
  return pkg.split(".").map((p) => Array.from(p)[0] ?? "").join(".");
}

/**
 * The forms of a name from long to short: full, c.e.m.Class.method,
 * Class.method, method. Equal neighbours are left out.
 */
export function forms(raw: string): string[] {
  const name = displayName(raw, 300);
  const p = parts(name);
  const out = [name];
  const add = (s: string) => { if (s && s.length < out[out.length - 1].length) out.push(s); };
  if (p.pkg) add(`${initials(p.pkg)}.${p.cls}.${p.method}`);
  if (p.cls) add(`${p.cls}.${p.method}`);
  const inner = p.cls.slice(p.cls.lastIndexOf("$") + 1);
  if (inner !== p.cls && inner && !/^\d/.test(inner)) add(`${inner}.${p.method}`);
  add(p.method);
  return out;
}

/**
 * The longest form that fits; the shortest one cut with an ellipsis when none
 * does; "" when not even two characters and the ellipsis would.
 */
export function fit(names: readonly string[], width: number, measure: (s: string) => number): string {
  return fitMeasured(names, names.map(measure), width, measure);
}

/** The same for forms whose widths are known. */
export function fitMeasured(names: readonly string[], widths: readonly number[], width: number, measure: (s: string) => number): string {
  for (let i = 0; i < names.length; i++) if (widths[i] <= width) return names[i];
  const room = width - measure("…");
  let used = 0, n = 0, at = 0;
  // Character by character: a cut name has few of them.
  for (const c of names[names.length - 1]) {
    used += measure(c);
    if (used > room) break;
    n++;
    at += c.length;
  }
  return n >= 2 ? names[names.length - 1].slice(0, at) + "…" : "";
}
