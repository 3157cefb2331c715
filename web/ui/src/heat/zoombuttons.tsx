// The visible way to zoom in time, beside wheel, keys and double-click.

export function ZoomButtons({ sel, zoom }: { sel: unknown; zoom: (by: 1 | -1) => void }) {
  return (
    <span class="segments zoom" role="group" aria-label="Zoom in time">
      <button type="button" data-testid="zoom-out" title="Longer time (−)" aria-label="Zoom out" onClick={() => zoom(-1)}>−</button>
      <button type="button" data-testid="zoom-in" title={sel ? "Zoom to the selection (+)" : "Shorter time, finer detail (+)"} aria-label={sel ? "Zoom to the selection" : "Zoom in"} onClick={() => zoom(1)}>+</button>
    </span>
  );
}
