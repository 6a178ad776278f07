import { VERSION, type Cause, type Op } from "../protocol/format.ts";

const encoder = new TextEncoder();

/** Appends a payload of the page format to a growing buffer. */
export class Writer {
  #buf: Uint8Array = new Uint8Array(4096);
  #strings = new Map<string, number>();
  length = 0;
  /** the node id before, for the differences */
  last = 0;

  bytes(): Uint8Array {
    return this.#buf.slice(0, this.length);
  }

  #room(n: number): void {
    if (this.length + n <= this.#buf.length) return;
    const bigger = new Uint8Array(Math.max(this.#buf.length * 2, this.length + n));
    bigger.set(this.#buf.subarray(0, this.length));
    this.#buf = bigger;
  }

  u8(v: number): void {
    if (this.length === this.#buf.length) this.#room(1);
    this.#buf[this.length++] = v;
  }

  uint(v: number): void {
    if (this.length + 8 > this.#buf.length) this.#room(8);
    v = v > 0 ? Math.floor(v) : 0;
    while (v >= 0x80) {
      this.#buf[this.length++] = (v % 0x80) | 0x80;
      v = Math.floor(v / 0x80);
    }
    this.#buf[this.length++] = v;
  }

  sint(v: number): void {
    v = Math.round(v) || 0;
    this.uint(v < 0 ? -2 * v - 1 : 2 * v);
  }

  str(s: string): void {
    const known = this.#strings.get(s);
    if (known !== undefined) {
      this.uint(known);
      return;
    }
    this.#strings.set(s, this.#strings.size + 1);
    this.u8(0);
    if (s.length < 128 && ascii(s)) {
      this.#room(s.length + 1);
      this.#buf[this.length++] = s.length;
      for (let i = 0; i < s.length; i++) this.#buf[this.length++] = s.charCodeAt(i);
      return;
    }
    this.blob(encoder.encode(s));
  }

  blob(b: Uint8Array): void {
    this.uint(b.length);
    this.raw(b);
  }

  raw(b: Uint8Array): void {
    this.#room(b.length);
    this.#buf.set(b, this.length);
    this.length += b.length;
  }

  /** The id of a node about to be written. */
  nodeId(id: number): void {
    this.sint(id - this.last - 1);
    this.last = id;
  }
}

function ascii(s: string): boolean {
  for (let i = 0; i < s.length; i++) if (s.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** A batch of page events under construction, so long after the one before, in units of 16 ms; other times are units of 100 µs. */
export class BatchWriter extends Writer {
  #before: number;
  count = 0;

  constructor(now: number, since: number) {
    super();
    this.#before = now;
    this.u8(VERSION);
    this.uint(since);
  }

  /** Starts an event; its body follows. */
  event(op: Op, cause: Cause, now: number): void {
    this.u8(op | (cause << 6));
    const dt = Math.max(0, now - this.#before);
    this.uint(dt);
    this.#before += dt;
    this.count++;
  }
}
