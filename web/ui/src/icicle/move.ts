// Where an arrow key leads in an icicle: down to the largest callee, up to the
// caller, sideways along the row.

import { sideways, type View } from "./layout";
import { children, type Tree } from "./tree";

/** The next node, -1 when there is none that way, undefined for other keys. */
export function moved(t: Tree, v: View, at: number, key: string): number | undefined {
  switch (key) {
    case "ArrowDown": {
      const kids = children(t, at);
      return kids.length ? kids.reduce((best, k) => (t.value[k] > t.value[best] ? k : best)) : -1;
    }
    case "ArrowUp": return t.parent[at];
    case "ArrowLeft": return sideways(t, v, at, -1);
    case "ArrowRight": return sideways(t, v, at, 1);
    case "Home": return v.zoom;
    default: return undefined;
  }
}

const UPSIDE_DOWN: Record<string, string> = { ArrowUp: "ArrowDown", ArrowDown: "ArrowUp" };

/** The key as it is meant where callers are above: up is away from the root. */
export const flipped = (key: string) => UPSIDE_DOWN[key] ?? key;
