// A table of hundreds of methods is dear to lay out, and the first screen is
// what is looked at: rows are added when somebody scrolls or walks to them.

import { useState } from "preact/hooks";

const MORE = 200;

export interface LazyRows {
  count: number; // rows to render now
  onScroll: (e: Event) => void;
  reach: (row: number) => void; // a row somebody walks to
}

export function useLazyRows(total: number): LazyRows {
  // More than fit into the highest pane: what cannot be scrolled tells nothing.
  const [wanted, want] = useState(() => Math.ceil(innerHeight / 16));
  return {
    count: Math.min(wanted, total),
    onScroll: (e) => {
      const el = e.currentTarget as HTMLElement;
      if (wanted < total && el.scrollTop + 2 * el.clientHeight > el.scrollHeight) want(wanted + MORE);
    },
    reach: (row) => { if (wanted < total && row >= wanted - 1) want(Math.min(total, row) + MORE); },
  };
}
