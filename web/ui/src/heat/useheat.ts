// Fetches the heat map and keeps it current: everything once per range and
// type, then only the last minutes at each poll.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, serverNow, type HeatAnswer } from "../api";
import { useEvery } from "../hooks";
import { fromAnswer, merge, sum, type Cells } from "./cells";
import { scheme } from "./grid";

export interface HeatData {
  cells: Cells | null;
  coarse: boolean; // minute squares although the range is short
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

export function useHeat(service: string, type: string, key: string, win: HeatWindow, pollMs: number): HeatData {
  const [data, set] = useState<HeatData & { key: string }>({ key: "", cells: null, coarse: false, error: null, missing: [], stale: true });
  const fullAt = useRef(0);
  const busy = useRef<AbortController | null>(null);
  const id = `${service}\n${type}\n${key}`;

  const load = async (coarse: boolean, onlyTail: Cells | null): Promise<void> => {
    const stop = new AbortController();
    busy.current?.abort();
    busy.current = stop;
    const until = win.untilMs(), from = until - win.spanMs, s = scheme(win.spanMs, coarse);
    const since = onlyTail ? Math.max(from, until - OVERLAP_MS) : from;
    try {
      const a = await get<HeatAnswer>("heatmap", { service, type, from: Math.floor(since), until: Math.ceil(until), step: s.stepMs / 1000 + "s" }, stop.signal);
      if (stop.signal.aborted) return;
      let cells = fromAnswer(a);
      if (onlyTail) cells = merge(onlyTail, cells, from, until);
      else fullAt.current = serverNow();
      // No raw samples that far back, but perhaps minute counts.
      if (!onlyTail && s.stepMs < 6e4 && sum(cells, from, until).recorded === 0) {
        await load(true, null);
        return;
      }
      set({ key: id, cells, coarse, error: null, missing: a.missing ?? [], stale: false });
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
