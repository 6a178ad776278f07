import type { Replayer as Frame } from "./replayer.ts";

let frame: HTMLIFrameElement;

/** The browser's own parser in the same frame: nothing is decoded, and no node is known by a number. */
const floor: Frame = {
  async open() {
    frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-same-origin");
    Object.assign(frame, { width: "1200", height: "800" });
    document.body.append(frame);
  },
  async show(markup) {
    const d = frame.contentDocument!;
    d.open();
    d.write(markup as unknown as string);
    d.close();
  },
  document: () => frame.contentDocument,
};
globalThis.replayer = floor;
