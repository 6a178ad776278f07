import { decodeRecord, Reader } from "../page/reader.ts";
import type { Capture } from "./assets.ts";
import { partName, segmentName, type Index, type Manifest, type Part } from "./manifest.ts";
import { fromBase64, type Parts } from "./parts.ts";
import { Damaged, type Sealed } from "./sealed.ts";

/** What came of looking at a whole recording: nothing wrong, or what is, first things first. */
export interface Outcome {
  problems: string[];
  /** SHA-256 of the public key, in groups of four digits; empty where there is none to be read */
  fingerprint: string;
  records: number;
  assets: number;
}

/** Gives the page time to be used between two parts. */
const breathe = () => new Promise((done) => setTimeout(done));

async function sha256(b: BufferSource): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", b));
}

function hex(b: Uint8Array): string {
  return Array.from(b, (n) => n.toString(16).padStart(2, "0")).join("");
}

function unhex(s: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(s.match(/../g) ?? [], (two) => parseInt(two, 16));
}

/** The length of a record as the chain has it: LEB128. */
function length(n: number): number[] {
  const list: number[] = [];
  for (; n >= 0x80; n = Math.floor(n / 0x80)) list.push((n % 0x80) | 0x80);
  return [...list, n];
}

/**
 * Checks the recording in this file as `pillion verify` checks one in an archive
 * (archive/verify.go): the signature over the top, each part's hash, the chain over
 * the records, offsets without gaps, what the parts hold, every file's bytes. It says
 * nothing of the script that checks: whoever made the file chose that too.
 */
export async function verify(parts: Parts, sealed: Sealed, index: Index | undefined, manifest: Manifest | undefined, progress: (share: number) => void): Promise<Outcome> {
  const v = new Verifier(parts, sealed);
  await v.signature();
  const files = new Map((manifest?.captures ?? []).filter((c) => c.ref).map((c) => [c.ref!, c]));
  const steps = [
    ...sealed.top.segments.map((_, n) => () => v.segment(n)),
    ...sealed.top.parts.map((p) => () => v.part(p)),
    ...(index?.keyframes ?? []).map((_, n) => () => v.keyframe(index!, n)),
    ...[...files.values()].map((c) => () => v.asset(c)),
  ];
  for (const [i, step] of steps.entries()) {
    await step();
    progress((i + 1) / steps.length);
    await breathe();
  }
  v.end();
  return v.outcome;
}

class Verifier {
  readonly outcome: Outcome = { problems: [], fingerprint: "", records: 0, assets: 0 };
  private chain: Uint8Array<ArrayBuffer> = new Uint8Array();
  private offset = 0;

  constructor(private readonly parts: Parts, private readonly sealed: Sealed) {}

  private say(problem: string): void {
    if (!this.outcome.problems.includes(problem)) this.outcome.problems.push(problem);
  }

  async signature(): Promise<void> {
    try {
      this.outcome.fingerprint = hex(await sha256(fromBase64(this.sealed.top.key))).replace(/(.{4})(?=.)/g, "$1 ");
      if (!(await this.sealed.signed())) this.say("The top does not match its signature.");
    } catch (e) {
      this.say(e instanceof DOMException && e.name === "NotSupportedError" ? "This browser cannot check Ed25519 signatures." : "The top’s signature cannot be read.");
    }
  }

  /** Checks a part's hash; false when it is not there or another. */
  private async same(p: Part): Promise<boolean> {
    const b = this.parts.bytes(partName(p.name));
    if (!b) this.say(`${p.name} is not there.`);
    else if ("sha256-" + hex(await sha256(b)) !== p.plain) this.say(`${p.name} is damaged: its hash differs.`);
    else return true;
    return false;
  }

  private async tried(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (e) {
      this.say(e instanceof Damaged ? e.message : String((e as Error).message));
    }
  }

  async part(p: Part): Promise<void> {
    await this.same(p);
  }

  async segment(n: number): Promise<void> {
    const s = this.sealed.top.segments[n]!;
    const p = { ...s, name: segmentName(n) };
    if (s.n !== n || s.from !== this.offset + 1 || s.to < s.from) this.say(`Segment ${n} has records ${s.from} to ${s.to}, after ${this.offset}.`);
    if (await this.same(p)) await this.tried(() => this.records(n));
    this.chain = unhex(s.chain); // what it should be, so that each break is told once
    this.offset = s.to;
  }

  private async records(n: number): Promise<void> {
    const s = this.sealed.top.segments[n]!;
    const r = new Reader(this.sealed.segmentBytes(n));
    let next = s.from;
    let chain = this.chain;
    while (r.more()) {
      const record = r.bytes();
      const { offset } = decodeRecord(record);
      if (offset !== next) throw new Damaged(`Record ${next}: record ${offset} stands in its place.`);
      next++;
      this.outcome.records++;
      const size = length(record.length);
      const link = new Uint8Array(chain.length + size.length + record.length);
      link.set(chain);
      link.set(size, chain.length);
      link.set(record, chain.length + size.length);
      chain = await sha256(link);
    }
    if (next !== s.to + 1) throw new Damaged(`Record ${next} is not there.`);
    if (hex(chain) !== s.chain) throw new Damaged(`The chain breaks in records ${s.from} to ${s.to}.`);
  }

  keyframe(index: Index, n: number): Promise<void> {
    return this.tried(async () => this.sealed.keyframeBytes(index.keyframes!, n));
  }

  async asset(c: Capture): Promise<void> {
    const b = this.parts.bytes("assets/" + c.ref);
    if (!b) this.say(`The file ${c.url} is not there.`);
    else if ("sha256-" + hex(await sha256(b)) !== c.ref) this.say(`The file ${c.url} is damaged: its hash differs.`);
    else this.outcome.assets++;
  }

  end(): void {
    const { chain, records } = this.sealed.top;
    if (chain !== hex(this.chain)) this.say("The chain of the top is not that of the last segment.");
    if (this.offset !== records) this.say(`${this.offset} records of ${records} are there.`);
  }
}
