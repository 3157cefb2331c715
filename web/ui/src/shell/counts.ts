// How the agents are, in a few words.

import type { Agent } from "../api";

export interface Counts { recording: number; limited: number; refused: number; agents: number; }

export function count(agents: readonly Agent[]): Counts {
  const c: Counts = { recording: 0, limited: 0, refused: 0, agents: agents.length };
  for (const a of agents) for (const t of a.targets ?? []) {
    if (t.state === "recording" || t.state === "starting") c.recording++;
    else if (t.state === "limited") c.limited++;
    else if (t.state === "refused") c.refused++;
  }
  return c;
}

/** "2 recording · 1 limited": the parts that are not zero. */
export function summary(c: Counts): string {
  if (c.agents === 0) return "no agent";
  const parts = [`${c.recording} recording`];
  if (c.limited) parts.push(`${c.limited} limited`);
  if (c.refused) parts.push(`${c.refused} refused`);
  return parts.join(" · ");
}

/** The one thing worth knowing where there is no room. */
export function brief(c: Counts): string {
  if (c.agents === 0) return "no agent";
  return c.refused ? `${c.refused} refused` : c.limited ? `${c.limited} limited` : `${c.recording} recording`;
}
