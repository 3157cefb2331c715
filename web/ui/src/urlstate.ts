// The state of the recorder page is its URL: reload, Back and a link sent to a
// colleague show the same view. Unknown keys are kept out, bad values fall
// back to their default, defaults are not written.

/**
 * A selection: [from, until), or of it only the first keep ms of every so many
 * ms from its start on ("minutes 0-5 of every hour").
 */
export type Sel = [from: number, until: number, every?: number, keep?: number];

export interface State {
  from: string; // a time, see text/time.ts; "" = choose by what there is
  to: string;
  sel: Sel | null; // fixed instants, half open, Unix ms
  type: string; // "" = the first the service has
  q: string; // search
  f: string; // focus: only stacks with this function, re-rooted at it
  callers: string; // the function whose callers are shown
  m: string; // the method highlighted
  z: string; // zoomed frame: hash of its path, see icicle/path.ts; "_" before it: of the callees
  color: Color;
  sort: "" | "self" | "total" | "delta"; // "" = self, or delta when something is compared
  match: string[]; // label selectors: instance="a"
  filter: string[]; // texts or /expressions/ a stack must contain
  x: string[]; // methods whose stacks are left out
  hide: string[]; // path hashes of stacks hidden in the icicle
  fold: string[]; // "recursion", "package:PREFIX"
  inv: boolean; // grow the tree from the leaves
  base: [number, number] | null; // the time compared with
  basematch: string[]; // its selectors; none = those of match
  norm: "share" | "rate";
  ev: string; // timeline: the event that is open, TIME.KIND
}

export type Color = "kind" | "package" | "state";

export const DEFAULTS: State = {
  from: "", to: "", sel: null, type: "", q: "", f: "", callers: "", m: "", z: "", color: "kind", sort: "",
  match: [], filter: [], x: [], hide: [], fold: [], inv: false, base: null, basematch: [], norm: "share",
  ev: "",
};

const TIME = /^(now(-\d{1,9}[smhdw])?|\d{9,14}|\d{4}-\d\d-\d\dT[\d:.Z+-]+)$/;

export function parseState(search: string): State {
  const p = new URLSearchParams(search);
  const time = (k: string) => { const v = p.get(k) ?? ""; return TIME.test(v) ? v : ""; };
  const z = p.get("z") ?? "";
  const many = (k: string) => p.getAll(k).filter((v) => v !== "").slice(0, MAX_MANY);
  return {
    from: time("from"),
    to: time("to"),
    sel: parseSel(p.get("sel")),
    type: /^[\w.-]{1,64}$/.test(p.get("type") ?? "") ? p.get("type")! : "",
    q: p.get("q") ?? "",
    f: p.get("f") ?? "",
    callers: p.get("callers") ?? "",
    m: p.get("m") ?? "",
    z: /^_?[0-9a-z]{0,16}(~\d)?$/.test(z) ? z : "",
    color: oneOf(p.get("color"), ["kind", "package", "state"]),
    sort: oneOf(p.get("sort"), ["", "self", "total", "delta"]),
    match: many("match"), filter: many("filter"), x: many("x"), fold: many("fold"),
    hide: many("hide").filter((h) => /^[0-9a-z]{1,16}$/.test(h)),
    inv: p.get("inv") === "1",
    base: parseSpan(p.get("base")),
    basematch: many("basematch"),
    norm: oneOf(p.get("norm"), ["share", "rate"]),
    ev: /^\d{12,14}\.[\w.-]{1,64}$/.test(p.get("ev") ?? "") ? p.get("ev")! : "",
  };
}

/** As many values of one key as a link may carry: the server's limit. */
const MAX_MANY = 32;

/** A word of a list, the first of which is the default. */
function oneOf<T extends string>(v: string | null, words: readonly T[]): T {
  return words.find((w) => w === v) ?? words[0];
}

function parseSpan(text: string | null): [number, number] | null {
  const m = /^(\d{12,14})-(\d{12,14})$/.exec(text ?? "");
  if (!m) return null;
  const a = Number(m[1]), b = Number(m[2]);
  return a < b ? [a, b] : null;
}

export function parseSel(text: string | null): Sel | null {
  const [range, ...rhythm] = (text ?? "").split("~"), sel = parseSpan(range);
  if (!sel || rhythm.length === 0) return sel;
  const [every, keep] = rhythm.map(Number);
  return rhythm.length === 2 && keep >= 1 && every > keep && every < 1e10 ? [...sel, Math.floor(every), Math.floor(keep)] : null;
}

/** "FROM-UNTIL", or "FROM-UNTIL~EVERY~KEEP". */
export const formatSel = (s: Sel) => s[0] + "-" + s[1] + (s[2] ? `~${s[2]}~${s[3]}` : "");

/** The query string, "" or starting with "?". Keys in a fixed order. */
export function formatState(s: State): string {
  const out: string[] = [];
  // Times and selections are legible in a link: only what must be is escaped.
  const put = (k: string, v: string) => { if (v !== "") out.push(k + "=" + encodeURIComponent(v)); };
  put("from", s.from);
  put("to", s.to);
  put("sel", s.sel ? formatSel(s.sel) : "");
  put("type", s.type);
  put("q", s.q);
  put("f", s.f);
  put("callers", s.callers);
  put("m", s.m);
  put("z", s.z);
  put("color", s.color === DEFAULTS.color ? "" : s.color);
  put("sort", s.sort);
  for (const k of ["match", "filter", "x", "fold", "hide"] as const) for (const v of s[k]) put(k, v);
  put("inv", s.inv ? "1" : "");
  put("base", s.base ? s.base[0] + "-" + s.base[1] : "");
  for (const v of s.basematch) put("basematch", v);
  put("norm", s.norm === DEFAULTS.norm ? "" : s.norm);
  put("ev", s.ev);
  return out.length ? "?" + out.join("&") : "";
}

/** The z of a zoomed frame: its path hash, the detail level asked for, and whether it is one of the callees. */
export function parseZoom(z: string): { hash: string; detail: number; below: boolean } {
  const below = z.startsWith("_"), [hash, d] = z.slice(below ? 1 : 0).split("~");
  return { hash: hash ?? "", detail: Math.min(5, Number(d ?? 0) || 0), below };
}

export function formatZoom(hash: string, detail: number): string {
  return detail > 0 ? `${hash}~${detail}` : hash;
}

/** The pages. Services are named by the user: any text but empty. */
export type Route = { page: "services" } | { page: "recorder"; service: string } | { page: "cmp"; service: string } | { page: "tl"; service: string } | { page: "agents" } | { page: "files" } | { page: "none" };

export function parsePath(path: string): Route {
  if (path === "/" || path === "") return { page: "services" };
  const plain = /^\/(agents|files)\/?$/.exec(path);
  if (plain) return { page: plain[1] as "agents" | "files" };
  const m = /^\/(r|cmp|tl)\/([^/]+)\/?$/.exec(path);
  if (m) {
    try {
      return { page: m[1] === "r" ? "recorder" : (m[1] as "cmp" | "tl"), service: decodeURIComponent(m[2]) };
    } catch {
      return { page: "none" }; // a stray % in the path
    }
  }
  return { page: "none" };
}

export const servicePath = (name: string) => "/r/" + encodeURIComponent(name);
export const comparePath = (name: string) => "/cmp/" + encodeURIComponent(name);
export const timelinePath = (name: string) => "/tl/" + encodeURIComponent(name);
