// A small model of a live session for test/turns.model.test.ts: the browser's
// real code for turns and locks, a gateway and an agent as docs/LOCKS.md has
// them, and a network that delays, cuts and doubles.
import type { Level, Reason } from "../src/protocol/format.ts";
import { Locks, USER } from "../src/capture/locks.ts";
import { decide, Turns, type Facts, type Page, type Request } from "../src/capture/turns.ts";

export const NODES = [1, 2, 3];
/** How long a request waits; and how long a browser may take that is told to answer now. */
export const ASKED_MS = 30_000;
const TOLD_MS = 10_000;

/** What is done wrong on purpose, to see that the model notices. */
export interface Faults {
  decide?: typeof decide;
  /** the browser forgets what it answered when the connection comes back */
  forgetful?: boolean;
  /** a change goes on though the user is in its element */
  stubborn?: boolean;
  /** the gateway denies after 30 s without asking the browser */
  hasty?: boolean;
  /** the gateway denies for a page that is away, and takes its old numbers when it comes back */
  lenient?: boolean;
  /** a lock is taken whoever holds it */
  grabbing?: boolean;
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function dice(seed: number): (sides: number) => number {
  let a = seed | 0;
  return (sides) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

/** A value, and the request that brought it about; 0 the user. */
interface Change { node: number; value: string; request: number }

type Body =
  | { kind: "state"; page: number; values: Record<number, string> }
  | { kind: "batch"; changes: Change[] }
  | { kind: "lock"; node: number; held: boolean; by: number }
  | { kind: "answer"; request: number; denied: Reason | null; value: string | undefined };
type Entry = (Body | { kind: "request"; r: Request; page: number }) & { offset: number };
type Up = { type: "hello"; page: number } | { type: "frame"; seq: number; body: Body } | { type: "level"; level: Level };
type Down = { type: "welcome"; page: number; ack: number; state: boolean } | { type: "ack"; seq: number } | { type: "request"; r: Request } | { type: "expire"; id: number } | { type: "resync" };

/** One socket: what is on its way in both directions, in order. */
interface Wire { up: Up[]; down: Down[]; cut: boolean }

export class Fault extends Error {}

class GrabbingLocks extends Locks {
  override holder(): number {
    return 0;
  }
}

/** The user's browser: the real turns and locks, on a page of three fields. */
export class Browser implements Page {
  values: Record<number, string> = { 1: "", 2: "", 3: "" };
  locks: Locks;
  turns: Turns;
  asked = new Set<number>();
  level: Level = "act";
  wire: Wire | undefined;
  /** what the user's browser answered, and the gateway must have as well */
  answers = new Map<number, Reason | null>();
  page = 0;
  acting: { r: Request; value: string; step: number; ask: boolean } | undefined;
  private seq = 0;
  private up = false;
  private unsent: { seq: number; body: Body }[] = [];
  private batch: Change[] = [];
  private changed = new Map<number, number>();
  private edits = 0;
  /** the frame of the last page state: nodes of requests that know only what was before it are others now */
  private since = 0;

  constructor(private readonly now: () => number, private readonly faults: Faults) {
    const told = (node: number, held: boolean, by: number) => {
      this.flush();
      this.frame({ kind: "lock", node, held, by });
    };
    this.locks = faults.grabbing ? new GrabbingLocks(now, told) : new Locks(now, told);
    this.turns = this.newTurns();
  }

  private newTurns(): Turns {
    const turns = new Turns(this, this.locks, this.now, this.faults.decide ?? decide);
    turns.level = this.level;
    turns.up = this.up;
    return turns;
  }

  // What the user does.

  edit(node: number): void {
    if (this.faults.stubborn) this.locks.touch(node);
    else this.turns.touched(node);
    this.values[node] = "u" + ++this.edits;
    this.batch.push({ node, value: this.values[node]!, request: 0 });
    this.changed.set(node, this.seq + 1);
  }

  moved(): void {
    this.locks.moved();
    this.turns.pump();
  }

  answerQuestion(id: number, allow: boolean, value?: string): void {
    this.asked.delete(id);
    this.turns.answered(id, allow, value);
  }

  setLevel(level: Level): void {
    this.level = level;
    this.turns.level = level;
    if (this.up) this.wire?.up.push({ type: "level", level });
  }

  // The page, for the turns.

  ready = (): boolean => this.page > 0;
  control = (r: Request): number => r.node;

  facts(r: Request): Facts {
    return { bar: r.seen < this.since ? "gone" : undefined, holder: this.locks.holder(r.node), busy: false, changed: (this.changed.get(r.node) ?? 0) > r.seen, leads: r.action === "click" };
  }

  ask(r: Request): void {
    this.asked.add(r.id);
  }

  withdraw(id: number): void {
    this.asked.delete(id);
  }

  act(r: Request, value: string, allowed: boolean): void {
    if (this.acting) throw new Fault("two acts at a time");
    this.acting = { r, value, step: 0, ask: r.action === "key" && !allowed };
  }

  /** Two parts of an act, between which anything may happen. */
  step(): void {
    const a = this.acting!;
    const end = (ok: boolean | object) => {
      this.acting = undefined;
      this.turns.done(a.r.id, ok);
    };
    if (!this.turns.goes(a.r.id)) return end(false);
    if (this.level === "view" || this.level === "point") throw new Fault(`request ${a.r.id} goes on at level ${this.level}`);
    this.values[a.r.node] = a.step ? a.value : a.value.slice(0, 1);
    this.batch.push({ node: a.r.node, value: this.values[a.r.node]!, request: a.r.id });
    if (a.ask) end({}); // the rest is for the user to allow
    else if (a.step++) end(true);
  }

  answer(request: number, denied: Reason | null, value?: string): void {
    if (this.answers.has(request) && !this.faults.forgetful) throw new Fault(`request ${request} is answered twice by the browser`);
    this.answers.set(request, denied);
    this.flush();
    this.frame({ kind: "answer", request, denied, value });
  }

  // Its connection, numbered and sent again as capture/link.ts does.

  private frame(body: Body): void {
    const f = { seq: ++this.seq, body };
    this.unsent.push(f);
    if (this.up) this.wire!.up.push({ type: "frame", ...f });
  }

  flush(): void {
    if (this.page && this.batch.length) this.frame({ kind: "batch", changes: this.batch.splice(0) });
  }

  connect(wire: Wire): void {
    this.wire = wire;
    wire.up.push({ type: "hello", page: this.page });
  }

  lost(): void {
    this.up = false;
    this.wire = undefined;
    this.turns.up = false;
  }

  hear(m: Down): void {
    switch (m.type) {
      case "welcome":
        return this.welcomed(m.page, m.ack, m.state);
      case "ack":
        return this.acknowledged(m.seq);
      case "request":
        return this.turns.request(m.r);
      case "expire":
        return this.turns.expire(m.id);
      case "resync":
        return this.state();
    }
  }

  /** Sends the page anew, as Hand.attend and capture/session.ts do. */
  private state(): void {
    this.turns.stop("gone");
    this.locks.clear();
    this.batch = [];
    this.frame({ kind: "state", page: this.page, values: { ...this.values } });
    this.since = this.seq;
  }

  private acknowledged(seq: number): void {
    while (this.unsent.length && this.unsent[0]!.seq <= seq) this.unsent.shift();
  }

  private welcomed(page: number, ack: number, state: boolean): void {
    this.up = true;
    const voided = page !== this.page;
    if (voided) {
      this.page = page;
      this.seq = 0;
      for (const { body } of this.unsent) if (body.kind === "answer") this.answers.delete(body.request);
      this.unsent = [];
      this.batch = [];
      this.changed.clear();
      this.turns.drop();
    }
    this.acknowledged(ack);
    for (const f of this.unsent) this.wire!.up.push({ type: "frame", ...f });
    if (voided || state) this.state();
    this.wire!.up.push({ type: "level", level: this.level });
    if (this.faults.forgetful) this.turns = this.newTurns();
    this.turns.up = true;
  }
}

/** The gateway: the log, what is pending, and who is there. */
export class Gateway {
  log: Entry[] = [];
  values: Record<number, string> = {};
  locks = new Map<number, number>();
  pending = new Map<number, { r: Request; until: number; expired: boolean }>();
  level: Level = "act";
  private refs = new Set<string>();
  private page = 0;
  private pages = 0;
  private wire: Wire | undefined;
  private seq = 0;
  private frames: { offset: number; seq: number }[] = [];
  private ids = 0;

  constructor(private readonly now: () => number, private readonly faults: Faults) {}

  private write(e: Body | { kind: "request"; r: Request; page: number }): number {
    this.log.push({ ...e, offset: this.log.length + 1 });
    return this.log.length;
  }

  hear(wire: Wire, m: Up): void {
    if (m.type === "hello") return this.hello(wire, m.page);
    if (wire !== this.wire) return;
    if (m.type === "level") {
      this.level = m.level;
      return;
    }
    if (m.seq > this.seq + 1) throw new Fault(`frame ${m.seq} after ${this.seq}`);
    if (m.seq === this.seq + 1) {
      this.seq = m.seq;
      const offset = this.take(m.body);
      if (offset) this.frames.push({ offset, seq: m.seq });
    }
    wire.down.push({ type: "ack", seq: this.seq });
  }

  private hello(wire: Wire, page: number): void {
    if (this.wire && this.wire !== wire) this.wire.cut = true; // a page has one connection
    this.wire = wire;
    if (page !== this.page || !page) {
      this.page = ++this.pages;
      this.seq = 0;
      this.frames = [];
      this.forget("expired");
    }
    wire.down.push({ type: "welcome", page: this.page, ack: this.seq, state: !this.seq });
    // What was on its way when the connection broke may be lost. The browser knows what it has.
    for (const p of this.pending.values()) {
      wire.down.push({ type: "request", r: p.r });
      if (!p.expired) continue;
      p.until = this.now() + TOLD_MS;
      wire.down.push({ type: "expire", id: p.r.id });
    }
  }

  gone(wire: Wire): void {
    if (wire === this.wire) this.wire = undefined;
  }

  private forget(why: Reason): void {
    for (const id of [...this.pending.keys()]) this.deny(id, why);
    this.locks.clear();
  }

  private deny(id: number, why: Reason): void {
    this.pending.delete(id);
    this.write({ kind: "answer", request: id, denied: why, value: undefined });
  }

  private take(body: Body): number {
    switch (body.kind) {
      case "state":
        this.values = { ...body.values };
        this.locks.clear();
        break;
      case "batch":
        for (const c of body.changes) this.values[c.node] = c.value;
        break;
      case "lock":
        if (body.held) this.locks.set(body.node, body.by);
        else this.locks.delete(body.node);
        break;
      case "answer":
        if (!this.pending.delete(body.request)) return 0; // counted, and not believed
    }
    return this.write(body);
  }

  /** The digests differed: the page is to come again. */
  resync(): void {
    if (this.seq) this.wire?.down.push({ type: "resync" });
  }

  tick(): void {
    for (const p of [...this.pending.values()]) {
      if (p.until > this.now() || !this.pending.has(p.r.id)) continue;
      if (this.faults.hasty) this.deny(p.r.id, "expired");
      else if (p.expired) this.giveUp();
      else {
        p.expired = true;
        p.until = this.now() + TOLD_MS;
        this.wire?.down.push({ type: "expire", id: p.r.id });
      }
    }
  }

  /** The page stays away, or does not answer: its numbers are void. */
  private giveUp(): void {
    this.forget("expired");
    if (this.faults.lenient) return;
    if (this.wire) this.wire.cut = true;
    this.wire = undefined;
    this.page = 0;
  }

  /** An agent asks: logged, and passed on unless it never may be. */
  ask(ref: string, r: Omit<Request, "id">, page: number): void {
    if (this.refs.has(ref)) return; // rejected: repeated
    this.refs.add(ref);
    const id = ++this.ids;
    const asked = { ...r, id };
    this.write({ kind: "request", r: asked, page });
    const why: Reason | undefined = page !== this.page || !page ? "gone" : this.level === "view" || this.level === "point" ? "forbidden" : undefined;
    if (why) {
      this.write({ kind: "answer", request: id, denied: why, value: undefined });
      return;
    }
    const seen = this.frames.findLast((f) => f.offset <= r.seen)?.seq ?? 0;
    this.pending.set(id, { r: { ...asked, seen }, until: this.now() + ASKED_MS, expired: false });
    this.wire?.down.push({ type: "request", r: { ...asked, seen } });
  }
}

/** The agent's side: the log as it has come so far. */
export class Agent {
  seen = 0;
  page = 0;
  values: Record<number, string> = {};
  locks = new Map<number, number>();
  pending = new Set<number>();

  hear(e: Entry): void {
    this.seen = e.offset;
    if (e.kind === "state") {
      this.page = e.page;
      this.values = { ...e.values };
      this.locks.clear();
    } else if (e.kind === "batch") for (const c of e.changes) this.values[c.node] = c.value;
    else if (e.kind === "lock" && e.held) this.locks.set(e.node, e.by);
    else if (e.kind === "lock") this.locks.delete(e.node);
    else if (e.kind === "request") this.pending.add(e.r.id);
    else this.pending.delete(e.request);
  }
}

/** What the log must never say, whatever happened. */
export function judge(log: Entry[], allowed: Set<number>): { confirmed: number; denied: number; locks: number } {
  const answers = new Map<number, Reason | null>();
  const requests = new Map<number, Request>();
  const holders = new Map<number, number>();
  const edits = new Map<number, number>();
  let state = 0;
  const count = { confirmed: 0, denied: 0, locks: 0 };
  for (const e of log) {
    if (e.kind === "request") requests.set(e.r.id, e.r);
    if (e.kind === "state") {
      holders.clear();
      state = e.offset;
    }
    if (e.kind === "lock") {
      count.locks++;
      const holder = holders.get(e.node) ?? 0;
      if (e.held && holder && holder !== e.by) throw new Fault(`node ${e.node} is held by ${holder} and ${e.by}`);
      if (!e.held && holder !== e.by) throw new Fault(`node ${e.node} is let go by ${e.by}, held by ${holder}`);
      if (e.held) holders.set(e.node, e.by);
      else holders.delete(e.node);
    }
    for (const c of e.kind === "batch" ? e.changes : []) {
      const holder = holders.get(c.node) ?? 0;
      const r = requests.get(c.request);
      if (r && holder !== r.from) throw new Fault(`request ${r.id} changes node ${c.node}, which ${holder || "nobody"} holds`);
      if (!r && holder > USER) throw new Fault(`the user changes node ${c.node}, which ${holder} holds`);
      if (r && !allowed.has(r.id) && (edits.get(c.node) ?? 0) > r.seen) throw new Fault(`request ${r.id} overwrites what its agent had not seen`);
      if (!r) edits.set(c.node, e.offset);
    }
    if (e.kind !== "answer") continue;
    if (answers.has(e.request)) throw new Fault(`request ${e.request} has two answers`);
    if (!requests.has(e.request)) throw new Fault(`an answer to ${e.request}, which nobody asked`);
    answers.set(e.request, e.denied);
    const r = requests.get(e.request)!;
    if (!e.denied && r.seen < state) throw new Fault(`request ${r.id} is about another page state than the one it was done on`);
    if (e.denied) count.denied++;
    else count.confirmed++;
  }
  for (const id of requests.keys()) if (!answers.has(id)) throw new Fault(`request ${id} has no answer`);
  return count;
}
