import { useEffect, useRef } from "preact/hooks";
import type { Account } from "../view/api.ts";
import { Bar, KeysHint } from "./live-bar.tsx";
import { Banner, Curtain } from "./live-curtain.tsx";
import { Header } from "./live-header.tsx";
import { open, type Parts } from "./live-session.ts";
import { Side } from "./live-side.tsx";
import { covered, hovers, keysOn, mode, notice, preview } from "./live-state.ts";
import { Masked } from "./masked.tsx";

/** An agent's view of a live session. */
export function Live({ session, account }: { session: string; account: Account }) {
  const room = useRef<HTMLDivElement>(null);
  const parts = useRef<Parts>(undefined);
  useEffect(() => {
    parts.current = open(session, room.current!);
  }, []);
  const of = () => parts.current!;
  const key = (e: KeyboardEvent) => {
    if (e.key !== "F6" || e.defaultPrevented) return;
    e.preventDefault();
    of().stage.overlay.focus();
  };
  return (
    <div class="live-view" onKeyDown={key}>
      <Header session={session} parts={of} />
      <div class="work">
        <main class="stage" inert={covered.value}>
          <Bar parts={of} />
          <div class={`room mode-${mode.value}${hovers.value ? " hovers" : ""}${keysOn.value ? " keys-on" : ""}`} ref={room} />
          <KeysHint />
        </main>
        <aside aria-label="Session" tabIndex={0} inert={covered.value}>
          {preview.value && <Masked parts={of} />}
          <Side account={account} parts={of} />
        </aside>
        <Curtain />
        <Banner />
        <p class="sr" aria-live="polite" data-testid="notice">{notice.value}</p>
      </div>
    </div>
  );
}
