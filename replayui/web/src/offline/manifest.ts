import type { Fidelity } from "../player/fidelity.tsx";
import type { Described } from "../player/recording.ts";
import type { Capture } from "./assets.ts";

// What a recording is made of (archive/FORMAT.md), as far as this page reads it.

/** plain is the hash of its bytes before they were encrypted: as they are in the file. */
export interface Part { name: string; plain: string }

export interface Segment extends Part { n: number; from: number; to: number; t0: number; t1: number; at?: number; chain: string }

export interface Keyframe { n: number; offset: number; t: number; part?: number; from?: number; size?: number; base?: boolean }

export interface Top {
  version: number;
  recording: string;
  start: string;
  duration: number;
  records: number;
  segments: Omit<Segment, "name">[];
  parts: Part[];
  chain: string;
  key: string;
}

export interface Index { session: Described["session"]; pages: Described["pages"]; keyframes: Keyframe[] | null; events: { count: number }[]; people?: string[] | null }

export interface Manifest { captures: Capture[] | null; missing: Capture[] | null }

export const VERSION = 2;

export const segmentName = (n: number) => `segment-${String(n).padStart(4, "0")}`;
export const keyframesName = (n: number) => `keyframes-${String(n).padStart(4, "0")}`;
export const eventsName = (n: number) => `events-${String(n).padStart(4, "0")}`;

/** What a part is called in a file. */
export const partName = (name: string) => name + ".zst";

/** What the player asks a gateway for. */
export function describe(top: Top, index: Index, files: Fidelity): Described {
  return {
    session: index.session, duration: top.duration, start: top.start, segments: top.segments,
    keyframes: index.keyframes ?? [], pages: index.pages ?? [], missing: files.missing, people: index.people ?? null,
  };
}

/** The fidelity report, as the gateway makes it (replayui/fidelity.go), whole. */
export function fidelity(m: Manifest): Fidelity {
  const kept = (m.captures ?? []).filter((c) => c.ref || c.location);
  const missing = [...(m.missing ?? []), ...(m.captures ?? []).filter((c) => !c.ref && !c.location)];
  return {
    found: kept.length, missing: missing.length,
    files: [...missing.map((c) => ({ ...c, here: false, why: c.why ?? "not-seen" })), ...kept.map((c) => ({ ...c, here: true }))],
  };
}
