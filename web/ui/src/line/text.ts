// Values of a lane in words.

import { duration } from "../text/time";
import { digits, percent, value } from "../text/units";
import { stepOf, type Axis } from "./axis";
import { barAt, type Lane, type Line } from "./model";

export function amount(unit: string, v: number): string {
  if (Number.isNaN(v)) return "–";
  if (unit === "bytes/s") return value("bytes", v) + "/s";
  if (unit === "1/s") return digits(v) + "/s";
  if (unit === "share") return percent(v, 1);
  return unit === "cores" ? (v > 0 && v < 0.1 ? (v < 0.001 ? "<0.001" : v.toFixed(3)) : digits(v)) + (v === 1 ? " core" : " cores") : value(unit, v);
}

/** The mean of a line over [fromMs, untilMs); NaN when it has no point there. */
export function mean(l: Line, a: Axis, fromMs: number, untilMs: number): number {
  let sum = 0, n = 0;
  for (let i = 0; i < l.values.length; i++) {
    const t = a.fromMs + i * a.stepMs;
    if (t + a.stepMs > fromMs && t < untilMs && !Number.isNaN(l.values[i])) { sum += l.values[i]; n++; }
  }
  return n ? sum / n : NaN;
}

export interface Fact { name: string; tone: string | number | null; text: string; thin: boolean; }

/** What a lane says: at an instant, or about a time. */
export function facts(lane: Lane, a: Axis, atMs: number | null, span: [number, number], nearMs: number): Fact[] {
  const [from, until] = atMs === null ? span : [stepOf(a, atMs), stepOf(a, atMs) + a.stepMs];
  const out: Fact[] = lane.lines.map((l) => ({ name: l.name, tone: l.tone, text: amount(lane.unit, mean(l, a, from, until)), thin: !lane.stacked }));
  if (lane.bars.length === 0) return out;
  if (atMs !== null) {
    const b = barAt(lane.bars, atMs, nearMs);
    return [...out, b ? { name: b.event.name || b.event.kind, tone: b.tone, text: value("nanoseconds", b.value), thin: true } : { name: "no event here", tone: null, text: "", thin: true }];
  }
  const within = lane.bars.filter((b) => b.untilMs >= from && b.fromMs < until);
  const sum = within.reduce((t, b) => t + b.value, 0), most = within.reduce((t, b) => Math.max(t, b.value), 0);
  for (const n of lane.names) out.push({ ...n, thin: true, text: String(within.filter((b) => b.tone === n.tone).length) });
  if (within.length > 0) out.push({ name: "sum, longest", tone: null, text: `${value("nanoseconds", sum)}, ${value("nanoseconds", most)}`, thin: true });
  return out;
}

/** "mean of 24 h" */
export const meanOf = (span: [number, number]) => "mean of " + duration(span[1] - span[0]);
