// Fetches the heat map and keeps it current: everything once per range and
// type, then only the last minutes at each poll.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, serverNow, type HeatAnswer } from "../api";
import { useEvery } from "../hooks";
import { first, fromAnswer, merge, sum, type Cells } from "./cells";
import { scheme, stepText } from "./grid";

export interface HeatData {
  cells: Cells | null;
  coarse: boolean; // minute squares although the range is short
  rawFromMs: number; // before it minutes were counted whose raw samples are gone; 0 = nowhere
  error: ApiError | null;
  missing: string[];
  stale: boolean; // cells are still those of the range before
}

/** Batches may come a little late: a poll looks back this far. */
const OVERLAP_MS = 180_000;
/** And now and then everything is asked again, for batches that came very late. */
const REFRESH_MS = 120_000;

export interface HeatWindow {
  spanMs: number;
  untilMs: () => number; // evaluated at each request
  moving: boolean; // untilMs follows the clock
}

export function useHeat(service: string, type: string, key: string, win: HeatWindow, pollMs: number, match: string[] = []): HeatData {
  const [data, set] = useState<HeatData & { key: string }>({ key: "", cells: null, coarse: false, rawFromMs: 0, error: null, missing: [], stale: true });
  const fullAt = useRef(0);
  const busy = useRef<AbortController | null>(null);
  const id = [service, type, key, ...match].join("\n");

  const load = async (coarse: boolean, onlyTail: Cells | null): Promise<void> => {
    const stop = new AbortController();
    busy.current?.abort();
    busy.current = stop;
    const until = win.untilMs(), from = until - win.spanMs;
    const ask = (stepMs: number, a: number, b: number) =>
      get<HeatAnswer>("heatmap", { service, type, from: Math.floor(a), until: Math.ceil(b), step: stepText(stepMs), match }, stop.signal);
    const s = scheme(win.spanMs, coarse);
    try {
      const a = await ask(s.stepMs, onlyTail ? Math.max(from, until - OVERLAP_MS) : from, until);
      if (stop.signal.aborted) return;
      let cells = fromAnswer(a), rawFromMs = data.rawFromMs;
      if (onlyTail) cells = merge(onlyTail, cells, from, until);
      else {
        fullAt.current = serverNow();
        rawFromMs = 0;
        // No raw samples that far back, but perhaps minute counts.
        if (s.stepMs < 6e4) {
          if (sum(cells, from, until).recorded === 0) return void (await load(true, null));
          const begin = first(cells, from);
          if (begin > from + 2 * 6e4) {
            const before = await ask(6e4, from, begin - 6e4);
            if (stop.signal.aborted) return;
            if (sum(fromAnswer(before), from, begin - 6e4).recorded > 0) rawFromMs = begin;
          }
        }
      }
      set({ key: id, cells, coarse, rawFromMs, error: null, missing: a.missing ?? [], stale: false });
    } catch (e) {
      if (stop.signal.aborted) return;
      const error = e instanceof ApiError ? e : new ApiError(0, String(e));
      set((d) => ({ ...d, error }));
    }
  };

  useEffect(() => {
    if (!service || !type || !key) return;
    void load(false, null);
    return () => busy.current?.abort();
  }, [id]);

  useEvery(win.moving ? pollMs : 0, () => {
    if (!service || !type || !key) return;
    const current = data.key === id && data.cells;
    if (!current) {
      if (data.error) void load(false, null);
      return;
    }
    // Fine squares are tried again with each full refresh.
    if (serverNow() - fullAt.current > REFRESH_MS) void load(false, null);
    else void load(data.coarse, current);
  });

  return { ...data, stale: data.key !== id };
}
