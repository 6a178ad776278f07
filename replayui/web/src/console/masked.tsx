import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { nameOf } from "../view/naming.ts";
import { maskedIn } from "../view/private.ts";
import type { Parts } from "./live-session.ts";
import { state } from "./live-state.ts";

interface Row { id: number; kind: string; name: string }

const LOOK_MS = 700;
const MAX_SHOWN = 300;

/** What of the page an agent would not see: listed, and marked on the page. */
export function Masked({ parts }: { parts: () => Parts }) {
  const rows = useSignal<Row[]>([]);
  const chosen = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => look(parts(), rows.peek(), (r) => (rows.value = r)), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const show = (id: number) => {
    chosen.value = id;
    const { stage } = parts();
    stage.marks.outline("masked-chosen", id, "chosen");
  };
  return (
    <section class="masked" aria-labelledby="masked">
      <h2 id="masked">Masked on this page <span class="count" data-testid="masked-count">{rows.value.length}</span></h2>
      <p class="hint">This is what an agent would see of the page. Nothing of it is recorded.</p>
      {state.value === "live" && !rows.value.length && <p class="hint">Nothing is masked here.</p>}
      <ul class="pages">
        {rows.value.slice(0, MAX_SHOWN).map((r) => (
          <li key={r.id} data-testid="masked-row" class={chosen.value === r.id ? "chosen" : ""}>
            <button onClick={() => show(r.id)}><b>{r.name}</b><small>{r.kind}</small></button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function look({ stage }: Parts, before: Row[], found: (rows: Row[]) => void): void {
  if (!stage.mirror.document) return;
  const rows = maskedIn(stage.mirror.document).map((el) => ({ id: stage.mirror.id(el), kind: kindOf(el), name: nameOf(el) })).filter((r) => r.id);
  if (JSON.stringify(rows) === JSON.stringify(before)) return;
  stage.marks.removeAll("masked");
  for (const r of rows.slice(0, MAX_SHOWN)) stage.marks.outline("masked " + r.id, r.id, "masked");
  found(rows);
}

function kindOf(el: Element): string {
  const type = el.localName === "input" ? ` type=${(el as HTMLInputElement).type}` : "";
  const name = el.getAttribute("name") ?? el.id;
  return `<${el.localName}${type}>${name ? " " + name : ""}`;
}
