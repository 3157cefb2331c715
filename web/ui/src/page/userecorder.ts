// The recorder page's state and data in one place: the URL is the state, and
// every request is derived from it and from the clock.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { isLive, serverNow, type IcicleAnswer, type Service, type TopAnswer } from "../api";
import { makeGrid, scheme } from "../heat/grid";
import { useHeat } from "../heat/useheat";
import { useEvery, useGet, useNow, useSettled } from "../hooks";
import { minShare } from "../icicle/search";
import { initialRange, resolve } from "../range";
import { navigate, usePlace } from "../route";
import { parseQuery } from "../text/match";
import { formatState, parseState, parseZoom, servicePath, type State } from "../urlstate";

const POLL_MS = 2000;
const IDLE_POLL_MS = 10_000;

export function useRecorder(service: string) {
  const place = usePlace();
  const state = useMemo(() => parseState(place.search), [place.search]);
  const set = useCallback((patch: Partial<State>, replace = false) => {
    // From the address bar, not from the last render: two changes in one
    // event must not undo each other.
    navigate(servicePath(service) + formatState({ ...parseState(location.search), ...patch }), replace);
  }, [service]);

  const list = useGet<{ services: Service[] }>("services", {});
  useEvery(5000, list.reload);
  const info = list.data?.services.find((s) => s.name === service) ?? null;
  const live = info?.instances.some(isLive) ?? false;
  const types = info?.types ?? [];
  const type = state.type || types.find((t) => t.name === "cpu")?.name || types[0]?.name || "";

  // Without a range in the URL the page shows all there is, up to 7 days.
  const known = info !== null;
  useEffect(() => {
    if (!state.from && info) set({ from: initialRange(info.first_ms, serverNow()) }, true);
  }, [known, state.from]);

  const now = useNow(POLL_MS);
  const range = resolve(state.from, state.to, now);
  const spanMs = range.untilMs - range.fromMs;
  const key = state.from ? `${state.from}|${state.to}` : "";
  const heat = useHeat(known ? service : "", type, key, { spanMs, moving: range.moving, untilMs: () => resolve(state.from, state.to, serverNow()).untilMs }, live ? POLL_MS : IDLE_POLL_MS);
  const zoneMs = -new Date(range.untilMs).getTimezoneOffset() * 6e4;
  const { stepMs, rows } = scheme(spanMs, heat.coarse && !heat.stale);
  const firstStep = Math.floor(range.fromMs / stepMs) * stepMs, untilStep = Math.ceil(range.untilMs / stepMs) * stepMs;
  const grid = useMemo(() => makeGrid(firstStep, untilStep, { stepMs, rows }, zoneMs), [firstStep, untilStep, stepMs, rows, zoneMs]);

  // The analysis follows a moving range more slowly: its frames should not
  // shift under the pointer. A selection is fixed and never asked again.
  const [tick, setTick] = useState(0);
  useEvery(live && range.moving && !state.sel ? (spanMs > 12 * 36e5 ? 30_000 : 10_000) : 0, () => setTick((t) => t + 1));
  const [fromMs, untilMs] = useMemo(() => {
    if (state.sel) return state.sel;
    const r = resolve(state.from, state.to, serverNow());
    return [Math.floor(r.fromMs), Math.ceil(r.untilMs)];
  }, [state.sel?.[0], state.sel?.[1], key, tick]);

  const ask = known && key !== "" && type !== "";
  const base = { service, type, from: fromMs, until: untilMs };
  const query = useMemo(() => parseQuery(state.q), [state.q]);
  const settledPlain = useSettled(query.plain, 250);
  const [limit, setLimit] = useState(200);
  useEffect(() => setLimit(200), [service, type, key]);
  const top = useGet<TopAnswer>(ask ? "top" : null, { ...base, sort: state.sort, limit });
  // A substring is also asked of the server: the method may be below the limit.
  const topFound = useGet<TopAnswer>(ask && settledPlain ? "top" : null, { ...base, sort: state.sort, limit: 200, search: settledPlain });

  const zoom = parseZoom(state.z);
  const detail = useDetail(`${service}|${type}|${key}|${state.sel}|${state.f}|${state.callers}`, zoom.detail);
  const icicle = useGet<IcicleAnswer>(
    ask ? (state.callers ? "callers" : "icicle") : null,
    state.callers ? { ...base, function: state.callers } : { ...base, focus: state.f, min_share: minShare(detail) },
  );

  return { state, set, list, info, live, types, type, now, range, heat, grid, zoneMs, query, top, topFound: settledPlain ? topFound : null, setLimit, icicle, zoom, fromMs, untilMs };
}

/** The deepest detail asked for one view: going back up needs no refetch. */
function useDetail(view: string, wanted: number): number {
  const [held, hold] = useState({ view, detail: wanted });
  const detail = held.view === view ? Math.max(held.detail, wanted) : wanted;
  useEffect(() => { if (held.view !== view || held.detail !== detail) hold({ view, detail }); }, [view, detail]);
  return detail;
}

export type Recorder = ReturnType<typeof useRecorder>;
