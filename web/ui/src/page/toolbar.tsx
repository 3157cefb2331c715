// Above the heat map: which service, is it live, which type, which time.

import { RANGES } from "../range";
import { ago, span } from "../text/time";
import { typeLabel } from "../text/units";
import type { Recorder } from "./userecorder";

export function Toolbar({ r, service }: { r: Recorder; service: string }) {
  const { state, set, info, live } = r;
  const relative = r.range.moving && state.from.startsWith("now");
  return (
    <div class="toolbar">
      <div class="title">
        <h1 title={service}>{service}</h1>
        {info && (
          <span class={live && r.range.moving ? "live on" : "live"} data-testid="live" data-live={String(live && r.range.moving)} role="status">
            <i class="dot" aria-hidden="true" />
            {live ? (r.range.moving ? "Live" : "Recording") : `Last seen ${ago(info.last_ms, r.now)}`}
          </span>
        )}
      </div>
      <div class="segments" role="group" aria-label="Profile type" data-testid="types">
        {r.types.map((t) => (
          <button
            key={t.name} type="button" aria-pressed={t.name === r.type} data-testid={`type-${t.name}`}
            onClick={() => set({ type: t.name, z: "", callers: "", f: "", m: "" })}
          >{typeLabel(t.name)}</button>
        ))}
      </div>
      <div class="segments" role="group" aria-label="Time range" data-testid="ranges">
        {RANGES.map((x) => (
          <button
            key={x.from} type="button" aria-pressed={relative && state.from === x.from && (state.to === "" || state.to === "now")}
            data-testid={`range-${x.from.slice(4)}`} onClick={() => set({ from: x.from, to: "", sel: null })}
          >{x.label}</button>
        ))}
      </div>
      {!r.range.moving && <span class="chip num" data-testid="fixed-range">{span(r.range.fromMs, r.range.untilMs)}</span>}
      {state.sel ? (
        <button type="button" class="chip selected num" data-testid="selection" title="Clear the selection (A)" onClick={() => set({ sel: null })}>
          {span(state.sel[0], state.sel[1])}<span class="chip-x" aria-hidden="true">✕</span><span class="sr-only">, clear the selection</span>
        </button>
      ) : <span class="quiet whole" data-testid="selection">Whole range</span>}
    </div>
  );
}
