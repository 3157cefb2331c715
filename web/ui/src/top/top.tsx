// Top methods. A click highlights the method in the icicle, Enter shows its
// callers, Shift-click keeps only the stacks with it.

import { useMemo, useRef } from "preact/hooks";
import type { TopAnswer, TopRow } from "../api";
import { memo } from "../shell/memo";
import type { Query } from "../text/match";
import { displayName, parts } from "../text/name";
import { percent, value } from "../text/units";
import { matching, sorted, source, type SortKey } from "./rows";

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
  onMore: () => void;
}

export const Top = memo(function Top(p: TopProps) {
  const rows = useMemo(() => sorted(matching(p.answer.rows, p.query), p.sort), [p.answer, p.query, p.sort]);
  const body = useRef<HTMLTableSectionElement>(null);

  const focusRow = (i: number) => {
    const el = body.current?.rows[Math.max(0, Math.min(rows.length - 1, i))];
    el?.focus();
    el?.scrollIntoView({ block: "nearest" });
  };
  const key = (e: KeyboardEvent, row: TopRow, i: number) => {
    if (e.target !== e.currentTarget || e.altKey || e.ctrlKey || e.metaKey) return;
    if (e.key === "ArrowDown") focusRow(i + 1);
    else if (e.key === "ArrowUp") focusRow(i - 1);
    else if (e.key === "Home") focusRow(0);
    else if (e.key === "End") focusRow(rows.length - 1);
    else if (e.key === "Enter" && e.shiftKey) p.onFocus(row.function);
    else if (e.key === "Enter") p.onCallers(row.function);
    else if (e.key === " ") p.onMark(row.function);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const head = (by: SortKey, text: string, share: boolean) => (
    <th scope="col" class="n" aria-sort={p.sort === by ? "descending" : undefined}>
      <button type="button" class={p.sort === by ? "sort on" : "sort"} onClick={() => p.onSort(by)} data-testid={`top-sort-${by}${share ? "-pct" : ""}`}>
        {text}
      </button>
    </th>
  );

  return (
    <div class={p.stale ? "top-scroll stale" : "top-scroll"}>
      <table class="top" data-testid="top" data-rows={rows.length} data-row-count={p.answer.row_count} data-sort={p.sort}>
        <thead>
          <tr>
            <th scope="col">Method</th>
            {head("self", "Self", false)}{head("self", "Self %", true)}{head("total", "Total", false)}{head("total", "Total %", true)}
          </tr>
        </thead>
        <tbody ref={body}>
          {rows.map((r, i) => {
            const on = r.function === p.marked;
            return (
              <tr
                key={r.function} tabIndex={i === 0 || on ? 0 : -1} aria-selected={on} class={on ? "on" : undefined}
                data-testid="top-row" data-name={r.function.slice(0, 500)} data-self={r.self} data-total={r.total}
                onClick={(e) => (e.shiftKey ? p.onFocus(r.function) : p.onMark(r.function))}
                onMouseDown={(e) => { if (e.shiftKey) e.preventDefault(); }}
                onKeyDown={(e) => key(e, r, i)}
              >
                <Method row={r} onCallers={p.onCallers} bar={rows[0][p.sort] > 0 ? r[p.sort] / rows[0][p.sort] : 0} />
                <Num unit={p.answer.unit} v={r.self} /><Share v={r.self} of={p.total} />
                <Num unit={p.answer.unit} v={r.total} /><Share v={r.total} of={p.total} />
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length === 0 && <p class="none">{p.query.text ? "No method matches the search." : "No samples in this time."}</p>}
      {!p.query.text && p.answer.row_count > p.answer.rows.length && (
        <p class="more">
          <button type="button" class="button" onClick={p.onMore} data-testid="top-more">{p.answer.rows.length} of {p.answer.row_count} methods – show more</button>
        </p>
      )}
    </div>
  );
});

/** The name over a bar as long as its share of the largest row. */
function Method({ row, onCallers, bar }: { row: TopRow; onCallers: (name: string) => void; bar: number }) {
  const name = displayName(row.function), where = displayName(source(row.file, row.line), 200);
  const q = parts(displayName(row.function, 300));
  return (
    <td class="method" title={where ? `${name}\n${where}` : name}>
      <i class="share-bar" style={{ width: `${Math.round(bar * 1000) / 10}%` }} />
      <div class="method-in">
        <span class="method-name"><b>{q.cls ? `${q.cls}.` : ""}{q.method}</b>{q.pkg && <span class="quiet"> {q.pkg}</span>}</span>
        <button
          type="button" class="callers" tabIndex={-1} data-testid="top-callers" aria-label={`Callers of ${name.slice(0, 200)}`}
          onClick={(e) => { e.stopPropagation(); onCallers(row.function); }}
        >callers</button>
      </div>
    </td>
  );
}

const Num = ({ unit, v }: { unit: string; v: number }) => <td class={v === 0 ? "n zero" : "n"}>{value(unit, v)}</td>;

const Share = ({ v, of }: { v: number; of: number }) => <td class={v === 0 ? "n zero" : "n"}>{percent(v, of)}</td>;
