// The search box with its verdict: how much of the view and of the range the
// matches are, or what is wrong with the expression.

import type { RefObject } from "preact";
import { percent } from "../text/units";
import type { Actions } from "./useicicle";
import type { Recorder } from "./userecorder";

export function Search({ r, m, box, onStep }: { r: Recorder; m: Actions; box: RefObject<HTMLInputElement | null>; onStep: (by: 1 | -1) => void }) {
  const { query, state } = r, { found } = m.above;
  return (
    <div class="search" role="search">
      <input
        ref={box} type="text" value={state.q} placeholder="Search methods" autocomplete="off" spellcheck={false}
        aria-label="Search methods; /…/ is a regular expression" aria-invalid={query.error !== ""} aria-describedby="search-verdict"
        data-testid="search" title="Search (/). Enter keeps only stacks that match."
        onInput={(e) => r.set({ q: e.currentTarget.value, m: "" }, true)}
        onKeyDown={(e) => {
          if (e.key === "ArrowDown" || e.key === "ArrowUp") onStep(e.key === "ArrowUp" ? -1 : 1);
          else if (e.key === "Enter" && query.test) m.act.only(state.q);
          else if (e.key !== "Enter") return;
          e.preventDefault();
        }}
      />
      {state.q === "" && <kbd class="hint" aria-hidden="true">/</kbd>}
      {state.q !== "" && <button type="button" class="icon small" aria-label="Clear the search" data-testid="search-clear" onClick={() => r.set({ q: "" }, true)}>✕</button>}
      <span id="search-verdict" class={query.error ? "verdict bad" : "verdict"} aria-live="polite" data-testid="search-verdict">
        {verdict(r, m)}
      </span>
      {found !== null && found.count > 1 && !state.m && (
        <span class="pair">
          <button type="button" class="icon small" aria-label="Previous match" title="Previous match (N)" data-testid="search-previous" onClick={() => onStep(-1)}>↑</button>
          <button type="button" class="icon small" aria-label="Next match" title="Next match (n)" data-testid="search-next" onClick={() => onStep(1)}>↓</button>
        </span>
      )}
    </div>
  );
}

function verdict(r: Recorder, m: Actions): string {
  if (r.query.error) return "Bad expression: " + r.query.error;
  const { tree, found, inView, zoom } = m.above;
  if (!tree || !found) return "";
  if (found.count === 0) return r.state.m ? "not in this view" : "no match";
  // A focused or inverted tree is a part of the range; its total is not.
  const range = tree.diff ? tree.value[0] : Math.max(tree.total, r.top.data?.total ?? 0, r.rangeTotal);
  return `${r.state.m ? "" : "matched "}${percent(inView, tree.value[zoom])} of view · ${percent(found.all, range)} of range`;
}
