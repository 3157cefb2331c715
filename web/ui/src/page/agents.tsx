// /agents: what is attached, what is not and why, and what to do about it.

import { serverNow, type Agent, type Target } from "../api";
import { useEvery, useGet } from "../hooks";
import { Link } from "../shell/header";
import { Banner, Failure, Note } from "../shell/state";
import { displayName } from "../text/name";
import { ago } from "../text/time";
import { digits, value } from "../text/units";
import { servicePath } from "../urlstate";

const ORDER = ["refused", "limited", "starting", "recording", "gone"];
const TONE: Record<string, string> = { recording: "good", starting: "idle", limited: "warn", refused: "bad", gone: "idle" };

export function AgentsPage() {
  const { data, error, reload } = useGet<{ agents: Agent[] }>("agents", {});
  useEvery(3000, reload);
  if (!data) return <main class="page">{error ? <Failure error={error} retry={reload} /> : <Note kind="loading" title="Asking the agents…" />}</main>;
  const agents = data.agents ?? [];
  return (
    <main class="page agents" data-testid="agents" data-count={agents.length}>
      {error && <Banner testid="offline">{error.message} What is shown may be old.</Banner>}
      <div class="page-head"><h1>Agents</h1><p class="quiet">What is recorded on which host, and what is not and why</p></div>
      {agents.length === 0 && (
        <Note kind="empty" title="No agent has reported">
          <p>Start <code>tacho up</code> on the host of the service, or <code>tacho agent --server</code> with this server's address.</p>
        </Note>
      )}
      {agents.map((a) => <Card key={a.host + a.started_ms} a={a} />)}
    </main>
  );
}

function Card({ a }: { a: Agent }) {
  const now = serverNow();
  const targets = [...(a.targets ?? [])].sort((x, y) => ORDER.indexOf(x.state) - ORDER.indexOf(y.state) || x.service.localeCompare(y.service) || x.pid - y.pid);
  const sink = a.sink;
  const waiting = sink ? sink.spool_batches + sink.memory_batches : 0;
  return (
    <section class="agent" data-testid="agent" data-host={a.host} aria-label={`Agent on ${a.host}`}>
      <header>
        <h2 title={a.host}>{displayName(a.host, 300)}</h2>
        <span class="quiet">{displayName(a.version, 100)} · started {ago(a.started_ms, now)}</span>
        {sink && (
          <span class="agent-sink num" data-testid="agent-sink" data-state={sink.state}>
            Delivery: {sink.state}{sink.reason && ` – ${sink.reason}`}
            {waiting > 0 && ` · ${digits(waiting)} ${waiting === 1 ? "batch" : "batches"} waiting${sink.spool_bytes > 0 ? ` (${value("bytes", sink.spool_bytes)} on disk)` : ""}`}
            {sink.dropped_batches > 0 && <b class="bad-text"> · {digits(sink.dropped_batches)} dropped</b>}
          </span>
        )}
      </header>
      {targets.length === 0 ? <p class="none">It sees no process that it could record.</p> : (
        <ul class="targets">{targets.map((t) => <TargetRow key={`${t.pid}/${t.instance}`} t={t} now={now} />)}</ul>
      )}
    </section>
  );
}

function TargetRow({ t, now }: { t: Target; now: number }) {
  const counters = Object.entries(t.counters ?? {}).sort(([x], [y]) => (x < y ? -1 : 1));
  return (
    <li class="target" data-testid="target" data-pid={t.pid} data-state={t.state} data-service={t.service}>
      <span class={"pill " + (TONE[t.state] ?? "idle")}>{t.state}</span>
      <span class="target-what">
        {t.state === "refused" ? <b>{displayName(t.service) || `process ${t.pid}`}</b> : <Link href={servicePath(t.service)}><b>{displayName(t.service)}</b></Link>}
        <span class="quiet"> {displayName(t.instance, 300)} · pid {t.pid}{t.runtime && ` · ${t.runtime}`}</span>
      </span>
      <span class="quiet num target-when">
        since {ago(t.since_ms, now).replace(" ago", "")}{t.last_ms > 0 && ` · last data ${ago(t.last_ms, now)}`}
      </span>
      {t.reason && <p class="target-reason" data-testid="target-reason">{t.reason}</p>}
      {t.remedy && <p class="target-remedy" data-testid="target-remedy"><b>What to do:</b> {t.remedy}</p>}
      {counters.length > 0 && (
        <details class="target-counters">
          <summary class="quiet">Counters</summary>
          <dl class="num">{counters.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{digits(v)}</dd></div>)}</dl>
        </details>
      )}
    </li>
  );
}
