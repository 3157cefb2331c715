// /r/{service}: the heat map above, top methods left, the icicle right.

import { useRef } from "preact/hooks";
import type { Agent } from "../api";
import { useGet } from "../hooks";
import { shifted } from "../range";
import { redo, undo } from "../route";
import { escapeStep } from "../shell/keys";
import { Banner, Failure, Note } from "../shell/state";
import { useCommand } from "../shell/usecommand";
import { Link } from "../shell/header";
import { CompareBar } from "./compare";
import { Flame } from "./flame";
import { HeatPane } from "./heatpane";
import { TopPane } from "./toppane";
import { Toolbar } from "./toolbar";
import { useIcicle } from "./useicicle";
import { useRecorder, type Recorder } from "./userecorder";

export function RecorderPage({ service, comparing = false }: { service: string; comparing?: boolean }) {
  const r = useRecorder(service, comparing);
  const m = useIcicle(r);
  const box = useRef<HTMLInputElement>(null);
  useKeys(r, m, box);

  if (!r.list.data) {
    return <main class="page">{r.list.error ? <Failure error={r.list.error} retry={r.list.reload} /> : <Note kind="loading" title="Opening the recorder…" />}</main>;
  }
  if (!r.info) return <main class="page"><Unknown service={service} /></main>;

  const { heat } = r;
  const missing = [...new Set([...heat.missing, ...(r.top.data?.missing ?? []), ...(r.icicle.data?.missing ?? [])])];
  const lost = r.list.error ?? (heat.cells ? heat.error : null);
  return (
    <main class={comparing ? "recorder comparing" : "recorder"} data-testid="recorder" data-page={comparing ? "cmp" : "recorder"} data-type={r.type} data-from-ms={r.fromMs} data-until-ms={r.untilMs}>
      <Toolbar r={r} m={m} service={service} comparing={comparing} />
      {lost && <Banner testid="offline">{lost.message} {lost.detail || "What is shown may be old."}</Banner>}
      {missing.length > 0 && <Banner testid="missing">Incomplete: {missing.join("; ")}</Banner>}
      <HeatPane r={r} />
      {r.base && <CompareBar r={r} service={service} own={comparing} />}
      <div class="split">
        <section class="pane methods" aria-label="Top methods">
          <TopPane r={r} m={m} />
        </section>
        <Flame r={r} m={m} box={box} />
      </div>
    </main>
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
  useCommand((c) => {
    if (!r.info) return false;
    const s = r.state;
    // The method keys are about: the highlighted one, or that of the current frame.
    const method = s.m || (m.isMethod(m.current) ? m.current.name : "");
    switch (c) {
      case "search": box.current?.focus(); box.current?.select(); break;
      case "next": m.step(1); break;
      case "previous": m.step(-1); break;
      case "undo": undo(); break;
      case "redo": redo(); break;
      case "reset": r.set({ z: "" }); break;
      case "all": r.set({ sel: null }); break;
      case "earlier": case "later": r.set({ ...shifted(r.range, c === "earlier" ? -1 : 1, r.now), sel: s.sel }); break;
      case "sandwich":
        if (s.callers) r.set({ callers: "", z: "" });
        else if (method) m.act.sandwich(method);
        break;
      case "focus": if (method) m.act.focus(method); break;
      case "exclude": if (method) m.act.exclude(method); break;
      case "hide": if (m.current) m.act.hide(m.current); break;
      case "invert": m.act.invert(); break;
      case "recursion": m.act.fold("recursion"); break;
      case "escape": {
        const step = escapeStep(s);
        if (step === "q") { r.set({ q: "" }, true); box.current?.blur(); }
        else if (step === "m") r.set({ m: "" }, true);
        else if (step === "sel" || step === "base") r.set({ [step]: null });
        else if (step) r.set({ [step]: "", ...(step === "z" ? {} : { z: "" }) });
        else box.current?.blur();
        break;
      }
      default: return false; // of the whole page, or of the heat map
    }
    return true;
  });
}
