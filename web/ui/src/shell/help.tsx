// The help overlay: every key and mouse gesture of the page.

import { useEffect, useRef } from "preact/hooks";

const GROUPS: [string, [string, string][]][] = [
  ["Heat map", [
    ["drag", "select time, across columns"], ["click", "select one square"], ["Shift-click", "extend the selection to a square"],
    ["double-click", "select the column"], ["A", "select everything"], ["[  ]", "earlier, later"],
    ["arrows, Enter", "move to a square, select it"], ["Shift-arrows", "extend"],
  ]],
  ["Icicle", [
    ["click, Enter", "zoom to a frame; its callers stay above"], ["U, Back", "undo a step"], ["Shift-U", "redo"], ["0", "reset the zoom"],
    ["Shift-click", "focus: only stacks with this method"], ["I", "callers of the current method, and back"],
    ["arrows", "walk from frame to frame"],
  ]],
  ["Top methods", [
    ["click, Space", "highlight in the icicle"], ["Enter", "callers"], ["Shift-click", "focus"], ["up, down", "next row"],
  ]],
  ["Search", [
    ["/", "search; /…/ is a regular expression"], ["n  N", "next match, previous match"], ["Esc", "clears search, then zoom, then selection"],
  ]],
  ["Page", [["D", "light or dark theme"], ["?", "this help"]]],
];

export function Help({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => { if (ref.current && !ref.current.open) ref.current.showModal(); }, []);
  return (
    <dialog
      ref={ref} class="help" data-testid="help" aria-labelledby="help-title" onClose={onClose}
      onClick={(e) => { if (e.target === ref.current) ref.current?.close(); }}
      onKeyDown={(e) => { e.stopPropagation(); if (e.key === "?") ref.current?.close(); }}
    >
      <div class="help-in">
        <header><h2 id="help-title">Keys and mouse</h2><button type="button" class="icon" aria-label="Close" onClick={() => ref.current?.close()}>✕</button></header>
        <div class="help-groups">
          {GROUPS.map(([title, keys]) => (
            <section key={title}>
              <h3>{title}</h3>
              <dl>{keys.map(([k, what]) => <div key={k}><dt><kbd>{k}</kbd></dt><dd>{what}</dd></div>)}</dl>
            </section>
          ))}
        </div>
      </div>
    </dialog>
  );
}
