// /tl/{service}: what the JVM and the host said about themselves, in lanes on
// one time axis, with the heat map as a strip above.

import { useMemo, useRef, useState } from "preact/hooks";
import { around, grouped, MarkRow, useMarks } from "../heat/marks";
import { stretches } from "../heat/select";
import { zoomed, zoomedTo } from "../heat/zoom";
import { ZoomButtons } from "../heat/zoombuttons";
import { useSize } from "../hooks";
import { clampMs, stepOf, ticks, xOf, type Axis } from "../line/axis";
import { LaneRow, Mirror, type Hands } from "../line/lane";
import { barAt, nextBar, type Bar, type Lane } from "../line/model";
import { HeatStrip } from "../line/strip";
import { facts, meanOf } from "../line/text";
import { shifted } from "../range";
import { redo, undo } from "../route";
import { Link } from "../shell/header";
import { Banner, Failure, Note } from "../shell/state";
import { useCommand } from "../shell/usecommand";
import { displayName } from "../text/name";
import { clock, day } from "../text/time";
import { formatSel, formatState, servicePath, type Sel } from "../urlstate";
import { EventPanel } from "./eventpanel";
import { useTimeline, type Timeline } from "./usetimeline";
import { Title, When } from "./when";

export function TimelinePage({ service }: { service: string }) {
  const t = useTimeline(service);
  if (!t.list.data) return <main class="page">{t.list.error ? <Failure error={t.list.error} retry={t.list.reload} /> : <Note kind="loading" title="Opening the timeline…" />}</main>;
  if (!t.info) return <main class="page"><Note kind="empty" title={`Nothing is recorded for ${service}`}><p><Link href="/">All services</Link> · <Link href="/agents">What the agents see</Link></p></Note></main>;
  return (
    <main class="tl" data-testid="timeline" data-from-ms={t.axis.fromMs} data-until-ms={t.axis.untilMs} data-step-ms={t.axis.stepMs} data-loading={String(t.loading || t.stale)}>
      <Head t={t} service={service} />
      {t.lost && <Banner testid="offline">{t.lost.message} {t.lost.detail || "What is shown may be old."}</Banner>}
      {t.missing.length > 0 && <Banner testid="missing">Incomplete: {t.missing.join("; ")}</Banner>}
      {t.error ? <Failure error={t.error} retry={t.retry} /> : (
        <div class={t.state.ev ? "tl-body with-event" : "tl-body"}>
          <Lanes t={t} service={service} />
          {t.state.ev && <EventPanel key={t.state.ev} service={service} state={t.state} onClose={() => t.set({ ev: "" })} />}
        </div>
      )}
    </main>
  );
}

/** Above the lanes: which service, which time, and the way to its stacks. */
function Head({ t, service }: { t: Timeline; service: string }) {
  const { state, set, range } = t;
  const zoom = (by: 1 | -1) => {
    const to = by > 0 && state.sel ? { ...zoomedTo(state.sel[0], state.sel[1], t.now), sel: null } : zoomed(range, by, range.moving ? range.untilMs : (range.fromMs + range.untilMs) / 2, t.now);
    if (to) set(to);
  };
  useCommand((c) => {
    if (c === "zoomin" || c === "zoomout") zoom(c === "zoomin" ? 1 : -1);
    else if (c === "all") set({ sel: null });
    else if (c === "undo") undo();
    else if (c === "redo") redo();
    else if (c === "earlier" || c === "later") set(shifted(range, c === "earlier" ? -1 : 1, t.now));
    else if (c === "pin" && state.sel && !state.sel[2]) set({ base: [state.sel[0], state.sel[1]], sel: null });
    else if (c === "escape") set(state.ev ? { ev: "" } : state.sel ? { sel: null } : { base: null });
    else return false;
    return true;
  });
  return (
    <div class="toolbar">
      <Title service={service} live={t.live} moving={range.moving} lastMs={t.info?.last_ms} now={t.now} />
      <Link class="button" data-testid="to-recorder" href={servicePath(service) + formatState({ ...state, ev: "" })}>{state.sel ? "Stacks of the selection" : "Recorder"}</Link>
      <When state={state} range={range} set={set} />
      <ZoomButtons sel={state.sel} zoom={zoom} />
    </div>
  );
}

const idOf = (b: Bar) => `${b.event.time_ms}.${b.event.kind}`;

function Lanes({ t, service }: { t: Timeline; service: string }) {
  const { axis, state, lanes, set } = t;
  const plot = useRef<HTMLDivElement>(null), size = useSize(plot);
  const [cursor, setCursor] = useState<number | null>(null);
  const [focused, setFocused] = useState("");
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const anchor = useRef<number | null>(null);
  const zoneMs = -new Date(axis.untilMs).getTimezoneOffset() * 6e4;
  const grid = useMemo(() => ticks(axis, zoneMs, Math.max(2, Math.floor(size.width / 80))), [axis, zoneMs, Math.floor(size.width / 80)]);
  const marks = useMarks(t.ask ? service : "", t.info?.instances ?? [], axis.fromMs, axis.untilMs);

  const ordered = (a: number, b: number): Sel => {
    const sel: [number, number] = [stepOf(axis, Math.min(a, b)), stepOf(axis, Math.max(a, b)) + axis.stepMs];
    return sel;
  };
  const shown: Sel | null = drag ? ordered(drag[0], drag[1]) : state.sel;
  const live = useRef({ axis, state, cursor, drag });
  live.current = { axis, state, cursor, drag };
  const hands = useMemo((): Hands => ({
    down: (ms, extend) => {
      const { state } = live.current;
      // Shift: from the far end of what is selected.
      const from = extend && state.sel ? (ms < (state.sel[0] + state.sel[1]) / 2 ? state.sel[1] - 1 : state.sel[0]) : ms;
      setDrag([from, ms]);
    },
    move: (ms) => { setCursor(ms); setDrag((d) => d && [d[0], ms]); },
    up: (ms) => { const { drag } = live.current; setDrag(null); if (drag) set({ sel: ordered(drag[0], ms) }); },
    leave: () => { setCursor(null); setDrag(null); },
    open: (b) => set({ ev: idOf(b) }),
    key: (e, lane) => key(e, lane),
  }), [axis, set]);

  function key(e: KeyboardEvent, lane: Lane): boolean {
    const { axis, cursor, state } = live.current;
    if (e.ctrlKey || e.metaKey || e.altKey) return false;
    const at = cursor ?? state.sel?.[0] ?? (axis.fromMs + axis.untilMs) / 2;
    const to = { ArrowLeft: at - axis.stepMs, ArrowRight: at + axis.stepMs, PageUp: at - 20 * axis.stepMs, PageDown: at + 20 * axis.stepMs, Home: axis.fromMs, End: axis.untilMs - 1 }[e.key];
    setFocused(lane.id);
    if (to !== undefined) {
      const ms = Math.min(axis.untilMs - 1, clampMs(axis, to));
      if (e.shiftKey) set({ sel: ordered((anchor.current ??= at), ms) });
      else anchor.current = ms;
      setCursor(ms);
      return true;
    }
    if ((e.key === "n" || e.key === "N") && lane.bars.length > 0) {
      const b = nextBar(lane.bars, at, e.key === "n" ? 1 : -1);
      if (b) setCursor(b.fromMs);
      return true;
    }
    if (e.key !== "Enter") return false;
    const b = barAt(lane.bars, at, axis.stepMs / 2);
    if (b) set({ ev: idOf(b) });
    else set({ sel: ordered(at, at) });
    return true;
  }

  const span_: [number, number] = shown ? [shown[0], shown[1]] : [axis.fromMs, axis.untilMs];
  const compare = (ms: number) => {
    const both = around(ms, axis.fromMs, Math.min(axis.untilMs, t.now));
    if (both) set(both);
  };
  const opened = state.ev ? Number(state.ev.split(".")[0]) : NaN;
  return (
    <div class="tl-lanes">
      <div class="lane tl-axis">
        <div class="lane-head"><p id="tl-readout" class="readout num" aria-live="polite" data-testid="tl-readout">{readout(lanes, axis, cursor, span_, !shown, focused)}</p></div>
        <div class="lane-box" ref={plot}>
          {grid.filter((ms) => xOf(axis, ms, size.width) < size.width - 56).map((ms) => <span key={ms} class="tl-tick num" style={{ left: xOf(axis, ms, size.width) + "px" }}>{(ms + zoneMs) % 864e5 === 0 ? day(ms) : clock(ms, ms % 6e4 !== 0)}</span>)}
          {size.width > 0 && <MarkRow groups={grouped(marks, (ms) => xOf(axis, ms, size.width))} top={18} width={size.width} onPick={compare} />}
        </div>
      </div>
      <div class="lane tl-heat">
        <div class="lane-head"><h2>{t.strip.title}</h2></div>
        <div class="lane-box"><HeatStrip axis={axis} cells={t.cells} label={t.strip.title} /></div>
        <Mirror lane={t.strip} axis={axis} />
      </div>
      {lanes.map((l) => <LaneRow key={l.id} lane={l} axis={axis} grid={grid} cursorMs={cursor} span={span_} stale={t.stale} hands={hands} />)}
      <div class="tl-over" aria-hidden="true">
        {state.base && <Band axis={axis} width={size.width} from={state.base[0]} until={state.base[1]} kind="base" />}
        {shown && stretches(shown).slice(0, 300).map(([a, b]) => <Band key={a} axis={axis} width={size.width} from={a} until={b} kind="sel" />)}
        {opened >= axis.fromMs && opened < axis.untilMs && <i class="tl-event" style={{ left: xOf(axis, opened, size.width) + "px" }} />}
        {cursor !== null && <i class="tl-cursor" data-testid="tl-cursor" data-ms={Math.round(cursor)} style={{ left: xOf(axis, cursor, size.width) + "px" }} />}
      </div>
      <p class="sr-only" data-testid="tl-selection">{shown ? formatSel(shown) : ""}</p>
    </div>
  );
}

function Band({ axis, width, from, until, kind }: { axis: Axis; width: number; from: number; until: number; kind: string }) {
  if (until <= axis.fromMs || from >= axis.untilMs) return null;
  const x = xOf(axis, clampMs(axis, from), width);
  return <i class={"tl-band tl-" + kind} data-testid={"tl-" + kind} style={{ left: x + "px", width: Math.max(1, xOf(axis, clampMs(axis, until), width) - x) + "px" }} />;
}

/** The time under the cursor, and for the keyboard what the lane says there. */
function readout(lanes: Lane[], axis: Axis, cursor: number | null, shown: [number, number], whole: boolean, focused: string) {
  if (cursor === null) return <span class="quiet">{whole ? "means of the whole range" : meanOf(shown)}</span>;
  const lane = lanes.find((l) => l.id === focused), at = stepOf(axis, cursor);
  return (
    <>
      <strong>{day(at)} {clock(at, true)}</strong>
      {lane && <span class="sr-only">{lane.title}: {facts(lane, axis, cursor, shown, axis.stepMs / 2).map((f) => `${displayName(f.name, 100)} ${f.text}`).join(", ")}</span>}
    </>
  );
}

