// The left pane: top methods, or the methods of a comparison.

import { useMemo, useRef, useState } from "preact/hooks";
import { useSettled } from "../hooks";
import type { Spot } from "../shell/menu";
import { Failure, Note } from "../shell/state";
import { DiffTable } from "../top/difftable";
import type { DiffSort } from "../top/rows";
import { Top } from "../top/top";
import { FrameMenu, type Opened } from "./framemenu";
import type { Actions } from "./useicicle";
import type { Recorder } from "./userecorder";

export function TopPane({ r, m }: { r: Recorder; m: Actions }) {
  const { state, set, top, topFound, diff } = r;
  const [menu, setMenu] = useState<Opened | null>(null);
  // The table follows a search when the typing pauses: the icicle comes first.
  // A substring is asked of the server too, and both are best shown at once.
  const query = useSettled(r.query, r.query.plain && top.data && top.data.row_count > top.data.rows.length ? 300 : 120);
  // Rows found by the server come beside those the page has: one of each.
  const answer = useMemo(() => {
    if (!top.data || !topFound?.data || topFound.stale) return top.data;
    const have = new Set(top.data.rows.map((x) => x.function));
    return { ...top.data, rows: [...top.data.rows, ...topFound.data.rows.filter((x) => !have.has(x.function))] };
  }, [top.data, topFound?.data, topFound?.stale]);
  // Stable functions: the table renders again only when its data changes.
  const acts = useRef(m.act);
  acts.current = m.act;
  const on = useMemo(() => ({
    onSort: (by: DiffSort) => set({ sort: by }, true),
    onCallers: (name: string) => acts.current.sandwich(name),
    onFocus: (name: string) => acts.current.focus(name),
    onMenu: (name: string, at: Spot) => setMenu({ subject: { name, node: -1, below: false }, at }),
    onMore: () => r.setLimit((l) => l * 5),
  }), [set]);
  const onMark = useMemo(() => (name: string) => set({ m: name === state.m ? "" : name, q: "" }, true), [set, state.m]);
  const opened = menu && <FrameMenu r={r} m={m} opened={menu} onClose={() => setMenu(null)} />;
  if (diff) {
    if (!diff.data) return diff.error ? <Failure error={diff.error} retry={diff.reload} /> : <Note kind="loading" title="Comparing…" />;
    return (
      <>
        <DiffTable answer={diff.data} norm={state.norm} sort={state.sort || "delta"} query={query} marked={state.m} stale={diff.stale} onMark={onMark} {...on} />
        {opened}
      </>
    );
  }
  if (!answer) {
    return top.error ? <Failure error={top.error} retry={top.reload} /> : <Note kind="loading" title="Counting methods…" />;
  }
  return (
    <>
      <Top answer={answer} total={Math.max(answer.total, r.rangeTotal)} sort={state.sort === "total" ? "total" : "self"} query={query} marked={state.m} stale={top.stale} onMark={onMark} {...on} />
      {opened}
    </>
  );
}
