// The heat map as a component: a canvas that is drawn on (paint.ts) and driven
// (hand.ts), with its marks, legend, readout and table beside it.

import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { palette } from "../color/palette";
import { useDark } from "../color/theme";
import { useSize } from "../hooks";
import { formatSel } from "../urlstate";
import { at, first, sum, type Cells } from "./cells";
import { cellTime, colX, type Grid, type Plot } from "./grid";
import { drawn, plain, useHand, type Gestures } from "./hand";
import { Legend, Readout } from "./legend";
import { around, Marks, type Mark } from "./marks";
import { HeatMirror } from "./mirror";
import { Notes } from "./notes";
import { paint, paintSquares, type Scene } from "./paint";
import { quantile } from "./scale";
import { pieces, type Sel } from "./select";
import { ZoomButtons } from "./zoombuttons";
import { useCellTop, type Question } from "./usecell";
import type { HeatData } from "./useheat";
import type { Tint } from "./usetint";

/** Data of a live service this young is still on its way, not missing. */
const IN_FLIGHT_MS = 15_000;
const NO_CELLS: [number, number][] = [];

export interface HeatProps extends Gestures {
  question: Question;
  grid: Grid;
  heat: HeatData;
  sel: Sel | null;
  base: [number, number] | null;
  tint: Tint | null;
  marks: Mark[];
  nowMs: number;
  zoneMs: number;
  live: boolean;
  onCompare: (base: [number, number], sel: [number, number]) => void;
}

export function HeatMap(props: HeatProps) {
  const { grid, sel, heat, tint } = props;
  const cells: Cells | null = heat.stale ? null : heat.cells, type = props.question.type;
  const box = useRef<HTMLDivElement>(null), canvas = useRef<HTMLCanvasElement>(null);
  const layer = useRef<HTMLCanvasElement | null>(null);
  const size = useSize(box);
  const dark = useDark();
  const colors = palette(dark);

  const demoUntil = cells?.demoUntilMs ?? null;
  const top = useMemo(() => (cells ? quantile(cells.values, 0.99) : 0), [cells]);
  const above = demoUntil === null && props.marks.length === 0 ? 6 : 22;
  const plot: Plot = { x: 44, y: above, w: Math.max(0, size.width - 46), h: Math.max(0, size.height - 24 - above) };
  const { cursor, drag, on, zoom } = useHand(canvas, plot, props);
  const shown: Sel | null = drag && drag.mode !== "base" ? drawn(grid, drag) : sel;
  const base: [number, number] | null = drag?.mode === "base" ? plain(drawn(grid, drag)) : props.base;
  const selKey = shown ? formatSel(shown) : "", baseKey = base ? base.join() : "";
  const cursorMs = cursor >= 0 ? cellTime(grid, cursor) : 0;
  const cellTop = useCellTop(props.question, cursorMs, cursorMs + grid.stepMs, cursor >= 0 && !drag && cells !== null && at(cells, cursorMs) > 0);

  const scene: Scene = {
    grid, plot, cells, top, matched: tint?.matched ?? null, topShare: tint?.topShare ?? 0, hatchUntilMs: props.nowMs - (props.live ? IN_FLIGHT_MS : 0),
    zoneMs: props.zoneMs, dpr: size.dpr, width: size.width, height: size.height,
  };
  const hatchCell = Math.floor(scene.hatchUntilMs / grid.stepMs);
  const squares = [grid, cells, top, tint, size, dark, hatchCell, above];
  useLayoutEffect(() => {
    const l = (layer.current ??= document.createElement("canvas"));
    l.width = Math.round(size.width * size.dpr);
    l.height = Math.round(size.height * size.dpr);
    const ctx = l.getContext("2d");
    if (!ctx || size.width === 0) return;
    paintSquares(ctx, scene, colors);
  }, squares);
  useLayoutEffect(() => {
    const el = canvas.current, ctx = el?.getContext("2d"), l = layer.current;
    if (!el || !ctx || !l || size.width === 0) return;
    if (el.width !== l.width || el.height !== l.height) { el.width = l.width; el.height = l.height; }
    paint(ctx, l, scene, { sel: shown ? pieces(grid, shown) : NO_CELLS, base: base ? pieces(grid, base) : NO_CELLS, cursor }, colors);
  }, [...squares, selKey, baseKey, cursor]);

  const rangeFrom = cellTime(grid, grid.first), rangeUntil = cellTime(grid, grid.end);
  const all = cells ? sum(cells, rangeFrom, rangeUntil) : null;
  // The band lies over the columns with data before that instant.
  const colMs = grid.stepMs * grid.rows;
  const band = demoUntil === null || demoUntil <= rangeFrom || !cells ? null : {
    from: colX(grid, plot, Math.max(0, Math.floor((first(cells, rangeFrom) - grid.originMs) / colMs))),
    until: colX(grid, plot, Math.min(grid.cols, Math.ceil((demoUntil - grid.originMs) / colMs))),
  };
  const compare = (ms: number) => {
    const both = around(ms, rangeFrom, Math.min(rangeUntil, props.nowMs));
    if (both) props.onCompare(both.base, both.sel);
  };

  return (
    <div class="heat">
      <div class="heat-box" ref={box}>
        <canvas
          ref={canvas} class="heat-canvas" tabIndex={0} role="application" aria-roledescription="heat map" data-testid="heatmap"
          aria-label="Heat map. Each column is a longer time, each row a part of it, darker is more. Arrow keys move, Enter selects, Shift with arrows extends, Alt and Shift with arrows draw a rectangle, C makes the selection the baseline, plus and minus zoom, A selects all."
          aria-describedby="heat-readout"
          data-cells-recorded={all?.recorded ?? 0} data-selection={sel ? formatSel(sel) : ""} data-base={props.base ? formatSel(props.base) : ""} data-live={String(props.live)}
          data-cols={grid.cols} data-rows={grid.rows} data-step-ms={grid.stepMs} data-origin-ms={grid.originMs} data-cursor-ms={cursor >= 0 ? cursorMs : ""}
          data-from-ms={rangeFrom} data-until-ms={rangeUntil} data-demo-until-ms={demoUntil ?? ""} data-top={top} data-tint={tint?.text ?? ""}
          data-plot-x={plot.x} data-plot-y={plot.y} data-plot-w={plot.w} data-plot-h={plot.h}
          {...on}
        />
        {band && band.until > band.from && (
          <div class="demo-band" data-testid="demo-band" style={{ left: band.from + "px", width: band.until - band.from + "px" }}>
            <span>demo data</span>
          </div>
        )}
        {props.marks.length > 0 && size.width > 0 && <Marks marks={props.marks} grid={grid} plot={plot} onPick={compare} />}
      </div>
      <div class="heat-foot">
        <Readout cells={cells} grid={grid} type={type} cell={cursor} sel={shown} base={base} top={cellTop} tint={tint} />
        <Notes heat={heat} spanMs={rangeUntil - rangeFrom} />
        <Legend top={top} colors={colors} type={type} unit={cells?.unit ?? ""} seconds={grid.stepMs / 1000} zoneAt={rangeUntil} tint={tint} />
        <ZoomButtons sel={sel} zoom={zoom} />
      </div>
      <HeatMirror grid={grid} cells={cells} type={type} tint={tint} />
    </div>
  );
}
