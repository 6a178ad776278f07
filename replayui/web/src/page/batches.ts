import { Cause } from "../protocol/format.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";
import { BatchWriter } from "./writer.ts";

const UNIT = 160; // 16 ms, in which batches tell how far they are apart: it is 1 of nearly all
const MAX_BATCH = 256 << 10; // sent where more is to come

/** The open batch, and the time as batches tell it. */
export class Batches {
  readonly #out: (payload: Uint8Array) => void;
  #batch: BatchWriter | undefined;
  /** the time of the last batch, as told */
  told = 0;
  /** the time of the frame that is being told: frames are apart by nearly the same */
  drawn = 0;
  /** who brings about what changes now */
  cause: Cause = Cause.Page;
  /** whether a subtree is half written: nothing else may be, and nothing sent */
  within = false;

  constructor(out: (payload: Uint8Array) => void) {
    this.#out = out;
  }

  /** Time since the page's origin, in units of 100 µs: to a frame, that is small when compressed. */
  now(): number {
    return Math.max(this.told, Math.round(((this.drawn || dom.now()) * 10) / UNIT) * UNIT);
  }

  /** An Emit into the open batch. */
  emitter(cause: Cause): Emit {
    return (op, body) => {
      const now = this.now();
      if (!this.#batch) {
        this.#batch = new BatchWriter(now, (now - this.told) / UNIT);
        this.told = now;
      }
      this.#batch.event(op, cause, now);
      body(this.#batch);
    };
  }

  /** The batch, for a subtree in the event that was begun last. */
  enter(): BatchWriter {
    const w = this.#batch!;
    w.last = 0;
    this.within = true;
    return w;
  }

  send(): void {
    if (!this.#batch?.count || this.within) return;
    const payload = this.#batch.bytes();
    this.#batch = undefined;
    this.#out(payload);
  }

  sendLarge(): void {
    if (this.#batch && this.#batch.length > MAX_BATCH) this.send();
  }
}
