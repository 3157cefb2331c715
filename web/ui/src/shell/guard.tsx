// A fault of the page itself must not leave an empty window: it is named, and
// the header stays to go elsewhere.

import { Component, type ComponentChildren } from "preact";
import { Note } from "./state";

export class Guard extends Component<{ children: ComponentChildren }, { fault: string }> {
  override state = { fault: "" };

  override componentDidCatch(e: unknown): void {
    console.error(e); // with its stack, for the report someone will write
    this.setState({ fault: e instanceof Error ? e.message : String(e) });
  }

  override render() {
    if (!this.state.fault) return this.props.children;
    return (
      <main class="page">
        <Note kind="error" title="The page has a fault" action={{ label: "Reload", run: () => location.reload() }}><p>{this.state.fault}</p></Note>
      </main>
    );
  }
}
