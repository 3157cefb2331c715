// What can be done with a method: the menu of a frame and of a row, opened by
// the right button, by Shift-F10 and by a button.

import { copy } from "../export/copy";
import { Menu, type Item, type Spot } from "../shell/menu";
import { displayName, parts } from "../text/name";
import type { Actions, Subject } from "./useicicle";
import type { Recorder } from "./userecorder";

export interface Opened { subject: Subject; at: Spot; }

export function FrameMenu({ r, m, opened, onClose }: { r: Recorder; m: Actions; opened: Opened; onClose: () => void }) {
  const { subject, at } = opened, { act } = m, { state } = r;
  const { name, node } = subject;
  const pane = subject.below ? m.below : m.above;
  const method = node < 0 || m.isMethod(subject);
  const pkg = parts(name).pkg;
  const items: Item[] = [];
  const put = (id: string, label: string, hint: string, run: () => void) => items.push({ id, label, hint, run });
  if (node >= 0 && pane) put("zoom", "Zoom to it", "Enter", () => m.zoomTo(node, pane));
  if (method) {
    if (name !== state.callers) put("sandwich", "Callers and callees", "S", () => act.sandwich(name));
    if (name !== state.f) put("focus", "Focus: only stacks with it", "F", () => act.focus(name));
    if (node > 0) put("hide", "Hide this stack", "H", () => act.hide(subject));
    put("exclude", "Leave out all stacks with it", "X", () => act.exclude(name));
    put("mark", "Highlight everywhere", "", () => r.set({ m: name, q: "" }, true));
  }
  put("recursion", state.fold.includes("recursion") ? "Unfold recursion" : "Collapse recursion", "R", () => act.fold("recursion"));
  if (method && pkg) {
    const fold = `package:${pkg}.`;
    put("package", `${state.fold.includes(fold) ? "Unfold" : "Collapse"} ${displayName(pkg, 48)}`, "", () => act.fold(fold));
  }
  put("invert", state.inv ? "Grow from the roots" : "Invert: grow from the leaves", "I", act.invert);
  if (method) put("copy", "Copy name", "", () => void copy(name));
  return <Menu at={at} title={displayName(name, 80)} items={items} testid="frame-menu" onClose={onClose} />;
}
