// The theme: the system's, or the one chosen here. CSS follows the attribute
// on <html>; canvases ask useDark.

import { useEffect, useState } from "preact/hooks";

export type Choice = "system" | "light" | "dark";
const KEY = "tacho-theme";
const media = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function stored(): Choice {
  try {
    const v = localStorage.getItem(KEY);
    return v === "light" || v === "dark" ? v : "system";
  } catch {
    return "system"; // storage may be forbidden
  }
}

let choice: Choice = stored();
apply();
media.addEventListener("change", tell);

function apply(): void {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

function tell(): void {
  listeners.forEach((l) => l());
}

export const isDark = () => (choice === "system" ? media.matches : choice === "dark");

/** Shows the other theme; going back to what the system says forgets the choice. */
export function toggleTheme(): void {
  const next = isDark() ? "light" : "dark";
  choice = (next === "dark") === media.matches ? "system" : next;
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // The choice then holds until the page is left.
  }
  apply();
  tell();
}

export function useDark(): boolean {
  const [dark, set] = useState(isDark);
  useEffect(() => {
    const l = () => set(isDark());
    listeners.add(l);
    l();
    return () => { listeners.delete(l); };
  }, []);
  return dark;
}
