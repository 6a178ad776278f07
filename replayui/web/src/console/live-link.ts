import { RecordKind, type EventConfirmation, type EventRequest, type Lifecycle, type LogRecord, type PointerAt } from "../protocol/format.ts";
import { decodeBatch, decodeRecord, decodeState } from "../page/reader.ts";
import type { Stage } from "../view/stage.ts";
import { post } from "../view/api.ts";

/** What the gateway tells an agent (events/FORMAT.md, Text frames). */
export interface ToAgent {
  type: string;
  participant?: number;
  state?: string;
  page?: number;
  pages?: { page: number; url: string; title: string }[];
  level?: "view" | "point" | "act";
  user?: string;
  allow?: boolean;
  ref?: string;
  id?: number;
  reason?: string;
  detail?: string;
}

export interface Heard {
  text(m: ToAgent): void;
  request(r: EventRequest, from: number): void;
  confirmation(c: EventConfirmation): void;
  lifecycle(l: Lifecycle): void;
  pointer(p: PointerAt, from: number): void;
  shown(): void;
  connection(up: boolean): void;
}

const MAX_WAIT_MS = 8000;
const PING_MS = 3000;

const text = new TextDecoder();
const json = <T,>(r: LogRecord) => JSON.parse(text.decode(r.payload)) as T;

/** The agent's connection: records go to the stage in their order. */
export class LiveLink {
  private socket: WebSocket | undefined;
  private tries = 0;
  private over = false;
  page = 0;
  /** offset of the last record that the stage shows */
  seen = 0;
  latency = 0;

  constructor(private readonly session: string, private readonly stage: Stage, private readonly heard: Heard) {
    setInterval(() => this.send({ type: "ping", ref: String(performance.now()) }), PING_MS);
  }

  async connect(): Promise<void> {
    let ticket: string;
    try {
      ticket = (await post<{ ticket: string }>(`/api/sessions/${this.session}/ticket`)).ticket;
    } catch (e) {
      if (this.tries === 0 || (e as { status?: number }).status === 404) throw e;
      this.again();
      return;
    }
    await this.stage.ready;
    const url = new URL(`/api/sessions/${this.session}/socket?ticket=${encodeURIComponent(ticket)}`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const s = new WebSocket(url);
    s.binaryType = "arraybuffer";
    s.onmessage = (e) => this.hear(e.data as string | ArrayBuffer);
    s.onopen = () => {
      this.tries = 0;
      this.heard.connection(true);
    };
    s.onclose = () => {
      this.socket = undefined;
      if (this.over) return;
      this.heard.connection(false);
      this.again();
    };
    this.socket = s;
  }

  private again(): void {
    const wait = Math.min(MAX_WAIT_MS, 250 * 2 ** this.tries++);
    setTimeout(() => this.connect().catch((e: Error) => this.heard.text({ type: "ended", reason: "gone", detail: e.message })), wait);
  }

  send(m: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(m));
  }

  private hear(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      this.record(decodeRecord(new Uint8Array(data)));
      return;
    }
    const m = JSON.parse(data) as ToAgent;
    if (m.type === "welcome" || m.type === "page") this.page = m.page ?? 0;
    if (m.type === "ended") this.over = true;
    if (m.type === "pong") this.latency = Math.round(performance.now() - Number(m.ref));
    this.heard.text(m);
  }

  private record(r: LogRecord): void {
    switch (r.kind) {
      case RecordKind.PageState:
        this.page = r.page;
        this.stage.mirror.show(decodeState(r.payload));
        this.stage.listen();
        this.stage.layout();
        this.heard.shown();
        break;
      case RecordKind.PageEvents:
        if (r.page === this.page) this.events(r);
        break;
      case RecordKind.EventRequest:
        this.heard.request(json(r), r.from);
        break;
      case RecordKind.EventConfirmation:
        this.heard.confirmation(json(r));
        break;
      case RecordKind.Lifecycle:
        this.heard.lifecycle(json(r));
        break;
      case RecordKind.Pointer:
        this.heard.pointer(json(r), r.from);
    }
    this.seen = Math.max(this.seen, r.offset);
  }

  private events(r: LogRecord): void {
    const { width, height } = this.stage.mirror.shown;
    try {
      this.stage.mirror.applyAll(decodeBatch(r.payload).events);
    } catch (e) {
      console.warn("the page is asked for again:", e);
      this.send({ type: "state" });
      return;
    }
    if (width !== this.stage.mirror.shown.width || height !== this.stage.mirror.shown.height) this.stage.layout();
    this.heard.shown();
  }
}
