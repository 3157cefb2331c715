// /files: drop files of any profiler and see them as recordings; the list of
// what was uploaded, each with a link to its recorder at its own time.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, serverNow, upload, type Instance, type Service, type Stored } from "../api";
import { useEvery, useGet } from "../hooks";
import { Link } from "../shell/header";
import { Banner, Failure, Note } from "../shell/state";
import { formatSelector } from "../text/labels";
import { displayName } from "../text/name";
import { ago, span } from "../text/time";
import { digits, typeLabel, value } from "../text/units";
import { DEFAULTS, formatState, servicePath } from "../urlstate";

/** The recorder at the time of one instance, in whole minutes; among others, of it alone. */
export function recordingPath(service: string, i: { instance: string; first_ms: number; last_ms: number }, alone: boolean): string {
  const from = String(Math.floor(i.first_ms / 6e4) * 6e4), to = String(Math.floor(i.last_ms / 6e4) * 6e4 + 6e4);
  return servicePath(service) + formatState({ ...DEFAULTS, from, to, match: alone ? [] : [formatSelector({ name: "instance", op: "=", value: i.instance })] });
}

interface Job { id: number; file: File; service: string; at: string; sent: number; stored?: Stored; error?: ApiError; stop?: () => void; }

export function FilesPage() {
  const { data, error, reload } = useGet<{ services: Service[] }>("services", {});
  useEvery(10_000, reload);
  const [jobs, setJobs] = useState<Job[]>([]), [service, setService] = useState(""), [over, setOver] = useState(false);
  const last = useRef(0), queue = useRef(Promise.resolve());

  const send = (file: File, at = "") => {
    const id = ++last.current, change = (patch: Partial<Job>) => setJobs((all) => all.map((j) => (j.id === id ? { ...j, ...patch } : j)));
    setJobs((all) => [{ id, file, service, at, sent: 0 }, ...all.filter((j) => j.file !== file)]);
    // One after the other: the server reads two at a time, of everybody.
    queue.current = queue.current.then(async () => {
      const { answer, stop } = upload(file, { name: file.name, service, at }, (sent) => change({ sent }));
      change({ stop });
      await answer.then((stored) => change({ stored, stop: undefined }), (e) => change({ error: e as ApiError, stop: undefined }));
      reload();
    });
  };
  const latest = useRef(send);
  latest.current = send;
  // A file let go beside the field must not take the page's place.
  useEffect(() => {
    const drag = (e: DragEvent) => {
      if (!e.dataTransfer?.types.includes("Files")) return;
      e.preventDefault();
      setOver(e.type === "dragover");
      if (e.type === "drop") for (const f of e.dataTransfer.files) latest.current(f);
    };
    const kinds = ["dragover", "dragleave", "drop"] as const;
    for (const k of kinds) addEventListener(k, drag);
    return () => { for (const k of kinds) removeEventListener(k, drag); };
  }, []);

  const files = (data?.services ?? []).flatMap((s) => s.instances.filter((i) => i.labels.upload).map((i) => ({ s, i }))).sort((a, b) => b.i.last_ms - a.i.last_ms);
  return (
    <main class="page files" data-testid="files" data-count={files.length}>
      {data && error && <Banner testid="offline">{error.message} What is shown may be old.</Banner>}
      <div class="page-head"><h1>Files</h1><p class="quiet">See a file of any profiler as a recording</p></div>
      <div class={over ? "drop over" : "drop"} data-testid="drop">
        <label class="button">
          Choose files
          <input class="sr-only" type="file" multiple data-testid="choose" onChange={(e) => { for (const f of e.currentTarget.files ?? []) send(f); e.currentTarget.value = ""; }} />
        </label>
        <p>or drop them here: JFR, pprof, collapsed stacks, perf script, speedscope, OTLP and what else <code>tacho push</code> takes, also compressed</p>
        <label class="drop-service quiet">Store as service <input value={service} placeholder="file/NAME" maxLength={200} data-testid="upload-service" onInput={(e) => setService(e.currentTarget.value)} /></label>
      </div>
      {jobs.length > 0 && <ul class="jobs" aria-label="Uploads" aria-live="polite">{jobs.map((j) => <JobRow key={j.id} j={j} again={(at) => send(j.file, at)} />)}</ul>}
      {!data ? (error ? <Failure error={error} retry={reload} /> : <Note kind="loading" title="Looking for files…" />)
        : files.length === 0 ? <Note kind="empty" title="No file was uploaded yet"><p>From a shell: <code>tacho push FILE</code>, or <code>curl --data-binary @FILE {location.origin}/api/v1/upload</code></p></Note>
        : <ul class="service-list">{files.map(({ s, i }) => <FileRow key={s.name + "\n" + i.instance} s={s} i={i} />)}</ul>}
    </main>
  );
}

/** In whole seconds: more would be noise. */
const whole = (from: number, until: number) => span(Math.floor(from / 1e3) * 1e3, Math.ceil(until / 1e3) * 1e3);
const at = (position: string) => position && ` (at ${position})`;

function JobRow({ j, again }: { j: Job; again: (at: string) => void }) {
  const { error: e, stored: a } = j, read = j.sent >= j.file.size;
  return (
    <li class="job" data-testid="job" data-name={j.file.name} data-state={e ? "failed" : a ? "stored" : j.stop ? "sending" : "waiting"}>
      <b class="clip">{displayName(j.file.name)}</b>
      {e ? (
        <div class="job-text" role="alert">
          <p class="bad-text">{e.message}{at(e.position)}</p>
          {e.detail && <p>{e.detail}</p>}
          <span class="pair">
            {(e.status === 0 || e.status === 429 || e.status > 499) && <button type="button" class="button small" onClick={() => again(j.at)}>Try again</button>}
            {e.status === 422 && <button type="button" class="button small" data-testid="as-now" onClick={() => again("now-1h")}>Store it as if it began an hour ago</button>}
          </span>
        </div>
      ) : a ? (
        <div class="job-text">
          <p><Link href={recordingPath(a.service, { instance: a.instance, first_ms: a.from_ms, last_ms: Math.max(a.from_ms, a.until_ms - 1) }, false)} data-testid="job-link">Open the recording</Link>{" "}
            <span class="quiet">{a.format} · {digits(a.samples)} {a.samples === 1 ? "sample" : "samples"} · {whole(a.from_ms, a.until_ms)}</span></p>
          {a.warnings.map((w, k) => <p key={k} class="heat-note">{w.text}{at(w.position)}</p>)}
        </div>
      ) : (
        <div class="job-text">
          <p class="quiet num">{!j.stop ? "Waits for the file before it" : read ? "Sent; the server reads it…" : `${value("bytes", j.sent)} of ${value("bytes", j.file.size)} sent`}</p>
          {j.stop && <span class="pair"><progress aria-label="Sent" max={j.file.size || 1} value={read ? undefined : j.sent} /><button type="button" class="button small" onClick={j.stop}>Stop</button></span>}
        </div>
      )}
    </li>
  );
}

function FileRow({ s, i }: { s: Service; i: Instance }) {
  return (
    <li class="service file" data-testid="file" data-name={i.labels.upload} data-service={s.name}>
      <Link href={recordingPath(s.name, i, s.instances.length === 1)} class="service-name" data-testid="file-link" title={i.labels.upload}>{displayName(i.labels.upload)}</Link>
      <span class="quiet num">{whole(i.first_ms, i.last_ms)}, {ago(i.last_ms, serverNow())}</span>
      <span class="quiet clip service-types">{i.labels.format}{s.name !== "file/" + i.labels.upload && ` · ${displayName(s.name)}`} · {s.types.map((t) => typeLabel(t.name)).join(" · ")}</span>
    </li>
  );
}
