import type { Described, Mark } from "../player/recording.ts";
import type { Fidelity } from "../player/fidelity.tsx";
import type { Capture } from "./assets.ts";

/** What belongs to a recording (archive/FORMAT.md), as far as this page reads it. */
export interface Manifest {
  version: number;
  session: Described["session"];
  start: string;
  duration: number;
  records: number;
  segments: (Described["segments"][number] & { hash: string; plain?: string; chain: string })[];
  keyframes: (Described["keyframes"][number] & { hash?: string })[];
  pages: Described["pages"];
  events: Mark[];
  captures: Capture[];
  missing: Capture[] | null;
  people?: string[] | null;
  key: string;
}

/** What the player asks a gateway for. */
export function describe(m: Manifest): Described {
  return { session: m.session, duration: m.duration, start: m.start, segments: m.segments, keyframes: m.keyframes, pages: m.pages ?? [], missing: fidelity(m).missing, people: m.people ?? null };
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
