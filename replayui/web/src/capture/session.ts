import { RecordKind, type Level } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import { Recorder, type Kept } from "../page/recorder.ts";
import type * as Acts from "./act.ts";
import { Assist } from "./assist.ts";
import { Hand } from "./hand.ts";
import * as late from "late-natives";
import { Link, NoSession, Refused, type FromGateway } from "./link.ts";
import type * as Files from "./files.ts";
import type { Settings } from "./settings.ts";
import type { Trigger } from "./trigger.ts";

/** What the gateway takes in one frame (events/FORMAT.md, Limits), less a frame's head. */
const MAX_STATE = (8 << 20) - 64;
const MAX_BATCH = (1 << 20) - 64;

const LEVELS: Level[] = ["view", "point", "propose", "act"];

/** What the first part kept and hands over. */
export interface Tools {
  /** the built-ins from before the page's own scripts */
  natives: readonly unknown[];
  kept: Kept;
  settings: Settings;
  trigger: Trigger;
  language: string;
}

/** How a session comes about: asked for, gone on with, or by an agent's code. */
export interface Begin {
  how: "ask" | "resume" | "code";
  code?: string;
  /** the session began in another tab, which the user has before them */
  behind?: boolean;
}

let capture: Capture | undefined;

/** Called by the first part, with what it kept from before the page's scripts. */
export function open(tools: Tools, begin: Begin): void {
  late.take(tools.natives);
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
  #files: Promise<typeof Files | undefined> | undefined;
  #level: Level | undefined;
  /** choices of a level that the gateway has not confirmed */
  #unheard = 0;
  #shared = false;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#assist = new Assist(tools, {
      request: () => void this.#request(false),
      use: (code) => void this.#request(false, code),
      end: () => {
        this.#link?.end();
        this.#over("user");
      },
      consent: (participant, allow, level) => {
        if (allow) this.#hand.level = this.#level = level;
        this.#link?.text({ type: "consent", participant, allow, level });
      },
      level: (level) => this.#grant(level),
      unlock: () => this.#hand.unlock(),
    });
    const link = () => this.#link;
    let tries = 0;
    this.#hand = new Hand({
      frame: (kind, payload) => link()?.frame(kind, payload),
      get last() { return link()?.last ?? 0; },
    }, this.#assist, async () => {
      // Relative to this script; what once failed to load may be asked for by another name only.
      const path = `./act.js?v=${tools.settings.parts}&n=${tries++}`;
      const acts = (await import(path)) as typeof Acts;
      acts.take(tools.natives);
      return acts;
    }, () => tools.settings.ask ?? []);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#link?.text({ type: "visible" });
    });
  }

  /** The user gives agents a level: it counts at once, and the gateway is told. */
  #grant(level: Level): void {
    this.#hand.level = this.#level = level;
    this.#unheard++;
    this.#link?.text({ type: "level", level });
  }

  /** What the gateway believes of the level. Of two the lower one counts: the user may have stopped while the connection was down. */
  #agree(level: Level | undefined): void {
    if (!level || level === this.#level) return;
    if (this.#level && LEVELS.indexOf(this.#level) < LEVELS.indexOf(level)) this.#grant(this.#level);
    else this.#hand.level = this.#level = this.#assist.level = level;
  }

  begin({ how, code, behind }: Begin): void {
    if (this.#link) return;
    void this.#request(how === "resume", code, behind);
  }

  async #request(resume: boolean, code?: string, behind?: boolean): Promise<void> {
    if (!resume) this.#assist.working();
    const link = new Link((m) => link === this.#link && this.#hear(m), (up) => {
      this.#assist.connection(up);
      this.#hand.connected(up, link.overflowed);
    });
    link.behind = !!behind;
    this.#link = link;
    try {
      const s = await link.start(resume, code);
      if (s.code) this.#assist.code(s.code, s.codeExpires ?? 0, !resume);
    } catch (e) {
      this.#link = undefined;
      if (e instanceof NoSession) this.#assist.idle();
      else if (resume) dom.later(() => void this.#request(true), 2000);
      else if (code && e instanceof Refused && e.status < 500) this.#assist.enter(e.status === 429 ? "many" : "wrong", code);
      else this.#assist.failed();
    }
  }

  #hear(m: FromGateway): void {
    switch (m.type) {
      case "welcome":
        this.#unheard = 0;
        this.#agree(m.level);
        if (m.state === "waiting" && m.code) this.#assist.code(m.code, m.codeExpires ?? 0, false);
        if (m.state === "live") {
          this.#shared = true;
          this.#assist.sharing(m.agents, m.control);
        }
        if (m.state === "live" && this.#link?.overflowed) this.#record();
        break;
      case "join":
        this.#assist.consent({ participant: m.participant ?? 0, name: m.name ?? "", role: m.role, org: m.org, first: m.first });
        break;
      case "agents":
        this.#assist.sharing(m.agents ?? [], m.control ?? 0);
        break;
      case "start":
        this.#agree(m.level);
        this.#shared = true;
        this.#assist.sharing(m.agents, m.control);
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
        if (m.pointer) this.#assist.point(m.from ?? 0, m.name ?? "", this.#element(m.pointer.node), m.pointer);
        break;
      case "draw":
        if (m.drawing) this.#assist.draw(m.from ?? 0, m.name ?? "", this.#element(m.drawing.node) ?? document.documentElement, m.drawing);
        break;
      case "level":
        if (m.own) this.#unheard--;
        // Until the gateway has heard the choice made here, what it says of others' is older.
        if (m.level && (!this.#unheard || LEVELS.indexOf(m.level) < LEVELS.indexOf(this.#level!))) this.#hand.level = this.#level = this.#assist.level = m.level;
        break;
      case "gone":
        this.#assist.gone(m.participant ?? 0);
        break;
      case "fetch":
        void this.#files?.then((part) => part?.refetch(m.urls ?? [], m.maybe ?? []));
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
    this.#files ??= this.#loadFiles();
    this.#recorder.start();
  }

  #tooLarge(): void {
    this.#link?.end();
    this.#over("large");
  }

  /** The element that an agent shows something in; null for the page as a whole. */
  #element(node: number): Element | null {
    let n: Node | null | undefined = this.#recorder?.tree.node(node);
    if (n && dom.nodeType(n) !== 1) n = dom.parentNode(n);
    return n && dom.nodeType(n) === 1 && n !== document.documentElement && n !== document.body ? (n as Element) : null;
  }

  /** What looks after files; where it does not come, their names are not told and nothing is handed in. */
  async #loadFiles(): Promise<typeof Files | undefined> {
    const path = `./files.js?v=${this.#tools.settings.parts}`; // the bundler looks for what an import names itself
    const part = await (import(path) as Promise<typeof Files>).catch(() => undefined);
    part?.take(this.#tools.natives);
    if (this.#recorder) part?.watch(() => this.#link, () => this.#recorder);
    return part;
  }

  #over(reason: string): void {
    this.#recorder?.stop();
    this.#recorder = undefined;
    void this.#files?.then((part) => part?.over());
    this.#files = undefined;
    this.#hand.over();
    this.#level = undefined;
    this.#link = undefined;
    // A code that nobody used is taken back without ado.
    if (reason === "user" && !this.#shared) this.#assist.idle();
    else this.#assist.ended(reason);
    this.#shared = false;
  }
}
