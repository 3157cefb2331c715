// Values in the words of their type: CPU time, waiting time, bytes.

/** Three significant digits, without a trailing ".0" noise: 1.23, 12.3, 123. */
export function digits(x: number): string {
  const a = Math.abs(x);
  if (a === 0) return "0";
  if (a >= 100) return Math.round(x).toLocaleString("en-US").replaceAll(",", "\u202f");
  if (a >= 10) return trim(x.toFixed(1));
  if (a >= 0.01) return trim(x.toFixed(2));
  return "<0.01";
}

const trim = (s: string) => (s.includes(".") ? s.replace(/\.?0+$/, "") : s);

/** A share as a percentage; never "0 %" for something that was there. */
export function percent(part: number, whole: number): string {
  if (!(whole > 0) || part <= 0) return "0 %";
  const p = (part / whole) * 100;
  if (p < 0.01) return "<0.01 %";
  return (p >= 99.95 ? "100" : p >= 10 ? p.toFixed(1) : p.toFixed(2)) + " %";
}

function nanos(ns: number): string {
  if (ns === 0) return "0 s";
  if (ns < 1e3) return digits(ns) + " ns";
  if (ns < 1e6) return digits(ns / 1e3) + " µs";
  if (ns < 1e9) return digits(ns / 1e6) + " ms";
  const s = ns / 1e9;
  if (s < 60) return digits(s) + " s";
  // Decimal minutes and hours: a column of them compares at a glance.
  return s < 3600 ? digits(s / 60) + " min" : digits(s / 3600) + " h";
}

function bytes(b: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  while (b >= 1024 && i < units.length - 1) { b /= 1024; i++; }
  return digits(b) + " " + units[i];
}

/** A value in its unit, short: "1.2 s", "3.4 MiB", "17". */
export function value(unit: string, v: number): string {
  if (unit === "nanoseconds") return nanos(v);
  if (unit === "bytes") return bytes(v);
  return unit === "count" || unit === "" ? digits(v) : digits(v) + " " + unit;
}

/** What the value is of, as a noun after it: "1.2 s CPU". */
export function noun(type: string): string {
  return ({ cpu: "CPU", wall: "wall", offcpu: "waiting", alloc: "allocated", lock: "blocked" } as Record<string, string>)[type] ?? type;
}

/** A value spread over a time: cores, threads, bytes per second. */
export function rate(type: string, unit: string, v: number, seconds: number): string {
  if (!(seconds > 0)) return "";
  const r = v / seconds;
  if (unit === "nanoseconds") {
    if (type === "cpu") return r === 0 ? "0 % of one core" : digits(r / 1e7) + " % of one core";
    return digits(r / 1e9) + " threads on average";
  }
  return value(unit, r) + "/s";
}

/** The same without its noun, for the ticks of a legend. */
export function rateTick(type: string, unit: string, v: number, seconds: number): string {
  const r = v / seconds;
  if (unit === "nanoseconds") return type === "cpu" ? digits(r / 1e7) + " %" : digits(r / 1e9);
  return value(unit, r) + "/s";
}

/** What the ticks of a legend count. */
export function rateNoun(type: string, unit: string): string {
  if (unit === "nanoseconds") return type === "cpu" ? "of one core" : type === "wall" ? "threads" : "threads " + noun(type);
  return noun(type);
}

/** The name of a type on its button. */
export function typeLabel(type: string): string {
  return ({ cpu: "CPU", wall: "Wall", offcpu: "Off-CPU", alloc: "Alloc", lock: "Lock" } as Record<string, string>)[type] ?? type;
}
