import { Mirror } from "../../src/page/mirror.ts";
import { decodeState } from "../../src/page/reader.ts";
import type { Replayer as Frame } from "./replayer.ts";

let mirror: Mirror;
let frame: HTMLIFrameElement;

const ours: Frame = {
  async open() {
    frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-same-origin");
    Object.assign(frame, { width: "1200", height: "800" });
    frame.srcdoc = "<!DOCTYPE html>"; // what the gateway serves there, but for its policy
    const there = new Promise((done) => frame.addEventListener("load", done, { once: true }));
    document.body.append(frame);
    await there;
    mirror = new Mirror(frame);
    mirror.prepare();
  },
  async show(state) {
    mirror.show(decodeState(state as Uint8Array));
  },
  document: () => frame.contentDocument,
};
globalThis.replayer = ours;
