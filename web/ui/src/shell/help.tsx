// The help overlay: every key and mouse gesture of the page.

import { useEffect, useRef } from "preact/hooks";

const GROUPS: [string, [string, string][]][] = [
  ["Heat map", [
    ["drag", "select time, across columns"], ["Alt-drag", "select a rectangle: the same minutes of every hour"], ["click", "select one square"],
    ["Shift-click", "extend the selection to a square"], ["double-click", "select the column; once more: zoom into it"], ["A", "select everything"],
    ["Ctrl-drag", "mark the baseline to compare with"], ["C", "make the selection the baseline; C again: none"],
    ["Ctrl-wheel, + −", "zoom, down to 20 ms; + zooms to a selection"], ["[  ]", "earlier, later"],
    ["arrows, Enter", "move to a square, select it"], ["Shift-arrows", "extend"], ["Alt-Shift-arrows", "rectangle"], ["Ctrl-Shift-arrows", "baseline"],
  ]],
  ["Icicle", [
    ["click, Enter", "zoom to a frame; its callers stay above"], ["U, Back", "undo a step"], ["Shift-U", "redo"], ["0", "reset the zoom"],
    ["Shift-click, F", "focus: only stacks with this method"], ["Alt-click, H", "hide this stack"], ["X", "leave out all stacks with the method"],
    ["S", "callers above, callees below; S again: back"], ["I", "invert: grow from the leaves"], ["R", "collapse recursion"],
    ["right click, Shift-F10", "menu of the frame"], ["arrows", "walk from frame to frame"],
  ]],
  ["Top methods", [
    ["click, Space", "highlight in the icicle"], ["Enter", "callers and callees"], ["Shift-click", "focus"], ["right click, Shift-F10", "menu of the method"], ["up, down", "next row"],
  ]],
  ["Search", [
    ["/", "search; /…/ is a regular expression"], ["Enter", "keep only stacks that match"], ["n  N", "next match, previous match"], ["Esc", "clears search, then zoom, then selection, then baseline"],
  ]],
  ["Timeline", [
    ["drag, Shift-drag", "select time, extend"], ["click", "open an event"], ["n  N, Enter", "next event, previous event, open it"],
    ["arrows, page keys", "move the cursor; with Shift select"],
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
