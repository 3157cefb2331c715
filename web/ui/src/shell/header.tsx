// The top bar: where one is, how the agents are, theme and help.

import type { ComponentChildren } from "preact";
import type { Agent } from "../api";
import { useEvery, useGet } from "../hooks";
import { toggleTheme, useDark } from "../color/theme";
import { isPlainClick, navigate } from "../route";

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

export function Link({ href, children, ...rest }: { href: string; children: ComponentChildren; [k: string]: unknown }) {
  return (
    <a href={href} {...rest} onClick={(e: MouseEvent) => { if (isPlainClick(e)) { e.preventDefault(); navigate(href); } }}>{children}</a>
  );
}

export function Header({ trail, onHelp }: { trail: ComponentChildren; onHelp: () => void }) {
  const { data, error, reload } = useGet<{ agents: Agent[] }>("agents", {});
  useEvery(5000, reload);
  const dark = useDark();
  const c = data ? count(data.agents ?? []) : null;
  const tone = error ? "bad" : !c || c.agents === 0 ? "idle" : c.refused ? "bad" : c.limited ? "warn" : c.recording ? "good" : "idle";
  return (
    <header class="bar">
      <Link href="/" class="brand" data-testid="brand">
        <img src="/assets/icon.svg" width="20" height="20" alt="" />
        Tacho
      </Link>
      <nav class="trail" aria-label="Where you are">{trail}</nav>
      <Link href="/agents" class="agents-link" data-testid="agents-status" data-recording={c?.recording ?? ""} data-refused={c?.refused ?? ""} data-limited={c?.limited ?? ""}>
        <i class={"dot " + tone} aria-hidden="true" />
        <span class="roomy">Agents: {error ? "server not reached" : c ? summary(c) : "…"}</span>
        <span class="tight">{error ? "offline" : c ? brief(c) : "…"}</span>
      </Link>
      <button type="button" class="icon" onClick={toggleTheme} data-testid="theme" title="Theme (d)" aria-label={dark ? "Use the light theme" : "Use the dark theme"}>{dark ? "☀" : "☾"}</button>
      <button type="button" class="icon" onClick={onHelp} data-testid="help-button" title="Keys (?)" aria-label="Keys and mouse">?</button>
    </header>
  );
}
