// What the question is narrowed to, each part a chip that can be taken away,
// and the picker of labels: thread groups, instances, versions.

import { useEffect, useRef, useState } from "preact/hooks";
import { useGet } from "../hooks";
import { chosen, labelWords, parseSelector, toggle } from "../text/labels";
import { displayName, forms } from "../text/name";
import type { State } from "../urlstate";

interface Labels { labels: Record<string, string[]>; }

/** Chips of the selectors of one side, with the button that opens the picker. */
export function LabelChips({ service, match, testid, onMatch }: { service: string; match: string[]; testid: string; onMatch: (next: string[]) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <span class="label-chips">
      {match.map((m) => {
        const s = parseSelector(m);
        return (
          <Chip key={m} label={s ? labelWords(s.name) + (s.op === "=" || s.op === "=~" ? "" : " not") : "selector"} name={s ? shown(m) : m} testid={testid} value={m}
            clear={() => onMatch(match.filter((x) => x !== m))} />
        );
      })}
      <span class="anchor">
        <button type="button" class="button small" aria-haspopup="dialog" aria-expanded={open} data-testid={testid + "-add"} title="Only some threads, instances or versions"
          onClick={() => setOpen(!open)}>+ Filter</button>
        {open && <Picker service={service} match={match} testid={testid} onMatch={onMatch} onClose={() => setOpen(false)} />}
      </span>
    </span>
  );
}

function shown(text: string): string {
  const s = parseSelector(text)!, values = chosen([text], s.name);
  return (values.length ? values : [s.value]).join(", ");
}

/** Every label with its values; labels all have in common say nothing and are left out. */
function Picker({ service, match, testid, onMatch, onClose }: { service: string; match: string[]; testid: string; onMatch: (next: string[]) => void; onClose: () => void }) {
  const { data, error } = useGet<Labels>("labels", { service });
  const [text, setText] = useState("");
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.querySelector("input")?.focus();
    const away = (e: Event) => { if (!ref.current?.parentElement?.contains(e.target as Node)) onClose(); };
    addEventListener("pointerdown", away, true);
    return () => removeEventListener("pointerdown", away, true);
  }, []);
  const names = Object.entries(data?.labels ?? {})
    .map(([name, values]): [string, string[]] => [name, values.filter((v) => v.toLowerCase().includes(text.toLowerCase()) || chosen(match, name).includes(v))])
    .filter(([name, values]) => values.length > 0 && ((data?.labels[name].length ?? 0) > 1 || chosen(match, name).length > 0));
  const key = (e: KeyboardEvent) => {
    e.stopPropagation();
    if (e.key === "Escape") {
      onClose();
      (ref.current?.parentElement?.querySelector("button") as HTMLElement | null)?.focus();
      return;
    }
    const all = [...ref.current!.querySelectorAll<HTMLElement>("input")], i = all.indexOf(document.activeElement as HTMLElement);
    const to = e.key === "ArrowDown" ? i + 1 : e.key === "ArrowUp" ? i - 1 : -1;
    if (to < 0) return;
    all[Math.min(all.length - 1, to)]?.focus();
    e.preventDefault();
  };
  return (
    <div class="picker" ref={ref} role="dialog" aria-label="Filter by label" data-testid={testid + "-picker"} onKeyDown={key}>
      <input type="text" value={text} placeholder="Find a value" aria-label="Find a value" autocomplete="off" spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} />
      <div class="picker-in">
        {!data && <p class="none">{error ? error.message : "Loading…"}</p>}
        {data && names.length === 0 && <p class="none">{text ? "No value has that text." : "All data has the same labels."}</p>}
        {names.map(([name, values]) => (
          <fieldset key={name}>
            <legend>{labelWords(name)}</legend>
            {values.slice(0, 200).map((v) => (
              <label key={v} class="picker-row" title={displayName(v, 300)}>
                <input type="checkbox" checked={chosen(match, name).includes(v)} data-testid="label-value" data-label={name} data-value={v} onChange={() => onMatch(toggle(match, name, v))} />
                <span class="clip">{displayName(v, 120)}</span>
              </label>
            ))}
          </fieldset>
        ))}
      </div>
    </div>
  );
}

/** Chips of what stacks must have, must not have, and how they are folded. */
export function StackChips({ state, set }: { state: State; set: (patch: Partial<State>) => void }) {
  const drop = (k: "filter" | "x" | "fold", v: string) => () => set({ [k]: state[k].filter((x) => x !== v), z: "" });
  return (
    <>
      {state.filter.map((v) => <Chip key={"f" + v} label="With" name={v} testid="chip-filter" clear={drop("filter", v)} />)}
      {state.x.map((v) => <Chip key={"x" + v} label="Without" name={v} method testid="chip-exclude" clear={drop("x", v)} />)}
      {state.fold.map((v) => (
        <Chip key={"c" + v} label="Collapsed" name={v.startsWith("package:") ? v.slice(8) : v} testid="chip-fold" value={v} clear={drop("fold", v)} />
      ))}
    </>
  );
}

/** Something in force that a click takes away. */
export function Chip({ label, name, testid, clear, method, value }: { label: string; name: string; testid: string; clear: () => void; method?: boolean; value?: string }) {
  const short = !name ? "" : method ? forms(name).find((f) => f.length <= 60) ?? displayName(name, 48) : displayName(name, 60);
  return (
    <button type="button" class="chip" data-testid={testid} data-name={(value ?? name).slice(0, 500)} title={name ? displayName(name, 500) : undefined} onClick={clear}>
      <span class="quiet">{label}</span>{short && <b>{short}</b>}<span class="chip-x" aria-hidden="true">✕</span><span class="sr-only">, clear</span>
    </button>
  );
}
