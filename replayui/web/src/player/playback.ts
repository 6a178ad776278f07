import { Cause, Op, RecordKind, type LogRecord, type PageEvent } from "../protocol/format.ts";
import { decodeBatch, decodeState } from "../page/reader.ts";
import { Beside } from "../view/beside.ts";
import type { Stage } from "../view/stage.ts";
import type { Keyframe, Recording, Segment } from "./recording.ts";

/** Further ahead than this a keyframe is worth starting from. */
const JUMP_MS = 20_000;
/** A click that is longer ago is not shown any more. */
const RIPPLE_MS = 700;
/** So many changes of a page that is not rebuilt are kept: for more a keyframe is nearer. */
const MAX_BATCHES = 2000;

/** The flag of a page state whose tab is behind others. */
const HIDDEN = 1;

/** Whether an event says that the user has its page before them (events/pages.go, ComesToFront). */
function comesToFront({ op, cause, n }: PageEvent): boolean {
  return (op === Op.Hidden && !n?.[0]) || (cause === Cause.User && (op === Op.Click || op === Op.Key));
}

/** What is known of a page that is not on show; whole: it can be built anew from that. */
interface Waiting { state: LogRecord; batches: LogRecord[]; whole: boolean }

/** Shows the page as it was at a time: from the nearest keyframe, by the records after it. */
export class Playback {
  time = 0;
  private offset = 0;
  private page = 0;
  private waiting = new Map<number, Waiting>();
  private turn: Promise<void> = Promise.resolve();
  private wanted = 0;
  private readonly beside: Beside;
  private named = false;
  /** the page in front cannot be built from what is kept of it */
  private lost = false;

  constructor(private readonly recording: Recording, private readonly stage: Stage, private readonly changed: () => void) {
    this.beside = new Beside(stage);
  }

  /** Shows the page at a time, in ms; resolves when it is there. Only the latest wish counts. */
  seek(ms: number): Promise<void> {
    const wish = ++this.wanted;
    this.turn = this.turn.catch(() => {}).then(async () => {
      if (wish !== this.wanted) return;
      try {
        await this.go(Math.max(0, Math.min(ms, this.recording.described.duration)));
      } catch (e) {
        this.time = Infinity; // half of a step may be shown: the next one starts anew
        throw e;
      }
    });
    return this.turn;
  }

  /** Fetches what playing on is going to need. */
  ahead(): void {
    this.recording.ahead(this.offset);
  }

  private async go(ms: number): Promise<void> {
    await this.stage.ready;
    if (!this.named) for (const r of await this.recording.joins()) this.beside.take(r, 0);
    this.named = true;
    const frame = this.recording.described.keyframes.findLast((k) => k.t <= ms);
    const far = frame && frame.offset > this.offset && frame.t - this.time > JUMP_MS;
    if (ms < this.time || far) await this.restart(ms);
    for (let again = true; again; ) again = await this.follow(ms);
    this.time = ms;
    this.beside.tick(ms);
    if (!this.page) this.stage.frame.contentDocument?.body?.replaceChildren();
    this.changed();
  }

  /** Applies what came until a time; true where it has to go on from elsewhere. */
  private async follow(ms: number): Promise<boolean> {
    for await (const r of this.recording.between(this.offset, ms)) {
      if ("to" in r) return this.passOver(r, ms); // it is damaged
      this.stage.hurried = ms - this.recording.time(r) > RIPPLE_MS;
      this.apply(r, true);
      this.offset = r.offset;
      if (this.waiting.get(this.page)?.whole === false && this.lost) {
        await this.restart(ms);
        return true;
      }
    }
    return false;
  }

  /** Goes on behind a segment that cannot be read: from the keyframe there, if there is one. */
  private async passOver(s: Segment, ms: number): Promise<boolean> {
    this.offset = s.to;
    const frame = this.recording.described.keyframes.find((k) => k.offset >= s.to && k.t <= ms);
    if (frame) {
      this.forget();
      if (!(await this.start(frame))) this.offset = s.to;
    }
    return true;
  }

  private forget(): void {
    this.offset = 0;
    this.page = 0;
    this.lost = false;
    this.waiting.clear();
    this.beside.clear();
  }

  /** Starts from the last keyframe before a time that can be read, or from the beginning. */
  private async restart(ms: number): Promise<void> {
    const frames = this.recording.described.keyframes;
    this.forget();
    for (let i = frames.findLastIndex((k) => k.t <= ms); i >= 0; i--) {
      if (await this.start(frames[i]!)) return;
    }
  }

  /** Starts from a keyframe, with what is beside the page there; false when it is damaged. */
  private async start(frame: Keyframe): Promise<boolean> {
    this.recording.soon(frame.offset);
    const records = await this.recording.keyframe(frame.n);
    if (!records) return false;
    for (const r of records) this.apply(r, false);
    this.offset = frame.offset;
    this.stage.hurried = true;
    this.show();
    for (const r of records) if (r.kind !== RecordKind.PageState) this.beside.take(r, this.recording.time(r));
    return true;
  }

  private apply(r: LogRecord, live: boolean): void {
    if (live) this.beside.take(r, this.recording.time(r));
    if (r.kind === RecordKind.PageState) {
      const known = this.waiting.has(r.page);
      this.waiting.set(r.page, { state: r, batches: [], whole: true });
      // A tab that is opened behind others, or sends its page again there, stays there. Of a keyframe the last one is on show.
      if (live && this.page && this.page !== r.page && (known || r.payload[1]! & HIDDEN)) return;
      this.page = r.page;
      if (live) this.show();
    } else if (r.kind === RecordKind.PageEvents) {
      this.batch(r, live);
    }
  }

  private batch(r: LogRecord, live: boolean): void {
    const page = this.waiting.get(r.page);
    if (!page) return;
    if (page.whole) page.batches.push(r);
    if (page.batches.length > MAX_BATCHES) {
      page.batches = [];
      page.whole = false;
    }
    if (!live) return;
    const { events } = decodeBatch(r.payload);
    if (r.page !== this.page) {
      if (!events.some(comesToFront)) return; // pages go on changing behind others
      this.page = r.page;
      return this.show();
    }
    this.stage.mirror.applyAll(events);
    this.stage.watch(events, (node) => this.beside.holder(node));
  }

  /** Builds the page on show anew. */
  private show(): void {
    const page = this.waiting.get(this.page);
    if (!page) return;
    if (!page.whole) {
      this.lost = true;
      return;
    }
    this.stage.page = this.page;
    this.stage.mirror.show(decodeState(page.state.payload));
    for (const b of page.batches) this.stage.mirror.applyAll(decodeBatch(b.payload).events);
    this.stage.listen();
    this.stage.layout();
    this.beside.turnTo(this.page);
  }
}
