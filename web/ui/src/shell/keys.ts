// Which key does what on the whole page. Pure, so that the rules can be tested:
// keys with a modifier are the browser's, keys in a text field are the field's.

export type Command =
  | "search" | "next" | "previous" | "escape" | "undo" | "redo" | "reset" | "all" | "theme" | "help" | "earlier" | "later" | "sandwich" | "focus" | "exclude" | "hide" | "invert" | "recursion"
  | "zoomin" | "zoomout" | "pin";

export interface Press { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean; shiftKey: boolean; typing: boolean; }

export function command(p: Press): Command | null {
  if (p.ctrlKey || p.metaKey || p.altKey) return null;
  if (p.key === "Escape") return "escape";
  if (p.typing) return null;
  switch (p.key) {
    case "/": return "search";
    case "n": return "next";
    case "N": return "previous";
    case "u": return "undo";
    case "U": return p.shiftKey ? "redo" : "undo"; // caps lock gives U without Shift
    case "0": return "reset";
    case "a": case "A": return "all";
    case "d": case "D": return "theme";
    case "?": return "help";
    case "[": return "earlier";
    case "]": return "later";
    case "i": case "I": return "invert";
    case "r": case "R": return "recursion";
    case "s": case "S": return "sandwich";
    case "f": case "F": return "focus";
    case "x": case "X": return "exclude";
    case "h": case "H": return "hide";
    case "+": case "=": return "zoomin";
    case "-": return "zoomout";
    case "c": case "C": return "pin";
    default: return null;
  }
}

/** Whether an element takes text. */
export function isTyping(tag: string, editable: boolean, type: string): boolean {
  return editable || tag === "TEXTAREA" || tag === "SELECT" || (tag === "INPUT" && !["checkbox", "radio", "button", "submit"].includes(type));
}

/** What Esc clears first: search, then the views a zoom is in, then the selection and the baseline. */
export function escapeStep(s: { q: string; m: string; z: string; f: string; callers: string; sel: unknown; base?: unknown }): "q" | "m" | "z" | "callers" | "f" | "sel" | "base" | null {
  if (s.q) return "q";
  if (s.m) return "m";
  if (s.z) return "z";
  if (s.callers) return "callers";
  if (s.f) return "f";
  if (s.sel) return "sel";
  if (s.base) return "base";
  return null;
}
