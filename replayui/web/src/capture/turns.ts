import type { Action, Level, Reason } from "../protocol/format.ts";
import type { Locks } from "./locks.ts";

/** An agent's request, as the gateway passes it on. */
export interface Request { id: number; from: number; name: string; node: number; action: Action; value: string; seen: number }

/** What a request comes upon. */
export interface Facts {
  /** what rules it out whatever the user says */
  bar?: Reason | undefined;
  /** who holds the element; 0 nobody */
  holder: number;
  /** the user is in some other element, and would lose the focus */
  busy: boolean;
  /** the user changed the element after what the agent saw */
  changed: boolean;
  /** it sends a form, leaves the page, or the operator wants it asked */
  leads: boolean;
}

const ACTION = /^(click|doubleclick|hover|fill|check|uncheck|select|focus|scroll|key|navigate|back|forward)$/;
/** needs no question, and changes nothing that could be in the user's way */
const LOOKS = /^(hover|scroll)$/;
const LEAVES = /^(navigate|back|forward)$/;
const CHANGES = /^(fill|check|uncheck|select|key)$/;

/** Answers that a browser owes within this time are given by it. */
export const ANSWER_MS = 30_000;
const MAX_QUESTIONS = 8;
const MAX_OPEN = 64;

/** What becomes of a request: done, asked first, or denied for a reason. The one place where that is decided. */
export function decide(r: Request, level: Level | undefined, f: Facts, allowed: boolean): "do" | "ask" | Reason {
  const { action } = r;
  if (!ACTION.test(action) || (level !== "propose" && level !== "act")) return "forbidden";
  if (f.bar) return f.bar;
  if (f.holder && !LOOKS.test(action)) return "locked";
  if (f.busy && (action === "focus" || (action === "key" && r.value.endsWith("Tab")))) return "locked";
  if (allowed) return "do";
  if (f.changed && CHANGES.test(action)) return "conflict";
  const free = LOOKS.test(action) || action === "focus";
  return LEAVES.test(action) || f.leads || (level === "propose" && !free) ? "ask" : "do";
}

/** What turns need of the page. */
export interface Page {
  /** whether anything can be looked up and done now */
  ready(): boolean;
  /** the node that stands for the control a request is about; 0 none: the page itself, or a node that is gone */
  control(r: Request): number;
  facts(r: Request): Facts;
  /** shows a question: `answered` tells what the user says */
  ask(r: Request): void;
  withdraw(id: number): void;
  /** begins to carry a request out, for as long as it `goes`; `done` ends it. `allowed`: the user was asked */
  act(r: Request, value: string, allowed: boolean): void;
  answer(id: number, denied: Reason | null, value?: string): void;
}

interface Open { r: Request; state: "waiting" | "asked" | "doing"; control: number; until: number; allowed: boolean; value: string; locked: boolean }

/**
 * The requests of agents, from their arrival to the one answer that each gets
 * (docs/LOCKS.md). Those about one control are taken in their order, one at a
 * time; one is carried out at a time; a question holds up only its control.
 */
export class Turns {
  readonly #page: Page;
  readonly #locks: Locks;
  readonly #now: () => number;
  readonly #decide: typeof decide;
  /** all that came, answered or not: what comes again is left */
  #known = new Set<number>();
  #open = new Map<number, Open>();
  #doing = 0;
  #level: Level | undefined;
  #up = true;
  #pumping = false;

  constructor(page: Page, locks: Locks, now: () => number, how = decide) {
    this.#page = page;
    this.#locks = locks;
    this.#now = now;
    this.#decide = how;
  }

  /** Whether any request waits for its answer. */
  get any(): boolean {
    return this.#open.size > 0;
  }

  request(r: Request): void {
    if (this.#known.has(r.id)) return;
    this.#known.add(r.id);
    if (this.#open.size >= MAX_OPEN) return this.#page.answer(r.id, "flood");
    this.#open.set(r.id, { r, state: "waiting", control: -1, until: this.#now() + ANSWER_MS, allowed: false, value: r.value, locked: false });
    this.pump();
  }

  /** The gateway waits no longer. What is being carried out gets its answer at its end. */
  expire(id: number): void {
    const o = this.#open.get(id);
    if (o && o.state !== "doing") this.#close(o, "expired");
    else if (!this.#known.has(id)) {
      this.#known.add(id);
      this.#page.answer(id, "expired");
    }
    this.pump();
  }

  /** The user's answer to a question. */
  answered(id: number, allow: boolean, value?: string): void {
    const o = this.#open.get(id);
    if (o?.state !== "asked") return;
    if (allow) {
      o.state = "waiting";
      o.allowed = true;
      o.value = value ?? o.value;
    } else this.#close(o, "refused");
    this.pump();
  }

  /** Whether a request that was begun is to go on. */
  goes(id: number): boolean {
    return this.#open.get(id)?.state === "doing";
  }

  /** What was begun has come to its end; or to what the user is to be asked about: it would leave the page, or send a form. */
  done(id: number, ok: boolean | object): void {
    if (this.#doing === id) this.#doing = 0;
    const o = this.#open.get(id);
    if (o?.state === "doing") {
      if (ok && ok !== true) this.#question(o);
      else this.#close(o, ok ? null : "failed");
    }
    this.pump();
  }

  /** The user does something in a control: a change that is under way there is given up. */
  touched(control: number): void {
    const o = this.#open.get(this.#doing);
    if (o?.control === control) this.#close(o, "conflict");
    this.#locks.touch(control);
    this.pump();
  }

  set level(level: Level) {
    this.#level = level;
    if (level === "view" || level === "point") this.stop("refused");
    this.pump();
  }

  /** Answers all that is open. What is being carried out stops before its next step. */
  stop(why: Reason): void {
    for (const o of [...this.#open.values()]) this.#close(o, why);
  }

  /** The page's numbering is void: the gateway has given the answers. */
  drop(): void {
    for (const o of this.#open.values()) if (o.state === "asked") this.#page.withdraw(o.r.id);
    this.#open.clear();
    this.#locks.clear();
  }

  /** Nothing is begun while the connection is down: the gateway may answer in the browser's stead. */
  set up(up: boolean) {
    this.#up = up;
    this.pump();
  }

  tick(): void {
    for (const o of [...this.#open.values()]) if (o.state !== "doing" && o.until <= this.#now()) this.#close(o, "expired");
    this.#locks.tick();
    this.pump();
  }

  /** Takes every request as far as it can go now. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let again = true; again; ) {
        again = false;
        const taken = new Set<number>();
        for (const o of [...this.#open.values()]) {
          if (!this.#page.ready()) return;
          if (o.control < 0) o.control = this.#page.control(o.r);
          if (o.state === "waiting" && !taken.has(o.control) && this.#open.has(o.r.id) && this.#take(o)) again = true;
          taken.add(o.control);
        }
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Takes a request that waits one step on, if it can. */
  #take(o: Open): boolean {
    const what = this.#decide(o.r, this.#level, this.#page.facts(o.r), o.allowed);
    if (what === "ask") {
      this.#question(o);
      return true;
    }
    if (what !== "do") {
      this.#close(o, what);
      return true;
    }
    if (this.#doing || !this.#up) return false;
    o.locked = !!o.control && (CHANGES.test(o.r.action) || o.r.action.endsWith("click"));
    if (o.locked && !this.#locks.take(o.control, o.r.from)) {
      o.locked = false;
      this.#close(o, "locked");
      return true;
    }
    o.state = "doing";
    this.#doing = o.r.id;
    this.#page.act(o.r, o.value, o.allowed);
    return true;
  }

  #question(o: Open): void {
    let questions = 0;
    for (const other of this.#open.values()) if (other.state === "asked") questions++;
    if (questions >= MAX_QUESTIONS) return this.#close(o, "flood");
    this.#free(o);
    o.state = "asked";
    this.#page.ask(o.r);
  }

  #free(o: Open): void {
    if (o.locked) this.#locks.release(o.control, o.r.from);
    o.locked = false;
  }

  /** Gives a request its answer: nothing else does. */
  #close(o: Open, denied: Reason | null): void {
    if (!this.#open.delete(o.r.id)) return;
    if (o.state === "asked") this.#page.withdraw(o.r.id);
    if (denied || o.value === o.r.value) this.#page.answer(o.r.id, denied);
    else this.#page.answer(o.r.id, null, o.value);
    this.#free(o);
  }
}
