// The right pane: search, what is zoomed, focused or inverted, the icicle, its
// legend and the readout of the current frame.

import type { RefObject } from "preact";
import { useMemo } from "preact/hooks";
import { KIND_LABELS, palette } from "../color/palette";
import { useDark } from "../color/theme";
import { sum } from "../heat/cells";
import { Icicle } from "../icicle/icicle";
import { nodeName, type Tree } from "../icicle/tree";
import { Failure, Note } from "../shell/state";
import { displayName, forms } from "../text/name";
import { noun, percent, value } from "../text/units";
import { source } from "../top/rows";
import { formatZoom } from "../urlstate";
import { Search } from "./search";
import type { useIcicle } from "./useicicle";
import type { Recorder } from "./userecorder";

export function Flame({ r, m, box }: { r: Recorder; m: ReturnType<typeof useIcicle>; box: RefObject<HTMLInputElement | null> }) {
  const { state, set } = r;
  const { tree } = m;
  const lines = useMemo(() => new Map(r.top.data?.rows.map((row) => [row.function, row.line])), [r.top.data]);
  const where = (n: number) => (tree ? displayName(source(tree.strings[tree.file[n]], lines.get(nodeName(tree, n)) ?? 0), 200) : "");
  const rangeTotal = Math.max(tree?.total ?? 0, r.top.data?.total ?? 0);
  const current = m.cursor >= 0 ? m.cursor : m.zoom;
  const callers = (name: string) => set({ callers: name, z: "", f: "", m: "" });
  const focus = (name: string) => set({ f: name, z: "", callers: "", m: "" });

  return (
    <section class="pane flame" aria-label={state.callers ? "Callers" : "Icicle"} data-testid="icicle-pane" data-view={state.callers ? "callers" : "icicle"}>
      <div class="pane-bar">
        <Search r={r} m={m} box={box} onStep={m.step} />
        <label class="select">
          <span class="sr-only">Colour by</span>
          <select value={state.color} data-testid="color" onChange={(e) => set({ color: e.currentTarget.value === "package" ? "package" : "kind" }, true)}>
            <option value="kind">by frame kind</option>
            <option value="package">by package</option>
          </select>
        </label>
      </div>
      {/* null, not "": an empty text in this place makes Preact move what follows, and the icicle would lose the focus. */}
      {state.callers || state.f || state.m || state.z ? (
        <div class="chips">
          {state.callers && <Chip label="Callers of" name={state.callers} testid="chip-callers" clear={() => set({ callers: "", z: "" })} />}
          {state.f && <Chip label="Focus" name={state.f} testid="chip-focus" clear={() => set({ f: "", z: "" })} />}
          {state.m && <Chip label="Highlight" name={state.m} testid="chip-highlight" clear={() => set({ m: "" }, true)} />}
          {state.z && (m.lost ? <Chip label="Zoomed frame is not in this time" name="" testid="chip-zoom" clear={() => set({ z: "" })} />
            : tree && m.zoom > 0 && <Chip label="Zoom" name={nodeName(tree, m.zoom)} testid="chip-zoom" clear={() => set({ z: "" })} />)}
        </div>
      ) : null}
      <div class="flame-body">
        {tree ? (
          <Icicle
            tree={tree} zoom={m.zoom} cursor={m.cursor} found={m.found} colorBy={state.color} rangeTotal={rangeTotal} stale={r.icicle.stale}
            label={`${state.callers ? "Callers of " + displayName(state.callers, 200) : "Icicle of call stacks, root on top"}. Arrow keys walk, Enter zooms, 0 resets.`}
            where={where} onZoom={m.zoomTo} onFocus={focus} onCallers={callers} onCursor={m.setCursor}
          />
        ) : m.broken ? <Note kind="error" title="The call tree could not be drawn"><p>{m.broken}</p></Note>
          : r.icicle.error ? <Failure error={r.icicle.error} retry={r.icicle.reload} />
          : r.icicle.busy || r.icicle.stale ? <Note kind="loading" title="Merging stacks…" />
          : recorded(r) && (state.callers || state.f) ? <Note kind="empty" title="No stack of this time has that method"><p>Clear {state.callers ? "“Callers of”" : "“Focus”"} above, or choose another time.</p></Note>
          : recorded(r) ? <Note kind="empty" title="No stacks in this time"><p>It was recorded and idle. Darker squares of the heat map hold more.</p></Note>
          : <Note kind="empty" title="Nothing was recorded in this time"><p>Choose another range above, or squares of the heat map that are not hatched.</p></Note>}
      </div>
      {tree && (
        <div class="flame-foot">
          <Current tree={tree} node={current} r={r} rangeTotal={rangeTotal} where={where(current)} onCallers={callers} onFocus={focus} />
          <div class="flame-notes">
            {state.color === "kind" && <Kinds tree={tree} />}
            {m.prunedView > 0 && (
              <button
                type="button" class="linkish num" data-testid="pruned" data-count={tree.prunedCount}
                title="Asks the server for smaller frames" onClick={() => set({ z: formatZoom(r.zoom.hash, Math.min(5, r.zoom.detail + 1)) })}
                disabled={r.zoom.detail >= 5 || state.callers !== ""}
              >{m.zoom === 0 ? `${tree.prunedCount} small frames` : "small frames"}, {percent(m.prunedView, tree.value[m.zoom])} – zoom</button>
            )}
          </div>
        </div>
      )}
    </section>
  );
}

/** Whether anything was recorded in the time asked for. */
function recorded(r: Recorder): boolean {
  return r.heat.cells !== null && sum(r.heat.cells, r.fromMs, r.untilMs).recorded > 0;
}

function Chip({ label, name, testid, clear }: { label: string; name: string; testid: string; clear: () => void }) {
  const short = name ? forms(name).find((f) => f.length <= 60) ?? displayName(name, 48) : "";
  return (
    <button type="button" class="chip" data-testid={testid} data-name={name.slice(0, 500)} title={name ? displayName(name, 500) : undefined} onClick={clear}>
      <span class="quiet">{label}</span>{short && <b>{short}</b>}<span class="chip-x" aria-hidden="true">✕</span><span class="sr-only">, clear</span>
    </button>
  );
}

function Current({ tree, node, r, rangeTotal, where, onCallers, onFocus }: {
  tree: Tree; node: number; r: Recorder; rangeTotal: number; where: string; onCallers: (name: string) => void; onFocus: (name: string) => void;
}) {
  const name = nodeName(tree, node), total = tree.value[node];
  return (
    <div class="current">
      <p id="icicle-readout" class="readout" aria-live="polite" data-testid="icicle-readout">
        <strong class="clip" title={displayName(name, 500)}>{node === 0 && !r.state.f && !r.state.callers ? "All stacks" : forms(name).find((f) => f.length <= 72) ?? displayName(name, 60)}</strong>
        <span class="num">{value(tree.unit, total)} {noun(r.type)} · {percent(total, rangeTotal)}</span>
        {tree.self[node] > 0 && <span class="num">self {value(tree.unit, tree.self[node])}</span>}
        {where && <span class="quiet">{where}</span>}
      </p>
      {(node > 0 || r.state.f) && name !== r.state.callers && (
        <span class="pair">
          <button type="button" class="button small" data-testid="current-callers" title="Who calls it (I)" onClick={() => onCallers(name)}>Callers</button>
          {name !== r.state.f && <button type="button" class="button small" data-testid="current-focus" title="Only stacks with it (Shift-click)" onClick={() => onFocus(name)}>Focus</button>}
        </span>
      )}
    </div>
  );
}

/** The kinds there are in the tree, with their colours. */
function Kinds({ tree }: { tree: Tree }) {
  const colors = palette(useDark()).kinds;
  const present = useMemo(() => {
    const seen = new Set<number>();
    // The root "all" is no frame; that of a focus or of callers is one.
    for (let i = tree.kinds[tree.kind[0]] === "unknown" ? 1 : 0; i < tree.size; i++) seen.add(tree.kind[i]);
    return tree.kinds.map((name, i) => ({ name, i })).filter((k) => seen.has(k.i));
  }, [tree]);
  return (
    <span class="legend" data-testid="kind-legend">
      {present.map((k) => <span key={k.name} class="legend-key"><i class="swatch" style={{ background: colors[k.name] ?? colors.unknown }} />{KIND_LABELS[k.name] ?? k.name}</span>)}
    </span>
  );
}
