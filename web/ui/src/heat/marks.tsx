// Deploys, other marked events and starts of instances on the time edge above
// the squares. Each is a button with a tooltip; pressing it compares the time
// before with the time after.

import { useMemo } from "preact/hooks";
import type { Instance } from "../api";
import { useGet } from "../hooks";
import { clock, day } from "../text/time";
import { displayName } from "../text/name";
import { cellAt, colX, type Grid, type Plot } from "./grid";

export interface Mark { ms: number; kind: "deploy" | "start"; text: string; }
export interface EventRow { time_ms: number; duration_ns: number; kind: string; name: string; thread: string; instance: string; attrs: Record<string, string>; }
export interface EventsAnswer { events: EventRow[]; truncated: boolean; missing?: string[]; }

/** The marks of a range; asked again once a minute as it moves. */
export function useMarks(service: string, instances: Instance[], fromMs: number, untilMs: number): Mark[] {
  const from = Math.floor(fromMs / 6e4) * 6e4, until = Math.ceil(untilMs / 6e4) * 6e4;
  const { data } = useGet<EventsAnswer>(service ? "events" : null, { service, from, until, kind: "deploy", limit: 200 });
  return useMemo(() => {
    const out: Mark[] = (data?.events ?? []).map((e) => ({ ms: e.time_ms, kind: "deploy", text: "Deploy: " + displayName(e.name || e.kind, 120) }));
    // What was made up did not start anywhere.
    for (const i of instances) if (i.labels.demo !== "seeded" && i.first_ms > from && i.first_ms < until) out.push({ ms: i.first_ms, kind: "start", text: `${displayName(i.instance, 80)} first seen` });
    return out.filter((m) => m.ms >= from && m.ms < until).sort((a, b) => a.ms - b.ms);
  }, [data, instances, from, until]);
}

/** Marks closer than this are one button. */
const NEAR_PX = 12;

export function grouped(marks: Mark[], x: (ms: number) => number): { x: number; marks: Mark[] }[] {
  const out: { x: number; marks: Mark[] }[] = [];
  for (const m of marks) {
    const at = x(m.ms), last = out[out.length - 1];
    if (last && at - last.x < NEAR_PX) last.marks.push(m);
    else out.push({ x: at, marks: [m] });
  }
  return out;
}

/** Equal times before and after an instant, as long as there is data for both. */
export function around(ms: number, fromMs: number, untilMs: number): { base: [number, number]; sel: [number, number] } | null {
  const at = Math.round(ms / 1000) * 1000;
  const len = Math.floor(Math.min(36e5, at - fromMs, untilMs - at) / 1000) * 1000;
  return len >= 1000 ? { base: [at - len, at], sel: [at, at + len] } : null;
}

export function Marks({ marks, grid, plot, onPick }: { marks: Mark[]; grid: Grid; plot: Plot; onPick: (ms: number) => void }) {
  const col = (ms: number) => colX(grid, plot, Math.floor(cellAt(grid, ms) / grid.rows) + 0.5);
  return <MarkRow groups={grouped(marks, col)} top={plot.y - 14} width={plot.x + plot.w} onPick={onPick} />;
}

export function MarkRow({ groups, top, width, onPick }: { groups: { x: number; marks: Mark[] }[]; top: number; width: number; onPick: (ms: number) => void }) {
  return (
    <div class="marks" role="group" aria-label="Deploys and starts">
      {groups.map((g) => {
        const main = g.marks.find((m) => m.kind === "deploy") ?? g.marks[0];
        const lines = g.marks.slice(0, 4).map((m) => `${day(m.ms)} ${clock(m.ms, false)} ${m.text}`);
        if (g.marks.length > 4) lines.push(`and ${g.marks.length - 4} more`);
        return (
          <button
            key={main.ms + main.text} type="button" class={"mark mark-" + main.kind} style={{ left: g.x + "px", top: top + "px" }}
            data-testid="mark" data-ms={main.ms} data-kind={main.kind} data-count={g.marks.length}
            aria-label={lines.join("; ") + ". Compare before and after."} onClick={() => onPick(main.ms)}
          >
            <span class={g.x > width / 2 ? "mark-tip left" : "mark-tip"} aria-hidden="true">{lines.map((l) => <span key={l}>{l}</span>)}<span class="quiet">click: before and after</span></span>
          </button>
        );
      })}
    </div>
  );
}
