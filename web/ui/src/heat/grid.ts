// The geometry of the heat map. Time runs down a column and then to the next:
// a column is an hour and a row a minute for days; shorter ranges use finer
// squares, down to columns of a second in rows of 20 ms. A cell index counts steps from `origin`, the
// start of the first column, so that continuous time is continuous in it.

export interface Grid {
  originMs: number; // start of column 0, on a local hour (or its like)
  stepMs: number; // one cell
  rows: number; // cells per column
  cols: number;
  first: number; // index of the first cell of the range
  end: number; // index after the last cell of the range
}

export interface Scheme { stepMs: number; rows: number; }

const HOUR = 36e5;

/** The squares for a range: 20 ms up to 5 min, 50 ms up to 10, 1 s up to 90 min, 10 s up to 12 h, else 1 min. */
export function scheme(spanMs: number, coarse = false): Scheme {
  if (spanMs <= 12 * HOUR) {
    // Where no raw samples are kept (or only minute counts exist) short ranges
    // still show minute squares, ten to a column.
    if (coarse) return { stepMs: 6e4, rows: 10 };
    if (spanMs <= 3e5) return { stepMs: 20, rows: 50 };
    if (spanMs <= 6e5) return { stepMs: 50, rows: 20 };
    return spanMs <= 1.5 * HOUR ? { stepMs: 1e3, rows: 60 } : { stepMs: 1e4, rows: 60 };
  }
  if (spanMs > 8 * 24 * HOUR) return { stepMs: HOUR, rows: 24 };
  return { stepMs: 6e4, rows: 60 };
}

/** A step as the API takes it: "60s", "20ms". */
export const stepText = (ms: number) => (ms % 1000 ? ms + "ms" : ms / 1000 + "s");

/** zoneMs is local time minus UTC, so that columns start on local hours. */
export function makeGrid(fromMs: number, untilMs: number, s: Scheme, zoneMs: number): Grid {
  const col = s.stepMs * s.rows;
  const originMs = Math.floor((fromMs + zoneMs) / col) * col - zoneMs;
  const first = Math.floor((fromMs - originMs) / s.stepMs);
  const end = Math.max(first + 1, Math.ceil((untilMs - originMs) / s.stepMs));
  return { originMs, stepMs: s.stepMs, rows: s.rows, cols: Math.ceil(end / s.rows), first, end };
}

export const cellTime = (g: Grid, i: number) => g.originMs + i * g.stepMs;

/** The cell that holds an instant, clamped to the range. */
export function cellAt(g: Grid, ms: number): number {
  return clamp(Math.floor((ms - g.originMs) / g.stepMs), g.first, g.end - 1);
}

const clamp = (x: number, lo: number, hi: number) => Math.min(hi, Math.max(lo, x));

/** Where the squares are drawn, in CSS pixels. */
export interface Plot { x: number; y: number; w: number; h: number; }

/** Left edge of a column and top edge of a row, on whole device pixels. */
export const colX = (g: Grid, p: Plot, c: number, dpr = 1) => p.x + Math.round((c * p.w * dpr) / g.cols) / dpr;
export const rowY = (g: Grid, p: Plot, r: number, dpr = 1) => p.y + Math.round((r * p.h * dpr) / g.rows) / dpr;

/** The cell under a point; points outside are pulled to the nearest cell. */
export function cellAtPoint(g: Grid, p: Plot, x: number, y: number): number {
  const c = clamp(Math.floor(((x - p.x) / p.w) * g.cols), 0, g.cols - 1);
  const r = clamp(Math.floor(((y - p.y) / p.h) * g.rows), 0, g.rows - 1);
  return clamp(c * g.rows + r, g.first, g.end - 1);
}

export const inside = (p: Plot, x: number, y: number) => x >= p.x && x < p.x + p.w && y >= p.y && y < p.y + p.h;

/** Moves a cursor cell by columns and rows, staying in the range. */
export function moveCell(g: Grid, i: number, dc: number, dr: number): number {
  return clamp(i + dc * g.rows + dr, g.first, g.end - 1);
}

/** Column labels: as many as fit, on round hours (or minutes) and midnights. */
export interface Tick { col: number; ms: number; major: boolean; }

export function ticks(g: Grid, zoneMs: number, maxTicks: number): Tick[] {
  const colMs = g.stepMs * g.rows;
  const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080].map((m) => m * 6e4);
  const steps = [1e3, 2e3, 5e3, 1e4, 1.5e4, 3e4, ...minutes];
  const want = steps.find((s) => s >= colMs && (g.cols * colMs) / s <= maxTicks) ?? steps[steps.length - 1];
  const out: Tick[] = [];
  for (let c = 0; c < g.cols; c++) {
    const ms = g.originMs + c * colMs;
    // A column gets a label when a round time starts in it.
    const next = Math.ceil((ms + zoneMs) / want) * want - zoneMs;
    if (next < ms + colMs) out.push({ col: c, ms: next, major: (next + zoneMs) % 864e5 === 0 });
  }
  return out;
}
