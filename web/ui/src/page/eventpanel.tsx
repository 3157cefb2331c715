// An event of the timeline: what is known of it, and the stacks of that moment.

import type { TopAnswer } from "../api";
import type { EventRow, EventsAnswer } from "../heat/marks";
import { useGet } from "../hooks";
import { moment } from "../line/model";
import { Link } from "../shell/header";
import { Failure, Note } from "../shell/state";
import { displayName, forms } from "../text/name";
import { clock, day, span } from "../text/time";
import { percent, value } from "../text/units";
import { DEFAULTS, formatState, servicePath, type State } from "../urlstate";

interface PanelProps { service: string; state: State; onClose: () => void; }

export function EventPanel({ service, state, onClose }: PanelProps) {
  const dot = state.ev.indexOf("."), ms = Number(state.ev.slice(0, dot)), kind = state.ev.slice(dot + 1);
  const a = useGet<EventsAnswer>("events", { service, from: ms, until: ms + 1, kind, limit: 50, match: state.match });
  const e = a.data?.events.find((x) => x.time_ms === ms && x.kind === kind) ?? null;
  return (
    <aside class="pane event" aria-label="Event" data-testid="event" data-ms={ms} data-kind={kind}>
      <header class="event-head">
        <h2>{e ? displayName(e.name || e.kind, 200) : kind}</h2>
        <button type="button" class="icon small" aria-label="Close" title="Close (Esc)" data-testid="event-close" onClick={onClose}>✕</button>
      </header>
      {a.error ? <Failure error={a.error} retry={a.reload} /> : !a.data || a.stale ? <Note kind="loading" title="Looking the event up…" />
        : !e ? <Note kind="empty" title="The event is no longer stored" /> : <><Facts e={e} /><Moment service={service} state={state} e={e} /></>}
    </aside>
  );
}

function Facts({ e }: { e: EventRow }) {
  const rows: [string, string][] = [
    ["Kind", e.kind], ["Time", `${day(e.time_ms)} ${clock(e.time_ms, true)}`], ["Duration", e.duration_ns > 0 ? value("nanoseconds", e.duration_ns) : ""],
    ["Thread", e.thread], ["Instance", e.instance], ...Object.entries(e.attrs).filter(([, v]) => v !== ""),
  ];
  return <dl class="facts" data-testid="event-facts">{rows.filter(([, v]) => v).map(([k, v]) => <div key={k}><dt>{displayName(k, 60)}</dt><dd class="num">{displayName(v, 300)}</dd></div>)}</dl>;
}

/** The top methods of the event's time; of its minute where no finer samples are left. */
function Moment({ service, state, e }: { service: string; state: State; e: EventRow }) {
  const type = state.type || "cpu", near = moment(e), minute = Math.floor(e.time_ms / 6e4) * 6e4;
  const ask = { service, type, limit: 8, match: state.match };
  const fine = useGet<TopAnswer>("top", { ...ask, from: near[0], until: near[1] });
  const none = fine.data !== null && !fine.stale && fine.data.total === 0;
  const wide: [number, number] = [minute, Math.max(minute + 6e4, near[1])];
  const coarse = useGet<TopAnswer>(none ? "top" : null, { ...ask, from: wide[0], until: wide[1] });
  const a = none ? coarse : fine, sel = none ? wide : near;
  return (
    <section class="moment">
      <h3>Stacks of that moment</h3>
      <p class="quiet num">{span(sel[0], sel[1])}{none && ": raw samples around it are gone, or there were none"}</p>
      {a.error ? <p class="bad-text">{a.error.message}</p> : !a.data ? <p class="quiet">Counting methods…</p> : a.data.total === 0 ? <p>No stack was sampled in that minute.</p> : (
        <ol class="moment-top" data-testid="event-top">
          {a.data.rows.map((r) => (
            <li key={r.function} data-name={r.function.slice(0, 500)} data-self={r.self}>
              <span class="clip" title={displayName(r.function, 500)}>{forms(r.function).find((f) => f.length <= 44) ?? displayName(r.function, 44)}</span>
              <span class="num">{percent(r.self, a.data!.total)}</span>
            </li>
          ))}
        </ol>
      )}
      <Link class="button" data-testid="event-recorder" href={servicePath(service) + formatState({ ...DEFAULTS, from: state.from, to: state.to, type: state.type, match: state.match, sel })}>Open in the recorder</Link>
    </section>
  );
}
