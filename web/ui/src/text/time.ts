// Times of the URL and of the API: absolute Unix milliseconds, or relative to
// now ("now", "now-24h"). Relative times stay relative in the state and become
// numbers only when a request is made, so that a live view keeps moving.

const UNIT_MS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** Parses a time of the URL; null when it is none. */
export function parseTime(text: string, nowMs: number): number | null {
  const rel = /^now(?:-(\d{1,9})([smhdw]))?$/.exec(text);
  if (rel) return rel[1] ? nowMs - Number(rel[1]) * UNIT_MS[rel[2]] : nowMs;
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1000;
  if (/^\d{12,14}$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d-\d\dT/.test(text)) {
    const t = Date.parse(text);
    return Number.isNaN(t) ? null : t;
  }
  return null;
}

export const isRelative = (text: string) => text.startsWith("now");

const pad = (n: number) => String(n).padStart(2, "0");
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "14:02", "14:02:07" when the instant is within a minute, "14:02:07.250" within a second. */
export function clock(ms: number, seconds = ms % 60000 !== 0, thousandths = seconds && ms % 1000 !== 0): string {
  const d = new Date(ms);
  const hm = pad(d.getHours()) + ":" + pad(d.getMinutes());
  return hm + (seconds ? ":" + pad(d.getSeconds()) : "") + (thousandths ? "." + String(d.getMilliseconds()).padStart(3, "0") : "");
}

/** "Tue 14 Nov", with the year when it is not this one. */
export function day(ms: number): string {
  const d = new Date(ms);
  const y = d.getFullYear();
  return `${DAYS[d.getDay()]} ${d.getDate()} ${MONTHS[d.getMonth()]}${y === new Date().getFullYear() ? "" : " " + y}`;
}

/** "Tue 14 Nov 14:02 – 14:03", the day named again only when it changes. */
export function span(fromMs: number, untilMs: number): string {
  const s = fromMs % 60000 !== 0 || untilMs % 60000 !== 0, t = fromMs % 1000 !== 0 || untilMs % 1000 !== 0;
  const end = (day(fromMs) === day(untilMs) ? "" : day(untilMs) + " ") + clock(untilMs, s, t);
  return `${day(fromMs)} ${clock(fromMs, s, t)} – ${end}`;
}

/** "45 s", "12 min", "3 h 20 min", "6 d 4 h": the two largest units. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return s + " s";
  const two = (big: number, bu: string, small: number, su: string) => (small ? `${big} ${bu} ${small} ${su}` : `${big} ${bu}`);
  const m = Math.floor(s / 60);
  if (m < 60) return m < 10 ? two(m, "min", s % 60, "s") : m + " min";
  const h = Math.floor(m / 60);
  if (h < 24) return two(h, "h", m % 60, "min");
  return two(Math.floor(h / 24), "d", h % 24, "h");
}

/** "just now", "4 min ago" */
export function ago(ms: number, nowMs: number): string {
  const d = nowMs - ms;
  return d < 5000 ? "just now" : duration(d) + " ago";
}

/** "UTC+02:00" as of an instant: the axis says which clock it shows. */
export function zone(ms: number): string {
  const m = -new Date(ms).getTimezoneOffset();
  if (m === 0) return "UTC";
  return `UTC${m < 0 ? "−" : "+"}${pad(Math.floor(Math.abs(m) / 60))}:${pad(Math.abs(m) % 60)}`;
}

/** Local time as an input of the browser takes it, and back; NaN when it is none. */
export function toInput(ms: number): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${clock(ms, true, false)}`;
}

export const fromInput = (text: string) => (text === "" ? NaN : new Date(text).getTime());
