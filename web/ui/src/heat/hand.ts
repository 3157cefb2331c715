// What hand and keys do on the heat map: pointing, dragging, walking, zooming.

import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";
import { useCommand } from "../shell/usecommand";
import { formatSel } from "../urlstate";
import { cellAt, cellAtPoint, cellTime, inside, moveCell, type Grid, type Plot } from "./grid";
import { between, column, extend, rectangle, type Sel } from "./select";

/** What the gestures mean is the page's affair. */
export interface Gestures {
  onSelect: (sel: Sel | null) => void;
  onBase: (base: [number, number] | null) => void;
  onPin: (base: [number, number]) => void;
  onZoom: (by: 1 | -1, anchorMs: number) => void;
  onZoomTo: (sel: Sel) => void;
}

/** What a drag draws: continuous time, a rectangle, or the baseline. */
type Mode = "time" | "rect" | "base";
interface Drag { a: number; b: number; mode: Mode; }

export const drawn = (g: Grid, d: Drag): Sel => (d.mode === "rect" ? rectangle(g, d.a, d.b) : between(g, d.a, d.b));
export const plain = (s: Sel): [number, number] => [s[0], s[1]];

/** A second press within this is a double-click. */
const TWICE_MS = 500;

interface On extends Gestures { grid: Grid; sel: Sel | null; base: [number, number] | null; nowMs: number; live: boolean; }

export function useHand(canvas: RefObject<HTMLCanvasElement | null>, plot: Plot, props: On) {
  const { grid, sel } = props;
  const [hover, setHover] = useState(-1);
  const [drag, setDrag] = useState<Drag | null>(null);
  const [keyed, setKeyed] = useState(-1); // cursor of the keyboard
  const anchor = useRef(-1);
  const pressed = useRef<{ at: number; sel: Sel | null }>({ at: 0, sel: null });

  // A new grid (range or squares changed) makes old cell numbers meaningless.
  useEffect(() => { setHover(-1); setDrag(null); setKeyed(-1); anchor.current = -1; }, [grid.stepMs, grid.rows]);

  const pointOf = (e: MouseEvent) => {
    const r = canvas.current!.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
  };
  const down = (e: PointerEvent) => {
    const p = pointOf(e);
    if (e.button !== 0 || !inside(plot, p.x, p.y)) return;
    const c = cellAtPoint(grid, plot, p.x, p.y);
    // A double-click is two presses: what was selected before the first counts.
    if (e.timeStamp - pressed.current.at > TWICE_MS) pressed.current.sel = sel;
    pressed.current.at = e.timeStamp;
    if (e.shiftKey) {
      props.onSelect(extend(grid, sel, c, anchor.current >= 0 ? anchor.current : c));
      return;
    }
    canvas.current!.setPointerCapture(e.pointerId);
    anchor.current = c;
    setDrag({ a: c, b: c, mode: e.ctrlKey || e.metaKey ? "base" : e.altKey ? "rect" : "time" });
  };
  const move = (e: PointerEvent) => {
    const p = pointOf(e);
    const c = drag || inside(plot, p.x, p.y) ? cellAtPoint(grid, plot, p.x, p.y) : -1;
    setHover(c);
    if (drag) setDrag({ ...drag, b: c });
  };
  const up = () => {
    if (!drag) return;
    setDrag(null);
    setHover(-1); // the readout is about what was selected until the pointer moves on
    if (drag.mode === "base") props.onBase(plain(drawn(grid, drag)));
    else props.onSelect(drawn(grid, drag));
  };
  const twice = (e: MouseEvent) => {
    const p = pointOf(e);
    if (!inside(plot, p.x, p.y) || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    const whole = column(grid, cellAtPoint(grid, plot, p.x, p.y)), before = pressed.current.sel;
    // The hour; once more on it: into it.
    if (before && formatSel(before) === formatSel(whole)) props.onZoomTo(whole);
    else props.onSelect(whole);
  };
  const key = (e: KeyboardEvent) => {
    const from = keyed >= 0 ? keyed : sel ? cellAt(grid, sel[0]) : cellAt(grid, props.nowMs);
    const go = ({ ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] } as Record<string, number[]>)[e.key];
    const baseToo = e.ctrlKey || e.metaKey;
    if (go) {
      // Alt with Shift draws a rectangle, Ctrl with Shift the baseline; without Shift they are the browser's.
      if (!e.shiftKey && (e.altKey || baseToo)) return;
      const c = moveCell(grid, from, go[0], go[1]);
      if (e.shiftKey) {
        if (anchor.current < 0) anchor.current = from;
        if (baseToo) props.onBase(plain(between(grid, anchor.current, c)));
        else props.onSelect(e.altKey ? rectangle(grid, anchor.current, c) : between(grid, anchor.current, c));
      } else {
        anchor.current = c;
      }
      setKeyed(c);
    } else if (e.altKey) return;
    else if (e.key === "Enter" && keyed >= 0) {
      anchor.current = keyed;
      if (baseToo) props.onBase(plain(between(grid, keyed, keyed)));
      else props.onSelect(e.shiftKey ? column(grid, keyed) : between(grid, keyed, keyed));
    } else if (baseToo) return;
    else if (e.key === "Home") setKeyed((anchor.current = grid.first));
    else if (e.key === "End") setKeyed((anchor.current = cellAt(grid, props.nowMs)));
    else return;
    setHover(-1);
    e.preventDefault();
    e.stopPropagation();
  };

  // Zooming keeps in place what is under the pointer or the cursor of the keys.
  const cursor = hover >= 0 ? hover : keyed;
  const rangeFrom = cellTime(grid, grid.first), rangeUntil = cellTime(grid, grid.end);
  const zoom = (by: 1 | -1) => {
    if (cursor >= 0) props.onZoom(by, cellTime(grid, cursor) + grid.stepMs / 2);
    else if (by > 0 && sel) props.onZoomTo(sel);
    else props.onZoom(by, sel ? (sel[0] + sel[1]) / 2 : by > 0 && props.live ? rangeUntil : (rangeFrom + rangeUntil) / 2);
  };
  useCommand((c) => {
    if (c === "zoomin" || c === "zoomout") zoom(c === "zoomin" ? 1 : -1);
    else if (c === "pin" && sel && !sel[2]) props.onPin(plain(sel)); // a baseline has no rhythm
    else if (c === "pin" && props.base) props.onBase(null);
    else return false;
    return true;
  });
  const turn = useRef(zoom);
  turn.current = zoom;
  useEffect(() => {
    // By hand, because Preact's listeners are passive for the wheel in some browsers.
    let turned = 0, done = 0;
    const onWheel = (e: WheelEvent) => {
      if (!e.ctrlKey && !e.metaKey) return;
      e.preventDefault();
      turned = Math.sign(turned) === Math.sign(e.deltaY) ? turned + e.deltaY : e.deltaY;
      // One step a notch, and a pause, or a trackpad would rush through all.
      if (Math.abs(turned) < 30 || e.timeStamp - done < 250) return;
      done = e.timeStamp;
      turn.current(turned < 0 ? 1 : -1);
      turned = 0;
    };
    const el = canvas.current!;
    el.addEventListener("wheel", onWheel, { passive: false });
    return () => el.removeEventListener("wheel", onWheel);
  }, []);

  const on = {
    onPointerDown: down, onPointerMove: move, onPointerUp: up, onPointerCancel: () => setDrag(null), onPointerLeave: () => setHover(-1),
    onContextMenu: (e: MouseEvent) => { if (e.ctrlKey) e.preventDefault(); }, // Ctrl-click of a Mac
    onDblClick: twice, onKeyDown: key, onBlur: () => setKeyed(-1),
  };
  return { cursor, drag, on, zoom };
}
