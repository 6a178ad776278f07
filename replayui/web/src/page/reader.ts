import {
  FIELDS, FLAG_FRAME, FLAG_MATHML, FLAG_SHADOW, FLAG_SVG, Kind, MATHML_NS, Op, SVG_NS, VERSION,
  type Batch, type Cause, type LogRecord, type PageEvent, type PageNode, type PageState,
} from "../protocol/format.ts";

/** Thrown for bytes that are not of the page format. */
export class FormatError extends Error {}

const MAX_DEPTH = 2048;
const MAX_TEXT = 64 << 20;
const SHORT = 24;
/** What is no list yet. */
const NONE: PageNode[] = [];
/** A list that is longer grows as its items come: that many are said to come costs nobody memory. */
const MAX_ROOM = 64;

/** A list of just so much room: one that grows takes room for 17 at once. */
const room = <T>(n: number): T[] => (n <= MAX_ROOM ? new Array<T>(n) : []);
const decoder = new TextDecoder("utf-8", { fatal: true });

export class Reader {
  private pos = 0;
  private strings: string[] = [];
  private unfolded = 0;
  private last = 0;

  constructor(private readonly b: Uint8Array) {}

  fail(what: string): never {
    throw new FormatError(`${what} at byte ${this.pos}`);
  }

  more(): boolean {
    return this.pos < this.b.length;
  }

  rest(): Uint8Array {
    return this.b.subarray(this.pos);
  }

  u8(): number {
    const v = this.b[this.pos];
    if (v === undefined) this.fail("cut short");
    this.pos++;
    return v;
  }

  uint(): number {
    const first = this.b[this.pos]!;
    if (first < 0x80) {
      this.pos++;
      return first;
    }
    let v = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const b = this.u8();
      v += (b & 0x7f) * scale;
      if (b < 0x80) {
        if (v > Number.MAX_SAFE_INTEGER) break;
        return v;
      }
      scale *= 0x80;
    }
    this.fail("number too large");
  }

  sint(): number {
    const v = this.uint();
    return v % 2 === 1 ? -(v + 1) / 2 : v / 2;
  }

  private count(): number {
    const n = this.uint();
    if (n > this.b.length - this.pos) this.fail("more items than bytes");
    return n;
  }

  bytes(): Uint8Array {
    const n = this.count();
    this.pos += n;
    return this.b.subarray(this.pos - n, this.pos);
  }

  private str(): string {
    let n = this.uint();
    if (n === 0) {
      n = this.strings.push(this.literal());
    }
    const s = this.strings[n - 1];
    if (s === undefined) this.fail("unknown string");
    this.unfolded += s.length;
    if (this.unfolded > MAX_TEXT) this.fail("too much text");
    return s;
  }

  private literal(): string {
    const n = this.count();
    const from = this.pos;
    this.pos += n;
    // The decoder takes longer to be called than a short text to be read.
    if (n <= SHORT) {
      let s = "";
      let i = from;
      for (; i < this.pos && this.b[i]! < 0x80; i++) s += String.fromCharCode(this.b[i]!);
      if (i === this.pos) return s;
    }
    try {
      return decoder.decode(this.b.subarray(from, this.pos));
    } catch {
      this.fail("text that is not UTF-8");
    }
  }

  private node(depth: number, head = this.u8()): PageNode {
    if (depth > MAX_DEPTH) this.fail("nested too deeply");
    const id = this.last + 1 + this.sint();
    if (id < 1 || id > 0x7fffffff) this.fail("node id out of range");
    this.last = id;
    const kind = head & 0x0f;
    if (kind !== Kind.Element && head > 0x0f) this.fail("flags on what is no element");
    switch (kind) {
      case Kind.Element:
        return this.element(id, head, depth);
      case Kind.Text:
      case Kind.Comment:
      case Kind.CDATA:
        return { id, kind, text: this.str() };
      case Kind.Doctype:
        return { id, kind, name: this.str(), text: this.str(), base: this.str() };
      case Kind.Document:
        return { id, kind, flags: this.uint(), text: this.str(), base: this.str(), children: this.children(depth) };
      case Kind.Shadow:
        return { id, kind, flags: this.uint(), children: this.children(depth) };
    }
    this.fail("unknown kind of node");
  }

  private element(id: number, head: number, depth: number): PageNode {
    const space = head & (FLAG_SVG | FLAG_MATHML);
    const ns = space === 0 ? "" : space === FLAG_SVG ? SVG_NS : space === FLAG_MATHML ? MATHML_NS : this.str();
    const name = this.str();
    const all = this.count() * 2;
    const attrs = room<string>(all);
    for (let i = 0; i < all; i++) attrs[i] = this.str();
    const n: PageNode = { id, kind: Kind.Element, ns, name, attrs, children: NONE };
    if (head & FLAG_SHADOW) n.shadow = this.inner(depth, Kind.Shadow);
    if (head & FLAG_FRAME) n.frame = this.inner(depth, Kind.Document);
    n.children = this.children(depth);
    return n;
  }

  private inner(depth: number, kind: number): PageNode {
    const n = this.node(depth + 1);
    if (n.kind !== kind) this.fail("a node of the wrong kind");
    return n;
  }

  private children(depth: number): PageNode[] {
    const all = this.count();
    if (!all) return NONE;
    const list = room<PageNode>(all);
    for (let i = 0; i < all; i++) {
      const n = this.node(depth + 1);
      if (n.kind === Kind.Document || n.kind === Kind.Shadow) this.fail("a document or shadow root as a child");
      list[i] = n;
    }
    return list;
  }

  private subtree(op: Op): PageNode | undefined {
    const head = this.u8();
    if (head === 0 && op === Op.Frame) return undefined;
    this.last = 0;
    const n = this.node(0, head);
    const want = op === Op.Shadow ? Kind.Shadow : op === Op.Insert ? 0 : Kind.Document;
    if (want ? n.kind !== want : n.kind === Kind.Document || n.kind === Kind.Shadow) this.fail("a node of the wrong kind");
    return n;
  }

  event(timed: boolean): PageEvent {
    const head = this.u8();
    const op = (head & 0x3f) as Op;
    const fields = FIELDS[op];
    if (fields === undefined || head >> 6 > 2) this.fail("unknown event");
    const e: PageEvent = { op, cause: (head >> 6) as Cause, dt: timed ? this.uint() : 0 };
    for (const f of fields) {
      switch (f) {
        case "i":
          (e.ids ??= []).push(this.uint());
          break;
        case "u":
          (e.n ??= []).push(this.uint());
          break;
        case "s":
          (e.n ??= []).push(this.sint());
          break;
        case "a":
          e.name = this.str();
          break;
        case "t":
          e.text = this.str();
          break;
        case "U":
          e.nums = Array.from({ length: this.count() }, () => this.uint());
          break;
        case "T":
          e.lines = Array.from({ length: this.count() }, () => this.str());
          break;
        case "b":
          e.data = this.bytes();
          break;
        case "n": {
          const n = this.subtree(op);
          if (n) e.node = n;
        }
      }
    }
    return e;
  }

  version(): void {
    if (this.u8() !== VERSION) this.fail("unknown version");
  }

  state(): PageState {
    this.version();
    const s: PageState = {
      hidden: (this.uint() & 1) !== 0, width: this.uint(), height: this.uint(), dpr: this.uint(), zoom: this.uint(),
      title: this.str(), document: this.inner(-1, Kind.Document), events: [],
    };
    for (let i = this.count(); i > 0; i--) s.events.push(this.event(false));
    if (this.more()) this.fail("trailing bytes");
    return s;
  }
}

export function decodeState(b: Uint8Array): PageState {
  return new Reader(b).state();
}

export function decodeBatch(b: Uint8Array): Batch {
  const r = new Reader(b);
  r.version();
  const batch: Batch = { base: r.uint(), events: [] };
  while (r.more()) batch.events.push(r.event(true));
  return batch;
}

export function decodeRecord(b: Uint8Array): LogRecord {
  const r = new Reader(b);
  return { offset: r.uint(), time: r.uint(), kind: r.u8(), from: r.uint(), page: r.uint(), seq: r.uint(), payload: r.rest() };
}

/** Splits a segment into its records, each with its length before it. */
export function decodeRecords(b: Uint8Array): LogRecord[] {
  const r = new Reader(b);
  const list: LogRecord[] = [];
  while (r.more()) list.push(decodeRecord(r.bytes()));
  return list;
}
