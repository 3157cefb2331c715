// The card beside the pointer: everything known about one frame.

import { useLayoutEffect, useRef } from "preact/hooks";
import { KIND_LABELS } from "../color/palette";
import { displayName } from "../text/name";
import { percent, value } from "../text/units";
import { nodeName, type Tree } from "./tree";

export interface Pointer { node: number; x: number; y: number; }

export function Tooltip({ tree, at, zoom, rangeTotal, where, extra }: { tree: Tree; at: Pointer; zoom: number; rangeTotal: number; where: string; extra: string }) {
  const ref = useRef<HTMLDivElement>(null);
  // Beside the pointer, turned inward at the edges of the window.
  useLayoutEffect(() => {
    const el = ref.current;
    if (!el) return;
    const w = el.offsetWidth, h = el.offsetHeight, gap = 14;
    const x = at.x + gap + w > innerWidth - 8 ? Math.max(8, at.x - gap - w) : at.x + gap;
    const y = at.y + gap + h > innerHeight - 8 ? Math.max(8, at.y - gap - h) : at.y + gap;
    el.style.transform = `translate(${x}px, ${y}px)`;
  });
  const n = at.node, d = tree.diff, total = d ? d.total[n] : tree.value[n], self = d ? d.self[n] : tree.self[n];
  return (
    <div class="tooltip" ref={ref} data-testid="icicle-tooltip" aria-hidden="true">
      <p class="tooltip-name">{displayName(nodeName(tree, n), 600)}</p>
      <p class="quiet">{[KIND_LABELS[tree.kinds[tree.kind[n]]] ?? "Unknown", where].filter(Boolean).join(" · ")}</p>
      <dl class="num">
        <dt>Total</dt><dd>{value(tree.unit, total)}</dd><dd>{percent(total, rangeTotal)}</dd>
        <dt>Self</dt><dd>{value(tree.unit, self)}</dd><dd>{percent(self, rangeTotal)}</dd>
        {d && <><dt>Before</dt><dd>{value(tree.unit, d.base[n])}</dd><dd>{percent(d.base[n], d.base[0])}</dd></>}
        {zoom > 0 && !d && <><dt>Of view</dt><dd /><dd>{percent(Math.min(total, tree.value[zoom]), tree.value[zoom])}</dd></>}
      </dl>
      {extra && <p>{extra}</p>}
    </div>
  );
}
