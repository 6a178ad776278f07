/** A recorder as the benchmarks drive it, whoever made it. */
export interface Contender {
  /** Starts recording; resolves when the whole page is out. */
  start(): Promise<void>;
  /** The whole page once more, as a keyframe or for who comes late. */
  again(): void;
  /** What came out since the last call, as it would be sent. */
  take(): Promise<Size>;
  stop(): void;
}

export interface Size { raw: number; deflated: number }

declare global {
  var contender: Contender;
}

/** Bytes that came out, in parts. */
export class Out {
  private parts: Uint8Array[] = [];

  add(part: Uint8Array): void {
    this.parts.push(part);
  }

  async take(): Promise<Size> {
    const parts = this.parts as Uint8Array<ArrayBuffer>[];
    this.parts = [];
    const deflated = await new Response(new Blob(parts).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
    return { raw: parts.reduce((n, p) => n + p.length, 0), deflated: deflated.byteLength };
  }
}

const encoder = new TextEncoder();

/** Takes rrweb's events, or those of a fork, as the JSON that everybody sends. */
export function jsonContender(record: Record, live?: (text: string) => void): Contender {
  const out = new Out();
  let stop: (() => void) | undefined;
  let first: () => void = () => {};
  return {
    start() {
      const whole = new Promise<void>((done) => (first = done));
      stop = record({
        emit(e) {
          const text = JSON.stringify(e);
          live?.(text);
          out.add(encoder.encode(text));
          if (e.type === 2) first();
        },
      }) as (() => void) | undefined;
      return whole;
    },
    again: () => record.takeFullSnapshot(true),
    take: () => out.take(),
    stop: () => stop?.(),
  };
}

interface Record {
  (options: { emit(e: { type: number }): void }): unknown;
  takeFullSnapshot(checkout?: boolean): void;
}
