// Below the icicle: the frame the keys are on, in words, and what to do with it.

import { type Tree } from "../icicle/tree";
import { displayName, forms } from "../text/name";
import { noun, percent, value } from "../text/units";
import { changeText } from "./legend";
import type { Actions, Subject } from "./useicicle";
import type { Recorder } from "./userecorder";

export function Current({ r, m, tree, subject, rangeTotal, where, onMenu }: {
  r: Recorder; m: Actions; tree: Tree; subject: Subject; rangeTotal: number; where: string; onMenu: (el: Element) => void;
}) {
  const { name, node } = subject, { state } = r, d = tree.diff;
  const method = m.isMethod(subject);
  const total = d ? d.total[node] : tree.value[node], self = d ? d.self[node] : tree.self[node];
  return (
    <div class="current">
      <p id="icicle-readout" class="readout" aria-live="polite" data-testid="icicle-readout">
        <strong class="clip" title={displayName(name, 500)}>{method ? forms(name).find((f) => f.length <= 72) ?? displayName(name, 60) : "All stacks"}</strong>
        <span class="num">{value(tree.unit, total)} {noun(r.type)} · {percent(total, d ? tree.total : rangeTotal)}</span>
        {d ? <span class="num">{changeText(tree, node, r)}</span> : self > 0 && <span class="num">self {value(tree.unit, self)}</span>}
        {where && <span class="quiet">{where}</span>}
      </p>
      <span class="pair">
        {method && name !== state.callers && <button type="button" class="button small" data-testid="current-callers" title="Callers and callees (S)" onClick={() => m.act.sandwich(name)}>Callers</button>}
        {method && name !== state.f && name !== state.callers && <button type="button" class="button small" data-testid="current-focus" title="Only stacks with it (F, Shift-click)" onClick={() => m.act.focus(name)}>Focus</button>}
        <button type="button" class="button small" aria-haspopup="menu" aria-label="More to do with this frame" title="More (Shift-F10, right click)" data-testid="current-more" onClick={(e) => onMenu(e.currentTarget)}>⋯</button>
      </span>
    </div>
  );
}
