import {
  RecordKind, type Action, type Drawing, type EventConfirmation, type EventRequest, type Level, type Lifecycle, type LogRecord, type Person,
} from "../protocol/format.ts";
import { decodeBatch, decodeRecord, decodeState } from "../page/reader.ts";
import { post } from "../view/api.ts";
import { json, type Beside } from "../view/beside.ts";
import type { Stage } from "../view/stage.ts";
import type { PageName } from "./live-state.ts";

/** What the gateway tells an agent (events/FORMAT.md, Text frames). */
export interface ToAgent {
  type: string;
  participant?: number;
  state?: string;
  page?: number;
  pages?: PageName[];
  level?: Level;
  user?: string;
  role?: string;
  people?: Person[];
  control?: number;
  code?: string;
  codeExpires?: number;
  link?: string;
  preview?: boolean;
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
  /** a page is on show that was not, or the same one anew */
  turned(): void;
  shown(): void;
  connection(up: boolean): void;
}

const MAX_WAIT_MS = 8000;
const PING_MS = 3000;

/** The agent's connection: records go to the stage in their order. */
export class LiveLink {
  private socket: WebSocket | undefined;
  private tries = 0;
  private over = false;
  private refs = 0;
  private readonly series = Math.random().toString(36).slice(2, 10);
  private waiting: number | undefined;
  /** the page that the stage shows */
  page = 0;
  /** offset of the last record that the stage shows */
  seen = 0;
  latency = 0;

  constructor(private readonly session: string, private readonly stage: Stage, private readonly beside: Beside, private readonly heard: Heard) {
    setInterval(() => this.send({ type: "ping", ref: String(performance.now()) }), PING_MS);
    window.addEventListener("online", () => this.hurry());
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
    this.waiting = window.setTimeout(() => this.try(), wait);
  }

  private try(): void {
    this.waiting = undefined;
    this.connect().catch((e: Error) => this.heard.text({ type: "ended", reason: "gone", detail: e.message }));
  }

  /** The network is back: there is no point in waiting longer. */
  private hurry(): void {
    if (this.waiting === undefined) return;
    clearTimeout(this.waiting);
    this.try();
  }

  send(m: object): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(m));
    return true;
  }

  /** Sends a request under a string that is never used twice, and returns it; "" where there is no connection. */
  request(node: number, action: Action, value: string | undefined): string {
    const ref = `${this.series}-${++this.refs}`;
    return this.send({ type: "request", page: this.page, node, action, value, seen: this.seen, ref }) ? ref : "";
  }

  draw(drawing: Drawing): void {
    this.send({ type: "draw", page: this.page, drawing });
  }

  /** Leaves for good: nothing is tried again. */
  leave(): void {
    this.send({ type: "leave" });
    this.over = true;
  }

  private hear(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      this.record(decodeRecord(new Uint8Array(data)));
      return;
    }
    const m = JSON.parse(data) as ToAgent;
    if (m.type === "ended") this.over = true;
    if (m.type === "welcome") this.seen = 0; // a gateway that was killed may not have kept what it relayed last
    if (m.type === "pong") this.latency = Math.round(performance.now() - Number(m.ref));
    this.heard.text(m);
  }

  private record(r: LogRecord): void {
    this.beside.take(r, performance.now());
    switch (r.kind) {
      case RecordKind.PageState:
        this.show(r);
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
    }
    this.seen = Math.max(this.seen, r.offset);
  }

  private show(r: LogRecord): void {
    this.page = r.page;
    this.stage.mirror.show(decodeState(r.payload));
    this.stage.listen();
    this.stage.layout();
    this.beside.turnTo(r.page);
    this.heard.turned();
    this.heard.shown();
  }

  private events(r: LogRecord): void {
    const { width, height } = this.stage.mirror.shown;
    try {
      const { events } = decodeBatch(r.payload);
      this.stage.mirror.applyAll(events);
      this.stage.watch(events, (node) => this.beside.holder(node));
    } catch (e) {
      console.warn("the page is asked for again:", e);
      this.send({ type: "state" });
      return;
    }
    if (width !== this.stage.mirror.shown.width || height !== this.stage.mirror.shown.height) this.stage.layout();
    this.heard.shown();
  }
}
