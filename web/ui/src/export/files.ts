// What is on the screen as a file or an address.

import { search, type Params } from "../api";
import { comparePath, formatState, servicePath, type State } from "../urlstate";

export const FORMATS: [string, string][] = [
  ["pprof", "pprof (go tool pprof)"], ["collapsed", "Collapsed stacks"], ["speedscope", "speedscope"], ["svg", "SVG"], ["json", "JSON"],
];

/** The address of the selection as a file. */
export const profileHref = (params: Params, format: string) => `/api/v1/profile?${search({ ...params, format })}`;

/** The address of the view with absolute times: it shows the same tomorrow. */
export function frozen(service: string, s: State, comparing: boolean, range: { fromMs: number; untilMs: number }): string {
  const at = { from: String(Math.floor(range.fromMs)), to: String(Math.ceil(range.untilMs)) };
  return location.origin + (comparing ? comparePath : servicePath)(service) + formatState({ ...s, ...at });
}

/** A name for a file, of what everybody's file systems take. */
export function fileName(service: string, type: string, fromMs: number, ending: string): string {
  const at = new Date(fromMs).toISOString().slice(0, 16).replace(/[-:]/g, "").replace("T", "-");
  return `${service.replace(/[^\w.-]+/g, "_").slice(0, 80)}-${type}-${at}.${ending}`;
}
