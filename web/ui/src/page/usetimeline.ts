// The timeline's state and data: the URL is the state, as on the recorder.

import { useCallback, useEffect, useMemo } from "preact/hooks";
import { isLive, serverNow, type HeatAnswer, type Service } from "../api";
import { stepText } from "../heat/grid";
import type { EventsAnswer } from "../heat/marks";
import { useEvery, useGet, useNow } from "../hooks";
import { makeAxis, steps } from "../line/axis";
import { allocLane, classLane, cpuLane, Data, exceptionLane, heapLane, jitLane, pauseLane, safepointLane, stripLane, threadLane, waitLane, type Lane, type TimelineAnswer } from "../line/model";
import { initialRange, resolve } from "../range";
import { navigate, usePlace } from "../route";
import { formatState, parseState, timelinePath, type State } from "../urlstate";

/** As many events of a kind as a lane takes. */
const EVENTS = 5000;

export function useTimeline(service: string) {
  const place = usePlace();
  const state = useMemo(() => parseState(place.search), [place.search]);
  const set = useCallback((patch: Partial<State>, replace = false) => {
    navigate(timelinePath(service) + formatState({ ...parseState(location.search), ...patch }), replace);
  }, [service]);
  const list = useGet<{ services: Service[] }>("services", {});
  useEvery(5000, list.reload);
  const info = list.data?.services.find((s) => s.name === service) ?? null;
  const live = info?.instances.some(isLive) ?? false;
  const known = info !== null;
  useEffect(() => {
    if (!state.from && info) set({ from: initialRange(info.first_ms, serverNow()) }, true);
  }, [known, state.from]);

  const now = useNow(5000);
  const range = resolve(state.from, state.to, now);
  const rough = makeAxis(range.fromMs, range.untilMs);
  const axis = useMemo(() => rough, [rough.fromMs, rough.untilMs, rough.stepMs]);
  const ask = known && state.from !== "";
  const span = { service, from: axis.fromMs, until: axis.untilMs, match: state.match }, step = stepText(axis.stepMs);
  const sampled = info?.types.some((t) => t.name === "cpu") ?? false;

  const series = useGet<TimelineAnswer>(ask ? "timeline" : null, { ...span, step });
  const heat = useGet<HeatAnswer>(ask && sampled ? "heatmap" : null, { ...span, type: "cpu", step });
  const gc = useGet<EventsAnswer>(ask ? "events" : null, { ...span, kind: "gc.", limit: 2 * EVENTS });
  const jit = useGet<EventsAnswer>(ask ? "events" : null, { ...span, kind: "jit.compilation", limit: EVENTS });
  const safe = useGet<EventsAnswer>(ask ? "events" : null, { ...span, kind: "safepoint", limit: EVENTS });
  const vm = useGet<EventsAnswer>(ask ? "events" : null, { ...span, kind: "vm.", limit: EVENTS });
  const all = [series, heat, gc, jit, safe, vm];
  useEvery(live && range.moving ? Math.min(60_000, Math.max(5000, axis.stepMs)) : 0, () => all.forEach((g) => g.reload()));

  const lanes = useMemo((): Lane[] => {
    const d = new Data(axis, fits(series.data, axis.fromMs, axis.stepMs) ? series.data!.series : []);
    const ev = (a: EventsAnswer | null) => a?.events ?? [];
    return [
      cpuLane(d), waitLane(d), heapLane(d), allocLane(d), pauseLane(d, ev(gc.data), gc.data?.truncated ?? false),
      jitLane(d, ev(jit.data), jit.data?.truncated ?? false), safepointLane(d, [...ev(safe.data), ...ev(vm.data)], (safe.data?.truncated || vm.data?.truncated) ?? false),
      threadLane(d), classLane(d), exceptionLane(d),
    ];
  }, [axis, series.data, gc.data, jit.data, safe.data, vm.data]);
  const cells = fits(heat.data, axis.fromMs, axis.stepMs) ? heat.data!.cells.slice(0, steps(axis)) : null;
  const strip = useMemo(() => stripLane(axis, cells), [axis, heat.data]);
  const missing = [...new Set(all.flatMap((g) => g.data?.missing ?? []))];
  return {
    state, set, list, info, live, now, range, axis, lanes, cells, strip, missing, ask,
    error: series.data ? null : series.error, lost: list.error ?? (series.data ? series.error : null), retry: series.reload,
    loading: series.data === null, stale: series.stale,
  };
}

/** Whether an answer lies on the axis: that of a range before does not. */
const fits = (a: { from_ms: number; step_ms: number } | null, fromMs: number, stepMs: number) => a !== null && a.from_ms === fromMs && a.step_ms === stepMs;

export type Timeline = ReturnType<typeof useTimeline>;
