import { RecordKind } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import { Recorder, type Kept } from "../page/recorder.ts";
import { Assist } from "./assist.ts";
import { Hand } from "./hand.ts";
import { keep } from "./kept.ts";
import { Link, marked, NoSession, type FromGateway } from "./link.ts";
import type { Table } from "./origins.ts";
import { route } from "./routes.ts";

/** What the gateway takes in one frame (events/FORMAT.md, Limits), less a frame's head. */
const MAX_STATE = (8 << 20) - 64;
const MAX_BATCH = (1 << 20) - 64;

/** The gateway puts its table of origins in this name's place (replayui/bundle.go). */
declare const PILLION_ORIGINS: Table | null;

const kept = keep(window, route(window, PILLION_ORIGINS));
if (kept) whenReady(() => new Capture(kept));

/** Waits for the page's markup; a session that is on does not wait for a slow page's end. */
function whenReady(go: () => void): void {
  let gone = false;
  const once = () => {
    if (!gone) go();
    gone = true;
  };
  if (document.readyState !== "loading") return once();
  document.addEventListener("DOMContentLoaded", once, { once: true });
  if (!marked()) return;
  const early = () => (document.body ? once() : gone || dom.nextFrame(early));
  early();
}

/** Brings together the element, the connection, the recorder and the agent's hand. */
class Capture {
  readonly #kept: Kept;
  readonly #assist: Assist;
  #link: Link | undefined;
  #recorder: Recorder | undefined;
  #hand: Hand | undefined;
  #agents: string[] = [];
  #shared = false;

  constructor(kept: Kept) {
    this.#kept = kept;
    this.#assist = new Assist({
      request: () => void this.#request(false),
      end: () => {
        this.#link?.end();
        this.#over("user");
      },
      consent: (participant, allow) => this.#link?.text({ type: "consent", participant, allow, level: "act" }),
      pause: (paused) => this.#link?.text({ type: "level", level: paused ? "point" : "act" }),
    });
    this.#assist.place();
    this.#stay();
    if (marked()) void this.#request(true);
    else this.#assist.idle();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#link?.text({ type: "visible" });
    });
  }

  /** document.open and scripts may throw the element out. */
  #stay(): void {
    dom.later(() => {
      this.#assist.place();
      this.#stay();
    }, 1000);
  }

  async #request(resume: boolean): Promise<void> {
    if (!resume) this.#assist.working();
    const link = new Link((m) => link === this.#link && this.#hear(m), (up) => this.#assist.connection(up));
    this.#link = link;
    try {
      const s = await link.start(resume);
      if (s.code) this.#assist.code(s.code, s.codeExpires ?? 0, !resume);
    } catch (e) {
      this.#link = undefined;
      if (e instanceof NoSession) this.#assist.idle();
      else if (resume) dom.later(() => void this.#request(true), 2000);
      else this.#assist.failed();
    }
  }

  #hear(m: FromGateway): void {
    switch (m.type) {
      case "welcome":
        this.#agents = (m.agents ?? []).map((a) => a.name);
        if (m.state === "waiting" && m.code) this.#assist.code(m.code, m.codeExpires ?? 0, false);
        if (m.state === "live") {
          this.#shared = true;
          this.#assist.sharing(this.#agents);
        }
        if (m.state === "live" && this.#link?.overflowed) this.#record();
        break;
      case "join":
        this.#assist.consent(m.participant ?? 0, m.name ?? "The agent");
        break;
      case "start":
        this.#agents = (m.agents ?? []).map((a) => a.name);
        this.#shared = true;
        this.#assist.sharing(this.#agents);
        this.#record();
        break;
      case "resync":
        this.#record();
        break;
      case "request":
        void this.#act(m);
        break;
      case "pointer":
        this.#point(m);
        break;
      case "gone":
        this.#assist.gone(m.participant ?? 0);
        break;
      case "fetch":
        for (const url of (m.urls ?? []).slice(0, 200)) this.#refetch(url);
        break;
      case "ended":
        this.#over(m.reason ?? "");
    }
  }

  /** Sends the page whole, and what happens from now on. */
  #record(): void {
    const link = this.#link;
    if (!link) return;
    this.#recorder?.stop();
    link.overflowed = false;
    this.#kept.hosts.length = 0;
    const mine = (n: Node) => n === this.#assist.host;
    this.#recorder = new Recorder(window, this.#kept, {
      state: (b) => (b.length > MAX_STATE ? this.#tooLarge() : link.frame(RecordKind.PageState, b)),
      // Changes larger than a frame may be are told by the whole page.
      batch: (b) => (b.length > MAX_BATCH ? this.#record() : link.frame(RecordKind.PageEvents, b)),
    }, mine);
    this.#hand = new Hand(this.#recorder, () => link.last, (what, who) => this.#assist.confirm(what, who));
    this.#hand.watch(document);
    this.#recorder.start();
  }

  #tooLarge(): void {
    this.#link?.end();
    this.#over("large");
  }

  async #act(m: FromGateway): Promise<void> {
    const hand = this.#hand;
    const recorder = this.#recorder;
    if (!hand || !recorder?.ready) return;
    let denied: string | null;
    try {
      denied = await hand.act(m);
    } catch {
      denied = "failed";
    }
    recorder.flushNow();
    const answer = dom.json({ request: m.id, outcome: denied ? "denied" : "confirmed", reason: denied ?? undefined });
    this.#link?.frame(RecordKind.EventConfirmation, new TextEncoder().encode(answer));
  }

  #point(m: FromGateway): void {
    const p = m.pointer;
    if (!p) return;
    const n = this.#recorder?.tree.node(p.node);
    let [x, y] = [p.vx, p.vy];
    if (n && dom.nodeType(n) === 1 && n !== document.documentElement && n !== document.body) {
      const box = (n as Element).getBoundingClientRect();
      if (box.width && n.ownerDocument === document) [x, y] = [box.left + box.width * p.x, box.top + box.height * p.y];
    }
    this.#assist.point(m.from ?? 0, m.name ?? "", x, y);
  }

  /** The archive lacks a file that this page uses: fetched again, it passes the gateway. */
  #refetch(url: string): void {
    const u = new URL(url, location.href);
    if (u.origin === location.origin) void fetch(u, { cache: "reload", credentials: "same-origin" }).catch(() => {});
  }

  #over(reason: string): void {
    this.#recorder?.stop();
    this.#recorder = undefined;
    this.#hand = undefined;
    this.#link = undefined;
    // A code that nobody used is taken back without ado.
    if (reason === "user" && !this.#shared) this.#assist.idle();
    else this.#assist.ended(reason);
    this.#shared = false;
  }
}
