// How a method changed, in numbers and in words.

import type { Delta } from "../icicle/diff";
import { digits, value } from "../text/units";

/** "+12.3 points" or "+1.2 s/min"; always with its sign. */
export function deltaText(norm: "share" | "rate", unit: string, change: number): string {
  const by = Math.abs(change), plus = change > 0 ? "+" : change < 0 ? "−" : "±";
  return norm === "share" ? `${plus}${digits(by)} points` : `${plus}${value(unit, by)}/min`;
}

/** One side: "12.3 %" or "1.2 s/min". */
export function sideText(norm: "share" | "rate", unit: string, v: number): string {
  return norm === "share" ? `${digits(v)} %` : `${value(unit, v)}/min`;
}

export function changeWords(norm: "share" | "rate", unit: string, d: Delta, state: string): string {
  if (state === "new") return `new, ${sideText(norm, unit, d.after)}`;
  if (state === "removed") return `gone, was ${sideText(norm, unit, d.before)}`;
  const both = `${sideText(norm, unit, d.before)} → ${sideText(norm, unit, d.after)}, ${deltaText(norm, unit, d.change)}`;
  return state === "same" ? both + " (not significant)" : both;
}

/** The result of the test on time slices, for readers who do not know it. */
export function significance(p: number | null | undefined, state: string): string {
  if (p === null || p === undefined) return "too few time slices for a test: judged by the sums alone";
  const odds = p < 0.0001 ? "<0.0001" : p.toPrecision(2).replace(/e-(\d+)/, "·10⁻$1");
  return state === "same" ? `p = ${odds}: slices of the two times differ as much by chance` : `p = ${odds}: chance alone would rarely make time slices differ this much`;
}
