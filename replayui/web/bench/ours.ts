import { Recorder } from "../src/page/recorder.ts";

/** Records the page it is run in; for benchmarks. */
export function record(state: (b: Uint8Array) => void, batch: (b: Uint8Array) => void): { stop(): void } {
  const kept = {
    roots: new WeakMap(), touched: new WeakSet<CSSStyleSheet>(), recent: [], reached: new WeakSet<CSSStyleSheet>(), hosts: [], secrets: new WeakSet<Element>(), switched: new WeakSet<Element>(), internals: new WeakMap(), stated: new Set<Element>(), heard: new WeakSet<Document | ShadowRoot>(), scrolled: new WeakSet<Node>(),
  };
  const recorder = new Recorder(window, kept, { state, batch }, () => false);
  recorder.start();
  return recorder;
}
