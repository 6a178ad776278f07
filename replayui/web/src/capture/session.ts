import { RecordKind, type Level } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import { Recorder, type Kept } from "../page/recorder.ts";
import { Assist } from "./assist.ts";
import { Hand } from "./hand.ts";
import * as late from "late-natives";
import { Link, NoSession, type FromGateway } from "./link.ts";
import type { Settings } from "./settings.ts";
import type { Trigger } from "./trigger.ts";

/** What the gateway takes in one frame (events/FORMAT.md, Limits), less a frame's head. */
const MAX_STATE = (8 << 20) - 64;
const MAX_BATCH = (1 << 20) - 64;

const LEVELS: Level[] = ["view", "point", "propose", "act"];

/** What the first part kept and hands over. */
export interface Tools {
  /** the built-ins from before the page's own scripts */
  dom: typeof dom;
  kept: Kept;
  settings: Settings;
  trigger: Trigger;
  language: string;
}

/** How a session comes about: asked for, gone on with, or by an agent's code. */
export interface Begin { how: "ask" | "resume" | "code"; code?: string }

let capture: Capture | undefined;

/** Called by the first part, with what it kept from before the page's scripts. */
export function open(tools: Tools, begin: Begin): void {
  late.take(tools.dom);
  capture ??= new Capture(tools);
  capture.begin(begin);
}

/** Brings together the element, the connection, the recorder and the agent's hand. */
class Capture {
  readonly #tools: Tools;
  readonly #assist: Assist;
  #link: Link | undefined;
  #recorder: Recorder | undefined;
  readonly #hand: Hand;
  #level: Level | undefined;
  #agents: string[] = [];
  #shared = false;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#assist = new Assist(tools.trigger, {
      request: () => void this.#request(false),
      end: () => {
        this.#link?.end();
        this.#over("user");
      },
      consent: (participant, allow) => {
        if (allow) this.#hand.level = this.#level = "act";
        this.#link?.text({ type: "consent", participant, allow, level: "act" });
      },
      pause: (paused) => this.#grant(paused ? "point" : "act"),
    });
    const link = () => this.#link;
    this.#hand = new Hand({
      frame: (kind, payload) => link()?.frame(kind, payload),
      get last() { return link()?.last ?? 0; },
    }, this.#assist, () => tools.settings.ask ?? []);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#link?.text({ type: "visible" });
    });
  }

  /** The user gives agents a level: it counts at once, and the gateway is told. */
  #grant(level: Level): void {
    this.#hand.level = this.#level = level;
    this.#link?.text({ type: "level", level });
  }

  /** What the gateway believes of the level. Of two the lower one counts: the user may have stopped while the connection was down. */
  #agree(level: Level | undefined): void {
    if (!level || level === this.#level) return;
    if (this.#level && LEVELS.indexOf(this.#level) < LEVELS.indexOf(level)) this.#grant(this.#level);
    else this.#hand.level = this.#level = level;
  }

  begin({ how, code }: Begin): void {
    if (this.#link) return;
    void this.#request(how === "resume", code);
  }

  async #request(resume: boolean, code?: string): Promise<void> {
    if (!resume) this.#assist.working();
    const link = new Link((m) => link === this.#link && this.#hear(m), (up) => {
      this.#assist.connection(up);
      this.#hand.connected(up, link.overflowed);
    });
    this.#link = link;
    try {
      const s = await link.start(resume, code);
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
        this.#agree(m.level);
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
        this.#agree(m.level);
        this.#agents = (m.agents ?? []).map((a) => a.name);
        this.#shared = true;
        this.#assist.sharing(this.#agents);
        this.#record();
        break;
      case "resync":
        this.#record();
        break;
      case "request":
        this.#hand.request(m);
        break;
      case "expire":
        this.#hand.expire(m.id ?? 0);
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
    const { kept, settings } = this.#tools;
    this.#recorder?.stop();
    link.overflowed = false;
    kept.hosts.length = 0;
    const mine = (n: Node) => n === this.#tools.trigger.host;
    this.#recorder = new Recorder(window, kept, {
      state: (b) => (b.length > MAX_STATE ? this.#tooLarge() : this.#hand.begun(link.frame(RecordKind.PageState, b))),
      // Changes larger than a frame may be are told by the whole page.
      batch: (b) => (b.length > MAX_BATCH ? this.#record() : link.frame(RecordKind.PageEvents, b)),
    }, mine, settings.mask);
    this.#hand.attend(this.#recorder);
    this.#recorder.start();
  }

  #tooLarge(): void {
    this.#link?.end();
    this.#over("large");
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
    this.#hand.over();
    this.#level = undefined;
    this.#link = undefined;
    // A code that nobody used is taken back without ado.
    if (reason === "user" && !this.#shared) this.#assist.idle();
    else this.#assist.ended(reason);
    this.#shared = false;
  }
}
