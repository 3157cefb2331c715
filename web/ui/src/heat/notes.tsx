// Says where finer squares cannot be had: raw samples are kept for a shorter
// time than minute counts.

import { clock, day } from "../text/time";
import type { HeatData } from "./useheat";

export function Notes({ heat, spanMs }: { heat: HeatData; spanMs: number }) {
  if (heat.stale || !heat.cells) return null;
  let text = "";
  if (heat.coarse) text = spanMs < 6e5 ? "Raw samples of this time have expired: minutes are the finest there is." : "Raw samples of this time have expired: a square is a minute.";
  else if (heat.rawFromMs > 0) text = `Raw samples before ${day(heat.rawFromMs)} ${clock(heat.rawFromMs, false)} have expired: zoom out to see that time in minutes.`;
  return text ? <p class="heat-note" role="status" data-testid="heat-note">{text}</p> : null;
}
