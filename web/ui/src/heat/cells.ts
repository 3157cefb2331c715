// The values behind the heat map, kept across polls: a poll asks for the last
// minutes only and is laid over what is there.

export interface Cells {
  fromMs: number; // a multiple of stepMs
  stepMs: number;
  unit: string;
  values: Float64Array; // NaN = nothing recorded, 0 = recorded and idle
  demoUntilMs: number | null;
}

export interface Answer {
  from_ms: number;
  step_ms: number;
  unit: string;
  cells: (number | null)[];
  demo_until_ms?: number | null;
  matched?: number[]; // with a search: what of each cell matches
}

export function fromAnswer(a: Answer): Cells {
  const values = new Float64Array(a.cells.length);
  for (let i = 0; i < values.length; i++) values[i] = a.cells[i] ?? NaN;
  return { fromMs: a.from_ms, stepMs: a.step_ms, unit: a.unit, values, demoUntilMs: a.demo_until_ms ?? null };
}

/**
 * Lays a newer answer over older cells and cuts to [fromMs, untilMs). Where
 * both know a cell the newer one is right; cells neither knows are NaN.
 */
export function merge(old: Cells, next: Cells, fromMs: number, untilMs: number): Cells {
  const step = old.stepMs;
  if (next.stepMs !== step) return next;
  const from = Math.floor(fromMs / step) * step;
  const n = Math.max(0, Math.ceil((untilMs - from) / step));
  const values = new Float64Array(n).fill(NaN);
  for (const part of [old, next]) {
    const shift = (part.fromMs - from) / step;
    for (let i = 0; i < part.values.length; i++) {
      const k = i + shift;
      if (k >= 0 && k < n) values[k] = part.values[i];
    }
  }
  const demo = [old.demoUntilMs, next.demoUntilMs].filter((d): d is number => d !== null);
  return { fromMs: from, stepMs: step, unit: next.unit || old.unit, values, demoUntilMs: demo.length ? Math.max(...demo) : null };
}

/** The value at an instant; NaN outside. */
export function at(c: Cells, ms: number): number {
  const i = Math.floor((ms - c.fromMs) / c.stepMs);
  return i >= 0 && i < c.values.length ? c.values[i] : NaN;
}

/** When the first cell with data from an instant on starts; the instant when none has. */
export function first(c: Cells, fromMs: number): number {
  const a = Math.max(0, Math.floor((fromMs - c.fromMs) / c.stepMs));
  for (let i = a; i < c.values.length; i++) if (!Number.isNaN(c.values[i])) return c.fromMs + i * c.stepMs;
  return fromMs;
}

export interface Sum { sum: number; recorded: number; peak: number; peakMs: number; }

/** What happened in [fromMs, untilMs): recorded counts cells with data. */
export function sum(c: Cells, fromMs: number, untilMs: number): Sum {
  const out: Sum = { sum: 0, recorded: 0, peak: 0, peakMs: NaN };
  const a = Math.max(0, Math.floor((fromMs - c.fromMs) / c.stepMs));
  const b = Math.min(c.values.length, Math.ceil((untilMs - c.fromMs) / c.stepMs));
  for (let i = a; i < b; i++) {
    const v = c.values[i];
    if (Number.isNaN(v)) continue;
    out.recorded++;
    out.sum += v;
    if (v > out.peak) { out.peak = v; out.peakMs = c.fromMs + i * c.stepMs; }
  }
  return out;
}

/** The same over several stretches of time. */
export function sumAll(c: Cells, parts: [number, number][]): Sum {
  const out: Sum = { sum: 0, recorded: 0, peak: 0, peakMs: NaN };
  for (const [from, until] of parts) {
    const s = sum(c, from, until);
    out.recorded += s.recorded;
    out.sum += s.sum;
    if (s.peak > out.peak) { out.peak = s.peak; out.peakMs = s.peakMs; }
  }
  return out;
}
