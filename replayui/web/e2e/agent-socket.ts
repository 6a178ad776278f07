// An agent's connection without a console: what it sends is as the test wants it.
import type { Page } from "playwright-core";
import { decodeBatch, decodeRecord, decodeState } from "../src/page/reader.ts";
import { attributesOf, Op, RecordKind, type Action, type EventConfirmation, type EventRequest, type Lock, type PageNode, type Reason } from "../src/protocol/format.ts";

interface Told { type: string; ref?: string; id?: number; reason?: Reason; level?: string; page?: number; control?: number; participant?: number; code?: string }
export interface Answer { outcome: "confirmed" | "denied" | "rejected"; reason?: Reason; value?: string }

const text = new TextDecoder();

/** The nodes of the page as an agent's copy has them, to be found by their id attributes. */
class Nodes {
  private nodes = new Map<number, PageNode>();
  private up = new Map<number, number>();

  clear(): void {
    this.nodes.clear();
    this.up.clear();
  }

  show(root: PageNode): void {
    this.clear();
    this.enter(root, 0);
  }

  enter(n: PageNode, parent: number): void {
    this.nodes.set(n.id, n);
    this.up.set(n.id, parent);
    for (const c of [...(n.children ?? []), n.shadow, n.frame]) if (c) this.enter(c, n.id);
  }

  move(id: number, parent: number): void {
    this.up.set(id, parent);
  }

  leave(id: number): void {
    this.nodes.delete(id);
    for (const [child, parent] of this.up) {
      if (parent !== id) continue;
      this.up.delete(child);
      this.leave(child);
    }
  }

  attr(id: number, name: string, value: string): void {
    const n = this.nodes.get(id);
    if (n) n.attrs = [...attributesOf(n).filter(([a]) => a !== name).flat(), name, value];
  }

  find(id: string): number {
    for (const n of this.nodes.values()) if (attributesOf(n).some(([name, value]) => name === "id" && value === id)) return n.id;
    return 0;
  }

  /** The first element of a name, and text in it. */
  named(name: string, content = ""): number {
    const holds = (n: PageNode): boolean => !!n.text?.includes(content) || !!n.children?.some(holds);
    for (const n of this.nodes.values()) if (n.name === name && (!content || holds(n))) return n.id;
    return 0;
  }

  get document(): number {
    return 1;
  }
}

export class AgentSocket {
  readonly nodes = new Nodes();
  /** who holds which node, as the records have it */
  readonly locks = new Map<number, number>();
  /** every lock as it was told */
  readonly told: Lock[] = [];
  readonly answers = new Map<number, EventConfirmation[]>();
  readonly requests = new Map<number, EventRequest>();
  level = "";
  /** by which the user comes to a session that the agent opened */
  code = "";
  /** the agent's own number in the session */
  participant = 0;
  seen = 0;
  page = 0;
  private refs = new Map<string, Told>();
  private count = 0;
  private readonly name: string;

  private constructor(private readonly tab: Page) {
    this.name = "agentSocket" + Math.random().toString(36).slice(2);
  }

  /** Connects as the agent who is signed in where `console` is open. */
  static async connect(console: Page, session: string): Promise<AgentSocket> {
    const tab = await console.context().newPage();
    await tab.goto(new URL("/", console.url()).href);
    const s = new AgentSocket(tab);
    await tab.exposeFunction(s.name, (data: string, binary: boolean) => s.hear(data, binary));
    await tab.evaluate(async ([session, name]) => {
      const r = await fetch(`/api/sessions/${session}/ticket`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
      const { ticket } = (await r.json()) as { ticket: string };
      const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/sessions/${session}/socket?ticket=${encodeURIComponent(ticket)}`);
      socket.binaryType = "arraybuffer";
      const tell = (window as never)[name!] as (data: string, binary: boolean) => void;
      socket.onmessage = (e) => {
        if (typeof e.data === "string") return tell(e.data, false);
        let bytes = "";
        for (const b of new Uint8Array(e.data as ArrayBuffer)) bytes += String.fromCharCode(b);
        tell(btoa(bytes), true);
      };
      (window as unknown as { socket: WebSocket }).socket = socket;
      await new Promise((done, fail) => {
        socket.onopen = done;
        socket.onclose = fail;
      });
    }, [session, s.name]);
    await s.until(() => s.nodes.find("top") !== 0 || s.nodes.document !== 0);
    return s;
  }

  private hear(data: string, binary: boolean): void {
    if (!binary) return this.message(JSON.parse(data) as Told);
    const r = decodeRecord(Uint8Array.from(Buffer.from(data, "base64")));
    const json = <T,>() => JSON.parse(text.decode(r.payload)) as T;
    switch (r.kind) {
      case RecordKind.PageState:
        this.page = r.page;
        this.nodes.show(decodeState(r.payload).document);
        this.locks.clear();
        break;
      case RecordKind.PageEvents:
        this.batch(r.payload);
        break;
      case RecordKind.EventRequest: {
        const request = json<EventRequest>();
        this.requests.set(request.id, request);
        break;
      }
      case RecordKind.EventConfirmation: {
        const c = json<EventConfirmation>();
        this.answers.set(c.request, [...(this.answers.get(c.request) ?? []), c]);
        break;
      }
      case RecordKind.Lock: {
        const l = json<Lock>();
        this.told.push(l);
        if (l.held) this.locks.set(l.node, l.by);
        else this.locks.delete(l.node);
      }
    }
    this.seen = Math.max(this.seen, r.offset);
  }

  private message(m: Told): void {
    if (m.ref) this.refs.set(m.ref, m);
    if (m.level) this.level = m.level;
    if (m.type === "welcome") this.participant = m.participant ?? 0;
    if (m.code) this.code = m.code;
    if (m.type !== "page" || m.page === this.page) return;
    this.page = m.page ?? 0;
    this.nodes.clear(); // its state follows
  }

  private batch(payload: Uint8Array): void {
    for (const e of decodeBatch(payload).events) {
      const [id, parent] = e.ids ?? [];
      if (e.op === Op.Insert) this.nodes.enter(e.node!, id!);
      if (e.op === Op.Move) this.nodes.move(id!, parent!);
      if (e.op === Op.Remove) this.nodes.leave(id!);
      if (e.op === Op.Attr) this.nodes.attr(id!, e.name!, e.text!);
      if (e.op === Op.Shadow || e.op === Op.Frame) if (e.node) this.nodes.enter(e.node, id!);
    }
  }

  send(m: object): Promise<void> {
    return this.tab.evaluate((data) => (window as unknown as { socket: WebSocket }).socket.send(data), JSON.stringify(m));
  }

  async until(so: () => boolean, what = "it"): Promise<void> {
    for (let i = 0; !so(); i++) {
      if (i > 1500) throw new Error(`${what} did not come about`);
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  /** A node's number; waits for one that is to come. */
  async node(id: string): Promise<number> {
    await this.until(() => this.nodes.find(id) > 0, `the node #${id}`);
    return this.nodes.find(id);
  }

  /** Asks, and does not wait for the answer: its number, 0 where the gateway refuses it. */
  async ask(node: number, action: Action | string, value = "", more: object = {}): Promise<{ id: number; reason?: Reason }> {
    const ref = `${this.name}-${++this.count}`;
    await this.send({ type: "request", page: this.page, node, action, value, seen: this.seen, ref, ...more });
    await this.until(() => this.refs.has(ref), "an answer of the gateway");
    const m = this.refs.get(ref)!;
    return m.type === "rejected" ? { id: 0, ...(m.reason && { reason: m.reason }) } : { id: m.id! };
  }

  async answer(id: number): Promise<Answer> {
    await this.until(() => this.answers.has(id), `an answer to request ${id}`);
    const { outcome, reason, value } = this.answers.get(id)![0]!;
    return { outcome, ...(reason && { reason }), ...(value !== undefined && { value }) };
  }

  /** Asks for something to be done with an element, by its id attribute, and waits for what comes of it. */
  async request(id: string | number, action: Action | string, value = "", more: object = {}): Promise<Answer> {
    const node = typeof id === "number" ? id : await this.node(id);
    const asked = await this.ask(node, action, value, more);
    return asked.id ? this.answer(asked.id) : { outcome: "rejected", ...(asked.reason && { reason: asked.reason }) };
  }

  async close(): Promise<void> {
    await this.tab.close();
  }
}
