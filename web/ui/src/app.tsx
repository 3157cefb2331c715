// The shell: which page, the header above it, and the keys every page has.

import { useEffect, useState } from "preact/hooks";
import { toggleTheme } from "./color/theme";
import { AgentsPage } from "./page/agents";
import { RecorderPage } from "./page/recorder";
import { ServicesPage } from "./page/services";
import { startRouting, usePlace } from "./route";
import { Guard } from "./shell/guard";
import { Header, Link } from "./shell/header";
import { Help } from "./shell/help";
import { command, isTyping } from "./shell/keys";
import { Note } from "./shell/state";
import { parsePath } from "./urlstate";

export function App() {
  const [help, setHelp] = useState(false);
  const place = usePlace();
  const route = parsePath(place.path);
  useEffect(startRouting, []);
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      const t = e.target as HTMLElement;
      const c = command({ ...pick(e), typing: isTyping(t.tagName, t.isContentEditable, (t as HTMLInputElement).type ?? "") });
      if (c === "theme") toggleTheme();
      else if (c === "help") setHelp((h) => !h);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const title = route.page === "recorder" ? `${route.service} – Tacho` : route.page === "agents" ? "Agents – Tacho" : "Tacho";
  useEffect(() => { document.title = title; }, [title]);

  return (
    <>
      <Header onHelp={() => setHelp(true)} trail={
        route.page === "recorder" ? <Link href="/">Services</Link> : route.page === "agents" ? <Link href="/">Services</Link> : null
      } />
      <Guard key={place.path}>
        {route.page === "services" && <ServicesPage />}
        {route.page === "recorder" && <RecorderPage key={route.service} service={route.service} />}
        {route.page === "agents" && <AgentsPage />}
      </Guard>
      {route.page === "none" && <main class="page"><Note kind="empty" title="There is no such page"><p><Link href="/">All services</Link></p></Note></main>}
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

const pick = (e: KeyboardEvent) => ({ key: e.key, ctrlKey: e.ctrlKey, metaKey: e.metaKey, altKey: e.altKey, shiftKey: e.shiftKey });
