// The top bar: where one is, how the agents are, theme and help.

import type { ComponentChildren } from "preact";
import type { Agent } from "../api";
import { brief, count, summary } from "./counts";
import { useEvery, useGet } from "../hooks";
import { toggleTheme, useDark } from "../color/theme";
import { isPlainClick, navigate } from "../route";

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
      <Link href="/files" class="agents-link files-link" data-testid="files-link">Files</Link>
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
