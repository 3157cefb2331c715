// The heat map as a component: a canvas that is drawn on, dragged over and
// driven by keys, with its legend, readout and table beside it.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { palette } from "../color/palette";
import { useDark } from "../color/theme";
import { useSize } from "../hooks";
import type { Cells } from "./cells";
import { first, sum } from "./cells";
import { cellAt, cellAtPoint, cellTime, colX, inside, moveCell, type Grid, type Plot } from "./grid";
import { Legend, Readout } from "./legend";
import { HeatMirror } from "./mirror";
import { paint } from "./paint";
import { quantile } from "./scale";
import { between, cells as cellsOf, column, extend, type Sel } from "./select";

/** Data of a live service this young is still on its way, not missing. */
const IN_FLIGHT_MS = 15_000;

export interface HeatProps {
  grid: Grid;
  cells: Cells | null;
  sel: Sel | null;
  type: string;
  nowMs: number;
  zoneMs: number;
  live: boolean;
  onSelect: (sel: Sel | null) => void;
}

export function HeatMap(props: HeatProps) {
  const { grid, cells, sel } = props;
  const box = useRef<HTMLDivElement>(null), canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const dark = useDark();
  const colors = palette(dark);
  const [hover, setHover] = useState(-1);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const [keyed, setKeyed] = useState(-1); // cursor of the keyboard
  const anchor = useRef(-1);

  const demoUntil = cells?.demoUntilMs ?? null;
  const top = useMemo(() => (cells ? quantile(cells.values, 0.99) : 0), [cells]);
  const plot: Plot = { x: 44, y: demoUntil === null ? 6 : 22, w: Math.max(0, size.width - 46), h: Math.max(0, size.height - 24 - (demoUntil === null ? 6 : 22)) };
  const shown: Sel | null = drag ? between(grid, drag[0], drag[1]) : sel;
  const shownCells = shown ? cellsOf(grid, shown) : null;
  const cursor = hover >= 0 ? hover : keyed;

  useLayoutEffect(() => {
    const el = canvas.current, ctx = el?.getContext("2d");
    if (!el || !ctx || size.width === 0) return;
    const w = Math.round(size.width * size.dpr), h = Math.round(size.height * size.dpr);
    if (el.width !== w || el.height !== h) { el.width = w; el.height = h; }
    paint(ctx, {
      grid, plot, cells, top, sel: shownCells, cursor, hatchUntilMs: props.nowMs - (props.live ? IN_FLIGHT_MS : 0), zoneMs: props.zoneMs,
      dpr: size.dpr, width: size.width, height: size.height,
    }, colors);
  }, [grid, cells, top, shownCells?.[0], shownCells?.[1], cursor, size, dark, props.nowMs]);

  // A new grid (range or squares changed) makes old cell numbers meaningless.
  useEffect(() => { setHover(-1); setDrag(null); setKeyed(-1); anchor.current = -1; }, [grid.stepMs, grid.rows]);

  const cellOf = (e: MouseEvent) => {
    const r = canvas.current!.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
  };
  const down = (e: PointerEvent) => {
    const at = cellOf(e);
    if (e.button !== 0 || !inside(plot, at.x, at.y)) return;
    const c = cellAtPoint(grid, plot, at.x, at.y);
    if (e.shiftKey) {
      props.onSelect(extend(grid, sel, c, anchor.current >= 0 ? anchor.current : c));
      return;
    }
    canvas.current!.setPointerCapture(e.pointerId);
    anchor.current = c;
    setDrag([c, c]);
  };
  const move = (e: PointerEvent) => {
    const at = cellOf(e);
    const c = drag || inside(plot, at.x, at.y) ? cellAtPoint(grid, plot, at.x, at.y) : -1;
    setHover(c);
    if (drag) setDrag([drag[0], c]);
  };
  const up = () => {
    if (!drag) return;
    setDrag(null);
    props.onSelect(between(grid, drag[0], drag[1]));
  };
  const twice = (e: MouseEvent) => {
    const at = cellOf(e);
    if (inside(plot, at.x, at.y)) props.onSelect(column(grid, cellAtPoint(grid, plot, at.x, at.y)));
  };
  const key = (e: KeyboardEvent) => {
    const from = keyed >= 0 ? keyed : sel ? cellAt(grid, sel[0]) : cellAt(grid, props.nowMs);
    const go = ({ ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] } as Record<string, number[]>)[e.key];
    if (e.altKey || e.ctrlKey || e.metaKey) return;
    if (go) {
      const c = moveCell(grid, from, go[0], go[1]);
      if (e.shiftKey) {
        if (anchor.current < 0) anchor.current = from;
        props.onSelect(between(grid, anchor.current, c));
      } else {
        anchor.current = c;
      }
      setKeyed(c);
    } else if (e.key === "Home") setKeyed(grid.first);
    else if (e.key === "End") setKeyed(cellAt(grid, props.nowMs));
    else if (e.key === "Enter" && keyed >= 0) {
      anchor.current = keyed;
      props.onSelect(e.shiftKey ? column(grid, keyed) : between(grid, keyed, keyed));
    } else return;
    setHover(-1);
    e.preventDefault();
    e.stopPropagation();
  };

  const rangeFrom = cellTime(grid, grid.first), rangeUntil = cellTime(grid, grid.end);
  const all = cells ? sum(cells, rangeFrom, rangeUntil) : null;
  // The band lies over the columns with data before that instant.
  const colMs = grid.stepMs * grid.rows;
  const band = demoUntil === null || demoUntil <= rangeFrom || !cells ? null : {
    from: colX(grid, plot, Math.max(0, Math.floor((first(cells, rangeFrom) - grid.originMs) / colMs))),
    until: colX(grid, plot, Math.min(grid.cols, Math.ceil((demoUntil - grid.originMs) / colMs))),
  };

  return (
    <div class="heat">
      <div class="heat-box" ref={box}>
        <canvas
          ref={canvas} class="heat-canvas" tabIndex={0} role="img" data-testid="heatmap"
          aria-label="Heat map. Each column is a longer time, each row a part of it, darker is more. Arrow keys move, Enter selects, Shift with arrows extends, A selects all."
          aria-describedby="heat-readout"
          data-cells-recorded={all?.recorded ?? 0} data-selection={sel ? `${sel[0]}-${sel[1]}` : ""} data-live={String(props.live)}
          data-cols={grid.cols} data-rows={grid.rows} data-step-ms={grid.stepMs} data-origin-ms={grid.originMs}
          data-from-ms={rangeFrom} data-until-ms={rangeUntil} data-demo-until-ms={demoUntil ?? ""} data-top={top}
          data-plot-x={plot.x} data-plot-y={plot.y} data-plot-w={plot.w} data-plot-h={plot.h}
          onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={() => setDrag(null)}
          onPointerLeave={() => setHover(-1)} onDblClick={twice} onKeyDown={key} onBlur={() => setKeyed(-1)}
        />
        {band && band.until > band.from && (
          <div class="demo-band" data-testid="demo-band" style={{ left: band.from + "px", width: band.until - band.from + "px" }}>
            <span>demo data</span>
          </div>
        )}
      </div>
      <div class="heat-foot">
        <Readout cells={cells} grid={grid} type={props.type} cell={cursor} sel={shown} />
        <Legend top={top} colors={colors} type={props.type} unit={cells?.unit ?? ""} seconds={grid.stepMs / 1000} zoneAt={rangeUntil} />
      </div>
      <HeatMirror grid={grid} cells={cells} type={props.type} />
    </div>
  );
}
