// What the rows of both tables share: the cell of the method, and what mouse
// and keys do to a row.

import type { ComponentChildren } from "preact";
import type { TopRow } from "../api";
import type { Spot } from "../shell/menu";
import { displayName, parts } from "../text/name";
import { rowKeys, source } from "./rows";

export interface RowHandlers {
  onMark: (name: string) => void;
  onCallers: (name: string) => void;
  onFocus: (name: string) => void;
  onMenu: (name: string, at: Spot) => void;
}

export function rowProps(p: RowHandlers, r: TopRow, i: number, on: boolean, body: { current: HTMLTableSectionElement | null }, reach: (row: number) => void) {
  const name = r.function;
  return {
    tabIndex: i === 0 || on ? 0 : -1, "aria-selected": on, class: on ? "on" : undefined,
    "data-testid": "top-row", "data-name": name.slice(0, 500), "data-self": r.self, "data-total": r.total,
    onClick: (e: MouseEvent) => (e.shiftKey ? p.onFocus(name) : p.onMark(name)),
    onMouseDown: (e: MouseEvent) => { if (e.shiftKey) e.preventDefault(); },
    onContextMenu: (e: MouseEvent) => { e.preventDefault(); p.onMenu(name, { x: e.clientX, y: e.clientY }); },
    onKeyDown: (e: KeyboardEvent) => rowKeys(e, body.current, i, {
      reach, focus: () => p.onFocus(name), enter: () => p.onCallers(name), mark: () => p.onMark(name), menu: (at) => p.onMenu(name, at),
    }),
  };
}

/** The name, over a bar as long as its share of the largest row. */
export function Method({ row, onCallers, bar, more, children }: { row: TopRow; onCallers: (name: string) => void; bar?: number; more?: string; children?: ComponentChildren }) {
  const name = displayName(row.function), q = parts(displayName(row.function, 300));
  return (
    <td class="method" title={[name, displayName(source(row.file, row.line), 200), more].filter(Boolean).join("\n")}>
      {bar !== undefined && <i class="share-bar" style={{ width: `${Math.round(bar * 1000) / 10}%` }} />}
      <div class="method-in">
        <span class="method-name"><b>{q.cls ? `${q.cls}.` : ""}{q.method}</b>{q.pkg && <span class="quiet"> {q.pkg}</span>}</span>
        {children}
        <button
          type="button" class="callers" tabIndex={-1} data-testid="top-callers" aria-label={`Callers of ${name.slice(0, 200)}`}
          onClick={(e) => { e.stopPropagation(); onCallers(row.function); }}
        >callers</button>
      </div>
    </td>
  );
}
