// The icicle pane's model: its tree, or of a sandwich the callers and the
// callees, and what is done to them. Everything done is a change of the URL.

import { useEffect, useState } from "preact/hooks";
import { pathHash } from "../icicle/path";
import { detailFor } from "../icicle/search";
import { nodeName } from "../icicle/tree";
import { formatZoom } from "../urlstate";
import { prunedShown, useTree, type Pane } from "./usetree";
import type { Recorder } from "./userecorder";

/** A method somebody acts on, and its frame when it is one of a tree. */
export interface Subject { name: string; node: number; below: boolean; }

export type Actions = ReturnType<typeof useIcicle>;
export type Model = Actions;

export function useIcicle(r: Recorder) {
  const { state, set } = r, z = r.zoom;
  const above = useTree(r.icicle.data, state.hide, z.below ? "" : z.hash, state.m, r.query);
  const callees = useTree(r.callees.data, state.hide, z.below ? z.hash : "", state.m, r.query);
  const below = state.callers ? callees : null;
  const { tree, zoom, found, cursor } = above;

  // Which of the two the keys and the readout are about.
  const [low, setLow] = useState(false);
  const active = low && below?.tree ? below : above, isLow = active === below;
  const at = (p: Pane, n: number) => { setLow(p === below); p.setCursor(n); };
  useEffect(() => setLow(false), [state.callers]);

  // A method highlighted from the table is shown at its largest frame.
  const marked = state.m;
  useEffect(() => {
    if (!tree || !marked || !found || found.top.length === 0) return;
    const inside = found.top.find((n) => n >= zoom && n < tree.end[zoom]);
    if (inside !== undefined) at(above, inside);
  }, [marked, tree === null]);

  const zoomTo = (n: number, p: Pane = above) => {
    const t = p.tree;
    if (!t || (n === p.zoom && (p === below) === z.below)) return;
    if (n === 0) { set({ z: "" }); return; }
    const missing = prunedShown(t, n) > 0 ? detailFor(t.value[n] / t.total) : 0;
    set({ z: (p === below ? "_" : "") + formatZoom(pathHash(t, n), Math.max(z.detail, missing)) });
  };

  // n and N go through the matches, the largest first. Where they are is where
  // the cursor is: that survives a refresh of the tree.
  const step = (by: 1 | -1) => {
    if (!tree || !found || found.top.length === 0) return;
    const k = found.top.length, matchAt = found.top.indexOf(cursor);
    const n = found.top[matchAt < 0 ? (by > 0 ? 0 : k - 1) : (matchAt + by + k) % k];
    at(above, n);
    const outside = n < zoom || n >= tree.end[zoom];
    // Too small or out of the view to be seen: its caller fills the width.
    if (outside || tree.value[n] / tree.value[zoom] < 0.004) zoomTo(outside && tree.value[n] / tree.total >= 0.004 ? 0 : Math.max(0, tree.parent[n]));
  };

  const node = active.cursor >= 0 ? active.cursor : active.zoom;
  const current: Subject | null = active.tree && { name: nodeName(active.tree, node), node, below: isLow };
  // "all" is nobody's frame; the root of a focus or of callers is one.
  const isMethod = (s: Subject | null): s is Subject => s !== null && (s.node !== 0 || state.callers !== "" || state.f !== "");

  const act = {
    focus: (name: string) => set({ f: name, z: "", callers: "", m: "" }),
    sandwich: (name: string) => set({ callers: name, z: "", f: "", m: "" }),
    exclude: (name: string) => set({ x: [...state.x.filter((x) => x !== name), name], z: "", m: "", ...(state.f === name ? { f: "" } : {}), ...(state.callers === name ? { callers: "" } : {}) }),
    hide: (s: Subject) => {
      const t = (s.below ? below : above)?.tree;
      if (t && s.node > 0) set({ hide: [...state.hide, pathHash(t, s.node)], ...(zoomedInside(s) ? { z: "" } : {}) });
    },
    fold: (what: string) => set({ fold: state.fold.includes(what) ? state.fold.filter((x) => x !== what) : [...state.fold, what], z: "" }),
    invert: () => set({ inv: !state.inv, z: "", callers: "" }),
    finer: () => set({ z: (z.below ? "_" : "") + formatZoom(z.hash, Math.min(5, z.detail + 1)) }),
    only: (text: string) => set({ filter: [...state.filter.filter((x) => x !== text), text], q: "", z: "" }),
  };
  const zoomedInside = (s: Subject) => {
    const p = s.below ? below : above;
    return !!p?.tree && p.zoom >= s.node && p.zoom < p.tree.end[s.node];
  };

  return { above, below, active, isLow, at, zoomTo, step, current, isMethod, act, setLow };
}
