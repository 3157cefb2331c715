// What the page shows, as one value: see view in look_test.go. Numbers are
// read from the hooks (data-…) the page keeps for tests and screen readers;
// texts are what is on the screen.
(() => {
  const one = (id) => document.querySelector(`[data-testid="${id}"]`);
  const all = (id, within = document) => [...within.querySelectorAll(`[data-testid="${id}"]`)];
  const num = (s) => (s === undefined || s === "" ? null : Number(s));
  const text = (el) => (el ? el.innerText.replace(/\s+/g, " ").trim() : "");
  const box = (el) => { const r = el.getBoundingClientRect(); return { x: r.left, y: r.top, w: r.width, h: r.height }; };
  const numbers = (d, keys) => Object.fromEntries(keys.map((k) => [k, num(d[k])]));

  const heat = one("heatmap"), icicle = one("icicle"), top = one("top"), recorder = one("recorder"), band = one("demo-band");
  const active = document.activeElement;
  return {
    url: location.pathname + location.search,
    title: document.title,
    theme: document.documentElement.dataset.theme ?? "",
    ground: getComputedStyle(document.body).backgroundColor,
    focus: active?.dataset?.testid ?? active?.tagName ?? "",
    overflow: document.documentElement.scrollWidth - innerWidth,
    notes: ["loading", "empty", "error", "denied"].flatMap((k) => all("state-" + k).map((e) => `${k}: ${text(e)}`)),
    offline: text(one("offline")), missing: text(one("missing")),
    help: one("help") ? (one("help").open ? "open" : "closed") : "",
    status: one("agents-status") && { ...numbers(one("agents-status").dataset, ["recording", "refused", "limited"]), text: text(one("agents-status")) },

    services: all("service").map((e) => ({
      name: e.dataset.name, live: e.dataset.live, demo: e.dataset.demo, recorded: num(all("strip", e)[0]?.dataset.recorded), text: text(e),
      instances: all("instance", e).map((i) => ({ name: i.dataset.name, live: i.dataset.live, rate: num(i.dataset.rate), recorded: num(all("instance-strip", i)[0]?.dataset.recorded), text: text(i) })),
    })),
    targets: all("target").map((e) => ({
      pid: Number(e.dataset.pid), state: e.dataset.state, service: e.dataset.service,
      reason: text(all("target-reason", e)[0]), remedy: text(all("target-remedy", e)[0]), text: text(e),
    })),
    files: all("file").map((e) => ({ name: e.dataset.name, service: e.dataset.service, text: text(e), href: all("file-link", e)[0].getAttribute("href") })),
    jobs: all("job").map((e) => ({ name: e.dataset.name, state: e.dataset.state, text: text(e), href: all("job-link", e)[0]?.getAttribute("href") ?? "" })),
    timeline: one("timeline")?.dataset.loading ?? "",
    sink: one("agent-sink")?.dataset.state ?? "",

    recorder: recorder && { type: recorder.dataset.type, fromMs: Number(recorder.dataset.fromMs), untilMs: Number(recorder.dataset.untilMs) },
    live: one("live")?.dataset.live ?? "",
    selection: text(one("selection")),
    types: all("types").flatMap((e) => [...e.querySelectorAll("button")].map((x) => text(x))),

    heat: heat && {
      ...numbers(heat.dataset, ["cellsRecorded", "cols", "rows", "stepMs", "originMs", "fromMs", "untilMs", "demoUntilMs", "top", "plotX", "plotY", "plotW", "plotH"]),
      selection: heat.dataset.selection, live: heat.dataset.live, box: box(heat), readout: text(one("heat-readout")), legend: text(one("heat-legend")),
    },
    band: band && { ...box(band), text: text(band) },
    columns: [...document.querySelectorAll('[data-testid="heat-table"] tbody tr')].map((e) => ({
      fromMs: Number(e.dataset.fromMs), untilMs: Number(e.dataset.untilMs), recorded: Number(e.dataset.recorded), sum: Number(e.dataset.sum),
    })),

    pane: one("icicle-pane")?.dataset.view ?? "",
    icicle: icicle && {
      ...numbers(icicle.dataset, ["nodes", "depth", "total", "zoomNode", "matches", "pruned", "scrollTop", "rowH"]),
      mirrored: one("icicle-table")?.dataset.tree === icicle.dataset.tree, zoom: icicle.dataset.zoom, cursor: icicle.dataset.cursor, color: icicle.dataset.color, box: box(icicle),
      flip: icicle.dataset.flip === "true", inner: Number(icicle.dataset.inner), scrolled: icicle.closest(".icicle-scroll").scrollTop, stale: !!icicle.closest(".stale"), readout: text(one("icicle-readout")), kinds: text(one("kind-legend")),
    },
    frames: [...document.querySelectorAll('[data-testid="icicle-table"] tbody tr')].map((e) => ({
      name: e.dataset.name, ...numbers(e.dataset, ["node", "level", "x", "y", "w", "h", "total", "self", "base"]), state: e.dataset.state ?? "",
    })),
    callees: one("callees") && {
      ...numbers(one("callees").dataset, ["nodes", "depth", "total", "zoomNode", "scrollTop", "rowH"]),
      zoom: one("callees").dataset.zoom, cursor: one("callees").dataset.cursor, box: box(one("callees")), stale: !!one("callees").closest(".stale"),
      frames: [...document.querySelectorAll('[data-testid="callees-table"] tbody tr')].map((e) => ({
        name: e.dataset.name, ...numbers(e.dataset, ["node", "level", "x", "y", "w", "h", "total", "self"]),
      })),
    },
    menu: one("frame-menu") || one("export-menu") ? [...document.querySelectorAll(".menu [role=menuitem]")].map((e) => ({ id: e.dataset.testid.slice(5), text: text(e), href: e.getAttribute("href") ?? "" })) : [],
    tags: [...document.querySelectorAll("button.chip")].map((e) => `${e.dataset.testid} ${e.dataset.name ?? ""}`.trim()),
    said: text(one("said")), picker: [...document.querySelectorAll('[data-testid="label-value"]')].map((e) => ({ label: e.dataset.label, value: e.dataset.value, on: e.checked })),
    compare: one("compare") && {
      base: one("side-base").dataset.range, now: one("side-now").dataset.range, norm: one("compare").dataset.norm, fresh: one("compare").dataset.state === "fresh",
      baseText: text(one("side-base")), nowText: text(one("side-now")), test: text(one("compare-test")),
    },
    tooltip: text(one("icicle-tooltip")),
    chips: Object.fromEntries(["callers", "focus", "highlight", "zoom"].filter((k) => one("chip-" + k)).map((k) => [k, one("chip-" + k).dataset.name])),
    search: one("search")?.value ?? "", verdict: text(one("search-verdict")),

    top: top && { sort: top.dataset.sort, rows: Number(top.dataset.rows), rowCount: Number(top.dataset.rowCount), stale: !!top.closest(".stale") },
    rows: all("top-row").map((e) => ({
      name: e.dataset.name, self: Number(e.dataset.self), total: Number(e.dataset.total), baseSelf: num(e.dataset.baseSelf), baseTotal: num(e.dataset.baseTotal), state: e.dataset.state ?? "", on: e.ariaSelected === "true",
      cells: [...e.cells].slice(1).map((c) => c.textContent),
    })),
  };
})()
