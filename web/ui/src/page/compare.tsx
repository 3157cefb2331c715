// What is compared with what: two sides, each a time and label values, and how
// their numbers are made comparable. On /cmp/{service}, and on the recorder
// once a baseline is pinned.

import { useState } from "preact/hooks";
import { Link } from "../shell/header";
import { duration, fromInput, span, toInput } from "../text/time";
import { noun } from "../text/units";
import { comparePath, formatState, servicePath, type State } from "../urlstate";
import { LabelChips } from "./filters";
import { ANY, explicit, said, side, swapped } from "./sides";
import type { Recorder } from "./userecorder";

export function CompareBar({ r, service, own }: { r: Recorder; service: string; own: boolean }) {
  const { state, set } = r, a = r.diff?.data ?? null, base = r.base!;
  const now: [number, number] = [r.fromMs, r.untilMs];
  const norm = (n: State["norm"], label: string, title: string) => (
    <button type="button" aria-pressed={state.norm === n} title={title} data-testid={"norm-" + n} onClick={() => set({ norm: n })}>{label}</button>
  );
  return (
    <section class="compare" aria-label="What is compared" data-testid="compare" data-base={`${base.fromMs}-${base.untilMs}`} data-norm={state.norm} data-state={r.diff?.stale ? "stale" : "fresh"}>
      <Side
        title="Before" testid="base" service={service} range={[base.fromMs, base.untilMs]} match={(state.basematch.length ? state.basematch : state.match).filter((m) => m !== ANY)} own={own}
        text={a ? side(a.unit, noun(r.type), a.base_total, a.base_seconds) : ""} mark={own && !state.base ? "same time" : ""}
        onRange={(base) => set({ base })} onMatch={(next) => set({ basematch: said(next, state.match) })}
      />
      <button type="button" class="icon swap" title="Swap the sides" aria-label="Swap the sides" data-testid="swap" onClick={() => set(swapped(state, now, [base.fromMs, base.untilMs]))}>⇄</button>
      <Side
        title="After" testid="now" service={service} range={now} match={state.match} own={own}
        text={a ? side(a.unit, noun(r.type), a.total, a.seconds) : ""} mark={state.sel ? "" : "whole range"}
        onRange={(sel) => set({ sel })} onMatch={(match) => set({ match, basematch: explicit(state) })}
      />
      <span class="compare-how">
        <span class="segments" role="group" aria-label="Compare by">
          {norm("share", "Share", "Each method's part of its side")}{norm("rate", "Per minute", "Each method's time per recorded minute")}
        </span>
        {own ? <Link href={servicePath(service) + formatState({ ...state, base: null, basematch: [] })} class="button" data-testid="compare-end">Recorder</Link> : (
          <>
            <Link href={comparePath(service) + formatState(state)} class="button" data-testid="compare-open">Open comparison</Link>
            <button type="button" class="icon" title="No comparison (C)" aria-label="End the comparison" data-testid="compare-end" onClick={() => set({ base: null, basematch: [], ...(state.sort === "delta" ? { sort: "self" } : {}) })}>✕</button>
          </>
        )}
      </span>
      {a && (
        <p class="quiet compare-test" data-testid="compare-test">
          {a.slices > 0 && a.base_slices > 0
            ? `Tested on ${a.base_slices} and ${a.slices} time slices: ▲▼ only where the difference is unlikely to be chance, ≈ elsewhere.`
            : "Too few time slices for a test of significance: changes are judged by their sums alone."}
        </p>
      )}
    </section>
  );
}

function Side({ title, testid, service, range, match, own, text, mark, onRange, onMatch }: {
  title: string; testid: string; service: string; range: [number, number]; match: string[]; own: boolean; text: string; mark: string;
  onRange: (r: [number, number]) => void; onMatch: (next: string[]) => void;
}) {
  return (
    <div class={"side side-" + testid} data-testid={"side-" + testid} data-range={`${range[0]}-${range[1]}`}>
      <h2>{title}</h2>
      {own ? <Times range={range} testid={testid} onRange={onRange} /> : <span class="num">{span(range[0], range[1])}</span>}
      {mark && <span class="quiet">{mark}</span>}
      {own && <LabelChips service={service} match={match} testid={"match-" + testid} onMatch={onMatch} />}
      <span class="quiet num side-text">{text}</span>
    </div>
  );
}

/** Both ends of a range, each to the second; taken when both make sense. */
function Times({ range, testid, onRange }: { range: [number, number]; testid: string; onRange: (r: [number, number]) => void }) {
  const [bad, setBad] = useState(false);
  const change = (i: 0 | 1) => (e: Event) => {
    const ms = fromInput((e.currentTarget as HTMLInputElement).value);
    const next: [number, number] = i === 0 ? [ms, range[1]] : [range[0], ms];
    const ok = next[0] < next[1];
    setBad(!ok);
    if (ok) onRange(next);
  };
  return (
    <span class="times" title={duration(range[1] - range[0])}>
      {([0, 1] as const).map((i) => (
        <input key={i} type="datetime-local" step="1" value={toInput(range[i])} aria-label={i === 0 ? "From" : "Until"} aria-invalid={bad} data-testid={`${testid}-${i === 0 ? "from" : "until"}`} onChange={change(i)} />
      ))}
      {bad && <span class="bad-text" role="alert">ends before it begins</span>}
    </span>
  );
}

