// The icicle for those who cannot see it (and for tests that look for a
// frame): the widest frames in view, with where they are drawn.

import { displayName } from "../text/name";
import { percent, value } from "../text/units";
import { memo } from "../shell/memo";
import type { Boxes } from "./layout";
import { ROW, rowY, type Rows } from "./paint";
import type { Tree } from "./tree";

const LIMIT = 150;

export interface Seen { node: number; x: number; y: number; w: number; }

/** The widest frames among the boxes, in tree order. */
export function widest(b: Boxes, rows: Rows, scrollTop: number, height: number, limit = LIMIT): Seen[] {
  const all: Seen[] = [];
  for (let i = 0; i < b.count; i++) {
    const y = rowY(rows, b.row[i]) - scrollTop;
    if (b.node[i] >= 0 && y + ROW > 0 && y < height) all.push({ node: b.node[i], x: b.x[i], y, w: b.w[i] });
  }
  if (all.length > limit) {
    all.sort((p, q) => q.w - p.w || p.node - q.node);
    all.length = limit;
  }
  return all.sort((p, q) => p.node - q.node);
}

export const IcicleMirror = memo(function IcicleMirror({ id, tree, seen }: { id: string; tree: Tree; seen: Seen[] }) {
  const d = tree.diff;
  return (
    <table class="sr-only" data-testid={id + "-table"} data-tree={tree.id}>
      <caption>The widest frames in view, from the root down</caption>
      <thead><tr><th>Frame</th><th>Level</th><th>Total</th><th>Self</th><th>{d ? "Before, change" : "Kind"}</th></tr></thead>
      <tbody>
        {seen.map((s) => (
          <tr
            key={s.node} data-name={tree.strings[tree.name[s.node]].slice(0, 500)} data-node={s.node} data-level={tree.level[s.node]}
            data-x={s.x.toFixed(1)} data-y={s.y.toFixed(1)} data-w={s.w.toFixed(1)} data-h={ROW - 1}
            data-total={d ? d.total[s.node] : tree.value[s.node]} data-self={d ? d.self[s.node] : tree.self[s.node]}
            data-base={d?.base[s.node]} data-state={d?.states[d.state[s.node]]}
          >
            <th scope="row">{displayName(tree.strings[tree.name[s.node]], 200)}</th>
            <td>{tree.level[s.node]}</td>
            <td>{value(tree.unit, d ? d.total[s.node] : tree.value[s.node])}, {percent(d ? d.total[s.node] : tree.value[s.node], tree.total)}</td>
            <td>{value(tree.unit, d ? d.self[s.node] : tree.self[s.node])}</td>
            <td>{d ? `${value(tree.unit, d.base[s.node])}, ${d.states[d.state[s.node]]}` : tree.kinds[tree.kind[s.node]] ?? "unknown"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
});
