import { Recorder } from "../src/page/recorder.ts";

/** Records the page it is run in; for benchmarks. */
export function record(state: (b: Uint8Array) => void, batch: (b: Uint8Array) => void): { stop(): void } {
  const recorder = new Recorder(window, { roots: new WeakMap(), touched: new Set(), hosts: [], secrets: new WeakSet() }, { state, batch }, () => false);
  recorder.start();
  return recorder;
}
