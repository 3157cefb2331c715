// The icicle pane's model: the tree of the last answer, the zoomed and the
// current frame as nodes of it, and what the search or highlight covers.

import { useEffect, useMemo, useState } from "preact/hooks";
import type { IcicleAnswer } from "../api";
import { findByHash, pathHash } from "../icicle/path";
import { detailFor, exactly, find, within, type Found } from "../icicle/search";
import { buildTree, prunedIn, type Tree } from "../icicle/tree";
import { matchTable } from "../text/match";
import { formatZoom } from "../urlstate";
import type { Recorder } from "./userecorder";

export interface Model {
  tree: Tree | null;
  broken: string; // why the answer could not be drawn
  zoom: number;
  lost: boolean; // the URL names a frame this tree does not have
  found: Found | null;
  inView: number; // value the search covers in the view
  cursor: number;
  prunedView: number; // value of the view's frames the server left out
}

export function useIcicle(r: Recorder): Model & { setCursor: (n: number) => void; zoomTo: (n: number) => void; step: (by: 1 | -1) => void } {
  const answer = r.icicle.data;
  const { tree, broken } = useMemo(() => build(answer), [answer]);
  const found0 = useMemo(() => (tree && r.zoom.hash ? findByHash(tree, r.zoom.hash) : 0), [tree, r.zoom.hash]);
  const lost = found0 < 0, zoom = Math.max(0, found0);

  const found = useMemo(() => {
    if (!tree) return null;
    const t0 = performance.now();
    const hit = r.state.m ? exactly(tree.strings, r.state.m) : r.query.test ? matchTable(tree.strings, r.query) : null;
    const f = hit ? find(tree, hit) : null;
    if (f) performance.measure("icicle-search", { start: t0, end: performance.now() });
    return f;
  }, [tree, r.state.m, r.query]);
  const inView = useMemo(() => (tree && found ? within(tree, found, zoom) : 0), [tree, found, zoom]);
  const prunedView = useMemo(() => (tree ? prunedShown(tree, zoom) : 0), [tree, zoom]);

  // The current frame survives a refresh if the new tree has its path.
  const [at, setAt] = useState<{ tree: Tree | null; node: number }>({ tree: null, node: -1 });
  const cursor = useMemo(() => {
    if (!tree || !at.tree || at.node < 0) return -1;
    return at.tree === tree ? at.node : findByHash(tree, pathHash(at.tree, at.node));
  }, [tree, at]);
  const setCursor = (node: number) => setAt({ tree, node });

  // A method highlighted from the table is shown at its largest frame.
  const marked = r.state.m;
  useEffect(() => {
    if (!tree || !marked || !found || found.top.length === 0) return;
    const inside = found.top.find((n) => n >= zoom && n < tree.end[zoom]);
    if (inside !== undefined) setCursor(inside);
  }, [marked, tree === null]);

  const zoomTo = (n: number) => {
    if (!tree || n === zoom) return;
    if (n === 0) { r.set({ z: "" }); return; }
    const missing = prunedShown(tree, n) > 0 ? detailFor(tree.value[n] / tree.total) : 0;
    r.set({ z: formatZoom(pathHash(tree, n), r.state.callers ? 0 : Math.max(r.zoom.detail, missing)) });
  };

  // n and N go through the matches, the largest first. Where they are is where
  // the cursor is: that survives a refresh of the tree.
  const step = (by: 1 | -1) => {
    if (!tree || !found || found.top.length === 0) return;
    const k = found.top.length, matchAt = found.top.indexOf(cursor);
    const n = found.top[matchAt < 0 ? (by > 0 ? 0 : k - 1) : (matchAt + by + k) % k];
    setCursor(n);
    const outside = n < zoom || n >= tree.end[zoom];
    // Too small or out of the view to be seen: its caller fills the width.
    if (outside || tree.value[n] / tree.value[zoom] < 0.004) zoomTo(outside && tree.value[n] / tree.total >= 0.004 ? 0 : Math.max(0, tree.parent[n]));
  };

  return { tree, broken, zoom, lost, found, inView, cursor, prunedView, setCursor, zoomTo, step };
}

/** Time of small frames left out; a thousandth is rounding or not worth a refetch. */
function prunedShown(tree: Tree, node: number): number {
  const v = tree.prunedCount > 0 ? prunedIn(tree, node) : 0;
  return v > tree.value[node] / 1000 ? v : 0;
}

function build(answer: IcicleAnswer | null): { tree: Tree | null; broken: string } {
  // A root without time is an answer with nothing in it.
  if (!answer || answer.nodes.level.length === 0 || answer.nodes.total[0] === 0) return { tree: null, broken: "" };
  try {
    const t0 = performance.now();
    const tree = buildTree(answer);
    performance.measure("icicle-build", { start: t0, end: performance.now() });
    return { tree, broken: "" };
  } catch (e) {
    return { tree: null, broken: e instanceof Error ? e.message : String(e) };
  }
}
