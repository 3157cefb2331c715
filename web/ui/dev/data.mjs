// Made-up data for developing the page: weeks with quiet and busy hours, about
// 200 methods, about 5,000 call paths, and names that try to break the page.
// Everything is computed from a seed, so that screenshots can be compared.

export function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const KINDS = ["unknown", "interpreted", "jit", "inlined", "native", "kernel", "compiler", "gc", "vm", "unsampled"];

export const HOSTILE = [
  "<img src=x onerror=alert(1)>",
  "</script><script>alert(2)</script>",
  "com.acme.Very" + "Long".repeat(2500) + ".method",
  "com.acme.\u202eevil\u202c.Reverse.run",
  "شركة.متجر.طلب.احسب",
  "com.acme.shop.🛒Cart.add🧺Item",
  "com.acme.Tabs\tAnd\nLines.go",
  "javascript:alert(3)",
];

const PACKAGES = [
  "com.acme.shop.orders", "com.acme.shop.pricing", "com.acme.shop.inventory.cache", "com.acme.platform.messaging.codec",
  "org.springframework.web.servlet", "org.hibernate.engine.internal", "com.fasterxml.jackson.databind.ser",
  "org.apache.tomcat.util.net", "java.util.concurrent", "java.util", "sun.nio.ch", "io.netty.channel.nio",
];
const CLASSES = ["OrderService", "PriceCalculator", "StockCache", "JsonCodec", "DispatcherServlet", "PersistenceContext", "BeanSerializer", "NioEndpoint$Poller", "ThreadPoolExecutor$Worker", "HashMap", "SelectorImpl", "EventLoop"];
const VERBS = ["handle", "apply", "compute", "load", "resolve", "flush", "doFilter", "invoke", "serialize", "get", "run", "merge", "validate", "lookup", "lambda$submit$0", "write"];

/** A weighted tree: {name, file, kind, self, kids}. */
export function makeTree(rnd, methods, nodes, hostile) {
  const names = [];
  for (let i = 0; names.length < methods; i++) {
    const p = Math.floor(rnd() * PACKAGES.length);
    const cls = CLASSES[(p + Math.floor(rnd() * 3)) % CLASSES.length];
    const name = `${PACKAGES[p]}.${cls}.${VERBS[Math.floor(rnd() * VERBS.length)]}${i % 7 ? "" : "All"}`;
    if (!names.some((n) => n.name === name)) names.push({ name, file: cls.replace(/\$.*/, "") + ".java", kind: 2, line: 20 + Math.floor(rnd() * 400) });
    else if (i > methods * 20) names.push({ name: name + i, file: cls + ".java", kind: 2, line: 7 });
  }
  for (const n of names) n.kind = rnd() < 0.72 ? 2 : rnd() < 0.5 ? 3 : 1;
  const natives = ["__libc_read", "epoll_wait", "memcpy", "libjvm.so!SafepointMechanism::process", "zlib!inflate"].map((name) => ({ name, file: "", kind: 4, line: 0 }));
  const kernel = ["do_syscall_64", "ksys_read", "tcp_recvmsg", "schedule"].map((name) => ({ name, file: "", kind: 5, line: 0 }));
  const bad = hostile ? HOSTILE.map((name) => ({ name, file: "<b>x</b>.java", kind: 2, line: 1 })) : [];
  let left = nodes;
  const grow = (depth, budget, pool) => {
    const f = pool[Math.floor(rnd() * pool.length)];
    const node = { name: f.name, file: f.file, kind: f.kind, line: f.line, self: rnd() < 0.3 || budget < 2 ? rnd() ** 3 * 40 : rnd() * 0.4, kids: [] };
    left--;
    let rest = budget - 1;
    const wide = depth < 6 ? 1 : depth < 10 ? 2 : 1 + Math.floor(rnd() * 4);
    const seen = new Set();
    for (let k = 0; k < wide && rest > 0 && left > 0 && depth < 60; k++) {
      const share = k === wide - 1 ? rest : Math.floor(rest * (0.3 + rnd() * 0.5));
      if (share < 1) break;
      const next = depth > 12 && rnd() < 0.05 ? (rnd() < 0.6 ? natives : kernel) : f.kind >= 4 ? kernel : names;
      const kid = grow(depth + 1, share, next);
      rest -= share;
      if (seen.has(kid.name)) { node.self += 0.5; continue; }
      seen.add(kid.name);
      node.kids.push(kid);
    }
    return node;
  };
  const groups = [];
  while (left > 0) {
    const before = left;
    groups.push(grow(1, Math.max(1, Math.floor(nodes / 6)), names));
    if (before === left) break;
  }
  for (const b of bad) groups.push({ ...b, self: 6, kids: [] });
  groups.push({ name: "[JIT C2]", file: "", kind: 6, line: 0, self: 90, kids: [] }, { name: "[GC G1]", file: "", kind: 7, line: 0, self: 55, kids: [] },
    { name: "[VM]", file: "", kind: 8, line: 0, self: 12, kids: [] }, { name: "[not sampled]", file: "", kind: 9, line: 0, self: 20, kids: [] });
  return fold({ name: "all", file: "", kind: 0, line: 0, self: 0, kids: groups });
}

/** Merges kids of equal name, sums totals, sorts by name. */
function fold(n) {
  const by = new Map();
  for (const k of n.kids) {
    const had = by.get(k.name);
    if (had) { had.self += k.self; had.kids.push(...k.kids); } else by.set(k.name, k);
  }
  n.kids = [...by.values()].map(fold).sort((a, b) => (a.name < b.name ? -1 : 1));
  n.total = n.self + n.kids.reduce((s, k) => s + k.total, 0);
  return n;
}

/** The API's columns of a tree, scaled to a total and pruned. */
export function columns(tree, total, unit, seconds, minShare) {
  const strings = [""], ids = new Map([["", 0]]);
  const id = (s) => { if (!ids.has(s)) { ids.set(s, strings.length); strings.push(s); } return ids.get(s); };
  const nodes = { level: [], name: [], file: [], kind: [], offset: [], total: [], self: [] };
  const pruned = { count: 0, sum: 0 };
  const k = tree.total > 0 ? total / tree.total : 0;
  const put = (n, level, offset) => {
    if (n.total < tree.total * minShare) { pruned.count++; pruned.sum += Math.round(n.total * k); return; }
    nodes.level.push(level); nodes.name.push(id(n.name)); nodes.file.push(id(n.file)); nodes.kind.push(n.kind);
    nodes.offset.push(Math.round(offset * k)); nodes.total.push(Math.round((offset + n.total) * k) - Math.round(offset * k)); nodes.self.push(Math.round(n.self * k));
    let at = offset;
    for (const c of n.kids) { put(c, level + 1, at); at += c.total; }
  };
  if (total > 0) put(tree, 0, 0);
  return { unit, total, seconds, strings, nodes, kinds: KINDS, pruned, missing: [] };
}

/** Self and total per method; a recursive method counts once per stack. */
export function topOf(tree) {
  const rows = new Map();
  const walk = (n, open) => {
    let r = rows.get(n.name);
    if (!r) rows.set(n.name, (r = { function: n.name, file: n.file, line: n.line ?? 0, kind: KINDS[n.kind], self: 0, total: 0 }));
    r.self += n.self;
    const first = !open.has(n.name);
    if (first) { r.total += n.total; open.add(n.name); }
    for (const k of n.kids) walk(k, open);
    if (first) open.delete(n.name);
  };
  for (const k of tree.kids) walk(k, new Set());
  return [...rows.values()];
}

/** The subtrees of a function merged and re-rooted at it. */
export function focusOn(tree, name) {
  const root = { name, file: "", kind: 2, self: 0, kids: [] };
  const walk = (n) => {
    if (n.name === name) { root.self += n.self; root.file = n.file; root.kids.push(...structuredClone(n.kids)); return; }
    n.kids.forEach(walk);
  };
  walk(tree);
  return fold(root);
}

/** Inverted stacks: the function as the root, callers as children. */
export function callersOf(tree, name) {
  const root = { name, file: "", kind: 2, self: 0, kids: [] };
  const walk = (n, path) => {
    if (n.name === name) {
      let at = root;
      for (let i = path.length - 1; i >= 1; i--) {
        const p = path[i];
        let kid = at.kids.find((k) => k.name === p.name);
        if (!kid) at.kids.push((kid = { name: p.name, file: p.file, kind: p.kind, self: 0, kids: [] }));
        at = kid;
      }
      at.self += n.total;
      return;
    }
    n.kids.forEach((k) => walk(k, [...path, n]));
  };
  walk(tree, []);
  return fold(root);
}
