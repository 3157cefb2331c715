// What a pane shows when it has no data to show: loading, empty, failed, not
// permitted. Each says what is the case and what can be done.

import type { ComponentChildren } from "preact";
import type { ApiError } from "../api";

interface NoteProps { kind: "loading" | "empty" | "error" | "denied"; title: string; children?: ComponentChildren; action?: { label: string; run: () => void }; }

const SIGN = { loading: "", empty: "○", error: "!", denied: "!" };

export function Note({ kind, title, children, action }: NoteProps) {
  return (
    <div class={"note note-" + kind} role={kind === "error" || kind === "denied" ? "alert" : "status"} data-testid={"state-" + kind}>
      {kind === "loading" ? <span class="spinner" aria-hidden="true" /> : <span class="note-sign" aria-hidden="true">{SIGN[kind]}</span>}
      <h2>{title}</h2>
      {children && <div class="note-text">{children}</div>}
      {action && <button type="button" class="button" onClick={action.run}>{action.label}</button>}
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  const action = retry && { label: "Try again", run: retry };
  if (error.status === 401 || error.status === 403) {
    return <Note kind="denied" title="You are not permitted to see this" action={action}><p>{error.message}</p>{error.detail && <p>{error.detail}</p>}</Note>;
  }
  return (
    <Note kind="error" title={error.message} action={action}>
      {error.detail && <p>{error.detail}</p>}
      {error.position && <p class="quiet">At: {error.position}</p>}
    </Note>
  );
}

/** One line above data that is still shown although something is wrong. */
export function Banner({ children, testid }: { children: ComponentChildren; testid: string }) {
  return <p class="banner" role="status" data-testid={testid}>{children}</p>;
}
