// The heat map of the recorder and of the compare page, with what its
// gestures mean for the address.

import { HeatMap } from "../heat/heatmap";
import { zoomed, zoomedTo } from "../heat/zoom";
import { Failure } from "../shell/state";
import type { Recorder } from "./userecorder";

export function HeatPane({ r }: { r: Recorder }) {
  const { state, set, heat } = r;
  if (!heat.cells && heat.error) return <Failure error={heat.error} />;
  return (
    <HeatMap
      question={r.question} grid={r.grid} heat={heat} sel={state.sel} base={state.base} tint={r.tint} marks={r.marks} nowMs={r.now} zoneMs={r.zoneMs}
      live={r.live && r.range.moving}
      onSelect={(sel) => set({ sel })} onBase={(base) => set({ base })} onPin={(base) => set({ base, sel: null })} onCompare={(base, sel) => set({ base, sel })}
      onZoom={(by, anchorMs) => { const t = zoomed(r.range, by, anchorMs, r.now); if (t) set(t); }}
      onZoomTo={(sel) => set({ ...zoomedTo(sel[0], sel[1], r.now), sel: null })}
    />
  );
}
