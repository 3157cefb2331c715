// Top methods. A click highlights the method in the icicle, Enter shows its
// callers, Shift-click keeps only the stacks with it.

import { useMemo, useRef } from "preact/hooks";
import type { TopAnswer } from "../api";
import { memo } from "../shell/memo";
import type { Spot } from "../shell/menu";
import type { Query } from "../text/match";
import { percent, value } from "../text/units";
import { useLazyRows } from "./lazyrows";
import { Method, rowProps } from "./method";
import { matching, sorted, type SortKey } from "./rows";

export interface TopProps {
  answer: TopAnswer;
  total: number; // of the whole range: a search does not change percentages
  sort: SortKey;
  query: Query;
  marked: string; // the highlighted method
  stale: boolean;
  onSort: (by: SortKey) => void;
  onMark: (name: string) => void;
  onCallers: (name: string) => void;
  onFocus: (name: string) => void;
  onMenu: (name: string, at: Spot) => void;
  onMore: () => void;
}

export const Top = memo(function Top(p: TopProps) {
  const rows = useMemo(() => sorted(matching(p.answer.rows, p.query), p.sort), [p.answer, p.query, p.sort]);
  const body = useRef<HTMLTableSectionElement>(null);
  const lazy = useLazyRows(rows.length);

  const head = (by: SortKey, text: string, share: boolean) => (
    <th scope="col" class="n" aria-sort={p.sort === by ? "descending" : undefined}>
      <button type="button" class={p.sort === by ? "sort on" : "sort"} onClick={() => p.onSort(by)} data-testid={`top-sort-${by}${share ? "-pct" : ""}`}>
        {text}
      </button>
    </th>
  );

  return (
    <div class={p.stale ? "top-scroll stale" : "top-scroll"} onScroll={lazy.onScroll}>
      <table class="top" aria-rowcount={rows.length + 1} data-testid="top" data-rows={rows.length} data-row-count={p.answer.row_count} data-sort={p.sort}>
        <thead>
          <tr>
            <th scope="col">Method</th>
            {head("self", "Self", false)}{head("self", "Self %", true)}{head("total", "Total", false)}{head("total", "Total %", true)}
          </tr>
        </thead>
        <tbody ref={body}>
          {rows.slice(0, lazy.count).map((r, i) => {
            const on = r.function === p.marked;
            return (
              <tr key={r.function} {...rowProps(p, r, i, on, body, lazy.reach)}>
                <Method row={r} onCallers={p.onCallers} bar={rows[0][p.sort] > 0 ? r[p.sort] / rows[0][p.sort] : 0} />
                <Num unit={p.answer.unit} v={r.self} /><Share v={r.self} of={p.total} />
                <Num unit={p.answer.unit} v={r.total} /><Share v={r.total} of={p.total} />
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length === 0 && <p class="none">{p.query.text ? "No method matches the search." : "No samples in this time."}</p>}
      {lazy.count === rows.length && !p.query.text && p.answer.row_count > p.answer.rows.length && (
        <p class="more">
          <button type="button" class="button" onClick={p.onMore} data-testid="top-more">{p.answer.rows.length} of {p.answer.row_count} methods – show more</button>
        </p>
      )}
    </div>
  );
});

const Num = ({ unit, v }: { unit: string; v: number }) => <td class={v === 0 ? "n zero" : "n"}>{value(unit, v)}</td>;

const Share = ({ v, of }: { v: number; of: number }) => <td class={v === 0 ? "n zero" : "n"}>{percent(v, of)}</td>;
