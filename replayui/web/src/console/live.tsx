import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Action, EventRequest } from "../protocol/format.ts";
import type { Account } from "../view/api.ts";
import { Brand } from "../view/signin.tsx";
import { Stage } from "../view/stage.ts";
import { LiveHand, type Mode } from "./live-hand.ts";
import { LiveLink, type ToAgent } from "./live-link.ts";

interface Request { id: number; what: string; state: "pending" | "confirmed" | "denied"; reason: string }

const REASONS: Record<string, string> = {
  conflict: "the user changed it meanwhile", locked: "the user is busy with it", masked: "this field is private", gone: "it is not on the page any more",
  disabled: "it is disabled", forbidden: "this is not allowed", refused: "the user said no", expired: "there was no answer", failed: "it did not work",
};
const MAX_LISTED = 50;

const state = signal("connecting");
const trouble = signal("");
const url = signal("");
const title = signal("");
const mode = signal<Mode>("control");
const level = signal("act");
const latency = signal(0);
const missing = signal(0);
const requests = signal<Request[]>([]);

function describe(r: EventRequest, stage: Stage): string {
  const n = stage.mirror.node(r.node);
  const el = n as HTMLInputElement | undefined;
  const name = (el?.labels?.[0]?.textContent || el?.getAttribute?.("aria-label") || el?.name || (n?.nodeType === 1 ? el!.textContent : "") || el?.localName || "").trim().slice(0, 40);
  const what: Partial<Record<Action, string>> = { fill: `Fill ${name}: “${r.value ?? ""}”`, scroll: "Scroll the page", navigate: `Go to ${r.value}`, select: `Choose in ${name}` };
  return what[r.action] ?? `${r.action[0]!.toUpperCase()}${r.action.slice(1)} ${name}`;
}

function settle(id: number, to: "confirmed" | "denied", reason: string): void {
  requests.value = requests.value.map((r) => (r.id === id ? { ...r, state: to, reason } : r));
}

function open(session: string, room: HTMLElement): { link: LiveLink; hand: LiveHand; stage: Stage } {
  const stage: Stage = new Stage(room, "mirror", true, () => (missing.value = stage?.missing.size ?? 0));
  let me = 0;
  const link: LiveLink = new LiveLink(session, stage, {
    text: (m) => {
      if (m.type === "welcome") me = m.participant ?? 0;
      if (m.type === "pong") latency.value = link.latency;
      if (m.type === "rejected" && !m.id) requests.value = [...requests.value, { id: -Date.now(), what: "Request", state: "denied" as const, reason: m.reason ?? "" }].slice(-MAX_LISTED);
      hear(m);
    },
    request: (r) => {
      requests.value = [...requests.value, { id: r.id, what: describe(r, stage), state: "pending" as const, reason: "" }].slice(-MAX_LISTED);
      stage.outline("request " + r.id, r.node, "pending");
    },
    confirmation: (c) => {
      settle(c.request, c.outcome, c.reason ?? "");
      stage.unmark("request " + c.request);
    },
    lifecycle: (l) => {
      if (l.level) level.value = l.level;
    },
    pointer: (p, from) => {
      if (from !== me) stage.pointAt("agent " + from, "Agent", p.vx, p.vy);
    },
    shown: () => {
      url.value = stage.mirror.shown.url;
      title.value = stage.mirror.shown.title;
    },
    connection: (up) => {
      if (!up) state.value = "reconnecting";
    },
  });
  const hand = new LiveHand(stage, {
    pointer: (p) => link.send({ type: "pointer", page: link.page, ...p }),
    request: (node, action, value) => link.send({ type: "request", page: link.page, node, action, value, seen: link.seen, ref: `${Date.now()}.${Math.random()}` }),
  });
  link.connect().catch((e: Error) => {
    state.value = "ended";
    trouble.value = e.message;
  });
  return { link, hand, stage };
}

function hear(m: ToAgent): void {
  switch (m.type) {
    case "welcome":
      state.value = m.state ?? "asking";
      level.value = m.level ?? level.value;
      url.value ||= m.pages?.[0]?.url ?? "";
      break;
    case "consent":
      state.value = m.allow ? "live" : "refused";
      break;
    case "level":
      level.value = m.level ?? "act";
      break;
    case "suspended":
      state.value = "suspended";
      break;
    case "resumed":
      state.value = "live";
      break;
    case "ended":
      state.value = m.reason === "refused" ? "refused" : "ended";
      trouble.value = m.detail ?? "";
  }
}

const SAYS: Record<string, [string, string]> = {
  connecting: ["Connecting…", ""],
  asking: ["Waiting for the user to allow it", "The user is being asked, with your name. Nothing of the page is shown before that."],
  refused: ["The user did not allow it", "Nothing was shown. Ask the user to choose “Need help?” again if this was a mistake."],
  ended: ["The session is over", "Its recording appears in the list in a moment."],
};

/** The agent's view of a live session. */
export function Live({ session, account }: { session: string; account: Account }) {
  const room = useRef<HTMLDivElement>(null);
  const parts = useRef<ReturnType<typeof open>>(undefined);
  useEffect(() => {
    parts.current = open(session, room.current!);
  }, []);
  const choose = (m: Mode) => {
    mode.value = m;
    parts.current!.hand.mode = m;
  };
  const can = { view: true, point: level.value !== "view", control: level.value === "act" };
  const says = SAYS[state.value];
  return (
    <div class="live-view">
      <header class="top">
        <a href="/" aria-label="Pillion, back to the list"><Brand /></a>
        <span class={"chip " + state.value} data-testid="state">{state.value}</span>
        <span class="place"><b>{title.value}</b> <small>{url.value}</small></span>
        <span class="grow" />
        <span class="modes" role="group" aria-label="What your mouse does">
          {(["view", "point", "control"] as const).map((m) => (
            <button key={m} data-testid={"mode-" + m} aria-pressed={mode.value === m} disabled={!can[m]} onClick={() => choose(m)}>{m[0]!.toUpperCase() + m.slice(1)}</button>
          ))}
        </span>
        <small data-testid="latency" title="Round trip to the gateway">{latency.value ? `${latency.value} ms` : "– ms"}</small>
        <button class="danger" data-testid="end" onClick={() => parts.current?.link.send({ type: "end" })} disabled={!!says && state.value !== "asking"}>End</button>
      </header>
      <div class="work">
        <div class={"room mode-" + mode.value} ref={room} />
        <aside>
          <h2>Requests</h2>
          <p class="hint">What you do on the page is asked of the user's browser, and shows once it is confirmed.</p>
          <p class="counts">
            <span data-testid="pending">{requests.value.filter((r) => r.state === "pending").length}</span> pending
            {missing.value > 0 && <span class="missing" data-testid="missing"> · {missing.value} file{missing.value === 1 ? "" : "s"} missing</span>}
          </p>
          <ul class="requests" aria-live="polite">
            {requests.value.toReversed().map((r) => (
              <li key={r.id} class={r.state} data-testid={r.state}>
                <b>{r.what}</b>
                <span>{r.state === "denied" ? `Denied: ${REASONS[r.reason] ?? r.reason}` : r.state === "confirmed" ? "Done" : "Pending…"}</span>
              </li>
            ))}
          </ul>
          <p class="grow" />
          <small>Signed in as {account.name}</small>
        </aside>
        {says && (
          <div class="curtain">
            <div class="panel" role="status">
              <h1>{says[0]}</h1>
              <p class="hint">{trouble.value || says[1]}</p>
              {(state.value === "ended" || state.value === "refused") && <a class="button primary" href="/">Back to the console</a>}
            </div>
          </div>
        )}
        {(state.value === "suspended" || state.value === "reconnecting") && (
          <p class="banner" role="status">{state.value === "suspended" ? "The user's browser is away. The session goes on when it comes back." : "Reconnecting…"}</p>
        )}
      </div>
    </div>
  );
}
