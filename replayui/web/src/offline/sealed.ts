import { decodeRecords } from "../page/reader.ts";
import { DAMAGED, type Mark } from "../player/recording.ts";
import type { LogRecord } from "../protocol/format.ts";
import { eventsName, keyframesName, partName, segmentName, VERSION, type Index, type Keyframe, type Manifest, type Part, type Top } from "./manifest.ts";
import { Problem } from "../view/api.ts";
import { fromBase64, type Parts } from "./parts.ts";
import { unpack, unpackAgainst } from "./zstd.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Thrown for what is not as it was sealed: the player goes on behind it. */
export class Damaged extends Problem {
  constructor(what: string) {
    super(DAMAGED, what);
  }
}

/** The sealed recording in a file: its top, and the parts that it names, as they were before they were encrypted. */
export class Sealed {
  private constructor(private readonly parts: Parts, readonly top: Top, readonly text: string, readonly signature: string) {}

  static open(parts: Parts): Sealed {
    const top = parts.bytes("top");
    if (!top) throw new Damaged("The file ends too early: the recording is not in it.");
    const [text = "", signature = ""] = decoder.decode(top).split("\n");
    const told = JSON.parse(text) as Top;
    if (told.version !== VERSION) throw new Damaged(`Recordings of version ${told.version} are not known here.`);
    return new Sealed(parts, told, text, signature);
  }

  named(name: string): Part {
    const p = this.top.parts.find((q) => q.name === name);
    if (!p) throw new Damaged(`${name} is not there.`);
    return p;
  }

  /** A part, packed; what it is has to be checked by its hash. */
  packed(p: Part): Uint8Array<ArrayBuffer> {
    const b = this.parts.bytes(partName(p.name));
    if (!b) throw new Damaged(`${p.name} is not there.`);
    return b;
  }

  content(p: Part): Uint8Array {
    const packed = this.packed(p);
    try {
      return unpack(packed);
    } catch {
      throw new Damaged(`${p.name} is damaged.`);
    }
  }

  private json<T>(name: string): T {
    return JSON.parse(decoder.decode(this.content(this.named(name)))) as T;
  }

  index(): Index {
    return this.json("index");
  }

  manifest(): Manifest {
    return this.json("manifest");
  }

  events(index: Index): Mark[] {
    return (index.events ?? []).flatMap((_, n) => this.json<Mark[]>(eventsName(n)));
  }

  segmentBytes(n: number): Uint8Array {
    return this.content({ ...this.top.segments[n]!, name: segmentName(n) });
  }

  /** The records of a segment, at the recording's own times: a gateway's clock may jump. */
  segment(n: number): LogRecord[] {
    const list = decodeRecords(this.segmentBytes(n));
    let at = micros(this.top.start) + (this.top.segments[n]!.at ?? 0);
    let last = list[0]?.time ?? 0;
    for (const r of list) {
      at += Math.max(0, r.time - last);
      last = r.time;
      r.time = at;
    }
    return list;
  }

  keyframeBytes(frames: readonly Keyframe[], n: number): Uint8Array {
    const k = frames[n]!;
    const object = this.packed(this.named(keyframesName(k.part ?? 0)));
    const piece = (f: Keyframe) => object.subarray(f.from ?? 0, (f.from ?? 0) + (f.size ?? 0));
    let base = n;
    while (base > 0 && !frames[base]!.base) base--;
    try {
      const content = unpack(piece(frames[base]!));
      return base === n ? content : unpackAgainst(content, piece(k));
    } catch {
      throw new Damaged(`Keyframe ${n} is damaged.`);
    }
  }

  /** Whether the signature over the top is the key's that it names. */
  async signed(): Promise<boolean> {
    const key = await crypto.subtle.importKey("raw", fromBase64(this.top.key), "Ed25519", false, ["verify"]);
    return crypto.subtle.verify("Ed25519", key, fromBase64(this.signature), encoder.encode(this.text));
  }
}

/** A time of RFC 3339 in µs, which Date would cut to ms. */
function micros(text: string): number {
  const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
  return Math.floor(Date.parse(text) / 1000) * 1e6 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
