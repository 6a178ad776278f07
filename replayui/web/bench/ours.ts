import { keep } from "../src/capture/kept.ts";
import { Recorder } from "../src/page/recorder.ts";

/** Records the page it is run in; for benchmarks. What the first part keeps is kept from here on. */
export function record(state: (b: Uint8Array) => void, batch: (b: Uint8Array) => void): { stop(): void } {
  const recorder = new Recorder(window, keep(window)!, { state, batch }, () => false);
  recorder.start();
  return recorder;
}
