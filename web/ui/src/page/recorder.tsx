// /r/{service}: the heat map above, top methods left, the icicle right.

import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Agent } from "../api";
import { HeatMap } from "../heat/heatmap";
import { useGet, useSettled } from "../hooks";
import { shifted } from "../range";
import { redo, undo } from "../route";
import { command, escapeStep, isTyping } from "../shell/keys";
import { Banner, Failure, Note } from "../shell/state";
import { nodeName } from "../icicle/tree";
import { Top } from "../top/top";
import { Link } from "../shell/header";
import { Flame } from "./flame";
import { Toolbar } from "./toolbar";
import { useIcicle } from "./useicicle";
import { useRecorder, type Recorder } from "./userecorder";

export function RecorderPage({ service }: { service: string }) {
  const r = useRecorder(service);
  const m = useIcicle(r);
  const box = useRef<HTMLInputElement>(null);
  useKeys(r, m, box);

  if (!r.list.data) {
    return <main class="page">{r.list.error ? <Failure error={r.list.error} retry={r.list.reload} /> : <Note kind="loading" title="Opening the recorder…" />}</main>;
  }
  if (!r.info) return <main class="page"><Unknown service={service} /></main>;

  const { state, set, heat } = r;
  const missing = [...new Set([...heat.missing, ...(r.top.data?.missing ?? []), ...(r.icicle.data?.missing ?? [])])];
  const lost = r.list.error ?? (heat.cells ? heat.error : null);
  return (
    <main class="recorder" data-testid="recorder" data-type={r.type} data-from-ms={r.fromMs} data-until-ms={r.untilMs}>
      <Toolbar r={r} service={service} />
      {lost && <Banner testid="offline">{lost.message} {lost.detail || "What is shown may be old."}</Banner>}
      {missing.length > 0 && <Banner testid="missing">Incomplete: {missing.join("; ")}</Banner>}
      {!heat.cells && heat.error ? <Failure error={heat.error} /> : (
        <HeatMap
          grid={r.grid} cells={heat.stale ? null : heat.cells} sel={state.sel} type={r.type} nowMs={r.now} zoneMs={r.zoneMs}
          live={r.live && r.range.moving} onSelect={(sel) => set({ sel })}
        />
      )}
      <div class="split">
        <section class="pane methods" aria-label="Top methods">
          <TopPane r={r} />
        </section>
        <Flame r={r} m={m} box={box} />
      </div>
    </main>
  );
}

function TopPane({ r }: { r: Recorder }) {
  const { state, set, top, topFound } = r;
  // The table follows a search when the typing pauses: the icicle comes first.
  const query = useSettled(r.query, 120);
  // Rows found by the server come beside those the page has: one of each.
  const answer = useMemo(() => {
    if (!top.data || !topFound?.data || topFound.stale) return top.data;
    const have = new Set(top.data.rows.map((x) => x.function));
    return { ...top.data, rows: [...top.data.rows, ...topFound.data.rows.filter((x) => !have.has(x.function))] };
  }, [top.data, topFound?.data, topFound?.stale]);
  // Stable functions: the table renders again only when its data changes.
  const on = useMemo(() => ({
    sort: (by: "self" | "total") => set({ sort: by }, true),
    callers: (name: string) => set({ callers: name, z: "", f: "", m: "" }),
    focus: (name: string) => set({ f: name, z: "", callers: "", m: "" }),
    more: () => r.setLimit((l) => l * 5),
  }), [set]);
  const mark = useMemo(() => (name: string) => set({ m: name === state.m ? "" : name, q: "" }, true), [set, state.m]);
  if (!answer) {
    return top.error ? <Failure error={top.error} retry={top.reload} /> : <Note kind="loading" title="Counting methods…" />;
  }
  return (
    <Top
      answer={answer} total={answer.total} sort={state.sort} query={query} marked={state.m} stale={top.stale}
      onSort={on.sort} onMark={mark} onCallers={on.callers} onFocus={on.focus} onMore={on.more}
    />
  );
}

/** Nothing is stored under this name. If an agent saw it, it knows why. */
function Unknown({ service }: { service: string }) {
  const { data } = useGet<{ agents: Agent[] }>("agents", {});
  const target = data?.agents.flatMap((a) => a.targets ?? []).find((t) => t.service === service);
  if (target?.state === "refused") {
    return <Note kind="denied" title={`${service} cannot be recorded`}><p>{target.reason}</p>{target.remedy && <p><b>What to do:</b> {target.remedy}</p>}</Note>;
  }
  if (target?.state === "starting" || target?.state === "recording") {
    return <Note kind="loading" title={`Waiting for the first data of ${service}`}><p>{target.reason || "The agent is attached; stacks usually arrive within seconds."}</p></Note>;
  }
  return (
    <Note kind="empty" title={`Nothing is recorded for ${service}`}>
      <p>Perhaps the name is misspelt, or its data is older than the store keeps.</p>
      <p><Link href="/">All services</Link> · <Link href="/agents">What the agents see</Link></p>
    </Note>
  );
}

function useKeys(r: Recorder, m: ReturnType<typeof useIcicle>, box: { current: HTMLInputElement | null }): void {
  const latest = useRef({ r, m });
  latest.current = { r, m };
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      const t = e.target as HTMLElement;
      const c = command({
        key: e.key, ctrlKey: e.ctrlKey, metaKey: e.metaKey, altKey: e.altKey, shiftKey: e.shiftKey,
        typing: isTyping(t.tagName, t.isContentEditable, (t as HTMLInputElement).type ?? ""),
      });
      const { r, m } = latest.current;
      if (!c || document.querySelector("dialog[open]") || !r.info) return;
      const s = r.state;
      switch (c) {
        case "search": box.current?.focus(); box.current?.select(); break;
        case "next": m.step(1); break;
        case "previous": m.step(-1); break;
        case "undo": undo(); break;
        case "redo": redo(); break;
        case "reset": r.set({ z: "" }); break;
        case "all": r.set({ sel: null }); break;
        case "earlier": case "later": r.set({ ...shifted(r.range, c === "earlier" ? -1 : 1, r.now), sel: s.sel }); break;
        case "callers":
          if (s.callers) r.set({ callers: "", z: "" });
          else if (s.m) r.set({ callers: s.m, z: "", f: "", m: "" });
          else if (m.tree && (m.cursor > 0 || m.zoom > 0)) r.set({ callers: nodeName(m.tree, m.cursor > 0 ? m.cursor : m.zoom), z: "", f: "" });
          break;
        case "escape": {
          const step = escapeStep(s);
          if (step === "q") { r.set({ q: "" }, true); box.current?.blur(); }
          else if (step === "m") r.set({ m: "" }, true);
          else if (step === "sel") r.set({ sel: null });
          else if (step) r.set({ [step]: "", ...(step === "z" ? {} : { z: "" }) });
          else box.current?.blur();
          break;
        }
        default: return; // theme and help belong to the whole page
      }
      e.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
