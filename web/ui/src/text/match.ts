// The search language: a case-insensitive substring, or /…/ for a regular
// expression. Never fuzzy. A bad expression is an error to show, not "nothing".

export interface Query {
  text: string;
  error: string;
  /** What a server that only knows substrings may be asked; "" if nothing. */
  plain: string;
  test: ((s: string) => boolean) | null;
}

export const NONE: Query = { text: "", error: "", plain: "", test: null };

/** Expressions run against text this long at most: a bound on backtracking. */
const MAX_SUBJECT = 1000;

export function parseQuery(text: string): Query {
  if (text === "" || text === "/") return { ...NONE, text };
  if (text.startsWith("/")) {
    // The closing slash is optional while it is being typed.
    const m = /^\/([\s\S]+?)(?:\/(i?))?$/.exec(text);
    const body = m ? m[1] : text.slice(1);
    try {
      const re = new RegExp(body, "iu");
      return { text, error: "", plain: "", test: (s) => re.test(s.length > MAX_SUBJECT ? s.slice(0, MAX_SUBJECT) : s) };
    } catch (e) {
      const why = e instanceof Error ? e.message.slice(e.message.lastIndexOf(": ") + 1).trim() : String(e);
      return { text, error: why, plain: "", test: null };
    }
  }
  const needle = text.toLowerCase();
  return { text, error: "", plain: text, test: (s) => s.toLowerCase().includes(needle) };
}

/** Which entries of a string table match; 1 or 0 per entry. */
export function matchTable(strings: readonly string[], q: Query): Uint8Array {
  const hit = new Uint8Array(strings.length);
  if (q.test) for (let i = 0; i < strings.length; i++) hit[i] = q.test(strings[i]) ? 1 : 0;
  return hit;
}
