// A component that renders again only when one of its properties changed.
// Preact keeps this in its compatibility layer, which would be ten times the
// size of these lines.

import { Component, createElement, type ComponentType, type FunctionComponent } from "preact";

export function memo<P extends object>(inner: FunctionComponent<P>): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const a = this.props as Record<string, unknown>, b = next as Record<string, unknown>;
      for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) if (k !== "children" && a[k] !== b[k]) return true;
      return false;
    }
    override render() {
      return createElement(inner, this.props as P);
    }
  } as unknown as ComponentType<P>;
}
