// What the toolbars of a service share: is it live, which time, what of it is
// selected.

import { selText } from "../heat/legend";
import { RANGES, type Range } from "../range";
import { displayName } from "../text/name";
import { ago, span } from "../text/time";
import type { State } from "../urlstate";

interface Live { service: string; live: boolean; moving: boolean; lastMs: number | undefined; now: number; }

export function Title({ service, live, moving, lastMs, now }: Live) {
  return (
    <div class="title">
      <h1 title={service}>{displayName(service)}</h1>
      {lastMs !== undefined && (
        <span class={live && moving ? "live on" : "live"} data-testid="live" data-live={String(live && moving)} role="status">
          <i class="dot" aria-hidden="true" />
          {live ? (moving ? "Live" : "Recording") : `Last seen ${ago(lastMs, now)}`}
        </span>
      )}
    </div>
  );
}

export function When({ state, range, set }: { state: State; range: Range; set: (patch: Partial<State>) => void }) {
  const relative = range.moving && (state.to === "" || state.to === "now");
  return (
    <>
      <div class="segments" role="group" aria-label="Time range" data-testid="ranges">
        {RANGES.map((x) => (
          <button
            key={x.from} type="button" aria-pressed={relative && state.from === x.from}
            data-testid={`range-${x.from.slice(4)}`} onClick={() => set({ from: x.from, to: "", sel: null })}
          >{x.label}</button>
        ))}
      </div>
      {!range.moving && <span class="chip num" data-testid="fixed-range">{span(range.fromMs, range.untilMs)}</span>}
      {state.sel ? (
        <button type="button" class="chip selected num" data-testid="selection" title="Clear the selection (A)" onClick={() => set({ sel: null })}>
          {selText(state.sel)}<span class="chip-x" aria-hidden="true">✕</span><span class="sr-only">, clear the selection</span>
        </button>
      ) : <span class="quiet whole" data-testid="selection">Whole range</span>}
    </>
  );
}
