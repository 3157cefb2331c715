// From days to sub-seconds and back: the ranges the heat map zooms through.

import type { Range } from "../range";
import { RANGES } from "../range";

const LADDER = [7 * 864e5, 864e5, 6 * 36e5, 36e5, 6e5, 12e4, 2e4];

/** The range of a zoom ends on whole hours, minutes or seconds, so that squares do not straddle its edges. */
const unit = (span: number) => (span >= 864e5 ? 36e5 : span >= 36e5 ? 6e4 : 1e3);

export interface Times { from: string; to: string; }

/**
 * One step in (1) or out (-1). What lies at the anchor stays where it is on
 * the screen. Null at either end of the ladder. A range that would reach now
 * follows now.
 */
export function zoomed(r: Range, by: 1 | -1, anchorMs: number, nowMs: number): Times | null {
  const span = r.untilMs - r.fromMs;
  const next = by > 0 ? LADDER.find((l) => l < span * 0.9) : LADDER.findLast((l) => l > span * 1.1);
  if (next === undefined) return null;
  const share = Math.min(1, Math.max(0, (anchorMs - r.fromMs) / span)), u = unit(next);
  const from = Math.round((anchorMs - share * next) / u) * u;
  return times(from, from + next, nowMs);
}

/** The range that shows a selection as large as possible: no less than ten seconds. */
export function zoomedTo(fromMs: number, untilMs: number, nowMs: number): Times {
  const short = Math.max(0, 1e4 - (untilMs - fromMs)) / 2, u = unit(untilMs - fromMs);
  return times(Math.floor((fromMs - short) / u) * u, Math.ceil((untilMs + short) / u) * u, nowMs);
}

function times(from: number, until: number, nowMs: number): Times {
  if (until < nowMs) return { from: String(from), to: String(until) };
  const known = RANGES.find((x) => x.ms === until - from);
  return { from: known?.from ?? `now-${Math.round((until - from) / 1000)}s`, to: "" };
}
