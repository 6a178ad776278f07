import { mark } from "./mark.ts";
import type { Level } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import { Writer } from "../page/writer.ts";

/** What the gateway sends (events/FORMAT.md, Text frames). */
export interface FromGateway {
  type: string;
  page?: number;
  state?: string;
  code?: string;
  codeExpires?: number;
  ack?: number;
  seq?: number;
  agents?: { participant: number; name: string }[];
  level?: Level;
  participant?: number;
  name?: string;
  org?: string;
  id?: number;
  from?: number;
  node?: number;
  action?: string;
  value?: string;
  seen?: number;
  pointer?: { node: number; x: number; y: number; vx: number; vy: number; down?: boolean };
  urls?: string[];
  text?: string;
  reason?: string;
  detail?: string;
}

export interface Started {
  state: string;
  code?: string;
  codeExpires?: number;
  ticket: string;
}

const BASE = "/.pillion/";
const MAX_UNSENT = 8 << 20;
const MAX_WAIT_MS = 10_000;
const GIVE_UP_MS = 5 * 60_000;

/** Where the page is, as far as may be told before the user consented: title and query are the page's own. */
function place(): string {
  return location.origin + location.pathname;
}

/** Thrown where the gateway has no session to go on with. */
export class NoSession extends Error {}

/** The page's connection to the gateway: numbered frames, sent again until acknowledged. */
export class Link {
  readonly #heard: (m: FromGateway) => void;
  readonly #connection: (up: boolean) => void;
  #socket: WebSocket | undefined;
  #page = 0;
  #seq = 0;
  #unsent: { seq: number; frame: Uint8Array }[] = [];
  #size = 0;
  #open = false;
  #ended = false;
  #tries = 0;
  #lost = 0;
  /** what was pushed out of the queue: the page has to be sent whole */
  overflowed = false;

  constructor(heard: (m: FromGateway) => void, connection: (up: boolean) => void) {
    this.#heard = heard;
    this.#connection = connection;
  }

  /** Starts a session, or goes on with the one that this browser has. */
  async start(resume: boolean): Promise<Started> {
    const r = await dom.ask(BASE + "session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      credentials: "same-origin",
      body: dom.json({ url: place(), resume }),
    });
    if (r.status === 204 || r.status === 404) {
      mark(false);
      throw new NoSession("no session");
    }
    if (!r.ok) throw new Error(String(r.status));
    const s = dom.parse(await r.text()) as Started;
    mark(true);
    this.#connect(s.ticket);
    return s;
  }

  #connect(ticket: string): void {
    const url = new URL(BASE + "socket?ticket=" + encodeURIComponent(ticket), location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new dom.Socket(url.href);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(dom.json({ type: "hello", page: this.#page, url: place(), title: "", age: dom.now() }));
    socket.onmessage = (e) => {
      if (socket === this.#socket && typeof e.data === "string") this.#hear(dom.parse(e.data) as FromGateway);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#down();
    };
  }

  #hear(m: FromGateway): void {
    if (m.type === "welcome") this.#welcomed(m);
    if (m.type === "ack") this.#acknowledged(m.seq ?? 0);
    if (m.type === "ended") this.#close();
    this.#heard(m);
  }

  #welcomed(m: FromGateway): void {
    this.#open = true;
    this.#tries = 0;
    this.#lost = 0;
    if (m.page !== this.#page) {
      // Another page for the gateway: what was numbered for the old one is void.
      if (this.#page) this.overflowed = true;
      this.#page = m.page ?? 0;
      this.#seq = 0;
      this.#unsent = [];
      this.#size = 0;
    }
    this.#acknowledged(m.ack ?? 0);
    for (const u of this.#unsent) this.#socket!.send(u.frame as Uint8Array<ArrayBuffer>);
    this.#connection(true);
  }

  #acknowledged(seq: number): void {
    while (this.#unsent.length && this.#unsent[0]!.seq <= seq) this.#size -= this.#unsent.shift()!.frame.length;
  }

  #down(): void {
    const was = this.#open;
    this.#open = false;
    this.#socket = undefined;
    if (this.#ended) return;
    if (was) this.#connection(false);
    this.#lost ||= dom.now();
    if (dom.now() - this.#lost > GIVE_UP_MS) {
      this.#close();
      this.#heard({ type: "ended", reason: "timeout" });
      return;
    }
    const wait = Math.min(MAX_WAIT_MS, 250 * 2 ** this.#tries++) * (0.7 + Math.random() * 0.6);
    dom.later(() => void this.#again(), wait);
  }

  async #again(): Promise<void> {
    if (this.#ended || this.#socket) return;
    try {
      await this.start(true);
    } catch (e) {
      if (e instanceof NoSession) {
        this.#close();
        this.#heard({ type: "ended", reason: "gone" });
      } else this.#down();
    }
  }

  /** Sends a numbered frame; the number is returned. */
  frame(kind: number, payload: Uint8Array): number {
    const w = new Writer();
    w.u8(kind);
    w.uint(++this.#seq);
    w.uint(dom.now() * 10);
    w.raw(payload);
    const frame = w.bytes();
    this.#unsent.push({ seq: this.#seq, frame });
    this.#size += frame.length;
    if (this.#open) this.#socket!.send(frame as Uint8Array<ArrayBuffer>);
    else if (this.#size > MAX_UNSENT) {
      // Nothing after a gap is of use: the page starts anew with the connection.
      this.#page = 0;
      this.#unsent = [];
      this.#size = 0;
      this.overflowed = true;
    }
    return this.#seq;
  }

  /** The number of the last frame. */
  get last(): number {
    return this.#seq;
  }

  text(message: Record<string, string | number | boolean | undefined>): void {
    if (this.#open) this.#socket!.send(dom.json(message));
  }

  /** Ends the session for good. */
  end(): void {
    this.text({ type: "end" });
    if (!this.#open) void dom.ask(BASE + "session", { method: "DELETE", credentials: "same-origin", keepalive: true }).catch(() => {});
    this.#close();
  }

  #close(): void {
    this.#ended = true;
    mark(false);
    this.#socket?.close();
  }
}
