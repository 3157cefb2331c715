// The recorder page's state and data in one place: the URL is the state, and
// every request is derived from it and from the clock.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { isLive, serverNow, type DiffAnswer, type IcicleAnswer, type Instance, type Service, type TopAnswer } from "../api";
import { cellTime, makeGrid, scheme } from "../heat/grid";
import { useMarks } from "../heat/marks";
import { rhythm } from "../heat/select";
import { useHeat } from "../heat/useheat";
import { useTint } from "../heat/usetint";
import { useEvery, useGet, useNow, useSettled, type Loaded } from "../hooks";
import { minShare } from "../icicle/search";
import { initialRange, resolve } from "../range";
import { navigate, usePlace } from "../route";
import { parseQuery } from "../text/match";
import { baseline, narrowing } from "./narrow";
import { comparePath, formatState, parseState, parseZoom, servicePath, type State } from "../urlstate";

const POLL_MS = 2000;
const IDLE_POLL_MS = 10_000;
const NOBODY: Instance[] = [];

export function useRecorder(service: string, comparing = false) {
  const place = usePlace();
  const state = useMemo(() => parseState(place.search), [place.search]);
  const set = useCallback((patch: Partial<State>, replace = false) => {
    // From the address bar, not from the last render: two changes in one
    // event must not undo each other.
    navigate((comparing ? comparePath : servicePath)(service) + formatState({ ...parseState(location.search), ...patch }), replace);
  }, [service, comparing]);

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
  const heat = useHeat(known ? service : "", type, key, { spanMs, moving: range.moving, untilMs: () => resolve(state.from, state.to, serverNow()).untilMs }, live ? POLL_MS : IDLE_POLL_MS, state.match);
  const zoneMs = -new Date(range.untilMs).getTimezoneOffset() * 6e4;
  const { stepMs, rows } = scheme(spanMs, heat.coarse && !heat.stale);
  const firstStep = Math.floor(range.fromMs / stepMs) * stepMs, untilStep = Math.ceil(range.untilMs / stepMs) * stepMs;
  const grid = useMemo(() => makeGrid(firstStep, untilStep, { stepMs, rows }, zoneMs), [firstStep, untilStep, stepMs, rows, zoneMs]);

  // The analysis follows a moving range more slowly: its frames should not
  // shift under the pointer. A selection is fixed and never asked again.
  const [tick, setTick] = useState(0);
  useEvery(live && range.moving && !state.sel ? (spanMs > 12 * 36e5 ? 30_000 : 10_000) : 0, () => setTick((t) => t + 1));
  const [fromMs, untilMs] = useMemo(() => {
    if (state.sel) return [state.sel[0], state.sel[1]];
    const r = resolve(state.from, state.to, serverNow());
    return [Math.floor(r.fromMs), Math.ceil(r.untilMs)];
  }, [state.sel?.[0], state.sel?.[1], key, tick]);

  const ask = known && key !== "" && type !== "";
  const versus = baseline(state, fromMs, untilMs, comparing);
  const base = { service, type, from: fromMs, until: untilMs, ...rhythm(state.sel), ...narrowing(state) };
  const query = useMemo(() => parseQuery(state.q), [state.q]);
  const settledPlain = useSettled(query.plain, 250), settledText = useSettled(state.q.length > 1 ? state.q : "", 300);
  const question = useMemo(() => ({ service, type, match: state.match }), [service, type, state.match.join("\n")]);
  // What the search covers of each square is asked again with the analysis, not at every poll.
  const [tintFrom, tintUntil] = useMemo(() => [cellTime(grid, grid.first), cellTime(grid, grid.end)], [key, tick, grid.stepMs, grid.rows, range.moving ? 0 : grid.first]);
  const tint = useTint(question, ask && query.error === "" ? settledText : "", tintFrom, tintUntil, grid.stepMs);
  const marks = useMarks(ask ? service : "", info?.instances ?? NOBODY, range.fromMs, range.untilMs);
  const sort = state.sort === "total" ? "total" : "self";
  const [limit, setLimit] = useState(200);
  useEffect(() => setLimit(200), [service, type, key]);
  const top = useGet<TopAnswer>(ask && !versus ? "top" : null, { ...base, focus: state.f, sort, limit });
  // A substring is also asked of the server: the method may be below the limit.
  const cut = top.data !== null && top.data.row_count > top.data.rows.length;
  const topFound = useGet<TopAnswer>(ask && !versus && cut && settledPlain ? "top" : null, { ...base, focus: state.f, sort, limit: 200, search: settledPlain });

  const zoom = parseZoom(state.z);
  const detail = useDetail(`${service}|${type}|${key}|${state.sel}|${state.f}|${state.callers}`, zoom.detail);
  const share = minShare(detail);
  const tree = { ...base, focus: state.f, invert: state.inv ? "true" : "", min_share: share };
  const diff = useGet<DiffAnswer>(ask && versus ? "diff" : null, { ...tree, ...versus, limit, significance: "true" });
  const stacks = useGet<IcicleAnswer>(
    ask && (state.callers || !versus) ? (state.callers ? "callers" : "icicle") : null,
    state.callers ? { ...base, function: state.callers, min_share: detail > 0 ? share : "" } : tree,
  );
  const icicle: Loaded<IcicleAnswer | DiffAnswer> = versus && !state.callers ? diff : stacks;
  // The lower half of a sandwich.
  const callees = useGet<IcicleAnswer>(ask && state.callers ? "icicle" : null, { ...base, focus: state.callers, min_share: share });

  return { state, set, list, info, live, types, type, now, range, heat, grid, question, tint, marks, zoneMs, query, top, topFound: settledPlain && cut ? topFound : null, setLimit, icicle, callees, diff: versus ? diff : null, base: versus && { fromMs: Number(versus.base_from), untilMs: Number(versus.base_until) }, rangeTotal: (versus ? diff.data?.range_total : top.data?.range_total) ?? 0, zoom, fromMs, untilMs };
}

/** The deepest detail asked for one view: going back up needs no refetch. */
function useDetail(view: string, wanted: number): number {
  const [held, hold] = useState({ view, detail: wanted });
  const detail = held.view === view ? Math.max(held.detail, wanted) : wanted;
  useEffect(() => { if (held.view !== view || held.detail !== detail) hold({ view, detail }); }, [view, detail]);
  return detail;
}

export type Recorder = ReturnType<typeof useRecorder>;
