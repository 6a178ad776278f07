// The player of an exported recording: one page, which holds all that it shows and asks nobody for anything.
import { render } from "preact";
import { Player, recording, trouble } from "../player/player.tsx";
import { Recording } from "../player/recording.ts";
import { Stage } from "../view/stage.ts";
import { Assets } from "./assets.ts";
import { describe, fidelity, type Manifest } from "./manifest.ts";
import { OfflineMirror } from "./mirror.ts";
import { Parts } from "./parts.ts";
import { Proof } from "./proof.tsx";
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

const name = (kind: "segments" | "keyframes", n: number) => `${kind === "segments" ? "segment" : "keyframe"}-${String(n).padStart(4, "0")}.zst`;

function App({ parts, manifest }: { parts: Parts; manifest: Manifest }) {
  const assets = new Assets(parts, manifest.captures ?? []);
  const staging = (room: HTMLElement, changed: (stage: Stage) => void) => {
    const stage: Stage = new Stage(room, "page", false, () => changed(stage), {
      open: empty,
      mirror: (frame, moved) => new OfflineMirror(assets, () => stage.page, frame, moved),
    });
    return stage;
  };
  return <Player recording={recording.value!} staging={staging} tools={<Proof session={manifest.session.id} check={(progress) => verify(parts, manifest, progress)} />} />;
}

function start(): void {
  const app = document.getElementById("app")!;
  try {
    const parts = new Parts(document);
    const text = parts.text("manifest.json");
    if (text === undefined) throw new Error("The file ends too early: the recording is not in it.");
    const manifest = JSON.parse(text) as Manifest;
    recording.value = new Recording({
      records: async (kind, n) => parts.unpacked(name(kind, n)),
      fidelity: async (from) => ({ ...fidelity(manifest), files: fidelity(manifest).files.slice(from) }),
    }, describe(manifest), manifest.events ?? []);
    app.replaceChildren();
    render(<App parts={parts} manifest={manifest} />, app);
  } catch (e) {
    trouble.value = (e as Error).message;
    app.textContent = `This recording cannot be opened: ${trouble.value}`;
  }
}

start();
