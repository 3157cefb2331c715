// What narrows a question, as the parameters of the API: docs/api.md,
// "Narrowing stacks". Selectors go to every question, the rest only to those
// about stacks.

import type { Params } from "../api";
import { rhythm } from "../heat/select";
import type { State } from "../urlstate";

/** The parameters that select and change stacks. */
export function narrowing(s: State): Params {
  return { match: s.match, filter: s.filter, exclude: s.x, collapse: s.fold, ...rhythm(s.sel) };
}

/** The time and the selectors compared with; null when nothing is compared. */
export function baseline(s: State, fromMs: number, untilMs: number, comparing: boolean): Params | null {
  if (!comparing && !s.base) return null;
  return { base_from: s.base?.[0] ?? fromMs, base_until: s.base?.[1] ?? untilMs, base_match: s.basematch, norm: s.norm };
}
