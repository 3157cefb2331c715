// /: the services there are, each with its last 24 hours.

import { palette } from "../color/palette";
import { useDark } from "../color/theme";
import { isLive, serverNow, type Service, type Strip } from "../api";
import { quantile, tone } from "../heat/scale";
import { useEvery, useGet } from "../hooks";
import { Link } from "../shell/header";
import { Banner, Failure, Note } from "../shell/state";
import { ago, span } from "../text/time";
import { rate, typeLabel } from "../text/units";
import { servicePath } from "../urlstate";

export function ServicesPage() {
  const { data, error, reload } = useGet<{ services: Service[] }>("services", {});
  useEvery(5000, reload);
  if (!data) return <main class="page">{error ? <Failure error={error} retry={reload} /> : <Note kind="loading" title="Looking for services…" />}</main>;
  const services = [...data.services].sort((a, b) => a.name.localeCompare(b.name));
  return (
    <main class="page services" data-testid="services" data-count={services.length}>
      {error && <Banner testid="offline">{error.message} What is shown may be old.</Banner>}
      <div class="page-head"><h1>Services</h1>{services.length > 0 && <p class="quiet">CPU of the last 24 hours, a square an hour, each service on its own scale</p>}</div>
      {services.length === 0 ? (
        <Note kind="empty" title="No service is recorded yet">
          <p>Start a JVM on this host: it appears here within seconds. If one runs and does not appear, <Link href="/agents">the agents page</Link> says why.</p>
        </Note>
      ) : <ul class="service-list">{services.map((s) => <Row key={s.name} s={s} />)}</ul>}
    </main>
  );
}

function Row({ s }: { s: Service }) {
  const now = serverNow();
  const live = s.instances.filter(isLive);
  return (
    <li class="service" data-testid="service" data-name={s.name} data-live={String(live.length > 0)} data-demo={String(s.demo)}>
      <Link href={servicePath(s.name)} class="service-name" data-testid="service-link">{s.name}</Link>
      <span class="service-tags">
        {live.length > 0 ? <span class="live on"><i class="dot" aria-hidden="true" />Live</span> : <span class="quiet">Last seen {ago(s.last_ms, now)}</span>}
        {s.demo && <span class="tag" data-testid="demo-tag">demo data</span>}
      </span>
      <span class="quiet service-types">{s.types.map((t) => typeLabel(t.name)).join(" · ")}</span>
      {s.strip && <StripRow strip={s.strip} name={s.name} />}
      <ul class="instances">
        {s.instances.slice(0, 8).map((i) => (
          <li key={i.instance} data-testid="instance" data-name={i.instance} data-live={String(isLive(i))}>
            <i class={isLive(i) ? "dot good" : "dot idle"} aria-hidden="true" /><span class="clip">{i.instance}</span>
            <span class="quiet num">{isLive(i) ? "live" : i.labels.demo === "seeded" ? "made up" : ago(i.last_ms, now)}</span>
          </li>
        ))}
        {s.instances.length > 8 && <li class="quiet">and {s.instances.length - 8} more</li>}
      </ul>
    </li>
  );
}

function StripRow({ strip, name }: { strip: Strip; name: string }) {
  const colors = palette(useDark());
  const top = quantile(strip.cells.map((c) => c ?? 0), 0.99);
  const recorded = strip.cells.filter((c) => c !== null).length;
  return (
    <span class="strip" role="img" data-testid="strip" data-recorded={recorded} aria-label={`CPU of ${name}, last ${strip.cells.length} hours: ${recorded} recorded`}>
      {strip.cells.map((c, i) => {
        const from = strip.from_ms + i * strip.step_ms;
        const what = c === null ? "not recorded" : rate("cpu", strip.unit, c, strip.step_ms / 1000);
        return <i key={from} class={c === null ? "hatched" : undefined} style={c === null ? undefined : { background: colors.heat[tone(c, top)] }} title={`${span(from, from + strip.step_ms)}: ${what}`} />;
      })}
    </span>
  );
}
