// The state of the recorder page is its URL: reload, Back and a link sent to a
// colleague show the same view. Unknown keys are kept out, bad values fall
// back to their default, defaults are not written.

export interface State {
  from: string; // a time, see text/time.ts; "" = choose by what there is
  to: string;
  sel: [number, number] | null; // fixed instants, half open, Unix ms
  type: string; // "" = the first the service has
  q: string; // search
  f: string; // focus: only stacks with this function, re-rooted at it
  callers: string; // the function whose callers are shown
  m: string; // the method highlighted
  z: string; // zoomed frame: hash of its path, see icicle/tree.ts
  color: "kind" | "package";
  sort: "self" | "total";
}

export const DEFAULTS: State = {
  from: "", to: "", sel: null, type: "", q: "", f: "", callers: "", m: "", z: "", color: "kind", sort: "self",
};

const TIME = /^(now(-\d{1,9}[smhdw])?|\d{9,14}|\d{4}-\d\d-\d\dT[\d:.Z+-]+)$/;

export function parseState(search: string): State {
  const p = new URLSearchParams(search);
  const time = (k: string) => { const v = p.get(k) ?? ""; return TIME.test(v) ? v : ""; };
  const z = p.get("z") ?? "";
  return {
    from: time("from"),
    to: time("to"),
    sel: parseSel(p.get("sel")),
    type: /^[\w.-]{1,64}$/.test(p.get("type") ?? "") ? p.get("type")! : "",
    q: p.get("q") ?? "",
    f: p.get("f") ?? "",
    callers: p.get("callers") ?? "",
    m: p.get("m") ?? "",
    z: /^[0-9a-z]{0,16}(~\d)?$/.test(z) ? z : "",
    color: p.get("color") === "package" ? "package" : "kind",
    sort: p.get("sort") === "total" ? "total" : "self",
  };
}

function parseSel(text: string | null): [number, number] | null {
  const m = /^(\d{12,14})-(\d{12,14})$/.exec(text ?? "");
  if (!m) return null;
  const a = Number(m[1]), b = Number(m[2]);
  return a < b ? [a, b] : null;
}

/** The query string, "" or starting with "?". Keys in a fixed order. */
export function formatState(s: State): string {
  const out: string[] = [];
  // Times and selections are legible in a link: only what must be is escaped.
  const put = (k: string, v: string) => { if (v !== "") out.push(k + "=" + encodeURIComponent(v)); };
  put("from", s.from);
  put("to", s.to);
  put("sel", s.sel ? s.sel[0] + "-" + s.sel[1] : "");
  put("type", s.type);
  put("q", s.q);
  put("f", s.f);
  put("callers", s.callers);
  put("m", s.m);
  put("z", s.z);
  put("color", s.color === DEFAULTS.color ? "" : s.color);
  put("sort", s.sort === DEFAULTS.sort ? "" : s.sort);
  return out.length ? "?" + out.join("&") : "";
}

/** The z of a zoomed frame: its path hash and the detail level asked for. */
export function parseZoom(z: string): { hash: string; detail: number } {
  const [hash, d] = z.split("~");
  return { hash: hash ?? "", detail: Math.min(5, Number(d ?? 0) || 0) };
}

export function formatZoom(hash: string, detail: number): string {
  return detail > 0 ? `${hash}~${detail}` : hash;
}

/** The pages. Services are named by the user: any text but empty. */
export type Route = { page: "services" } | { page: "recorder"; service: string } | { page: "agents" } | { page: "none" };

export function parsePath(path: string): Route {
  if (path === "/" || path === "") return { page: "services" };
  if (path === "/agents" || path === "/agents/") return { page: "agents" };
  const m = /^\/r\/([^/]+)\/?$/.exec(path);
  if (m) {
    try {
      return { page: "recorder", service: decodeURIComponent(m[1]) };
    } catch {
      return { page: "none" }; // a stray % in the path
    }
  }
  return { page: "none" };
}

export const servicePath = (name: string) => "/r/" + encodeURIComponent(name);
