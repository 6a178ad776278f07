/** A viewer as the benchmarks drive it. */
export interface Replayer {
  open(): Promise<void>;
  /** Builds a page from what its recorder sent. */
  show(state: Uint8Array | string[]): Promise<void>;
  document(): Document | null;
}

declare global {
  var replayer: Replayer;
}
