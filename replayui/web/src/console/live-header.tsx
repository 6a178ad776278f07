import { useSignal } from "@preact/signals";
import { Brand } from "../view/signin.tsx";
import { useDialog } from "../view/dialog.tsx";
import type { Mode } from "./live-hand.ts";
import type { Parts } from "./live-session.ts";
import { hindrance, invited, latency, mode, now, preview, role, state, title, url, wish, type LiveState } from "./live-state.ts";
import { CodeToTell } from "./code.tsx";

const MODES: { mode: Mode; name: string; hint: string }[] = [
  { mode: "view", name: "View", hint: "Look at the page only" },
  { mode: "point", name: "Point", hint: "Show your pointer to the user, and draw" },
  { mode: "control", name: "Control", hint: "Act on the page; the user’s browser confirms each change" },
];

const CHIPS: Record<LiveState, string> = {
  connecting: "connecting", offered: "offered", waiting: "waiting", asking: "asking the user", live: "live", suspended: "user away",
  reconnecting: "reconnecting", refused: "refused", ended: "ended",
};

/** Who and what is on show, and what the agent's mouse does. */
export function Header({ session, parts }: { session: string; parts: () => Parts }) {
  const over = state.value === "ended" || state.value === "refused";
  const leave = () => {
    parts().link.leave();
    location.assign("/");
  };
  return (
    <header class="top">
      <a href="/" aria-label="Pillion, back to the list"><Brand /></a>
      <span class={"chip " + state.value} data-testid="state" data-session={session}>{CHIPS[state.value]}</span>
      {preview.value && <span class="chip preview">preview</span>}
      <span class="place"><h1>{title.value || "The user’s page"}</h1> <small data-testid="url">{url.value}</small></span>
      <span class="grow" />
      <span class="modes" role="group" aria-label="What your mouse does">
        {MODES.map(({ mode: m, name, hint }) => {
          const why = hindrance(m);
          return (
            <button key={m} data-testid={"mode-" + m} aria-pressed={mode.value === m} disabled={!!why} title={why || hint} onClick={() => (wish.value = m)}>{name}</button>
          );
        })}
      </span>
      <small class="latency" data-testid="latency" title="Round trip to the gateway">{latency.value ? `${latency.value} ms` : "– ms"}</small>
      {!preview.value && state.value === "live" && <Invite parts={parts} />}
      {!over && state.value !== "offered" && <button class="quiet" data-testid="leave" title="The session goes on without you" onClick={leave}>Leave</button>}
      <End parts={parts} disabled={over || state.value === "connecting"} />
    </header>
  );
}

function End({ parts, disabled }: { parts: () => Parts; disabled: boolean }) {
  const [dialog, show, close] = useDialog();
  const end = () => {
    parts().link.send({ type: "end" });
    close();
  };
  return (
    <>
      <button class="danger" data-testid="end" disabled={disabled} onClick={show}>End</button>
      <dialog ref={dialog} class="panel ask" aria-labelledby="end-title">
        <h1 id="end-title">End the session?</h1>
        <p class="hint">It ends for the user and for everybody else. {role.value === "agent" ? "To leave it to a colleague, choose Leave." : ""}</p>
        <div class="row">
          <button class="plain" onClick={close}>Go on</button>
          <button class="warning" data-testid="end-confirm" onClick={end}>End it</button>
        </div>
      </dialog>
    </>
  );
}

function Invite({ parts }: { parts: () => Parts }) {
  const [dialog, show, close] = useDialog();
  const asked = useSignal(0);
  const ask = () => {
    asked.value = now.value;
    if (!invited.value || invited.value.until < Date.now()) parts().link.send({ type: "invite" });
    show();
  };
  return (
    <>
      <button class="quiet" data-testid="invite" onClick={ask}>Invite</button>
      <dialog ref={dialog} class="panel ask" aria-labelledby="invite-title">
        <h1 id="invite-title">Invite a colleague</h1>
        <p class="hint">Your colleague enters this code on the console. The user is asked before anything is shown.</p>
        {invited.value ? <CodeToTell code={invited.value} again={() => parts().link.send({ type: "invite" })} /> : <p role="status">{now.value - asked.value > 5000 ? "No code came. Try again." : "One moment…"}</p>}
        <div class="row"><button class="plain" onClick={close}>Close</button></div>
      </dialog>
    </>
  );
}
