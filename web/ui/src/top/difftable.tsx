// The methods of a comparison: both sides, the difference, and whether it
// means anything. The same keys as in the table of top methods.

import { useMemo, useRef } from "preact/hooks";
import type { DiffAnswer, DiffRow } from "../api";
import { delta, sign } from "../icicle/diff";
import { memo } from "../shell/memo";
import type { Spot } from "../shell/menu";
import type { Query } from "../text/match";
import { changeWords, deltaText, sideText, significance } from "./change";
import { useLazyRows } from "./lazyrows";
import { Method, rowProps } from "./method";
import { diffSorted, type DiffSort } from "./rows";

export interface DiffTableProps {
  answer: DiffAnswer;
  norm: "share" | "rate";
  sort: DiffSort;
  query: Query;
  marked: string;
  stale: boolean;
  onSort: (by: DiffSort) => void;
  onMark: (name: string) => void;
  onCallers: (name: string) => void;
  onFocus: (name: string) => void;
  onMenu: (name: string, at: Spot) => void;
  onMore: () => void;
}

export const DiffTable = memo(function DiffTable(p: DiffTableProps) {
  const { answer: a, norm } = p;
  const rows = useMemo(() => diffSorted(a.rows.filter((r) => !p.query.test || p.query.test(r.function)), p.sort, norm, a), [a, p.query, p.sort, norm]);
  const body = useRef<HTMLTableSectionElement>(null);
  const lazy = useLazyRows(rows.length);
  const head = (by: DiffSort, text: string, title: string) => (
    <th scope="col" class="n" aria-sort={p.sort === by ? "descending" : undefined}>
      <button type="button" class={p.sort === by ? "sort on" : "sort"} title={title} onClick={() => p.onSort(by)} data-testid={`top-sort-${by}`}>{text}</button>
    </th>
  );
  return (
    <div class={p.stale ? "top-scroll stale" : "top-scroll"} onScroll={lazy.onScroll}>
      <table class="top diff" aria-rowcount={rows.length + 1} data-testid="top" data-rows={rows.length} data-row-count={a.row_count} data-sort={p.sort} data-norm={norm}>
        <thead>
          <tr>
            <th scope="col">Method</th>
            <th scope="col" class="n" title="Self time before">Self before</th>
            {head("self", "Self", "Self time after")}{head("total", "Total", "Total after")}{head("delta", "Δ", "Change of self time, the largest first")}
          </tr>
        </thead>
        <tbody ref={body}>{rows.slice(0, lazy.count).map((r, i) => <Row key={r.function} p={p} r={r} i={i} body={body} reach={lazy.reach} />)}</tbody>
      </table>
      {rows.length === 0 && <p class="none">{p.query.text ? "No method matches the search." : "No samples in either time."}</p>}
      {lazy.count === rows.length && !p.query.text && a.row_count > a.rows.length && (
        <p class="more"><button type="button" class="button" onClick={p.onMore} data-testid="top-more">{a.rows.length} of {a.row_count} methods – show more</button></p>
      )}
    </div>
  );
});

function Row({ p, r, i, body, reach }: { p: DiffTableProps; r: DiffRow; i: number; reach: (row: number) => void; body: { current: HTMLTableSectionElement | null } }) {
  const { answer: a, norm } = p, on = r.function === p.marked;
  const of = { total: a.total, base: a.base_total, seconds: a.seconds, baseSeconds: a.base_seconds };
  const self = delta(norm, { total: r.self, base: r.base_self }, of), total = delta(norm, { total: r.total, base: r.base_total }, of);
  // The verdict is about the number that is shown: self, or total when sorted by it.
  const [state, pv] = p.sort === "total" || r.self_state === undefined ? [r.state, r.p] : [r.self_state, r.self_p], mark = sign(state);
  const why = significance(pv, state);
  return (
    <tr
      {...rowProps(p, r, i, on, body, reach)}
      data-base-self={r.base_self} data-base-total={r.base_total} data-state={state} data-p={pv ?? ""}
    >
      <Method row={r} onCallers={p.onCallers} more={why}>
        {r.state === "new" && <span class="state more">new</span>}{r.state === "removed" && <span class="state less">gone</span>}
      </Method>
      <td class="n quiet">{sideText(norm, a.unit, self.before)}</td>
      <td class="n">{sideText(norm, a.unit, self.after)}</td>
      <td class="n">{sideText(norm, a.unit, total.after)}</td>
      <td class={mark === "" ? "n zero" : mark === "▲" ? "n more-text" : "n less-text"} title={`${p.sort === "total" ? "total" : "self"} ${changeWords(norm, a.unit, p.sort === "total" ? total : self, state)}\n${why}`} data-testid="delta">
        {mark && `${mark} `}{mark ? deltaText(norm, a.unit, p.sort === "total" ? total.change : self.change).replace(" points", "") : "≈"}
      </td>
    </tr>
  );
}
