// The right pane: search, what is zoomed, focused or inverted, the icicle (or
// callers above callees), its legend and the readout of the current frame.

import type { RefObject } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { sum } from "../heat/cells";
import { Icicle } from "../icicle/icicle";
import { nodeName } from "../icicle/tree";
import { below as belowButton } from "../shell/menu";
import { Failure, Note } from "../shell/state";
import { displayName } from "../text/name";
import { percent } from "../text/units";
import { source } from "../top/rows";
import type { Color } from "../urlstate";
import { Current } from "./current";
import { Chip, StackChips } from "./filters";
import { FrameMenu, type Opened } from "./framemenu";
import { changeText, Legend } from "./legend";
import { Search } from "./search";
import type { Actions } from "./useicicle";
import type { Recorder } from "./userecorder";
import type { Pane } from "./usetree";

export function Flame({ r, m, box }: { r: Recorder; m: Actions; box: RefObject<HTMLInputElement | null> }) {
  const { state, set } = r;
  const { above, below, act } = m;
  const [menu, setMenu] = useState<Opened | null>(null);
  const rowsOf = r.diff ? r.diff.data?.rows : r.top.data?.rows;
  const lines = useMemo(() => new Map(rowsOf?.map((row) => [row.function, row.line])), [rowsOf]);
  const rangeTotal = Math.max(above.tree?.total ?? 0, r.top.data?.total ?? 0, r.rangeTotal);
  // Which way up the tree on the screen grows: while another is asked for it stays as it is.
  const flip = useRef(false);
  if (!r.icicle.stale) flip.current = state.callers !== "";

  const icicle = (p: Pane, id: "icicle" | "callees") => {
    const tree = p.tree!, low = id === "callees";
    const where = (n: number) => displayName(source(tree.strings[tree.file[n]], lines.get(nodeName(tree, n)) ?? 0), 200);
    const other = `[data-testid="${low ? "icicle" : "callees"}"]`;
    const what = low ? "Callees, callers are above" : flip.current ? "Callers, the method is below them" : r.diff ? "Both times as one icicle, root on top" : "Icicle of call stacks, root on top";
    return (
      <Icicle
        id={id} tree={tree} zoom={p.zoom} cursor={p.cursor} found={p.found} colorBy={state.color} type={r.type} rangeTotal={rangeTotal}
        stale={low ? r.callees.stale : r.icicle.stale} flip={!low && flip.current} skip={low ? 1 : 0}
        label={`${what}. Arrow keys walk, Enter zooms, 0 resets, Shift F10 opens the menu.`}
        where={where} extra={tree.diff ? (n) => changeText(tree, n, r) : undefined}
        onZoom={(n) => m.zoomTo(n, p)} onFocus={act.focus} onCursor={(n) => m.at(p, n)}
        onHide={(n) => act.hide({ name: nodeName(tree, n), node: n, below: low })}
        onMenu={(n, at) => setMenu({ subject: { name: nodeName(tree, n), node: n, below: low }, at })}
        onEdge={below ? () => { (document.querySelector(other) as HTMLElement | null)?.focus(); m.setLow(!low); } : undefined}
      />
    );
  };

  const sub = m.current;
  return (
    <section class="pane flame" aria-label={state.callers ? "Callers and callees" : "Icicle"} data-testid="icicle-pane" data-view={state.callers ? "callers" : "icicle"}>
      <div class="pane-bar">
        <Search r={r} m={m} box={box} onStep={m.step} />
        {!state.callers && <button type="button" class="button" aria-pressed={state.inv} title="Grow from the leaves (I)" data-testid="invert" onClick={act.invert}>Invert</button>}
        {!r.diff && (
          <label class="select">
            <span class="sr-only">Colour by</span>
            <select value={state.color} data-testid="color" onChange={(e) => set({ color: e.currentTarget.value as Color }, true)}>
              <option value="kind">by frame kind</option>
              <option value="package">by package</option>
              <option value="state">by thread state</option>
            </select>
          </label>
        )}
      </div>
      <Chips r={r} m={m} />
      <div class={below ? "flame-body sandwich" : "flame-body"} style={below ? { gridTemplateRows: halves(above, below) } : undefined}>
        {above.tree ? icicle(above, "icicle") : <Nothing r={r} m={m} />}
        {below && (below.tree ? icicle(below, "callees") : r.callees.error ? <Failure error={r.callees.error} retry={r.callees.reload} /> : null)}
      </div>
      {m.active.tree && sub && (
        <div class="flame-foot">
          <Current r={r} m={m} tree={m.active.tree} subject={sub} rangeTotal={rangeTotal}
            where={displayName(source(m.active.tree.strings[m.active.tree.file[sub.node]], lines.get(sub.name) ?? 0), 200)}
            onMenu={(el) => setMenu({ subject: sub, at: belowButton(el) })} />
          <div class="flame-notes">
            <Legend r={r} tree={m.active.tree} />
            {m.active.prunedView > 0 && (
              <button
                type="button" class="linkish num" data-testid="pruned" data-count={m.active.tree.prunedCount}
                title="Asks the server for smaller frames" onClick={act.finer} disabled={r.zoom.detail >= 5}
              >{m.active.zoom === 0 ? `${m.active.tree.prunedCount} small frames` : "small frames"}, {percent(m.active.prunedView, m.active.tree.value[m.active.zoom])} – zoom</button>
            )}
          </div>
        </div>
      )}
      {menu && <FrameMenu r={r} m={m} opened={menu} onClose={() => setMenu(null)} />}
    </section>
  );
}

/** The room of callers and callees, by how deep they are; neither gets less than a quarter. */
function halves(above: Pane, below: Pane): string {
  const a = above.tree?.depth ?? 1, b = Math.max(0, (below.tree?.depth ?? 1) - 1);
  const part = Math.min(0.75, Math.max(0.25, a / (a + b)));
  return `minmax(0, ${part}fr) minmax(0, ${1 - part}fr)`;
}

/** What is in force in this pane; each chip takes it away. */
function Chips({ r, m }: { r: Recorder; m: Actions }) {
  const { state, set } = r, zoomed = r.zoom.below ? m.below : m.above;
  const any = state.callers || state.f || state.m || state.z || state.inv || state.filter.length || state.x.length || state.fold.length || state.hide.length;
  // null, not "": an empty text in this place makes Preact move what follows, and the icicle would lose the focus.
  if (!any) return null;
  return (
    <div class="chips">
      {state.callers && <Chip label="Callers and callees of" name={state.callers} method testid="chip-callers" clear={() => set({ callers: "", z: "" })} />}
      {state.f && <Chip label="Focus" name={state.f} method testid="chip-focus" clear={() => set({ f: "", z: "" })} />}
      {state.m && <Chip label="Highlight" name={state.m} method testid="chip-highlight" clear={() => set({ m: "" }, true)} />}
      {state.z && zoomed && (zoomed.lost ? <Chip label="Zoomed frame is not in this time" name="" testid="chip-zoom" clear={() => set({ z: "" })} />
        : zoomed.tree && zoomed.zoom > 0 && <Chip label="Zoom" name={nodeName(zoomed.tree, zoomed.zoom)} method testid="chip-zoom" clear={() => set({ z: "" })} />)}
      {state.inv && !state.callers && <Chip label="Inverted" name="" testid="chip-invert" clear={m.act.invert} />}
      <StackChips state={state} set={set} />
      {m.above.hidden.map((h) => (
        <Chip key={h.hash} label={h.name ? "Hidden" : "Hidden stack, not in this view"} name={h.name} method testid="chip-hidden" value={h.hash}
          clear={() => set({ hide: state.hide.filter((x) => x !== h.hash) })} />
      ))}
    </div>
  );
}

function Nothing({ r, m }: { r: Recorder; m: Actions }) {
  const { state } = r, narrowed = state.callers ? "“Callers of”" : state.f ? "“Focus”" : "";
  if (m.above.broken) return <Note kind="error" title="The call tree could not be drawn"><p>{m.above.broken}</p></Note>;
  if (r.icicle.error) return <Failure error={r.icicle.error} retry={r.icicle.reload} />;
  if (r.icicle.busy || r.icicle.stale) return <Note kind="loading" title="Merging stacks…" />;
  if (!recorded(r)) return <Note kind="empty" title="Nothing was recorded in this time"><p>Choose another range above, or squares of the heat map that are not hatched.</p></Note>;
  if (narrowed) return <Note kind="empty" title="No stack of this time has that method"><p>Clear {narrowed} above, or choose another time.</p></Note>;
  if (state.filter.length || state.x.length || state.match.length) return <Note kind="empty" title="No stack of this time passes the filters"><p>Take one of them away, or choose another time.</p></Note>;
  return <Note kind="empty" title="No stacks in this time"><p>It was recorded and idle. Darker squares of the heat map hold more.</p></Note>;
}

/** Whether anything was recorded in the time asked for. */
function recorded(r: Recorder): boolean {
  return r.heat.cells !== null && sum(r.heat.cells, r.fromMs, r.untilMs).recorded > 0;
}
