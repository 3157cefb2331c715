// The two sides of a comparison in the URL: the present one is sel (or the
// whole range) and match; the one before is base and basematch.

import { duration } from "../text/time";
import { value } from "../text/units";
import type { Sel, State } from "../urlstate";

/**
 * Selects everything. Without base selectors the API uses those of the other
 * side, so "all of it" must be said.
 */
export const ANY = 'instance=~".*"';

/** The selectors before, said so that they do not follow the other side any more. */
export function explicit(s: Pick<State, "match" | "basematch">): string[] {
  return s.basematch.length > 0 ? s.basematch : s.match.length > 0 ? s.match : [ANY];
}

/** What a picker chose, with "all" said where it would mean something else. */
export function said(next: string[], other: readonly string[]): string[] {
  const some = next.filter((m) => m !== ANY);
  return some.length > 0 || other.length === 0 ? some : [ANY];
}

/** Exchanges the sides. A side that followed the range gets its present times. */
export function swapped(s: State, now: [number, number], base: [number, number]): Partial<State> {
  const sel: Sel = base;
  return { sel, base: now, match: explicit(s).filter((m) => m !== ANY), basematch: s.basematch.length ? said(s.match, [ANY]) : [], z: "" };
}

/** "12.3 s CPU in 20 min": what a side holds. */
export function side(unit: string, noun: string, total: number, seconds: number): string {
  return total === 0 && seconds === 0 ? "nothing recorded" : `${value(unit, total)} ${noun} in ${duration(seconds * 1000)}`;
}
