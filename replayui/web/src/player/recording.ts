import { decodeRecords } from "../page/reader.ts";
import type { LogRecord } from "../protocol/format.ts";
import { get, getBytes, type SessionInfo } from "../view/api.ts";
import type { Fidelity } from "./fidelity.tsx";

export interface Mark { t: number; offset: number; page: number; node?: number; type: string; label: string; by: string }

interface Segment { n: number; from: number; to: number; t0: number; t1: number }
interface Keyframe { n: number; offset: number; t: number }

export interface Described {
  session: SessionInfo;
  duration: number;
  start: string;
  segments: Segment[];
  keyframes: Keyframe[];
  pages: { page: number; url: string; title: string; t: number }[];
  missing: number;
}

/** Where a recording's parts come from. */
export interface Store {
  /** A segment's or keyframe's records, each with its length before it. */
  records(kind: "segments" | "keyframes", n: number): Promise<Uint8Array>;
  /** The part of the fidelity report from one reference on. */
  fidelity(from: number): Promise<Fidelity>;
}

const MAX_CACHED = 12;

/** A recording's parts as the gateway serves them. */
const served = (base: string): Store => ({
  records: (kind, n) => getBytes(`${base}/${kind}/${n}`),
  fidelity: (from) => get(`${base}/fidelity?from=${from}`),
});

/** A recording's parts, fetched when they are needed and kept for a while. */
export class Recording {
  private segments = new Map<number, Promise<LogRecord[]>>();
  private frames = new Map<number, Promise<LogRecord[]>>();
  private startMicros: number;

  constructor(private readonly store: Store, readonly described: Described, readonly marks: Mark[]) {
    this.startMicros = micros(described.start);
  }

  static async open(id: string): Promise<Recording> {
    const base = `/api/sessions/${encodeURIComponent(id)}`;
    const [described, list] = await Promise.all([get<Described>(base + "/recording"), get<{ events: Mark[] }>(base + "/events")]);
    return new Recording(served(base), described, list.events);
  }

  /** The part of the fidelity report from one reference on. */
  fidelity(from: number): Promise<Fidelity> {
    return this.store.fidelity(from);
  }

  /** When a record was, in ms of the recording. */
  time(r: LogRecord): number {
    return (r.time - this.startMicros) / 1000;
  }

  segment(n: number): Promise<LogRecord[]> {
    return this.cached(this.segments, n, "segments");
  }

  keyframe(n: number): Promise<LogRecord[]> {
    return this.cached(this.frames, n, "keyframes");
  }

  private cached(kept: Map<number, Promise<LogRecord[]>>, n: number, kind: "segments" | "keyframes"): Promise<LogRecord[]> {
    let part = kept.get(n);
    if (!part) {
      part = this.store.records(kind, n).then(decodeRecords);
      part.catch(() => kept.delete(n));
      kept.set(n, part);
      if (kept.size > MAX_CACHED) kept.delete(kept.keys().next().value!);
    }
    return part;
  }

  /** The records that tell who took part. */
  async joins(): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    for (const m of this.marks) {
      const s = m.type === "session" && m.label === "joined" && this.described.segments.find((part) => m.offset >= part.from && m.offset <= part.to);
      if (s) found.push(...(await this.segment(s.n)).filter((r) => r.offset === m.offset));
    }
    return found;
  }

  /** The records from a time to an offset. */
  async before(offset: number, from: number): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    for (const s of this.described.segments) {
      if (s.t1 < from || s.from > offset) continue;
      found.push(...(await this.segment(s.n)).filter((r) => r.offset <= offset && this.time(r) >= from));
    }
    return found;
  }

  /** The records after an offset, up to a time. */
  async *between(after: number, until: number): AsyncGenerator<LogRecord> {
    for (const s of this.described.segments) {
      if (s.to <= after) continue;
      if (s.t0 > until) return;
      for (const r of await this.segment(s.n)) {
        if (r.offset <= after) continue;
        if (this.time(r) > until) return;
        yield r;
      }
    }
  }
}

/** A time of RFC 3339 in µs, which Date would cut to ms. */
function micros(text: string): number {
  const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
  const seconds = Math.floor(Date.parse(text) / 1000);
  return seconds * 1e6 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
