// The three views of a service, one click apart: the time, the selection and
// the selectors come along.

import { comparePath, DEFAULTS, formatState, parseState, servicePath, timelinePath } from "../urlstate";
import { Link } from "./header";

const VIEWS = [
  { page: "recorder", label: "Recorder", path: servicePath },
  { page: "tl", label: "Timeline", path: timelinePath },
  { page: "cmp", label: "Compare", path: comparePath },
] as const;

export function Views({ page, service, search }: { page: string; service: string; search: string }) {
  const { from, to, sel, base, basematch, type, match } = parseState(search);
  const kept = formatState({ ...DEFAULTS, from, to, sel, base, basematch, type, match });
  return (
    <span class="views" data-testid="views">
      {VIEWS.map((v) => <Link key={v.page} href={v.path(service) + kept} class={v.page === page ? "view on" : "view"} aria-current={v.page === page ? "page" : undefined} data-testid={"view-" + v.page}>{v.label}</Link>)}
    </span>
  );
}
