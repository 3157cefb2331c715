// /: the services there are, each with its last 24 hours.

import { palette } from "../color/palette";
import { useDark } from "../color/theme";
import { isLive, serverNow, type Instance, type Service, type Strip } from "../api";
import { quantile, tone } from "../heat/scale";
import { useEvery, useGet } from "../hooks";
import { Link } from "../shell/header";
import { Banner, Failure, Note } from "../shell/state";
import { displayName } from "../text/name";
import { ago, span } from "../text/time";
import { digits, rate, typeLabel } from "../text/units";
import { servicePath } from "../urlstate";
import { recordingPath } from "./files";

export function ServicesPage() {
  const { data, error, reload } = useGet<{ services: Service[]; missing?: string[] }>("services", {});
  useEvery(5000, reload);
  if (!data) return <main class="page">{error ? <Failure error={error} retry={reload} /> : <Note kind="loading" title="Looking for services…" />}</main>;
  // Files after what runs.
  const services = [...data.services].sort((a, b) => Number(isFile(a)) - Number(isFile(b)) || a.name.localeCompare(b.name));
  return (
    <main class="page services" data-testid="services" data-count={services.length}>
      {error && <Banner testid="offline">{error.message} What is shown may be old.</Banner>}
      {data.missing?.length ? <Banner testid="missing">Incomplete: {data.missing.join("; ")}</Banner> : null}
      <div class="page-head"><h1>Services</h1>{services.length > 0 && <p class="quiet">CPU of the last 24 hours, a square an hour, each service on its own scale</p>}</div>
      {services.length === 0 ? (
        <Note kind="empty" title="No service is recorded yet">
          <p>Start a JVM on this host: it appears here within seconds. If one runs and does not appear, <Link href="/agents">the agents page</Link> says why.</p>
          <p>A file of a profiler can be looked at on <Link href="/files">the files page</Link>.</p>
        </Note>
      ) : <ul class="service-list">{services.map((s) => <Row key={s.name} s={s} />)}</ul>}
    </main>
  );
}

const isFile = (s: Service) => s.instances.length > 0 && s.instances.every((i) => i.labels.upload);

function Row({ s }: { s: Service }) {
  const now = serverNow();
  const live = s.instances.filter(isLive);
  // Who is there now first: only some of many are listed.
  const shown = [...live, ...s.instances.filter((i) => !isLive(i)).sort((a, b) => b.last_ms - a.last_ms)].slice(0, 8);
  const file = isFile(s), several = s.instances.length > 1;
  // A file of another time, or of something else than CPU, has no last day.
  const strip = file && !s.strip?.cells.some((c) => c !== null) ? null : s.strip;
  return (
    <li class="service" data-testid="service" data-name={s.name} data-live={String(live.length > 0)} data-demo={String(s.demo)}>
      <div class="service-head">
        <Link href={file ? recordingPath(s.name, { instance: "", first_ms: s.first_ms, last_ms: s.last_ms }, true) : servicePath(s.name)} class="service-name" data-testid="service-link" title={s.name}>{displayName(s.name)}</Link>
        <span class="service-tags">
          {live.length > 0 ? <span class="live on"><i class="dot" aria-hidden="true" />Live</span> : <span class="quiet">{file ? "Ended" : "Last seen"} {ago(s.last_ms, now)}</span>}
          {s.demo && <span class="tag" data-testid="demo-tag">demo data</span>}
          {file && <span class="tag">uploaded</span>}
        </span>
        <span class="quiet service-types">{s.types.map((t) => typeLabel(t.name)).join(" · ")}</span>
      </div>
      <ul class="instances">
        {several && strip && <li class="all"><span class="quiet">All {s.instances.length} instances</span><StripRow strip={strip} name={s.name} testid="strip" /></li>}
        {shown.map((i, k) => (
          <li key={k} data-testid="instance" data-name={i.instance} data-live={String(isLive(i))} data-rate={i.samples_per_s ?? ""}>
            <i class={isLive(i) ? "dot good" : "dot idle"} aria-hidden="true" /><span class="clip" title={i.instance}>{displayName(i.instance) || "unnamed"}</span>
            <span class="quiet num">{said(i, now)}</span>
            {!strip ? null : !several ? <StripRow strip={strip} name={s.name} testid="strip" /> : i.cells?.length ? <StripRow strip={{ ...strip, cells: i.cells }} name={i.instance} testid="instance-strip" /> : null}
          </li>
        ))}
        {s.instances.length > 8 && <li class="quiet">and {s.instances.length - 8} more</li>}
      </ul>
    </li>
  );
}

function said(i: Instance, now: number): string {
  if (isLive(i)) return typeof i.samples_per_s === "number" ? `${digits(i.samples_per_s)} samples/s` : "live";
  return i.labels.demo === "seeded" ? "made up" : ago(i.last_ms, now);
}

function StripRow({ strip, name, testid }: { strip: Strip; name: string; testid: string }) {
  const colors = palette(useDark());
  const top = quantile(strip.cells.map((c) => c ?? 0), 0.99);
  const recorded = strip.cells.filter((c) => c !== null).length;
  return (
    <span class="strip" role="img" data-testid={testid} data-recorded={recorded} aria-label={`CPU of ${displayName(name)}, last ${strip.cells.length} hours: ${recorded} recorded`}>
      {strip.cells.map((c, i) => {
        const from = strip.from_ms + i * strip.step_ms;
        const what = c === null ? "not recorded" : rate("cpu", strip.unit, c, strip.step_ms / 1000);
        return <i key={from} class={c === null ? "hatched" : undefined} style={c === null ? undefined : { background: colors.heat[tone(c, top)] }} title={`${span(from, from + strip.step_ms)}: ${what}`} />;
      })}
    </span>
  );
}
