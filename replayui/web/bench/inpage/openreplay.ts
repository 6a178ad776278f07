import Tracker from "@openreplay/tracker";

// The tracker encodes in a worker, which sends what it has every 30 s or when it is told to.
const workers: Worker[] = [];
const PlainWorker = window.Worker;
window.Worker = class extends PlainWorker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options);
    workers.push(this);
  }
};

const key = "bench" + Math.random().toString(36).slice(2);
const ingest = `${location.origin}/ingest/${key}`;
const tracker = new Tracker({
  projectKey: key, ingestPoint: ingest, __DISABLE_SECURE_MODE: true, respectDoNotTrack: false, revID: "", obscureTextEmails: false, obscureInputEmails: false, obscureInputNumbers: false,
  defaultInputMode: 0, network: { capturePayload: false, failuresOnly: true, ignoreHeaders: true, sessionTokenHeader: false, captureInIframes: false } as never,
} as ConstructorParameters<typeof Tracker>[0]);

globalThis.contender = {
  async start() {
    const answer = await tracker.start();
    if (!(answer as { success?: boolean }).success) throw new Error("OpenReplay: " + JSON.stringify(answer));
  },
  again() {},
  async take() {
    await new Promise((done) => setTimeout(done, 300)); // the tracker commits in ticks
    for (const w of workers) w.postMessage("forceFlushBatch");
    await new Promise((done) => setTimeout(done, 300));
    return (await (await fetch(`${ingest}/taken`)).json()) as { raw: number; deflated: number };
  },
  stop: () => tracker.stop(),
};
