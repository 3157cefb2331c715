// One lane: its name and values left, its canvas right, its table behind.

import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { palette } from "../color/palette";
import { useDark } from "../color/theme";
import { useSize } from "../hooks";
import { memo } from "../shell/memo";
import { displayName } from "../text/name";
import { clock, day, span } from "../text/time";
import { value } from "../text/units";
import { msAt, steps, type Axis } from "./axis";
import { barAt, type Bar, type Lane } from "./model";
import { paintLane, peaks, toneOf } from "./paint";
import { amount, facts, mean } from "./text";

/** What the page does with the pointer and the keys of its lanes. */
export interface Hands {
  down: (ms: number, extend: boolean) => void;
  move: (ms: number) => void;
  up: (ms: number) => void;
  leave: () => void;
  key: (e: KeyboardEvent, lane: Lane) => boolean;
  open: (b: Bar) => void;
}

interface LaneProps { lane: Lane; axis: Axis; grid: number[]; cursorMs: number | null; span: [number, number]; stale: boolean; hands: Hands; }

/** A press that moved less is a click. */
const STILL_PX = 4;

export function LaneRow({ lane, axis, grid, cursorMs, span: shown, stale, hands }: LaneProps) {
  const box = useRef<HTMLDivElement>(null), canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box), dark = useDark(), colors = palette(dark);
  const tops = useMemo(() => peaks(lane), [lane]);
  const scale = [tops.lines || lane.bars.length === 0 ? amount(lane.unit, tops.lines) : "", tops.bars ? amount("nanoseconds", tops.bars) : ""].filter(Boolean).join(" · ");
  const pressed = useRef<number | null>(null);
  const has = lane.lines.length > 0 || lane.bars.length > 0;
  useLayoutEffect(() => {
    const el = canvas.current, ctx = el?.getContext("2d");
    if (!el || !ctx || size.width === 0) return;
    el.width = Math.round(size.width * size.dpr);
    el.height = Math.round(size.height * size.dpr);
    paintLane(ctx, lane, axis, grid, tops, size, colors);
  }, [lane, axis, grid, size, dark]);

  const at = (e: MouseEvent) => e.clientX - canvas.current!.getBoundingClientRect().left;
  const ms = (e: MouseEvent) => msAt(axis, at(e), size.width);
  const near = (axis.untilMs - axis.fromMs) * (STILL_PX / Math.max(1, size.width));
  const up = (e: PointerEvent) => {
    if (pressed.current === null) return;
    const still = Math.abs(at(e) - pressed.current) < STILL_PX;
    pressed.current = null;
    const b = still ? barAt(lane.bars, ms(e), near) : null;
    if (b) { hands.leave(); hands.open(b); } else hands.up(ms(e));
  };
  const list = facts(lane, axis, cursorMs, shown, near);
  return (
    <section class={stale ? "lane stale" : "lane"} aria-label={lane.title} data-testid="lane" data-id={lane.id} data-lines={lane.lines.length} data-bars={lane.bars.length} data-top={tops.lines || tops.bars}>
      <div class="lane-head">
        <h2>{lane.title}</h2>
        <p class="lane-facts num" data-testid="lane-facts">
          {list.slice(0, 9).map((f) => (
            <span key={f.name} class="legend-key">
              {f.tone !== null && <i class="swatch" style={{ background: toneOf(colors, f.tone, f.thin) }} />}<span class="clip" title={displayName(f.name, 300)}>{displayName(f.name, 60)}</span><b>{f.text}</b>
            </span>
          ))}
        </p>
        {lane.note && <p class="lane-note">{lane.note}</p>}
      </div>
      <div class="lane-box" ref={box}>
        {has ? (
          <>
            <canvas
              ref={canvas} class="lane-canvas" tabIndex={0} role="application" aria-roledescription="chart" data-testid="lane-canvas"
              aria-label={`${lane.title}, up to ${scale}. Arrow keys move the cursor, Shift with arrows selects${lane.bars.length > 0 ? ", N and Shift-N go from event to event, Enter opens one" : ", Enter selects"}.`}
              aria-describedby="tl-readout"
              onPointerDown={(e) => { if (e.button === 0) { canvas.current!.setPointerCapture(e.pointerId); pressed.current = at(e); hands.down(ms(e), e.shiftKey); } }}
              onPointerMove={(e) => hands.move(ms(e))} onPointerUp={up} onPointerCancel={() => { pressed.current = null; hands.leave(); }} onPointerLeave={() => { if (pressed.current === null) hands.leave(); }}
              onKeyDown={(e) => { if (hands.key(e, lane)) { e.preventDefault(); e.stopPropagation(); } }}
            />
            <span class="lane-top num" aria-hidden="true">{scale}</span>
          </>
        ) : <p class="lane-none" data-testid="lane-none"><b>Not recorded.</b> {lane.empty}</p>}
      </div>
      <Mirror lane={lane} axis={axis} />
    </section>
  );
}

const ROWS = 48, EVENTS = 200;

/** The table behind the canvas: means of equal times, or the events. */
export const Mirror = memo(function Mirror({ lane, axis }: { lane: Lane; axis: Axis }) {
  if (lane.lines.length === 0 && lane.bars.length === 0) return null;
  const per = Math.ceil(steps(axis) / ROWS) * axis.stepMs;
  const times = lane.lines.length > 0 ? Array.from({ length: Math.ceil((axis.untilMs - axis.fromMs) / per) }, (_, i) => axis.fromMs + i * per) : [];
  return (
    <table class="sr-only" data-testid="lane-table">
      <caption>{lane.title}</caption>
      <thead><tr><th>Time</th>{times.length > 0 ? lane.lines.map((l) => <th key={l.name}>{displayName(l.name, 200)}</th>) : <><th>Event</th><th>Duration</th></>}</tr></thead>
      <tbody>
        {times.map((t) => (
          <tr key={t} data-from-ms={t} data-until-ms={t + per}>
            <th scope="row">{span(t, t + per)}</th>
            {lane.lines.map((l) => { const v = mean(l, axis, t, t + per); return <td key={l.name} data-value={Number.isNaN(v) ? "" : v}>{Number.isNaN(v) ? "not recorded" : amount(lane.unit, v)}</td>; })}
          </tr>
        ))}
        {lane.bars.slice(0, EVENTS).map((b, i) => (
          <tr key={i} data-from-ms={b.fromMs} data-value={b.value}>
            <th scope="row">{day(b.fromMs)} {clock(b.fromMs, true)}</th><td>{displayName(b.event.name || b.event.kind, 200)}</td><td>{value("nanoseconds", b.value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
});
