// The rows of the top methods table: order, what a search leaves, and the keys
// a row takes.

import type { DiffAnswer, DiffRow, TopRow } from "../api";
import { delta } from "../icicle/diff";
import type { Spot } from "../shell/menu";
import type { Query } from "../text/match";

export type SortKey = "self" | "total";
export type DiffSort = SortKey | "delta";

const byName = (a: TopRow, b: TopRow) => (a.function < b.function ? -1 : a.function > b.function ? 1 : 0);

/** Largest first; equal values by name, so that polls do not shuffle rows. */
export function sorted(rows: readonly TopRow[], by: SortKey): TopRow[] {
  const other = by === "self" ? "total" : "self";
  return [...rows].sort((a, b) => b[by] - a[by] || b[other] - a[other] || byName(a, b));
}

/** Rows of a comparison: by what is now, or by the change, what does not mean anything last. */
export function diffSorted(rows: readonly DiffRow[], by: DiffSort, norm: "share" | "rate", a: Pick<DiffAnswer, "total" | "base_total" | "seconds" | "base_seconds">): DiffRow[] {
  if (by !== "delta") return sorted(rows, by) as DiffRow[];
  const of = { total: a.total, base: a.base_total, seconds: a.seconds, baseSeconds: a.base_seconds };
  const change = new Map(rows.map((r) => [r, Math.abs(delta(norm, { total: r.self, base: r.base_self }, of).change)]));
  const dull = (r: DiffRow) => ((r.self_state ?? r.state) === "same" ? 1 : 0);
  return [...rows].sort((x, y) => dull(x) - dull(y) || change.get(y)! - change.get(x)! || byName(x, y));
}

/** The rows a search matches; all of them without one. */
export function matching(rows: readonly TopRow[], q: Query): TopRow[] {
  return q.test ? rows.filter((r) => q.test!(r.function)) : [...rows];
}

/** Where a frame comes from: "Foo.java:12", "Foo.java", "". */
export function source(file: string, line: number): string {
  return file === "" ? "" : line > 0 ? `${file}:${line}` : file;
}

export interface RowActions { reach: (row: number) => void; focus: () => void; enter: () => void; mark: () => void; menu: (at: Spot) => void; }

/** Arrows walk the rows of a table, Enter, Space and the menu key act on one. */
export function rowKeys(e: KeyboardEvent, body: HTMLTableSectionElement | null, i: number, on: RowActions): void {
  if (e.target !== e.currentTarget || e.altKey || e.ctrlKey || e.metaKey) return;
  const to = (k: number) => {
    const rows = body?.rows, el = rows?.[Math.max(0, Math.min(rows.length - 1, k))];
    el?.focus();
    el?.scrollIntoView({ block: "nearest" });
  };
  const go = (k: number) => {
    on.reach(k);
    // At once, or after the rows that this has asked for.
    if (k < (body?.rows.length ?? 0)) to(k);
    else setTimeout(() => to(k));
  };
  if (e.key === "ArrowDown") go(i + 1);
  else if (e.key === "ArrowUp") go(i - 1);
  else if (e.key === "Home") go(0);
  else if (e.key === "End") go(Infinity);
  else if (e.key === "ContextMenu" || (e.key === "F10" && e.shiftKey)) {
    const r = (e.currentTarget as HTMLElement).getBoundingClientRect();
    on.menu({ x: r.left + 24, y: r.bottom });
  } else if (e.key === "Enter" && e.shiftKey) on.focus();
  else if (e.key === "Enter") on.enter();
  else if (e.key === " ") on.mark();
  else return;
  e.preventDefault();
  e.stopPropagation();
}
