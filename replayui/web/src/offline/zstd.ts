import { decompress } from "fzstd";

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** A block holds this at most (RFC 8878, 3.1.1.2.4). */
const BLOCK = 128 << 10;

/** Unpacks a zstd frame. */
export function unpack(frame: Uint8Array): Uint8Array {
  return decompress(frame);
}

/**
 * Unpacks a frame that is told against other content (a raw dictionary). The unpacker
 * knows no dictionaries; but content that comes first in a frame does the same: both are
 * what matches may refer to, and neither changes tables or offsets (RFC 8878, 5).
 */
export function unpackAgainst(base: Uint8Array, frame: Uint8Array): Uint8Array {
  const { size, blocks } = parsed(frame);
  const head = new Uint8Array(9);
  head.set(MAGIC);
  head[4] = 0xa0; // one segment, its size in four bytes
  new DataView(head.buffer).setUint32(5, base.length + size, true);
  const pieces: Uint8Array[] = [head];
  for (let at = 0; at < base.length; at += BLOCK) {
    const piece = base.subarray(at, at + BLOCK);
    const header = piece.length << 3; // a raw block, and not the last one
    pieces.push(Uint8Array.of(header & 255, (header >> 8) & 255, header >> 16), piece);
  }
  pieces.push(blocks);
  const all = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of pieces) {
    all.set(p, at);
    at += p.length;
  }
  return decompress(all).subarray(base.length);
}

/** How much content a frame has, and its blocks. */
function parsed(frame: Uint8Array): { size: number; blocks: Uint8Array } {
  if (MAGIC.some((b, i) => frame[i] !== b)) throw new Error("no zstd frame");
  const d = frame[4]!;
  const single = (d >> 5) & 1;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][d & 3]!;
  let size: number;
  switch (d >> 6) {
    case 0:
      if (!single) throw new Error("a zstd frame that does not tell its size");
      size = view.getUint8(at++);
      break;
    case 1:
      size = view.getUint16(at, true) + 256;
      at += 2;
      break;
    case 2:
      size = view.getUint32(at, true);
      at += 4;
      break;
    default:
      size = Number(view.getBigUint64(at, true));
      at += 8;
  }
  return { size, blocks: frame.subarray(at, frame.length - (d & 4 ? 4 : 0)) };
}
