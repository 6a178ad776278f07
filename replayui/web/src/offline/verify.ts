import { fromBase64, type Parts } from "./parts.ts";
import { decodeRecords } from "../page/reader.ts";
import type { Manifest } from "./manifest.ts";

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

const text = new TextEncoder();

async function sha256(...parts: BufferSource[]): Promise<string> {
  const b = parts.length === 1 ? parts[0]! : await new Blob(parts as BlobPart[]).arrayBuffer();
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", b)));
}

function hex(b: Uint8Array): string {
  return Array.from(b, (n) => n.toString(16).padStart(2, "0")).join("");
}

function unhex(s: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(s.match(/../g) ?? [], (two) => parseInt(two, 16));
}

/**
 * Checks the recording in this file as `pillion verify` checks one in an archive
 * (archive/FORMAT.md): the signature over the manifest, each part's hash, the chain of
 * the segments, offsets without gaps, every asset's bytes. It says nothing of the
 * script that checks: whoever made the file chose that too.
 */
export async function verify(parts: Parts, manifest: Manifest, progress: (share: number) => void): Promise<Outcome> {
  const v = new Verifier(parts, manifest);
  await v.signature();
  const steps = [
    ...manifest.segments.map((_, n) => () => v.segment(n)),
    ...manifest.keyframes.map((k) => async () => {
      if (k.hash) await v.part(`keyframe-${String(k.n).padStart(4, "0")}.zst`, k.hash);
    }),
    ...v.lists(),
    ...v.refs().map((ref) => () => v.asset(ref)),
  ];
  for (const [i, step] of steps.entries()) {
    await step();
    progress((i + 1) / steps.length);
    await breathe();
  }
  v.end();
  return v.outcome;
}

/** What was signed, from version 2 on. */
interface Top {
  recording: string;
  records: number;
  key: string;
  segments: { from: number; to: number; plain: string }[];
  parts: { name: string; plain: string }[];
}

class Verifier {
  readonly outcome: Outcome = { problems: [], fingerprint: "", records: 0, assets: 0 };
  private chain: Uint8Array<ArrayBuffer> = new Uint8Array();
  private offset = 0;
  private top: Top | undefined;

  constructor(private readonly parts: Parts, private readonly m: Manifest) {}

  private say(problem: string): void {
    this.outcome.problems.push(problem);
  }

  /** Checks the signature: of version 1 over the manifest, later over the top, which the manifest here has to agree with. */
  async signature(): Promise<void> {
    if (this.m.version > 1) {
      const [line = "", sig = ""] = (this.parts.text("top") ?? "").split("\n");
      try {
        this.top = JSON.parse(line) as Top;
      } catch {
        return this.say("The top is not in this file, or cannot be read.");
      }
      if (this.top.recording !== this.m.session.id || this.top.records !== this.m.records || this.top.segments.length !== this.m.segments.length) this.say("The manifest tells otherwise than the top.");
      return this.signed(this.top.key, text.encode(line), sig);
    }
    const bytes = this.parts.bytes("manifest.json");
    const sig = this.parts.text("manifest.sig");
    if (!bytes || sig === undefined) return this.say("The manifest or its signature is not in this file.");
    return this.signed(this.m.key, bytes, sig);
  }

  private async signed(by: string, bytes: BufferSource, sig: string): Promise<void> {
    try {
      const raw = fromBase64(by);
      this.outcome.fingerprint = (await sha256(raw)).replace(/(.{4})(?=.)/g, "$1 ");
      const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
      if (!(await crypto.subtle.verify("Ed25519", key, fromBase64(sig.trim()), bytes))) this.say("What was signed does not match its signature.");
    } catch (e) {
      this.say(e instanceof DOMException && e.name === "NotSupportedError" ? "This browser cannot check Ed25519 signatures." : "The manifest’s signature cannot be read.");
    }
  }

  /** Checks a part's hash; false when it is not there or another. */
  async part(name: string, want: string): Promise<boolean> {
    const b = this.parts.bytes(name);
    if (!b) this.say(`${name} is not there.`);
    else if ("sha256-" + (await sha256(b)) !== want) this.say(`${name} is damaged: its hash differs.`);
    else return true;
    return false;
  }

  async segment(n: number): Promise<void> {
    const s = this.m.segments[n]!;
    const sealed = this.top?.segments[n];
    if (sealed) {
      if (sealed.from !== s.from || sealed.to !== s.to) this.say(`The manifest tells otherwise of segment ${n} than the top.`);
    } else if (this.m.version === 1) {
      this.chain = unhex(await sha256(this.chain, text.encode(s.hash)));
      if (hex(this.chain) !== s.chain) this.say(`The chain breaks at segment ${n}.`);
    }
    if (s.n !== n || s.from !== this.offset + 1) this.say(`Segment ${n} starts at record ${s.from}, after ${this.offset}.`);
    const name = `segment-${String(s.n).padStart(4, "0")}.zst`;
    if (await this.part(name, sealed?.plain ?? s.hash)) {
      try {
        for (const r of decodeRecords(this.parts.unpacked(name))) {
          if (r.offset !== this.offset + 1) this.say(`${name} is damaged: record ${r.offset} follows ${this.offset}.`);
          this.offset = r.offset;
          this.outcome.records++;
        }
      } catch (e) {
        this.say(`${name}: ${(e as Error).message}`);
      }
    }
    this.offset = s.to;
  }

  /** What checks the parts beside the segments, and that the manifest here tells what is in them. */
  lists(): (() => Promise<void>)[] {
    const told: unknown[] = [];
    return (this.top?.parts ?? []).filter((p) => !p.name.startsWith("keyframes-")).map((p) => async () => {
      const name = p.name + ".zst";
      if (!(await this.part(name, p.plain))) return;
      try {
        const content = JSON.parse(new TextDecoder().decode(this.parts.unpacked(name))) as { captures?: unknown; missing?: unknown; pages?: unknown } & unknown[];
        const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
        let agrees = true;
        if (p.name.startsWith("events-")) told.push(...content);
        else if (p.name === "manifest") agrees = same(content.captures, this.m.captures) && same(content.missing, this.m.missing);
        else if (p.name === "index") agrees = same(content.pages, this.m.pages) && same(told, this.m.events);
        if (!agrees) this.say(`The manifest tells otherwise than ${name}.`);
      } catch (e) {
        this.say(`${name}: ${(e as Error).message}`);
      }
    });
  }

  refs(): string[] {
    return [...new Set((this.m.captures ?? []).map((c) => c.ref).filter((ref) => ref !== undefined && ref !== ""))] as string[];
  }

  async asset(ref: string): Promise<void> {
    const b = this.parts.bytes("assets/" + ref);
    const url = this.m.captures.find((c) => c.ref === ref)!.url;
    if (!b) this.say(`The file ${url} is not there.`);
    else if ("sha256-" + (await sha256(b)) !== ref) this.say(`The file ${url} is damaged: its hash differs.`);
    else this.outcome.assets++;
  }

  end(): void {
    if (this.offset !== this.m.records) this.say(`${this.offset} records of ${this.m.records} are there.`);
  }
}
