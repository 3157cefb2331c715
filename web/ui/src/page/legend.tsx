// What the colours of the icicle mean, and a change in words.

import { useMemo } from "preact/hooks";
import { KIND_LABELS, palette, STATE_LABELS } from "../color/palette";
import { useDark } from "../color/theme";
import { delta, sign } from "../icicle/diff";
import { statesOf } from "../icicle/paint";
import { STATES } from "../icicle/threadstate";
import type { Tree } from "../icicle/tree";
import { changeWords } from "../top/change";
import type { Recorder } from "./userecorder";

/** "▲ 12.3 → 20.1 %, +7.8 points": how a node of a comparison changed. */
export function changeText(tree: Tree, node: number, r: Recorder): string {
  const d = tree.diff, a = r.diff?.data;
  if (!d || !a || (node === 0 && r.state.norm === "share")) return "";
  const state = d.states[d.state[node]];
  const of = { total: a.total, base: a.base_total, seconds: a.seconds, baseSeconds: a.base_seconds };
  return `${sign(state)} ${changeWords(r.state.norm, tree.unit, delta(r.state.norm, { total: d.total[node], base: d.base[node] }, of), state)}`.trim();
}

export function Legend({ r, tree }: { r: Recorder; tree: Tree }) {
  const colors = palette(useDark());
  const { color } = r.state, { type } = r;
  const kinds = useMemo(() => {
    const seen = new Set<number>();
    // The root "all" is no frame; that of a focus or of callers is one.
    for (let i = tree.kinds[tree.kind[0]] === "unknown" ? 1 : 0; i < tree.size; i++) seen.add(tree.kind[i]);
    return tree.kinds.map((name, i) => ({ name, i })).filter((k) => seen.has(k.i));
  }, [tree]);
  const states = useMemo(() => (color === "state" ? [...new Set(statesOf(tree, type))].sort() : []), [tree, color, type]);
  const key = (name: string, fill: string, label: string) => <span key={name} class="legend-key"><i class="swatch" style={{ background: fill }} />{label}</span>;
  if (tree.diff) {
    const d = colors.diff, k = (d.length - 1) / 2;
    return (
      <span class="legend" data-testid="diff-legend">
        {key("less", d[1], "▼ less")}{key("same", d[k], "no significant change")}{key("more", d[d.length - 2], "▲ more")}
      </span>
    );
  }
  return (
    <span class="legend" data-testid="kind-legend">
      {color === "kind" && kinds.map((k) => key(k.name, colors.kinds[k.name] ?? colors.kinds.unknown, KIND_LABELS[k.name] ?? k.name))}
      {color === "state" && states.map((s) => key(STATES[s], colors.states[s], s === 0 && type === "wall" ? "Running or blocked" : STATE_LABELS[STATES[s]]))}
      {color === "state" && <span>as stacks end</span>}
    </span>
  );
}
