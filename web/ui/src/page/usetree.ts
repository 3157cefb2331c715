// One tree of the icicle pane: built from an answer, less what is hidden, with
// its zoomed and current frame and what a search covers of it.

import { useMemo, useState } from "preact/hooks";
import type { DiffAnswer, IcicleAnswer } from "../api";
import { buildDiff } from "../icicle/diff";
import { findByHash, pathHash } from "../icicle/path";
import { exactly, find, within, type Found } from "../icicle/search";
import { buildTree, nodeName, prunedIn, without, type Tree } from "../icicle/tree";
import { matchTable, type Query } from "../text/match";

/** A stack hidden by hand; value 0 and no name when this tree does not have it. */
export interface Hidden { hash: string; name: string; value: number; }

export interface Pane {
  tree: Tree | null;
  broken: string; // why the answer could not be drawn
  zoom: number;
  lost: boolean; // the URL names a frame this tree does not have
  found: Found | null;
  inView: number; // value the search covers in the view
  cursor: number;
  setCursor: (n: number) => void;
  prunedView: number; // value of the view's frames the server left out
  hidden: Hidden[];
}

export function useTree(answer: IcicleAnswer | DiffAnswer | null, hide: readonly string[], hash: string, marked: string, query: Query): Pane {
  const { whole, broken } = useMemo(() => build(answer), [answer]);
  const { tree, hidden } = useMemo(() => cut(whole, hide), [whole, hide.join()]);
  const found0 = useMemo(() => (tree && hash ? findByHash(tree, hash) : 0), [tree, hash]);
  const lost = found0 < 0, zoom = Math.max(0, found0);

  const found = useMemo(() => {
    if (!tree) return null;
    const hit = marked ? exactly(tree.strings, marked) : query.test ? matchTable(tree.strings, query) : null;
    return hit ? find(tree, hit) : null;
  }, [tree, marked, query]);
  const inView = useMemo(() => (tree && found ? within(tree, found, zoom) : 0), [tree, found, zoom]);
  const prunedView = useMemo(() => (tree ? prunedShown(tree, zoom) : 0), [tree, zoom]);

  // The current frame survives a refresh if the new tree has its path.
  const [at, setAt] = useState<{ tree: Tree | null; node: number }>({ tree: null, node: -1 });
  const cursor = useMemo(() => {
    if (!tree || !at.tree || at.node < 0) return -1;
    return at.tree === tree ? at.node : findByHash(tree, pathHash(at.tree, at.node));
  }, [tree, at]);
  return { tree, broken, zoom, lost, found, inView, cursor, setCursor: (node) => setAt({ tree, node }), prunedView, hidden };
}

/** Time of small frames left out; a thousandth is rounding or not worth a refetch. */
export function prunedShown(tree: Tree, node: number): number {
  const v = tree.prunedCount > 0 ? prunedIn(tree, node) : 0;
  return v > tree.value[node] / 1000 ? v : 0;
}

function build(answer: IcicleAnswer | DiffAnswer | null): { whole: Tree | null; broken: string } {
  // A root without time is an answer with nothing in it.
  if (!answer || answer.nodes.level.length === 0) return { whole: null, broken: "" };
  const diff = "width" in answer;
  if ((diff ? answer.width : answer.nodes.total[0]) === 0) return { whole: null, broken: "" };
  try {
    return { whole: diff ? buildDiff(answer) : buildTree(answer), broken: "" };
  } catch (e) {
    return { whole: null, broken: e instanceof Error ? e.message : String(e) };
  }
}

function cut(whole: Tree | null, hide: readonly string[]): { tree: Tree | null; hidden: Hidden[] } {
  if (!whole || hide.length === 0) return { tree: whole, hidden: [] };
  const nodes = hide.map((h) => findByHash(whole, h));
  const hidden = nodes.map((n, i) => ({ hash: hide[i], name: n > 0 ? nodeName(whole, n) : "", value: n > 0 ? whole.value[n] : 0 }));
  return { tree: without(whole, nodes), hidden };
}
