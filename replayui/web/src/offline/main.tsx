// The player of an exported recording: one page, which holds all that it shows and asks nobody for anything.
import { render } from "preact";
import { Player, recording, trouble } from "../player/player.tsx";
import { Recording } from "../player/recording.ts";
import { decodeRecords } from "../page/reader.ts";
import { Stage } from "../view/stage.ts";
import { Assets } from "./assets.ts";
import { describe, fidelity, type Index, type Manifest } from "./manifest.ts";
import { OfflineMirror } from "./mirror.ts";
import { Parts } from "./parts.ts";
import { Proof } from "./proof.tsx";
import { Sealed } from "./sealed.ts";
import { verify } from "./verify.ts";

/** The frame's own policy, beside that of the page around it, which it inherits. */
const POLICY = "default-src 'none'; img-src data: blob:; media-src data: blob:; font-src data: blob:; style-src 'unsafe-inline' data: blob:; form-action 'none'; base-uri 'none'";

/**
 * An empty document, and no srcdoc: in that one a page could not have its quirks
 * (HTML 13.2.6.4.1). Browsers differ in whether it is there at once.
 */
function empty(frame: HTMLIFrameElement): () => Promise<void> {
  return async () => {
    if (frame.contentDocument?.readyState !== "complete") await new Promise((done) => frame.addEventListener("load", done, { once: true }));
    const d = frame.contentDocument!;
    for (const [name, value] of [["Content-Security-Policy", POLICY], ["referrer", "no-referrer"]] as const) {
      const meta = d.createElement("meta");
      meta.setAttribute(name === "referrer" ? "name" : "http-equiv", name);
      meta.content = value;
      d.head.append(meta);
    }
  };
}

interface Opened { parts: Parts; sealed: Sealed; index: Index; manifest: Manifest }

function App({ parts, sealed, index, manifest }: Opened) {
  const assets = new Assets(parts, manifest.captures ?? []);
  const staging = (room: HTMLElement, changed: (stage: Stage) => void) => {
    const stage: Stage = new Stage(room, "page", false, () => changed(stage), {
      open: empty,
      mirror: (frame, moved) => new OfflineMirror(assets, () => stage.page, frame, moved),
    });
    return stage;
  };
  const check = (progress: (share: number) => void) => verify(parts, sealed, index, manifest, progress);
  return <Player recording={recording.value!} staging={staging} tools={<Proof session={sealed.top.recording} check={check} />} />;
}

function start(): void {
  const app = document.getElementById("app")!;
  try {
    const parts = new Parts(document);
    const sealed = Sealed.open(parts);
    const [index, manifest] = [sealed.index(), sealed.manifest()];
    const files = fidelity(manifest);
    recording.value = new Recording({
      records: async (kind, n) => (kind === "segments" ? sealed.segment(n) : decodeRecords(sealed.keyframeBytes(index.keyframes ?? [], n))),
      fidelity: async (from) => ({ ...files, files: files.files.slice(from) }),
    }, describe(sealed.top, index, files), sealed.events(index));
    app.replaceChildren();
    render(<App parts={parts} sealed={sealed} index={index} manifest={manifest} />, app);
  } catch (e) {
    trouble.value = (e as Error).message;
    app.textContent = `This recording cannot be opened: ${trouble.value}`;
  }
}

start();
