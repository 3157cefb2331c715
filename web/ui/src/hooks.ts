// What components share: fetching with staleness, intervals that rest while
// the page is hidden, and the size of an element.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";
import { ApiError, get, serverNow, type Params } from "./api";

export interface Loaded<T> {
  data: T | null; // of the last answer, perhaps of other parameters
  error: ApiError | null;
  busy: boolean;
  stale: boolean; // data is not for the present parameters
  reload: () => void;
}

/**
 * GETs whenever the parameters change. Data of the last answer stays while the
 * next is under way, so that nothing flickers. what = null asks nothing.
 */
export function useGet<T>(what: string | null, params: Params): Loaded<T> {
  const key = what === null ? "" : what + "?" + JSON.stringify(params);
  const [turn, setTurn] = useState(0);
  const [state, set] = useState<{ key: string; data: T | null; error: ApiError | null; busy: boolean }>({ key: "", data: null, error: null, busy: true });
  useEffect(() => {
    if (what === null) {
      set({ key: "", data: null, error: null, busy: false });
      return;
    }
    const stop = new AbortController();
    set((s) => ({ ...s, busy: true }));
    get<T>(what, params, stop.signal).then(
      (data) => { if (!stop.signal.aborted) set({ key, data, error: null, busy: false }); },
      (e) => {
        if (stop.signal.aborted) return;
        const error = e instanceof ApiError ? e : new ApiError(0, String(e));
        // A failed refresh of the same view keeps what is on the screen.
        set((s) => ({ key: s.key, data: s.data, error, busy: false }));
      },
    );
    return () => stop.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((t) => t + 1), []);
  return { data: state.data, error: state.error, busy: state.busy, stale: state.key !== key, reload };
}

/** Calls f every ms while the page is visible, and once when it becomes so. */
export function useEvery(ms: number, f: () => void): void {
  const latest = useRef(f);
  latest.current = f;
  useEffect(() => {
    if (ms <= 0) return;
    const run = () => { if (!document.hidden) latest.current(); };
    const id = setInterval(run, ms);
    document.addEventListener("visibilitychange", run);
    return () => { clearInterval(id); document.removeEventListener("visibilitychange", run); };
  }, [ms]);
}

/** The server's time, renewed every ms. */
export function useNow(ms: number): number {
  const [now, set] = useState(serverNow);
  useEvery(ms, () => set(serverNow()));
  return now;
}

export interface Size { width: number; height: number; dpr: number; }

/** The content size of an element in CSS pixels, and the device pixel ratio. */
export function useSize(ref: RefObject<HTMLElement | null>): Size {
  const [size, set] = useState<Size>({ width: 0, height: 0, dpr: 1 });
  useEffect(() => {
    const el = ref.current;
    if (!el) return;
    const measure = () => {
      const next = { width: el.clientWidth, height: el.clientHeight, dpr: devicePixelRatio || 1 };
      set((s) => (s.width === next.width && s.height === next.height && s.dpr === next.dpr ? s : next));
    };
    measure();
    const seen = new ResizeObserver(measure);
    seen.observe(el);
    // Moving the window to another screen changes the ratio but no size.
    const ratio = matchMedia(`(resolution: ${devicePixelRatio || 1}dppx)`);
    ratio.addEventListener("change", measure);
    return () => { seen.disconnect(); ratio.removeEventListener("change", measure); };
  }, []);
  return size;
}

/** A value that follows its source when that has rested for ms. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, set] = useState(value);
  useEffect(() => {
    const id = setTimeout(() => set(value), ms);
    return () => clearTimeout(id);
  }, [value, ms]);
  return settled;
}
