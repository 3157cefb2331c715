// The server's JSON, as docs/api.md promises it, and how it is fetched.

import type { Answer } from "./heat/cells";
import type { DiffColumns } from "./icicle/diff";
import type { Columns } from "./icicle/tree";

export interface ValueType { name: string; unit: string; }
export interface Instance {
  instance: string; labels: Record<string, string>; first_ms: number; last_ms: number; live: boolean;
  cells?: (number | null)[]; samples_per_s?: number | null;
}
/** Whether somebody records it now. What the demo made up or a file holds may end near now, but nobody records that. */
export const isLive = (i: Instance) => i.live && i.labels.demo !== "seeded" && !i.labels.upload;

export interface Strip { from_ms: number; step_ms: number; unit: string; cells: (number | null)[]; }
export interface Service {
  name: string; demo: boolean; types: ValueType[]; first_ms: number; last_ms: number; instances: Instance[]; strip: Strip | null;
}
export interface TopRow { function: string; file: string; line: number; kind: string; self: number; total: number; }
export interface TopAnswer { unit: string; total: number; range_total?: number; seconds: number; rows: TopRow[]; row_count: number; missing?: string[]; }
export type HeatAnswer = Answer & { missing?: string[] };
export type IcicleAnswer = Columns & { missing?: string[] };
export interface DiffRow extends TopRow { base_self: number; base_total: number; state: string; p: number | null; self_state?: string; self_p?: number | null; }
export type DiffAnswer = DiffColumns & { norm: string; scale: number; base_seconds: number; rows: DiffRow[]; row_count: number; slices: number; base_slices: number; tested?: boolean; fdr?: number; range_total?: number; base_range_total?: number; missing?: string[] };
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

export type Params = Record<string, string | number | readonly string[] | undefined>;

// The server's clock less ours: "now" on the page is the server's now, or a
// laptop that is minutes off would look past the newest cells.
let skewMs = 0;
export const serverNow = () => Date.now() + skewMs;

/** Parameters as the query of an address; empty ones are left out, lists repeat their key. */
export function search(params: Params): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) {
    if (typeof v === "object") for (const one of v) q.append(k, one);
    else if (v !== undefined && v !== "") q.set(k, String(v));
  }
  return q.toString();
}

/** GET /api/v1/{what}; throws ApiError, or AbortError when given up. */
export async function get<T>(what: string, params: Params, signal: AbortSignal): Promise<T> {
  const query = search(params);
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
  if (!res.ok) throw refusal(res.status, res.statusText, await res.text().catch(() => ""));
  try {
    return (await res.json()) as T;
  } catch (e) {
    if (signal.aborted) throw e;
    throw new ApiError(res.status, "The answer could not be read.", "It was cut short or is no JSON.");
  }
}

function refusal(status: number, statusText: string, text: string): ApiError {
  try {
    const j = JSON.parse(text) as { error?: string; detail?: string; position?: string };
    if (j.error) return new ApiError(status, j.error, j.detail ?? "", j.position ?? "");
  } catch {
    // Not ours: a proxy's page, perhaps. Its status says enough.
  }
  return new ApiError(status, `The server answered ${status}${statusText ? " " + statusText : ""}.`);
}

export interface Stored { service: string; instance: string; from_ms: number; until_ms: number; samples: number; format: string; warnings: { position: string; text: string }[]; }

/** POSTs a file to be stored. XMLHttpRequest, because fetch does not say how much was sent. */
export function upload(file: File, params: Params, onSent: (bytes: number) => void): { answer: Promise<Stored>; stop: () => void } {
  const x = new XMLHttpRequest();
  const answer = new Promise<Stored>((done, fail) => {
    x.upload.onprogress = (e) => onSent(e.loaded);
    x.onload = () => {
      if (x.status !== 200) return fail(refusal(x.status, x.statusText, x.responseText));
      try { done(JSON.parse(x.responseText) as Stored); } catch { fail(new ApiError(200, "The answer could not be read.")); }
    };
    x.onerror = () => fail(new ApiError(0, "The file did not reach the server.", "It may have changed on disk, or the server is away."));
    x.onabort = () => fail(new ApiError(0, "Stopped.", "Nothing or a part was stored; sending the file again replaces it."));
  });
  x.open("POST", "/api/v1/upload?" + search(params));
  x.send(file);
  return { answer, stop: () => x.abort() };
}
