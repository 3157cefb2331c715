// The keys of a page or a pane: one listener each, on the window.

import { useEffect, useRef } from "preact/hooks";
import { command, isTyping, type Command } from "./keys";

/** Calls f with each command that is typed; what f takes, by returning anything but false, the browser does not. */
export function useCommand(f: (c: Command) => boolean | void): void {
  const latest = useRef(f);
  latest.current = f;
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      const t = e.target as HTMLInputElement;
      const c = command({
        key: e.key, ctrlKey: e.ctrlKey, metaKey: e.metaKey, altKey: e.altKey, shiftKey: e.shiftKey,
        typing: isTyping(t.tagName, t.isContentEditable, t.type ?? ""),
      });
      if (c && !e.defaultPrevented && !document.querySelector("dialog[open]") && latest.current(c) !== false) e.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
