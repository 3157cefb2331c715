// The shell: which page, the header above it, and the keys every page has.

import { useEffect, useState } from "preact/hooks";
import { toggleTheme } from "./color/theme";
import { AgentsPage } from "./page/agents";
import { FilesPage } from "./page/files";
import { RecorderPage } from "./page/recorder";
import { ServicesPage } from "./page/services";
import { TimelinePage } from "./page/timeline";
import { startRouting, usePlace } from "./route";
import { Guard } from "./shell/guard";
import { Header, Link } from "./shell/header";
import { Help } from "./shell/help";
import { Note } from "./shell/state";
import { useCommand } from "./shell/usecommand";
import { Views } from "./shell/views";
import { displayName } from "./text/name";
import { parsePath } from "./urlstate";

export function App() {
  const [help, setHelp] = useState(false);
  const place = usePlace();
  const route = parsePath(place.path);
  useEffect(startRouting, []);
  useCommand((c) => {
    if (c === "theme") toggleTheme();
    else if (c === "help") setHelp(true);
    else return false;
    return true;
  });
  const title = ("service" in route ? displayName(route.service, 200) + { recorder: "", cmp: " compared", tl: " timeline" }[route.page] + " – " : route.page === "agents" ? "Agents – " : route.page === "files" ? "Files – " : "") + "Tacho";
  useEffect(() => { document.title = title; }, [title]);

  return (
    <>
      <Header onHelp={() => setHelp(true)} trail={
        "service" in route ? <><Link href="/">Services</Link><Views page={route.page} service={route.service} search={place.search} /></> : route.page === "services" ? null : <Link href="/">Services</Link>
      } />
      <Guard key={place.path}>
        {route.page === "services" && <ServicesPage />}
        {route.page === "recorder" && <RecorderPage key={route.service} service={route.service} />}
        {route.page === "cmp" && <RecorderPage key={"cmp/" + route.service} service={route.service} comparing />}
        {route.page === "tl" && <TimelinePage key={"tl/" + route.service} service={route.service} />}
        {route.page === "agents" && <AgentsPage />}
        {route.page === "files" && <FilesPage />}
      </Guard>
      {route.page === "none" && <main class="page"><Note kind="empty" title="There is no such page"><p><Link href="/">All services</Link></p></Note></main>}
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  );
}
