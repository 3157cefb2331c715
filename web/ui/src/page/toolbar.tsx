// Above the heat map: which service, is it live, which type, which time.

import { typeLabel } from "../text/units";
import { Export } from "../export/menu";
import { LabelChips } from "./filters";
import type { Actions } from "./useicicle";
import type { Recorder } from "./userecorder";
import { Title, When } from "./when";

export function Toolbar({ r, m, service, comparing }: { r: Recorder; m: Actions; service: string; comparing: boolean }) {
  const { state, set, info, live } = r;
  return (
    <div class="toolbar">
      <Title service={service} live={live} moving={r.range.moving} lastMs={info?.last_ms} now={r.now} />
      <div class="segments" role="group" aria-label="Profile type" data-testid="types">
        {r.types.map((t) => (
          <button
            key={t.name} type="button" aria-pressed={t.name === r.type} data-testid={`type-${t.name}`}
            onClick={() => set({ type: t.name, z: "", callers: "", f: "", m: "" })}
          title={`${typeLabel(t.name)}, in ${t.unit}`}>{typeLabel(t.name)}</button>
        ))}
      </div>
      <When state={state} range={r.range} set={set} />
      {!comparing && <LabelChips service={service} match={state.match} testid="match" onMatch={(match) => set({ match, z: "" })} />}
      <Export r={r} m={m} service={service} comparing={comparing} />
    </div>
  );
}
