// The server's JSON, as docs/api.md promises it, and how it is fetched.

import type { Answer } from "./heat/cells";
import type { Columns } from "./icicle/tree";

export interface ValueType { name: string; unit: string; }
export interface Instance { instance: string; labels: Record<string, string>; first_ms: number; last_ms: number; live: boolean; }
/** Whether somebody records it now. What the demo made up ends near now, but nobody records that. */
export const isLive = (i: Instance) => i.live && i.labels.demo !== "seeded";

export interface Strip { from_ms: number; step_ms: number; unit: string; cells: (number | null)[]; }
export interface Service {
  name: string; demo: boolean; types: ValueType[]; first_ms: number; last_ms: number; instances: Instance[]; strip: Strip | null;
}
export interface TopRow { function: string; file: string; line: number; kind: string; self: number; total: number; }
export interface TopAnswer { unit: string; total: number; seconds: number; rows: TopRow[]; row_count: number; missing?: string[]; }
export type HeatAnswer = Answer & { missing?: string[] };
export type IcicleAnswer = Columns & { missing?: string[] };
export interface Target {
  pid: number; service: string; instance: string; runtime: string; state: string; reason: string; remedy: string;
  since_ms: number; last_ms: number; counters: Record<string, number>; labels: Record<string, string>;
}
export interface Agent {
  host: string; version: string; started_ms: number;
  sink: { state: string; reason: string; spool_bytes: number; spool_batches: number; dropped_batches: number; memory_batches: number };
  targets: Target[];
}

/** An answer that is no data. status 0: the server was not reached. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string, readonly detail = "", readonly position = "") {
    super(message);
  }
}

export type Params = Record<string, string | number | undefined>;

// The server's clock less ours: "now" on the page is the server's now, or a
// laptop that is minutes off would look past the newest cells.
let skewMs = 0;
export const serverNow = () => Date.now() + skewMs;

/** GET /api/v1/{what}; throws ApiError, or AbortError when given up. */
export async function get<T>(what: string, params: Params, signal: AbortSignal): Promise<T> {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== "") q.set(k, String(v));
  const query = q.toString();
  let res: Response;
  try {
    res = await fetch(`/api/v1/${what}${query ? "?" + query : ""}`, { signal, headers: { Accept: "application/json" } });
  } catch (e) {
    if (signal.aborted) throw e;
    throw new ApiError(0, "The server cannot be reached.", "It is asked again every few seconds.");
  }
  const date = Date.parse(res.headers.get("Date") ?? "");
  // The header counts whole seconds; smaller differences mean nothing.
  if (!Number.isNaN(date)) skewMs = Math.abs(date - Date.now()) > 3000 ? date - Date.now() : 0;
  if (!res.ok) throw await failure(res);
  try {
    return (await res.json()) as T;
  } catch (e) {
    if (signal.aborted) throw e;
    throw new ApiError(res.status, "The answer could not be read.", "It was cut short or is no JSON.");
  }
}

async function failure(res: Response): Promise<ApiError> {
  const text = await res.text().catch(() => "");
  try {
    const j = JSON.parse(text) as { error?: string; detail?: string; position?: string };
    if (j.error) return new ApiError(res.status, j.error, j.detail ?? "", j.position ?? "");
  } catch {
    // Not ours: a proxy's page, perhaps. Its status says enough.
  }
  return new ApiError(res.status, `The server answered ${res.status}${res.statusText ? " " + res.statusText : ""}.`);
}
