// What a square is made of: its top method, asked for when the pointer rests.

import { useEffect, useRef, useState } from "preact/hooks";
import { get, type TopAnswer } from "../api";
import { useSettled } from "../hooks";

export interface Question { service: string; type: string; match: string[]; }
export interface CellTop { name: string; self: number; total: number; }

const REST_MS = 160;
/** As many squares are remembered. */
const KEEP = 300;

/** The top method of [fromMs, untilMs); null while it is not known, or where there is none. */
export function useCellTop(q: Question, fromMs: number, untilMs: number, wanted: boolean): CellTop | null {
  const known = useRef(new Map<string, CellTop | null>());
  const key = wanted ? [q.service, q.type, fromMs, untilMs, ...q.match].join("\n") : "";
  const settled = useSettled(key, REST_MS);
  const [, arrived] = useState("");
  useEffect(() => {
    if (settled === "" || settled !== key || known.current.has(settled)) return;
    const stop = new AbortController();
    get<TopAnswer>("top", { ...q, from: fromMs, until: untilMs, limit: 1 }, stop.signal).then(
      (a) => {
        const r = a.rows[0];
        if (known.current.size >= KEEP) known.current.clear();
        known.current.set(settled, r ? { name: r.function, self: r.self, total: a.total } : null);
        arrived(settled);
      },
      () => {}, // a hint that did not come is no fault to report
    );
    return () => stop.abort();
  }, [settled, key]);
  return known.current.get(key) ?? null;
}
