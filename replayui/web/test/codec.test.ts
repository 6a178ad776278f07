import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { attributesOf, FIELDS, type Batch, type PageEvent, type PageNode, type PageState } from "../src/protocol/format.ts";
import { decodeBatch, decodeState, FormatError } from "../src/page/reader.ts";
import { BatchWriter, Writer } from "../src/page/writer.ts";

const golden = (name: string) => readFileSync(new URL(`../../../events/testdata/golden/${name}`, import.meta.url), "utf8");
const bytes = (name: string) => Uint8Array.from(Buffer.from(golden(`${name}.hex`).trim(), "hex"));

/** As the golden files have it: bytes as hexadecimal digits, and attributes in pairs. */
function plain(v: unknown): unknown {
  return JSON.parse(JSON.stringify(v, function (this: PageNode, key: string, x: unknown) {
    if (key === "attrs") return attributesOf(this);
    return x instanceof Uint8Array ? Buffer.from(x).toString("hex") : x;
  }));
}

describe("the golden files", () => {
  it("decode to what they describe", () => {
    expect(plain(decodeState(bytes("state")))).toEqual(JSON.parse(golden("state.json")));
    expect(plain(decodeBatch(bytes("batch")))).toEqual(JSON.parse(golden("batch.json")));
  });

  it("come out of the writer byte for byte", () => {
    const s = decodeState(bytes("state"));
    expect(Buffer.from(writeState(s)).toString("hex")).toBe(golden("state.hex").trim());
    const b = decodeBatch(bytes("batch"));
    expect(Buffer.from(writeBatch(b)).toString("hex")).toBe(golden("batch.hex").trim());
  });
});

describe("the decoder", () => {
  it("refuses what is cut short, everywhere", () => {
    const b = bytes("state");
    for (let i = 0; i < b.length; i++) expect(() => decodeState(b.subarray(0, i))).toThrow(FormatError);
  });

  it("throws nothing but FormatError, whatever the bytes", () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
    for (const name of ["state", "batch"] as const) {
      const good = bytes(name);
      for (let round = 0; round < 20000; round++) {
        const bad = good.slice();
        for (let i = random(4); i >= 0; i--) bad[random(bad.length)] = random(256);
        try {
          if (name === "state") decodeState(bad);
          else decodeBatch(bad);
        } catch (e) {
          if (!(e instanceof FormatError)) throw e;
        }
      }
    }
  });
});

// Writing decoded values: the capture script writes from the document instead.

function writeState(s: PageState): Uint8Array {
  const w = new Writer();
  w.u8(1);
  w.uint(s.hidden ? 1 : 0);
  for (const v of [s.width, s.height, s.dpr, s.zoom]) w.uint(v);
  w.str(s.title);
  writeNode(w, s.document);
  w.uint(s.events.length);
  for (const e of s.events) {
    w.u8(e.op | (e.cause << 6));
    writeBody(w, e);
  }
  return w.bytes();
}

function writeBatch(b: Batch): Uint8Array {
  const w = new BatchWriter(0, b.base);
  let now = 0;
  for (const e of b.events) {
    now += e.dt;
    w.event(e.op, e.cause, now);
    writeBody(w, e);
  }
  return w.bytes();
}

function writeBody(w: Writer, e: PageEvent): void {
  const ids = [...(e.ids ?? [])];
  const n = [...(e.n ?? [])];
  for (const f of FIELDS[e.op]) {
    if (f === "i") w.uint(ids.shift()!);
    if (f === "u") w.uint(n.shift()!);
    if (f === "s") w.sint(n.shift()!);
    if (f === "a") w.str(e.name!);
    if (f === "t") w.str(e.text!);
    if (f === "b") w.blob(e.data!);
    if (f === "U") {
      w.uint(e.nums!.length);
      for (const v of e.nums!) w.uint(v);
    }
    if (f === "T") {
      w.uint(e.lines!.length);
      for (const v of e.lines!) w.str(v);
    }
    if (f === "n") {
      w.last = 0;
      if (e.node) writeNode(w, e.node);
      else w.u8(0);
    }
  }
}

function writeNode(w: Writer, n: PageNode): void {
  const other = n.ns && !n.ns.endsWith("svg") && !n.ns.endsWith("MathML");
  const ns = !n.ns ? 0 : other ? 0xc0 : n.ns.endsWith("svg") ? 0x40 : 0x80;
  w.u8(n.kind | ns | (n.shadow ? 0x10 : 0) | (n.frame ? 0x20 : 0));
  w.nodeId(n.id);
  if (n.kind === 1) {
    if (other) w.str(n.ns!);
    w.str(n.name!);
    w.uint(n.attrs!.length / 2);
    for (const [k, v] of attributesOf(n)) {
      w.str(k);
      w.str(v);
    }
    if (n.shadow) writeNode(w, n.shadow);
    if (n.frame) writeNode(w, n.frame);
  } else if (n.kind === 4) {
    for (const s of [n.name!, n.text!, n.base!]) w.str(s);
    return;
  } else if (n.kind === 5) {
    w.uint(n.flags!);
    w.str(n.text!);
    w.str(n.base!);
  } else if (n.kind === 6) {
    w.uint(n.flags!);
  } else {
    w.str(n.text!);
    return;
  }
  w.uint(n.children!.length);
  for (const c of n.children!) writeNode(w, c);
}
