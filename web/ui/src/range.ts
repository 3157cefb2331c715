// The time range of the page: what the switch offers, what a service gets at
// first, and how the keys [ and ] move it.

import { isRelative, parseTime } from "./text/time";

export const RANGES = [
  { label: "1 h", from: "now-1h", ms: 36e5 },
  { label: "6 h", from: "now-6h", ms: 6 * 36e5 },
  { label: "24 h", from: "now-24h", ms: 24 * 36e5 },
  { label: "3 d", from: "now-3d", ms: 3 * 864e5 },
  { label: "7 d", from: "now-7d", ms: 7 * 864e5 },
] as const;

/** The smallest range of the switch that holds all a service has recorded. */
export function initialRange(firstMs: number, nowMs: number): string {
  const age = nowMs - firstMs;
  return (RANGES.find((r) => age <= r.ms) ?? RANGES[RANGES.length - 1]).from;
}

export interface Range { fromMs: number; untilMs: number; moving: boolean; }

/** Resolves the range; bad or reversed times fall back to the last 24 hours. */
export function resolve(from: string, to: string, nowMs: number): Range {
  const until = to === "" ? nowMs : parseTime(to, nowMs);
  const start = from === "" ? null : parseTime(from, nowMs);
  const moving = to === "" || isRelative(to);
  if (until === null || start === null || start >= until) {
    return { fromMs: nowMs - 864e5, untilMs: nowMs, moving: true };
  }
  return { fromMs: start, untilMs: until, moving };
}

/** Half a range earlier or later; moving past now follows now again. */
export function shifted(r: Range, by: -1 | 1, nowMs: number): { from: string; to: string } {
  const span = r.untilMs - r.fromMs;
  // Whole minutes: links stay legible and squares do not straddle the edge.
  const until = Math.round((r.untilMs + (by * span) / 2) / 6e4) * 6e4;
  // Nearly now is meant as now: the clock went on while looking back.
  if (until >= nowMs - span / 20) {
    const known = RANGES.find((x) => Math.abs(x.ms - span) < 6e4);
    return { from: known?.from ?? `now-${Math.round(span / 1000)}s`, to: "" };
  }
  return { from: String(Math.round((until - span) / 6e4) * 6e4), to: String(until) };
}
