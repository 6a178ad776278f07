import { RecordKind, type Drawing, type Lifecycle, type Lock, type LogRecord, type Person, type PointerAt } from "../protocol/format.ts";
import { places } from "./geometry.ts";
import { who } from "./marks.ts";
import type { Stage } from "./stage.ts";

const USER = 1;
/** A pointer that rests for so long is dimmed. */
const RESTING_MS = 10_000;

const text = new TextDecoder();

/** The JSON of a record. */
export function json<T>(r: LogRecord): T {
  return JSON.parse(text.decode(r.payload)) as T;
}

/** What a session has beside its pages: who points where, what is drawn, which elements are in use. */
export class Beside {
  readonly names = new Map<number, string>();
  private page = 0;
  private locks = new Map<number, Map<number, number>>();
  private pointed = new Map<number, { p: PointerAt; at: number }>();

  /** own: the participant whose pointer is only an echo; 0 for none. */
  constructor(private readonly stage: Stage, private readonly own: () => number = () => 0) {
    stage.onPlaced(() => this.place());
  }

  name(participant: number): string {
    return participant === USER ? "User" : (this.names.get(participant) ?? "Agent");
  }

  know(people: readonly Person[]): void {
    for (const p of people) if (p.name) this.names.set(p.participant, p.name);
  }

  /** Takes a record at a time in ms, on whatever clock tick is called with. */
  take(r: LogRecord, at: number): void {
    switch (r.kind) {
      case RecordKind.PageState:
        this.locks.delete(r.page);
        break;
      case RecordKind.Lock:
        this.lock(r.page, json<Lock>(r));
        break;
      case RecordKind.Lifecycle:
        this.lifecycle(json<Lifecycle>(r));
        break;
      case RecordKind.Pointer:
        if (r.page === this.page) this.point(r.from, json<PointerAt>(r), at);
        break;
      case RecordKind.Drawing:
        if (r.page === this.page) this.draw(r.from, json<Drawing>(r), at);
    }
  }

  /** Another page is on show, or the same one anew. */
  turnTo(page: number): void {
    this.page = page;
    this.stage.drawings.clear();
    this.stage.marks.removeAll("pointer ");
    this.stage.marks.removeAll("lock ");
    this.pointed.clear();
    for (const [node, by] of this.locks.get(page) ?? []) this.showLock(node, by);
  }

  /** Forgets all but the names. */
  clear(): void {
    this.locks.clear();
    this.turnTo(0);
  }

  draw(from: number, drawing: Drawing, at: number): void {
    this.stage.drawings.draw(from, drawing, who(from), at);
  }

  tick(now: number): void {
    this.stage.drawings.tick(now);
    for (const [from, { p, at }] of this.pointed) {
      if (now - at < 0) this.leave(from);
      else this.showPointer(from, p, now - at > RESTING_MS);
    }
  }

  /** Who holds an element of the page on show; 0 for nobody. */
  holder(node: number): number {
    return this.locks.get(this.page)?.get(node) ?? 0;
  }

  /** Somebody is no longer there. */
  leave(participant: number): void {
    this.pointed.delete(participant);
    this.stage.marks.remove("pointer " + participant);
  }

  private lifecycle(l: Lifecycle): void {
    if (l.type === "joined" && l.participant && l.name) this.names.set(l.participant, l.name);
    if (l.type === "left" && l.participant) this.leave(l.participant);
  }

  private lock(page: number, { node, held, by }: Lock): void {
    const of = this.locks.get(page) ?? new Map<number, number>();
    this.locks.set(page, of);
    if (held) of.set(node, by);
    else of.delete(node);
    if (page !== this.page) return;
    if (held) this.showLock(node, by);
    else this.stage.marks.remove("lock " + node);
  }

  private showLock(node: number, by: number): void {
    const label = by === USER ? "The user is here" : by === this.own() ? "You are here" : `${this.name(by)} is here`;
    this.stage.marks.outline("lock " + node, node, `lock ${who(by)}`, label);
  }

  private point(from: number, p: PointerAt, at: number): void {
    this.pointed.set(from, { p, at });
    this.showPointer(from, p, false);
    const [x, y] = this.where(p);
    if (p.down) this.stage.ripple(x, y, who(from));
  }

  private showPointer(from: number, p: PointerAt, resting: boolean): void {
    const own = from === this.own();
    const [x, y] = this.where(p);
    this.stage.marks.pointAt("pointer " + from, own ? "You" : this.name(from), x, y, `${who(from)}${own ? " echo" : ""}${resting ? " resting" : ""}`);
  }

  /** By the node's box: the two pages may be laid out with a difference. */
  private where(p: PointerAt): [number, number] {
    const box = p.node ? this.stage.box(p.node) : undefined;
    return box ? (places(box, [p.x, p.y]) as [number, number]) : [p.vx, p.vy];
  }

  private place(): void {
    for (const [from, { p }] of this.pointed) {
      const [x, y] = this.where(p);
      this.stage.marks.move("pointer " + from, x, y);
    }
  }
}
