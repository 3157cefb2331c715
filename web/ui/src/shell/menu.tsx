// A menu of actions at a point of the window: arrows walk, Enter chooses, Esc
// and a click elsewhere close it, the focus goes back to where it was.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";

export interface Item {
  id: string;
  label: ComponentChildren;
  hint?: string; // the key that does the same
  run?: () => void;
  href?: string; // a file of the server instead of an action
  off?: boolean;
}

export interface Spot { x: number; y: number; }

/** Below an element, as a menu of a button opens. */
export function below(el: Element): Spot {
  const r = el.getBoundingClientRect();
  return { x: r.left, y: r.bottom + 2 };
}

export function Menu({ at, title, items, testid, onClose }: { at: Spot; title: string; items: Item[]; testid: string; onClose: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;

  useLayoutEffect(() => {
    const el = ref.current!;
    const x = Math.max(8, Math.min(at.x, innerWidth - el.offsetWidth - 8));
    // Upward where there is no room below.
    const y = at.y + el.offsetHeight > innerHeight - 8 ? Math.max(8, at.y - el.offsetHeight) : at.y;
    el.style.transform = `translate(${x}px, ${y}px)`;
  });
  // Before the next key can come.
  useLayoutEffect(() => {
    const was = document.activeElement as HTMLElement | null, el = ref.current!;
    el.querySelector<HTMLElement>("[role=menuitem]:not([aria-disabled=true])")?.focus({ preventScroll: true });
    const away = (e: Event) => { if (!(e.target instanceof Node && el.contains(e.target))) close.current(); };
    addEventListener("pointerdown", away, true);
    addEventListener("resize", away);
    addEventListener("blur", away);
    return () => {
      removeEventListener("pointerdown", away, true);
      removeEventListener("resize", away);
      removeEventListener("blur", away);
      if (el.contains(document.activeElement) || document.activeElement === document.body) was?.focus({ preventScroll: true });
    };
  }, []);

  const key = (e: KeyboardEvent) => {
    const all = [...ref.current!.querySelectorAll<HTMLElement>("[role=menuitem]:not([aria-disabled=true])")];
    const i = all.indexOf(document.activeElement as HTMLElement), n = all.length;
    if (e.key === "Escape" || e.key === "Tab") close.current();
    else if (e.key === "ArrowDown") all[(i + 1) % n]?.focus();
    else if (e.key === "ArrowUp") all[(i - 1 + n) % n]?.focus();
    else if (e.key === "Home") all[0]?.focus();
    else if (e.key === "End") all[n - 1]?.focus();
    else {
      e.stopPropagation(); // keys of the page rest while a menu is open
      return;
    }
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div class="menu" ref={ref} role="menu" aria-label={title} data-testid={testid} onKeyDown={key} onContextMenu={(e) => e.preventDefault()}>
      <p class="menu-title clip" aria-hidden="true">{title}</p>
      {items.map((i) => {
        const inner = <><span>{i.label}</span>{i.hint && <kbd>{i.hint}</kbd>}</>;
        const common = { role: "menuitem" as const, tabIndex: -1, "data-testid": "menu-" + i.id };
        if (i.href) return <a key={i.id} {...common} href={i.href} download onClick={() => setTimeout(() => close.current())}>{inner}</a>;
        return (
          <button key={i.id} {...common} type="button" aria-disabled={i.off ? "true" : undefined} onClick={() => { if (!i.off) { close.current(); i.run?.(); } }}>{inner}</button>
        );
      })}
    </div>
  );
}
