// Label selectors as the API reads them (name="value", =~, !=, !~), and as the
// picker writes them: one selector a label, several values as an expression.

export interface Selector { name: string; op: string; value: string; }

/** The parts of a selector; null when it is none. */
export function parseSelector(text: string): Selector | null {
  const m = /^\s*([^=!\s]+)\s*(=~|!~|!=|=)\s*([\s\S]*)$/.exec(text);
  if (!m) return null;
  const v = m[3].trim();
  const quoted = v.length >= 2 && v.startsWith('"') && v.endsWith('"');
  return { name: m[1], op: m[2], value: quoted ? v.slice(1, -1).replace(/\\(["\\])/g, "$1") : v };
}

export function formatSelector(s: Selector): string {
  return `${s.name}${s.op}"${s.value.replace(/[\\"]/g, "\\$&")}"`;
}

const META = /[\\.+*?()|[\]{}^$]/g;

/** The values a list of selectors lets through for a label, as the picker chose them; [] = all. */
export function chosen(match: readonly string[], name: string): string[] {
  for (const text of match) {
    const s = parseSelector(text);
    if (s?.name !== name) continue;
    if (s.op === "=") return [s.value];
    // Only what toggle wrote: quoted literals between bars.
    if (s.op === "=~") {
      const parts = splitBars(s.value);
      if (parts) return parts;
    }
  }
  return [];
}

function splitBars(expression: string): string[] | null {
  const out: string[] = [""];
  for (let i = 0; i < expression.length; i++) {
    const c = expression[i];
    if (c === "\\") out[out.length - 1] += expression[++i] ?? "";
    else if (c === "|") out.push("");
    else if (c.search(META) >= 0) return null; // somebody's own expression
    else out[out.length - 1] += c;
  }
  return out;
}

/** The selectors with one value of a label added or taken away. */
export function toggle(match: readonly string[], name: string, value: string): string[] {
  const now = chosen(match, name);
  const next = now.includes(value) ? now.filter((v) => v !== value) : [...now, value];
  return withValues(match, name, next);
}

/** The selectors with exactly these values of a label; none = no selector of it. */
export function withValues(match: readonly string[], name: string, values: readonly string[]): string[] {
  const rest = match.filter((m) => parseSelector(m)?.name !== name);
  if (values.length === 0) return rest;
  const one = values.length === 1;
  return [...rest, formatSelector({ name, op: one ? "=" : "=~", value: one ? values[0] : values.map((v) => v.replace(META, "\\$&")).join("|") })];
}

/** "thread group" of thread_group: labels are named for machines. */
export const labelWords = (name: string) => name.replaceAll("_", " ");
