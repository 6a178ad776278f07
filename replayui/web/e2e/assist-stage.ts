// What the tests of the element on the user's page stand on: a site with hard
// corners, and an agent's connection beside that of the console.
import { createServer, type Server } from "node:http";
import type { Page } from "playwright-core";
import type { PageNode } from "../src/protocol/format.ts";
import { decodeRecord, decodeState } from "../src/page/reader.ts";

const HOSTILE = `<style>
  html * { all: unset !important; --a: red !important }
  div, section, button, h2, p, pillion-assist { display: none !important; pointer-events: none !important }
  pillion-assist { display: none !important; visibility: hidden !important; opacity: 0 !important; transform: scale(0) !important; --a: red !important; color: red !important }
  html { direction: rtl; transform: translateX(40px) }
</style>`;

const PAGE = `<title>Form</title><style>body { font: 16px sans-serif; margin: 20px } label { display: block; margin: 8px 0 }</style><main><h1>Form</h1>
  <label>Name <input id=name value=Ann></label>
  <label>Town <select id=town><option>Here<option>There</select></label>
  <label>Remarks <textarea id=remarks></textarea></label>
  <label>Day <input id=day type=date value=2026-01-02></label>
  <a href="/de" id=link>Auf Deutsch</a>
  <div id=inner style="height: 120px; width: 300px; overflow: auto; border: 2px solid"><div style="height: 200px"></div><button id=deep>Deep</button><div style="height: 300px"></div></div>
  <div id=host></div>
  <iframe id=frame style="margin: 10px; border: 7px solid grey; padding: 5px; width: 300px; height: 130px; transform: scale(.9)" title=Frame src="/inner"></iframe>
  <div style="height: 2000px"></div></main>
  <script>
    host.attachShadow({ mode: "closed" }).innerHTML = "<p><button id=shadowed>In a shadow</button></p>";
    keys = [];
    for (const name of ["keydown", "keyup", "beforeinput", "input", "click", "focusin", "paste"])
      for (const at of [window, document]) at.addEventListener(name, (e) => keys.push(name + (e.key ?? "")), true);
  </script>`;

const PAGES: Record<string, string> = {
  "/": `<!DOCTYPE html><html lang=en-GB>${PAGE}`,
  "/de": `<!DOCTYPE html><html lang=de-AT>${PAGE}`,
  "/fr": `<!DOCTYPE html><html lang=fr>${PAGE}`,
  "/es": `<!DOCTYPE html><html lang=es>${PAGE}`,
  "/own": `<!DOCTYPE html><html lang=en><title>Own</title><main><h1>Own</h1><div id=help>Ask us</div> <p>text</main>`,
  "/inner": `<!DOCTYPE html><html lang=en><title>Inner</title><p style="margin-top: 150px"><label>Inner <input id=within></label>`,
  "/hostile": `<!DOCTYPE html><html lang=en><title>Hostile</title>${HOSTILE}<b>text</b>`,
  "/modal": `<!DOCTYPE html><html lang=en><title>Modal</title><main><h1>Modal</h1><dialog id=d style="transform: rotate(1deg)"><label>In it <input></label></dialog></main>`,
};

/** Serves the pages of the tests. */
export function startForms(port: number): Promise<Server> {
  const site = createServer((req, res) => {
    const page = PAGES[req.url!.split("?")[0]!];
    if (page) res.setHeader("content-type", "text/html; charset=utf-8").end(page);
    else res.writeHead(404).end();
  });
  return new Promise((done) => site.listen(port, "127.0.0.1", () => done(site)));
}

/** A second connection of the agent's, which says what consoles do not. */
export class Hand {
  private constructor(private readonly console: Page) {}

  static async take(console: Page, session: string): Promise<Hand> {
    await console.evaluate(async (id) => {
      const r = await fetch(`/api/sessions/${id}/ticket`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
      const { ticket } = (await r.json()) as { ticket: string };
      const s = new WebSocket(`ws://${location.host}/api/sessions/${id}/socket?ticket=${ticket}`);
      s.binaryType = "arraybuffer";
      const all: { socket: WebSocket; frames: string[]; texts: Record<string, unknown>[] } = { socket: s, frames: [], texts: [] };
      (window as never as { hand: typeof all }).hand = all;
      s.onmessage = (e) => {
        if (typeof e.data === "string") all.texts.push(JSON.parse(e.data) as Record<string, unknown>);
        else all.frames.push([...new Uint8Array(e.data as ArrayBuffer)].map((b) => b.toString(16).padStart(2, "0")).join(""));
      };
    }, session);
    return new Hand(console);
  }

  private heard(): Promise<{ frames: string[]; texts: Record<string, unknown>[] }> {
    return this.console.evaluate(() => {
      const { frames, texts } = (window as never as { hand: { frames: string[]; texts: Record<string, unknown>[] } }).hand;
      return { frames, texts };
    });
  }

  private async said(name: string): Promise<unknown> {
    for (;;) {
      const value = (await this.heard()).texts.filter((m) => m[name] !== undefined).at(-1)?.[name];
      if (value !== undefined) return value;
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async level(): Promise<string> {
    return (await this.said("level")) as string;
  }

  /** The code by which the user comes to a session that the agent opened. */
  async code(): Promise<string> {
    return (await this.said("code")) as string;
  }

  /** What requests came to, by their numbers. */
  async outcomes(): Promise<{ request: number; outcome: string; reason?: string; value?: string }[]> {
    const { frames } = await this.heard();
    const records = frames.map((f) => decodeRecord(Buffer.from(f, "hex"))).filter((r) => r.kind === 4);
    return records.map((r) => JSON.parse(Buffer.from(r.payload).toString()) as { request: number; outcome: string });
  }

  /** The page, and the number in it of the element with an id. */
  async node(id: string): Promise<{ page: number; node: number; seen: number }> {
    for (;;) {
      const { frames } = await this.heard();
      const records = frames.map((f) => decodeRecord(Buffer.from(f, "hex")));
      const state = records.filter((r) => r.kind === 1).at(-1);
      const found = state && find(decodeState(state.payload).document, id);
      if (found) return { page: state.page, node: found, seen: records.at(-1)!.offset };
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async send(message: object): Promise<void> {
    await this.console.evaluate((m) => (window as never as { hand: { socket: WebSocket } }).hand.socket.send(JSON.stringify(m)), message);
  }

  /** Asks for something to be done to the element with an id. */
  async request(action: string, id: string, value = ""): Promise<void> {
    await this.send({ type: "request", action, value, ref: `${Date.now()}${Math.random()}`, ...(await this.node(id)) });
  }

  async draw(number: number, shape: string, id: string, points: number[] = []): Promise<void> {
    const { page, node } = await this.node(id);
    await this.send({ type: "draw", page, drawing: { id: number, shape, node, points } });
  }

  async point(id: string, x = 0.5, y = 0.5, down = false): Promise<void> {
    await this.send({ type: "pointer", x, y, vx: 5, vy: 5, down, ...(await this.node(id)) });
  }
}

function find(n: PageNode, id: string): number {
  if (n.attrs?.some(([name, value]) => name === "id" && value === id)) return n.id;
  for (const inner of [n.shadow, n.frame, ...(n.children ?? [])]) {
    const found = inner && find(inner, id);
    if (found) return found;
  }
  return 0;
}
