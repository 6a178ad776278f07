import { mark, tab } from "./mark.ts";
import type { Drawing, Level, Person } from "../protocol/format.ts";
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
  agents?: Person[];
  /** who acts: a participant */
  control?: number;
  level?: Level;
  /** level: chosen in this tab */
  own?: boolean;
  participant?: number;
  name?: string;
  org?: string;
  role?: string;
  /** join: nobody sees the page yet */
  first?: boolean;
  id?: number;
  from?: number;
  node?: number;
  action?: string;
  value?: string;
  seen?: number;
  pointer?: { node: number; x: number; y: number; vx: number; vy: number; down?: boolean };
  drawing?: Drawing;
  urls?: string[];
  maybe?: string[];
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
/** As long as a session may wait (events/hub.go, AwayWindow). */
const GIVE_UP_MS = 30 * 60_000;
const ALIVE_MS = 5000;
const ANSWER_MS = 6000;

/** Where the page is, as far as may be told before the user consented: title and query are the page's own. */
function place(): string {
  return location.origin + location.pathname;
}

/** Thrown where the gateway has no session to go on with. */
export class NoSession extends Error {}

/** Thrown where it says no: 422 for a code that is not valid, 429 for too many of those. */
export class Refused extends Error {
  constructor(readonly status: number) {
    super(String(status));
  }
}

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
  /** since when a ping waits for an answer */
  #asked = 0;
  #trying = false;
  #watch = 0;
  /** another tab is in front, as far as is known */
  behind = false;
  /** what was pushed out of the queue: the page has to be sent whole */
  overflowed = false;

  constructor(heard: (m: FromGateway) => void, connection: (up: boolean) => void) {
    this.#heard = heard;
    this.#connection = connection;
    this.#alive();
    addEventListener("online", this.#awake);
    addEventListener("pagehide", this.#hide);
    addEventListener("pageshow", this.#awake);
    document.addEventListener("visibilitychange", this.#awake);
  }

  /** A socket that a sleeping laptop or a lost network left behind tells nothing: it is asked. */
  #alive = (): void => {
    dom.cancel(this.#watch);
    if (this.#open && this.#asked && dom.now() - this.#asked > ANSWER_MS) {
      this.#socket!.close();
      this.#down();
    } else this.#ping();
    this.#watch = dom.later(this.#alive, ALIVE_MS);
  };

  #ping(): void {
    if (!this.#open) return;
    this.#asked ||= dom.now();
    this.text({ type: "ping" });
  }

  /** Something may have changed: no time is lost by waiting. */
  #awake = (): void => {
    if (document.hidden) return;
    this.behind = false;
    if (this.#open) this.#ping();
    else if (this.#lost) void this.#again();
  };

  /** A page with a socket is not kept for going back to: it connects again when it is shown. */
  #hide = (e: PageTransitionEvent): void => {
    const socket = this.#socket;
    if (!e.persisted || !socket) return;
    this.#socket = undefined;
    this.#open = false;
    this.#lost = dom.now();
    socket.close();
  };

  /** Starts a session, or goes on with the one that this browser has. */
  async start(resume: boolean, code?: string): Promise<Started> {
    const r = await dom.ask(BASE + "session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      credentials: "same-origin",
      signal: AbortSignal.timeout(ANSWER_MS), // the browser may try it on a connection that is dead
      body: dom.json({ url: place(), resume, code }),
    });
    if (r.status === 204 || r.status === 404) {
      mark(false);
      throw new NoSession("no session");
    }
    if (!r.ok) throw new Refused(r.status);
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
    socket.onopen = () => socket.send(dom.json({ type: "hello", page: this.#page, url: place(), title: "", age: dom.now(), tab: tab(), hidden: this.behind || document.hidden }));
    socket.onmessage = (e) => {
      if (socket === this.#socket && typeof e.data === "string") this.#hear(dom.parse(e.data) as FromGateway);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#down();
    };
  }

  #hear(m: FromGateway): void {
    this.#asked = 0;
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
    this.#asked = 0;
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
    if (this.#ended || this.#socket || this.#trying) return;
    this.#trying = true;
    try {
      await this.start(true);
    } catch (e) {
      if (e instanceof NoSession) {
        this.#close();
        this.#heard({ type: "ended", reason: "gone" });
      } else this.#down();
    } finally {
      this.#trying = false;
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
    dom.cancel(this.#watch);
    removeEventListener("online", this.#awake);
    removeEventListener("pagehide", this.#hide);
    removeEventListener("pageshow", this.#awake);
    document.removeEventListener("visibilitychange", this.#awake);
    mark(false);
    this.#socket?.close();
  }
}
