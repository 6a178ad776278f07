import { signal } from "@preact/signals";
import { decodeRecords } from "../page/reader.ts";
import type { LogRecord } from "../protocol/format.ts";
import { get, getBytes, Problem, type SessionInfo } from "../view/api.ts";
import type { Fidelity } from "./fidelity.tsx";

export interface Mark { t: number; offset: number; page: number; node?: number; type: string; label: string; by: string }

export interface Segment { n: number; from: number; to: number; t0: number; t1: number }
export interface Keyframe { n: number; offset: number; t: number }

export interface Described {
  session: SessionInfo;
  duration: number;
  start: string;
  segments: Segment[];
  keyframes: Keyframe[];
  pages: { page: number; url: string; title: string; t: number }[];
  missing: number;
  /** records, in base64, that tell who took part */
  people?: string[] | null;
}

/** Where a recording's parts come from. */
export interface Store {
  /** The records of a segment or keyframe, at the recording's own times. */
  records(kind: "segments" | "keyframes", n: number): Promise<LogRecord[]>;
  /** The part of the fidelity report from one reference on. */
  fidelity(from: number): Promise<Fidelity>;
  /** The list of events after so many of them. */
  marks?(after: number): Promise<{ events: Mark[]; next?: number; damaged?: string[] }>;
}

/** What a gateway answers to the request that opens a recording. */
interface Opened extends Described {
  version: string;
  events: { count: number }[];
  marks: Mark[] | null;
  /** of which part the records are that follow */
  keyframe?: number;
  segment?: number;
  damaged?: string;
}

/** Segments and keyframes that stay in memory. */
const MAX_CACHED = 12;
/** A list of events that is longer is shown up to here. */
const MAX_MARKS = 20_000;
/** The answer for what is not as it was sealed. */
export const DAMAGED = 410;

/** A recording's parts as the gateway serves them. */
const served = (base: string, version: string): Store => ({
  records: async (kind, n) => decodeRecords(await getBytes(`${base}/${kind}/${n}?v=${version}`)),
  fidelity: (from) => get(`${base}/fidelity?from=${from}`),
  marks: (after) => get(`${base}/events?after=${after}`),
});

const text = new TextDecoder();

/** A recording's parts, fetched when they are needed and kept for a while. */
export class Recording {
  private segments = new Map<number, Promise<LogRecord[]>>();
  private frames = new Map<number, Promise<LogRecord[]>>();
  private startMicros: number;
  private readonly list = signal<readonly Mark[]>([]);
  /** what of it is not as it was sealed, as far as it was come across */
  readonly damage = signal<readonly string[]>([]);

  constructor(private readonly store: Store, readonly described: Described, marks: readonly Mark[]) {
    this.startMicros = micros(described.start);
    this.list.value = marks;
  }

  /** Opens a recording with one request, which brings what the first picture needs. */
  static async open(id: string): Promise<Recording> {
    const base = `/api/sessions/${encodeURIComponent(id)}`;
    const at = new URLSearchParams(location.search).get("t");
    // The page preloads this very address.
    const b = await getBytes(`${base}/open${at && /^\d+$/.test(at) ? `?t=${at}` : ""}`);
    const [length, from] = uint(b);
    const opened = JSON.parse(text.decode(b.subarray(from, from + length))) as Opened;
    const r = new Recording(served(base, opened.version), opened, opened.marks ?? []);
    if (opened.damaged) r.damage.value = [opened.damaged];
    const records = () => Promise.resolve(decodeRecords(b.subarray(from + length)));
    if (opened.keyframe !== undefined) r.frames.set(opened.keyframe, records());
    if (opened.segment !== undefined) r.segments.set(opened.segment, records());
    if (opened.events.reduce((n, c) => n + c.count, 0) > r.marks.length) void r.rest();
    return r;
  }

  /** The list of events, as far as it is here. */
  get marks(): readonly Mark[] {
    return this.list.value;
  }

  private async rest(): Promise<void> {
    try {
      for (let more = true; more && this.marks.length < MAX_MARKS; ) {
        const { events, next, damaged } = await this.store.marks!(this.marks.length);
        this.list.value = [...this.marks, ...events];
        if (damaged) this.damaged(...damaged);
        more = next !== undefined;
      }
    } catch (e) {
      this.damaged("The list of events is not whole: " + (e as Error).message);
    }
  }

  private damaged(...what: string[]): void {
    this.damage.value = [...new Set([...this.damage.value, ...what])];
  }

  /** The part of the fidelity report from one reference on. */
  fidelity(from: number): Promise<Fidelity> {
    return this.store.fidelity(from);
  }

  /** When a record was, in whole ms of the recording, as its events, pages and duration say it: at a mark's time its record is shown. */
  time(r: LogRecord): number {
    return Math.floor((r.time - this.startMicros) / 1000);
  }

  /** A segment's records; undefined for one that is damaged, which is noted. */
  segment(n: number): Promise<LogRecord[] | undefined> {
    return this.whole(this.cached(this.segments, n, "segments"));
  }

  keyframe(n: number): Promise<LogRecord[] | undefined> {
    return this.whole(this.cached(this.frames, n, "keyframes"));
  }

  private async whole(part: Promise<LogRecord[]>): Promise<LogRecord[] | undefined> {
    try {
      return await part;
    } catch (e) {
      if (!(e instanceof Problem) || e.status !== DAMAGED) throw e;
      this.damaged(e.message);
      return undefined;
    }
  }

  private cached(kept: Map<number, Promise<LogRecord[]>>, n: number, kind: "segments" | "keyframes"): Promise<LogRecord[]> {
    let part = kept.get(n);
    if (!part) {
      part = this.store.records(kind, n);
      part.catch((e: unknown) => {
        if (!(e instanceof Problem) || e.status !== DAMAGED) kept.delete(n);
      });
    }
    kept.delete(n); // and in again: the ones used last stay
    kept.set(n, part);
    if (kept.size > MAX_CACHED) kept.delete(kept.keys().next().value!);
    return part;
  }

  /** Fetches the segment after an offset, which is wanted next. */
  soon(offset: number): void {
    const next = this.described.segments[first(this.described.segments, offset)];
    if (next && !this.segments.has(next.n)) void this.segment(next.n).catch(() => {});
  }

  /** Fetches the segment after the one of an offset, which is likely to be wanted next. */
  ahead(offset: number): void {
    this.soon(this.described.segments[first(this.described.segments, offset)]?.to ?? offset);
  }

  /** The records that tell who took part. */
  async joins(): Promise<LogRecord[]> {
    const { people, segments } = this.described;
    if (people) return people.flatMap((p) => decodeRecords(sized(Uint8Array.from(atob(p), (c) => c.charCodeAt(0)))));
    const found: LogRecord[] = [];
    for (const m of this.marks) {
      const s = m.type === "session" && m.label === "joined" && segments.find((part) => m.offset >= part.from && m.offset <= part.to);
      if (s) found.push(...((await this.segment(s.n)) ?? []).filter((r) => r.offset === m.offset));
    }
    return found;
  }

  /** The records after an offset, up to a time, and in their place each segment that is damaged. */
  async *between(after: number, until: number): AsyncGenerator<LogRecord | Segment> {
    const { segments } = this.described;
    for (let i = first(segments, after); i < segments.length; i++) {
      const s = segments[i]!;
      if (s.t0 > until) return;
      const records = await this.segment(s.n);
      if (!records) yield s;
      for (const r of records ?? []) {
        if (r.offset <= after) continue;
        if (Math.floor(this.time(r)) > until) return; // times of pages and events are whole ms: what they tell of belongs to them
        yield r;
      }
    }
  }
}

/** The first segment that ends after an offset. */
function first(segments: readonly Segment[], after: number): number {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle]!.to <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Reads a uint (LEB128) at the beginning. */
function uint(b: Uint8Array): [value: number, from: number] {
  let value = 0;
  for (let i = 0, scale = 1; i < b.length; i++, scale *= 128) {
    value += (b[i]! & 127) * scale;
    if (b[i]! < 128) return [value, i + 1];
  }
  throw new Error("The recording's answer is cut short.");
}

/** A record with its length before it. */
function sized(b: Uint8Array): Uint8Array {
  const head = [];
  let n = b.length;
  for (; n > 127; n = Math.floor(n / 128)) head.push((n & 127) | 128);
  return Uint8Array.of(...head, n, ...b);
}

/** A time of RFC 3339 in µs, which Date would cut to ms. */
function micros(text: string): number {
  const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
  const seconds = Math.floor(Date.parse(text) / 1000);
  return seconds * 1e6 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
