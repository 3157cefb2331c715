// The rows of the top methods table: order, and what a search leaves.

import type { TopRow } from "../api";
import type { Query } from "../text/match";

export type SortKey = "self" | "total";

/** Largest first; equal values by name, so that polls do not shuffle rows. */
export function sorted(rows: readonly TopRow[], by: SortKey): TopRow[] {
  const other = by === "self" ? "total" : "self";
  return [...rows].sort((a, b) => b[by] - a[by] || b[other] - a[other] || (a.function < b.function ? -1 : a.function > b.function ? 1 : 0));
}

/** The rows a search matches; all of them without one. */
export function matching(rows: readonly TopRow[], q: Query): TopRow[] {
  return q.test ? rows.filter((r) => q.test!(r.function)) : [...rows];
}

/** Where a frame comes from: "Foo.java:12", "Foo.java", "". */
export function source(file: string, line: number): string {
  return file === "" ? "" : line > 0 ? `${file}:${line}` : file;
}
