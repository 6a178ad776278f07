import { Replayer } from "rrweb";
import type { Replayer as Frame } from "./replayer.ts";

type Event = Parameters<Replayer["addEvent"]>[0];

declare global {
  /** goes on from a relay's socket; buffer is the delay that rrweb's guide recommends, or none */
  var watchLive: (relay: string, buffer: number) => Promise<void>;
  /** opens a whole recording, and goes to a time of it */
  var openRecording: (text: string) => Promise<number>;
  var goTo: (ms: number) => void;
}

let replayer: Replayer;
const options = { showWarning: false, mouseTail: false };

globalThis.replayer = {
  async open() {
    replayer = new Replayer([], { ...options, liveMode: true });
    replayer.startLive();
  },
  async show(lines) {
    const built = new Promise<void>((done) => replayer.on("fullsnapshot-rebuilded", () => done()));
    for (const line of lines as string[]) replayer.addEvent(JSON.parse(line) as Event);
    await built;
  },
  document: () => replayer.iframe.contentDocument,
} satisfies Frame;

globalThis.watchLive = (relay, buffer) => new Promise((done, fail) => {
  replayer = new Replayer([], { ...options, liveMode: true });
  replayer.startLive(Date.now() - buffer);
  replayer.on("fullsnapshot-rebuilded", () => done());
  const socket = new WebSocket(relay);
  socket.onmessage = (e) => replayer.addEvent(JSON.parse(e.data as string) as Event);
  socket.onerror = () => fail(new Error("relay"));
});

globalThis.openRecording = async (text) => {
  replayer = new Replayer(JSON.parse(text) as Event[], options);
  replayer.pause(0);
  return replayer.getMetaData().totalTime;
};
globalThis.goTo = (ms) => replayer.pause(ms);
