// The heat map as one row above the lanes: the same tones, the same time axis.

import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { palette } from "../color/palette";
import { useDark } from "../color/theme";
import { quantile, tone } from "../heat/scale";
import { useSize } from "../hooks";
import { xOf, type Axis } from "./axis";

export function HeatStrip({ axis, cells, label }: { axis: Axis; cells: (number | null)[] | null; label: string }) {
  const box = useRef<HTMLDivElement>(null), canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box), dark = useDark(), colors = palette(dark);
  const top = useMemo(() => quantile((cells ?? []).map((c) => c ?? 0), 0.99), [cells]);
  useLayoutEffect(() => {
    const el = canvas.current, ctx = el?.getContext("2d");
    if (!el || !ctx || size.width === 0) return;
    el.width = Math.round(size.width * size.dpr);
    el.height = Math.round(size.height * size.dpr);
    ctx.setTransform(size.dpr, 0, 0, size.dpr, 0, 0);
    (cells ?? []).forEach((c, i) => {
      if (c === null) return;
      const x = xOf(axis, axis.fromMs + i * axis.stepMs, size.width), end = xOf(axis, axis.fromMs + (i + 1) * axis.stepMs, size.width);
      ctx.fillStyle = colors.heat[tone(c, top)];
      ctx.fillRect(x, 0, Math.max(1, end - x), size.height);
    });
  }, [axis, cells, size, dark]);
  const recorded = cells?.filter((c) => c !== null).length ?? 0;
  return (
    <div class="tl-strip hatched" ref={box}>
      <canvas ref={canvas} class="lane-canvas" role="img" aria-label={`${label}: ${recorded} of ${cells?.length ?? 0} steps recorded`} data-testid="tl-strip" data-recorded={recorded} />
    </div>
  );
}
