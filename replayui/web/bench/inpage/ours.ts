import { keep } from "../../src/capture/kept.ts";
import { Recorder } from "../../src/page/recorder.ts";
import { Out } from "./contender.ts";

declare global {
  /** told of each payload with its time, where somebody asks for them */
  var payloads: ((kind: number, payload: Uint8Array) => void) | undefined;
  var flushOurs: () => void;
}

const out = new Out();
const kept = keep(window)!;
let recorder: Recorder | undefined;

function start(): Promise<void> {
  return new Promise((done) => {
    recorder = new Recorder(window, kept, {
      state(b) {
        out.add(b);
        globalThis.payloads?.(1, b);
        done();
      },
      batch(b) {
        out.add(b);
        globalThis.payloads?.(2, b);
      },
    }, () => false);
    recorder.start();
  });
}

globalThis.flushOurs = () => recorder?.flushNow();
globalThis.contender = {
  start,
  again() {}, // the gateway knows the page
  take: () => out.take(),
  stop: () => recorder?.stop(),
};
