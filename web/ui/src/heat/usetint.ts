// What a search covers of each square.

import { useMemo } from "preact/hooks";
import type { HeatAnswer } from "../api";
import { useGet } from "../hooks";
import { at, fromAnswer, type Cells } from "./cells";
import { stepText } from "./grid";
import { quantile } from "./scale";
import type { Question } from "./usecell";

export interface Tint { matched: Cells; topShare: number; text: string; }

/** text: what to look for, "" for nothing. Asked again when from or until change. */
export function useTint(q: Question, text: string, fromMs: number, untilMs: number, stepMs: number): Tint | null {
  const a = useGet<HeatAnswer>(text ? "heatmap" : null, { ...q, from: fromMs, until: untilMs, step: stepText(stepMs), search: text });
  return useMemo(() => {
    if (!text || !a.data?.matched || a.data.step_ms !== stepMs) return null;
    const cells = fromAnswer(a.data), matched = fromAnswer({ ...a.data, cells: a.data.matched });
    const shares = matched.values.map((v, i) => (cells.values[i] > 0 ? v / cells.values[i] : 0));
    return { matched, topShare: Math.min(1, quantile(shares, 0.99)), text };
  }, [a.data, text, stepMs]);
}

export const share = (t: Tint, cells: Cells, ms: number) => at(t.matched, ms) / at(cells, ms);
