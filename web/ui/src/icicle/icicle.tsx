// The icicle as a component. The canvas is as high as the pane and painted for
// the rows scrolled to; outlines of the hovered and current frame are elements
// above it, so that moving the pointer repaints nothing.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { palette } from "../color/palette";
import { useDark } from "../color/theme";
import { useSize } from "../hooks";
import { displayName } from "../text/name";
import type { Spot } from "../shell/menu";
import type { Color } from "../urlstate";
import { Labels } from "./labels";
import { depthOf, layout, nodeAt, type View } from "./layout";
import { IcicleMirror, widest, type Seen } from "./mirror";
import { flipped, moved } from "./move";
import { paintIcicle, ROW, rowAt, rowY, type Rows } from "./paint";
import type { Found } from "./search";
import { Tooltip, type Pointer } from "./tooltip";
import { nodeName, type Tree } from "./tree";

export interface IcicleProps {
  tree: Tree;
  zoom: number;
  cursor: number; // current frame, -1 for none
  found: Found | null;
  colorBy: Color;
  type: string;
  rangeTotal: number;
  stale: boolean;
  label: string;
  id: "icicle" | "callees";
  flip?: boolean; // the root at the bottom, callers above it
  skip?: number; // rows left out: another icicle shows them
  where: (node: number) => string; // file and line
  extra?: (node: number) => string; // a line more in the tooltip
  onZoom: (node: number) => void;
  onFocus: (name: string) => void;
  onHide: (node: number) => void;
  onMenu: (node: number, at: Spot) => void;
  onCursor: (node: number) => void;
  onEdge?: () => void; // beyond the root: to the icicle next to this one
}

export function Icicle(p: IcicleProps) {
  const { tree, zoom } = p;
  const flip = p.flip ?? false, skip = p.skip ?? 0;
  const scroller = useRef<HTMLDivElement>(null), canvas = useRef<HTMLCanvasElement>(null);
  const labels = useRef(new Labels());
  const size = useSize(scroller);
  const dark = useDark();
  const [scrollTop, setScrollTop] = useState(0);
  const [pointer, setPointer] = useState<Pointer | null>(null);
  const [seen, setSeen] = useState<{ tree: Tree; list: Seen[] }>({ tree, list: [] });

  const depth = useMemo(() => depthOf(tree, zoom), [tree, zoom]) - skip;
  // Room for whole rows to scroll by: at the end the first row is not cut.
  const inner = size.height + Math.ceil(Math.max(0, depth * ROW - size.height) / ROW) * ROW;
  const rows: Rows = { flip, skip, inner };
  const top = Math.max(0, Math.min(scrollTop, inner - size.height));
  const ends = [rowAt(rows, top), rowAt(rows, top + size.height - 1)];
  const view: View = { zoom, width: size.width, minPx: 0.7, firstRow: Math.max(skip, Math.min(...ends)), endRow: Math.max(...ends) + 1, marks: p.found?.nodes ?? null };

  useLayoutEffect(() => {
    const el = canvas.current, ctx = el?.getContext("2d", { alpha: false });
    if (!el || !ctx || size.width === 0 || size.height === 0) return;
    const w = Math.round(size.width * size.dpr), h = Math.round(size.height * size.dpr);
    if (el.width !== w || el.height !== h) { el.width = w; el.height = h; }
    const boxes = layout(tree, view);
    paintIcicle(ctx, {
      tree, boxes, view, rows, scrollTop: top, width: size.width, height: size.height, dpr: size.dpr, colorBy: p.colorBy, type: p.type, searching: p.found !== null,
    }, palette(dark), labels.current);
    // The table is for later: it must not delay the next frame.
    const id = setTimeout(() => setSeen({ tree, list: widest(boxes, rows, top, size.height) }), 60);
    return () => clearTimeout(id);
  }, [tree, zoom, size, dark, top, p.found, p.colorBy, p.type, flip, skip]);

  // What is scrolled to may need room that is made only after this render (a
  // chip above has just taken some): then it is asked for once more.
  const asked = useRef({ to: 0, got: 0 });
  const scroll = (el: HTMLElement, to: number) => {
    el.scrollTop = to;
    asked.current = { to, got: el.scrollTop };
  };
  useEffect(() => {
    const el = scroller.current, { to, got } = asked.current;
    if (el && to > got && el.scrollTop === got) scroll(el, to);
  }, [inner]);

  // By name, not by index: a refresh renumbers nodes and must not scroll.
  // A zoomed frame far down comes to the upper part of the pane; its nearest
  // callers stay in sight above it.
  useEffect(() => {
    const el = scroller.current;
    if (!el) return;
    const y = (tree.level[zoom] - skip) * ROW, far = y > el.clientHeight * 0.4;
    scroll(el, flip ? inner - (far ? y - 2 * ROW : 0) - el.clientHeight : far ? y - 2 * ROW : 0);
  }, [nodeName(tree, zoom), tree.level[zoom], flip && size.height]);

  // A current frame out of sight is scrolled to, with some of its neighbours.
  useEffect(() => {
    const el = scroller.current;
    if (!el || p.cursor < 0) return;
    const y = rowY(rows, tree.level[p.cursor]);
    const near = Math.min(3 * ROW, el.clientHeight / 4);
    if (y < el.scrollTop) scroll(el, Math.max(0, y - near));
    else if (y + ROW > el.scrollTop + el.clientHeight) scroll(el, Math.ceil((y + ROW + near - el.clientHeight) / ROW) * ROW);
  }, [p.cursor, tree]);

  useEffect(() => setPointer(null), [tree, zoom]);

  const nodeUnder = (e: MouseEvent) => {
    const r = canvas.current!.getBoundingClientRect();
    return nodeAt(tree, view, e.clientX - r.left, rowAt(rows, e.clientY - r.top + top));
  };
  const click = (e: MouseEvent) => {
    const n = nodeUnder(e);
    if (n < 0) return;
    if (e.altKey) p.onHide(n);
    else if (e.shiftKey) p.onFocus(nodeName(tree, n));
    else { p.onCursor(n); p.onZoom(n); }
  };
  const menu = (e: MouseEvent) => {
    e.preventDefault();
    const n = nodeUnder(e);
    if (n < 0) return;
    setPointer(null);
    p.onCursor(n);
    p.onMenu(n, { x: e.clientX, y: e.clientY });
  };
  const move = (e: PointerEvent) => {
    const n = e.pointerType === "touch" ? -1 : nodeUnder(e);
    setPointer(n < 0 ? null : { node: n, x: e.clientX, y: e.clientY });
  };
  const key = (e: KeyboardEvent) => {
    if (e.altKey || e.ctrlKey || e.metaKey) return;
    const at = p.cursor >= 0 ? p.cursor : zoom;
    if (e.key === "ContextMenu" || (e.key === "F10" && e.shiftKey)) {
      const r = canvas.current!.getBoundingClientRect(), k = view.width / (tree.value[zoom] || 1);
      const x = Math.max(0, (tree.offset[at] - tree.offset[zoom]) * k);
      p.onMenu(at, { x: r.left + Math.min(x + 8, size.width - 8), y: r.top + rowY(rows, tree.level[at]) - top + ROW });
    } else if (e.key === "Enter" && e.shiftKey) p.onFocus(nodeName(tree, at));
    else if (e.key === "Enter") p.onZoom(at);
    else {
      const next = moved(tree, view, at, flip ? flipped(e.key) : e.key);
      if (next === undefined) return;
      if (next < skip && p.onEdge && tree.level[at] <= skip && e.key === (flip ? "ArrowDown" : "ArrowUp")) p.onEdge();
      else if (next >= 0) p.onCursor(next);
    }
    e.preventDefault();
    e.stopPropagation();
  };

  return (
    <div class={p.stale ? "icicle stale" : "icicle"}>
      <div class="icicle-scroll" ref={scroller} onScroll={(e) => { setScrollTop(e.currentTarget.scrollTop); setPointer(null); }}>
        <div class="icicle-inner" style={{ height: inner + "px" }}>
          <canvas
            ref={canvas} class="icicle-canvas" tabIndex={0} role="img" data-testid={p.id} aria-label={p.label} aria-describedby="icicle-readout"
            style={{ height: size.height + "px" }}
            data-tree={tree.id} data-nodes={tree.size} data-depth={tree.depth} data-total={tree.total} data-zoom={displayName(nodeName(tree, zoom), 500)} data-zoom-node={zoom}
            data-matches={p.found?.count ?? ""} data-pruned={tree.prunedCount} data-scroll-top={top} data-row-h={ROW} data-color={tree.diff ? "diff" : p.colorBy}
            data-flip={String(flip)} data-inner={inner} data-cursor={p.cursor >= 0 ? displayName(nodeName(tree, p.cursor), 500) : ""}
            onClick={click} onContextMenu={menu} onPointerMove={move} onPointerLeave={() => setPointer(null)} onKeyDown={key}
          />
          {flip && <Outline tree={tree} view={view} rows={rows} node={0} cls="frame-self" />}
          {pointer && pointer.node < tree.size && <Outline tree={tree} view={view} rows={rows} node={pointer.node} cls="frame-hover" />}
          {p.cursor >= skip && p.cursor < tree.size && p.cursor !== zoom && <Outline tree={tree} view={view} rows={rows} node={p.cursor} cls="frame-cursor" />}
        </div>
      </div>
      {pointer && pointer.node < tree.size && (
        <Tooltip tree={tree} at={pointer} zoom={zoom} rangeTotal={p.rangeTotal} where={p.where(pointer.node)} extra={p.extra?.(pointer.node) ?? ""} />
      )}
      <IcicleMirror id={p.id} tree={seen.tree} seen={seen.list} />
    </div>
  );
}

function Outline({ tree, view, rows, node, cls }: { tree: Tree; view: View; rows: Rows; node: number; cls: string }) {
  const k = view.width / (tree.value[view.zoom] || 1), x0 = tree.offset[view.zoom];
  const left = Math.max(0, (tree.offset[node] - x0) * k), right = Math.min(view.width, (tree.offset[node] + tree.value[node] - x0) * k);
  if (right <= left) return null;
  return <div class={cls} style={{ left: left + "px", width: Math.max(2, right - left - 1) + "px", top: rowY(rows, tree.level[node]) + "px", height: ROW - 1 + "px" }} />;
}
