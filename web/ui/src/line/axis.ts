// The time axis all lanes share, and the heights within a lane.

/** Points a lane is asked for: about one a pixel or two. */
const POINTS = 700;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400].map((s) => s * 1000);
/** What is measured once a minute is still a line: gaps up to this are bridged. */
const BRIDGE_MS = 90_000;
/** And these up to this, of what is measured only when something happens. */
const LOOSE_MS = 15 * 60_000;

export interface Axis { fromMs: number; untilMs: number; stepMs: number; }

/** Whole steps that hold a range: no shorter than a second, the rate of the series. */
export function makeAxis(fromMs: number, untilMs: number): Axis {
  const stepMs = STEPS.find((s) => (untilMs - fromMs) / s <= POINTS) ?? STEPS[STEPS.length - 1];
  return { fromMs: Math.floor(fromMs / stepMs) * stepMs, untilMs: Math.ceil(untilMs / stepMs) * stepMs, stepMs };
}

export const steps = (a: Axis) => Math.round((a.untilMs - a.fromMs) / a.stepMs);
export const xOf = (a: Axis, ms: number, w: number) => ((ms - a.fromMs) / (a.untilMs - a.fromMs)) * w;
export const clampMs = (a: Axis, ms: number) => Math.min(a.untilMs, Math.max(a.fromMs, ms));
export const msAt = (a: Axis, x: number, w: number) => clampMs(a, a.fromMs + (x / w) * (a.untilMs - a.fromMs));
/** The step that holds an instant: its start. */
export const stepOf = (a: Axis, ms: number) => a.fromMs + Math.min(steps(a) - 1, Math.max(0, Math.floor((ms - a.fromMs) / a.stepMs))) * a.stepMs;

const ROUND = [1e3, 2e3, 5e3, 1e4, 15e3, 3e4, ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880].map((m) => m * 6e4)];

/** Round local times, as many as fit. */
export function ticks(a: Axis, zoneMs: number, most: number): number[] {
  const every = ROUND.find((r) => (a.untilMs - a.fromMs) / r <= most) ?? ROUND[ROUND.length - 1];
  const out: number[] = [];
  for (let t = Math.ceil((a.fromMs + zoneMs) / every) * every - zoneMs; t < a.untilMs; t += every) out.push(t);
  return out;
}

/** The least round number that is not below v: of bytes, of powers of two. */
export function nice(v: number, bytes = false): number {
  if (!(v > 0)) return 1;
  const p = bytes ? 1024 ** Math.floor(Math.log2(v) / 10) : 10 ** Math.floor(Math.log10(v));
  const digits = bytes ? [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024] : [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
  return digits.map((k) => (bytes ? k * p : Number((k * p).toPrecision(4)))).find((k) => k >= v * 0.999999)!;
}

/**
 * Fills the steps between points on a straight line. A gap counts as one when
 * it is longer than twice those beside it: nobody measured there.
 */
export function bridged(values: Float64Array, stepMs: number, loose = false): Float64Array {
  const out = values.slice(), at: number[] = [];
  values.forEach((v, i) => { if (!Number.isNaN(v)) at.push(i); });
  for (let k = 1; k < at.length; k++) {
    const a = at[k - 1], b = at[k], gap = b - a;
    const beside = Math.min(k > 1 ? a - at[k - 2] : gap, k + 1 < at.length ? at[k + 1] - b : gap);
    if (gap * stepMs > (loose ? LOOSE_MS : BRIDGE_MS) || (!loose && gap > 3 && gap > 2 * beside)) continue;
    for (let i = a + 1; i < b; i++) out[i] = values[a] + ((values[b] - values[a]) * (i - a)) / gap;
  }
  return out;
}

/** What a counter gained a second, from one point to the next; NaN where it began anew. */
export function perSecond(values: Float64Array, stepMs: number): Float64Array {
  const out = new Float64Array(values.length).fill(NaN);
  let last = -1;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    if (last >= 0 && values[i] >= values[last]) out.fill((values[i] - values[last]) / (((i - last) * stepMs) / 1000), last + 1, i + 1);
    last = i;
  }
  return out;
}

/** Lines added up, or the largest of them; NaN only where none has a value. */
export function joined(all: Float64Array[], n: number, how: "sum" | "max"): Float64Array {
  const out = new Float64Array(n).fill(NaN);
  for (const v of all) for (let i = 0; i < n; i++) {
    if (Number.isNaN(v[i])) continue;
    out[i] = Number.isNaN(out[i]) ? v[i] : how === "sum" ? out[i] + v[i] : Math.max(out[i], v[i]);
  }
  return out;
}
