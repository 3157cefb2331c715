// The button "Export": files of what is on the screen, its picture, its link.

import { useState } from "preact/hooks";
import { rhythm } from "../heat/select";
import type { useIcicle } from "../page/useicicle";
import type { Recorder } from "../page/userecorder";
import { narrowing } from "../page/narrow";
import { below, Menu, type Item, type Spot } from "../shell/menu";
import { span } from "../text/time";
import { noun, typeLabel, value } from "../text/units";
import { copy } from "./copy";
import { fileName, FORMATS, frozen, profileHref } from "./files";
import { download, picture } from "./png";

export function Export({ r, m, service, comparing }: { r: Recorder; m: ReturnType<typeof useIcicle>; service: string; comparing: boolean }) {
  const [at, open] = useState<Spot | null>(null);
  const [said, say] = useState("");
  const { state, type } = r;
  const link = () => {
    void copy(frozen(service, state, comparing, r.range)).then((ok) => {
      say(ok ? "Link copied" : "The browser gives no clipboard");
      setTimeout(() => say(""), 4000);
    });
  };
  const png = () => {
    const t = m.active.tree;
    if (!t) return;
    const narrowed = [...state.match, ...state.filter.map((f) => "with " + f), ...state.x.map((x) => "without " + x), ...(state.f ? ["focus " + state.f] : [])];
    const canvas = picture({
      tree: t, zoom: m.active.zoom, found: m.active.found, colorBy: state.color, type, flip: state.callers !== "" && !m.isLow,
      title: `${service} · ${typeLabel(type)}${state.callers ? ` · ${m.isLow ? "callees" : "callers"} of ${state.callers}` : ""}`,
      subtitle: `${span(r.fromMs, r.untilMs)}${r.base ? `, compared with ${span(r.base.fromMs, r.base.untilMs)}` : ""} · ${value(t.unit, t.total)} ${noun(type)}${narrowed.length ? " · " + narrowed.join(" · ") : ""}`,
    });
    if (canvas) download(canvas, fileName(service, type, r.fromMs, "png"));
  };
  const params = { service, type, from: r.fromMs, until: r.untilMs, ...rhythm(state.sel), ...narrowing(state), focus: state.f };
  const items: Item[] = [
    { id: "link", label: "Copy link, with absolute times", run: link },
    ...FORMATS.map(([id, label]) => ({ id, label, href: profileHref(params, id) })),
    { id: "png", label: "PNG of the icicle", run: png, off: !m.active.tree },
  ];
  return (
    <span class="export">
      <span class="quiet said" role="status" data-testid="said">{said}</span>
      <button type="button" class="button" aria-haspopup="menu" aria-expanded={at !== null} data-testid="export" onClick={(e) => open(at ? null : below(e.currentTarget))}>Export</button>
      {at && <Menu at={at} title="Export what is shown" items={items} testid="export-menu" onClose={() => open(null)} />}
    </span>
  );
}
