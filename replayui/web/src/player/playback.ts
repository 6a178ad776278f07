import { RecordKind, type LogRecord } from "../protocol/format.ts";
import { decodeBatch, decodeState } from "../page/reader.ts";
import { Beside } from "../view/beside.ts";
import type { Stage } from "../view/stage.ts";
import type { Recording } from "./recording.ts";

/** Further ahead than this a keyframe is worth starting from. */
const JUMP_MS = 20_000;
/** A click that is longer ago is not shown any more. */
const RIPPLE_MS = 700;
/** What stands beside a page is in no keyframe: it is looked for in this much before one. */
const BEFORE_MS = 60_000;

/** What is known of a page that is not on show. */
interface Waiting { state: LogRecord; batches: LogRecord[] }

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

  private async go(ms: number): Promise<void> {
    await this.stage.ready;
    if (!this.named) for (const r of await this.recording.joins()) this.beside.take(r, 0);
    this.named = true;
    const frames = this.recording.described.keyframes;
    const frame = frames.findLast((k) => k.t <= ms);
    if (ms < this.time || (frame && frame.offset > this.offset && frame.t - this.time > JUMP_MS)) {
      this.offset = 0;
      this.page = 0;
      this.waiting.clear();
      this.beside.clear();
      if (frame) await this.start(frame);
    }
    for await (const r of this.recording.between(this.offset, ms)) {
      this.stage.hurried = ms - this.recording.time(r) > RIPPLE_MS;
      this.apply(r, true);
      this.offset = r.offset;
    }
    this.time = ms;
    this.beside.tick(ms);
    if (!this.page) this.stage.frame.contentDocument?.body?.replaceChildren();
    this.changed();
  }

  /** Starts from a keyframe, with what was beside the page then. */
  private async start(frame: { n: number; offset: number; t: number }): Promise<void> {
    for (const r of await this.recording.keyframe(frame.n)) this.apply(r, false);
    this.offset = frame.offset;
    this.show();
    this.stage.hurried = true;
    for (const r of await this.recording.before(frame.offset, frame.t - BEFORE_MS)) this.beside.take(r, this.recording.time(r));
  }

  private apply(r: LogRecord, live: boolean): void {
    if (live) this.beside.take(r, this.recording.time(r));
    if (r.kind === RecordKind.PageState) {
      this.waiting.set(r.page, { state: r, batches: [] });
      this.page = r.page;
      if (live) this.show();
    } else if (r.kind === RecordKind.PageEvents) {
      this.batch(r, live);
    }
  }

  private batch(r: LogRecord, live: boolean): void {
    const page = this.waiting.get(r.page);
    if (!page) return;
    page.batches.push(r);
    if (r.page !== this.page) {
      // Another tab came to the front.
      this.page = r.page;
      if (live) this.show();
      return;
    }
    if (!live) return;
    const { events } = decodeBatch(r.payload);
    this.stage.mirror.applyAll(events);
    this.stage.showClicks(events);
  }

  /** Builds the page on show anew. */
  private show(): void {
    const page = this.waiting.get(this.page);
    if (!page) return;
    this.stage.page = this.page;
    this.stage.mirror.show(decodeState(page.state.payload));
    for (const b of page.batches) this.stage.mirror.applyAll(decodeBatch(b.payload).events);
    this.stage.listen();
    this.stage.layout();
    this.beside.turnTo(this.page);
  }
}
