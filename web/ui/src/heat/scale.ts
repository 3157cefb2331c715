// From a value to a tone. The scale is linear and clamped at the 99th
// percentile, so that one burst does not bleach the week; 0 has its own palest
// tone, the same in every view.

/** Number of tones above the one of 0. */
export const TONES = 255;

/** The p-quantile (nearest rank) of the values above 0; 0 when there are none. */
export function quantile(values: ArrayLike<number>, p: number): number {
  let n = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > 0) n++;
  if (n === 0) return 0;
  const v = new Float64Array(n);
  for (let i = 0, k = 0; i < values.length; i++) if (values[i] > 0) v[k++] = values[i];
  v.sort();
  return v[Math.min(n - 1, Math.max(0, Math.ceil(p * n) - 1))];
}

/** 0 for idle, 1..TONES for work; NaN (no data) is the caller's. */
export function tone(v: number, top: number): number {
  if (!(v > 0)) return 0;
  if (v >= top) return TONES;
  return Math.max(1, Math.ceil((v / top) * TONES));
}

export type RGB = [number, number, number];

/** TONES + 1 colours through the stops, evenly spaced. */
export function ramp(stops: RGB[]): string[] {
  const out: string[] = [];
  for (let i = 0; i <= TONES; i++) {
    const t = (i / TONES) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(t)), f = t - k;
    const c = stops[k].map((a, j) => Math.round(a + (stops[k + 1][j] - a) * f));
    out.push(`rgb(${c[0]},${c[1]},${c[2]})`);
  }
  return out;
}

/** A tone while a search is active: none so pale that its hue could not be told, and the order kept. */
export const lifted = (t: number) => (t === 0 ? 0 : 80 + Math.round((t * (TONES - 80)) / TONES));

/** Steps of the matched share a search tints cells with. */
export const TINTS = 8;

/** The step of a share; any match at all is told from none. */
export function tint(share: number, top: number): number {
  return share > 0 && top > 0 ? Math.max(1, Math.min(TINTS, Math.round((share / top) * TINTS))) : 0;
}

/** TINTS + 1 ramps between two hues of equal lightness. */
export function tints(a: RGB[], b: RGB[]): string[][] {
  return Array.from({ length: TINTS + 1 }, (_, k) => ramp(a.map((c, i) => c.map((v, j) => Math.round(v + ((b[i][j] - v) * k) / TINTS)) as RGB)));
}
