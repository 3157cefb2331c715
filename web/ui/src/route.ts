// The address bar as a store. Everything that changes the view goes through
// navigate; components read with useRoute.

import { useEffect, useState } from "preact/hooks";

type Listener = () => void;
const listeners = new Set<Listener>();

// How many entries this visit has made before the current one: `U` must not
// leave the page it undoes in.
const depth = () => (history.state as { depth?: number } | null)?.depth ?? 0;

export interface Place { path: string; search: string; }

export const here = (): Place => ({ path: location.pathname, search: location.search });

/** Goes to an address: a new history entry, or in place of the current one. */
export function navigate(url: string, replace = false): void {
  const now = location.pathname + location.search;
  if (url === now) return;
  if (replace) history.replaceState({ depth: depth() }, "", url);
  else history.pushState({ depth: depth() + 1 }, "", url);
  listeners.forEach((l) => l());
}

export function undo(): void {
  if (depth() > 0) history.back();
}

export function redo(): void {
  history.forward();
}

/** Listens to Back and Forward; returns how to stop. */
export function startRouting(): () => void {
  const onPop = () => listeners.forEach((l) => l());
  addEventListener("popstate", onPop);
  return () => removeEventListener("popstate", onPop);
}

export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const l = () => set(here());
    listeners.add(l);
    l();
    return () => { listeners.delete(l); };
  }, []);
  return place;
}

/** Whether a click on a link is ours to handle: plain, left, same window. */
export function isPlainClick(e: MouseEvent): boolean {
  return e.button === 0 && !e.metaKey && !e.ctrlKey && !e.shiftKey && !e.altKey;
}
