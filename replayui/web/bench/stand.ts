// The site, the relay and the browser that the benchmarks stand on.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, CDPSession, Page } from "playwright-core";
import { deflateSync } from "node:zlib";
import { WebSocketServer, type WebSocket } from "ws";
import { startBrowser } from "../e2e/stage.ts";
import { script } from "./contenders.ts";
import { bigSheet, formPage, nodesPage, workPage } from "./pages.ts";
import type { Contender } from "./inpage/contender.ts";

export interface Stand { site: string; port: number; browser: Browser; close(): Promise<void> }

/** Starts what all benchmarks need. */
export async function startStand(): Promise<Stand> {
  const server = createServer(answer);
  relay(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const browser = await startBrowser();
  return {
    site: `http://127.0.0.1:${port}`, port, browser,
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

const sheet = bigSheet();

function answer(req: IncomingMessage, res: ServerResponse): void {
  const u = new URL(req.url ?? "/", "http://x");
  const html = (text: string) => res.setHeader("content-type", "text/html; charset=utf-8").end(text);
  if (u.pathname === "/nodes") html(nodesPage(Number(u.searchParams.get("n"))));
  else if (u.pathname === "/form") html(formPage());
  else if (u.pathname === "/work") html(workPage());
  else if (u.pathname === "/framed") html(`<!DOCTYPE html><title>frame</title><iframe data-testid="page" width="1200" height="800" src="/work"></iframe>`);
  else if (u.pathname === "/empty") html("<!DOCTYPE html><title>viewer</title><body>");
  else if (u.pathname === "/big.css") res.setHeader("content-type", "text/css").end(sheet);
  else if (u.pathname.endsWith(".svg")) res.setHeader("content-type", "image/svg+xml").end(`<svg xmlns="http://www.w3.org/2000/svg" width="12" height="12"><rect width="12" height="12" fill="#9ab"/></svg>`);
  else if (u.pathname.startsWith("/ingest/")) void ingest(u.pathname, req, res);
  else res.writeHead(404).end();
}

const taken = new Map<string, Buffer[]>();

/** The far side of OpenReplay's tracker: keeps what comes until it is asked for. */
async function ingest(path: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [, , key = "", ...rest] = path.split("/");
  const parts: Buffer[] = [];
  for await (const b of req) parts.push(b as Buffer);
  const json = (v: unknown) => res.setHeader("content-type", "application/json").end(JSON.stringify(v));
  switch (rest.join("/")) {
    case "v1/web/start":
      return void json({ token: "t", userUUID: "u", projectID: "1", sessionID: "1", delay: 0, startTimestamp: Date.now(), beaconSizeLimit: 50_000_000, compressionThreshold: 1e12, canvasEnabled: false });
    case "v1/web/i":
      taken.set(key, [...(taken.get(key) ?? []), Buffer.concat(parts)]);
      return void res.end();
    case "taken": {
      const all = Buffer.concat(taken.get(key) ?? []);
      taken.delete(key);
      return void json({ raw: all.length, deflated: deflateSync(all).length });
    }
  }
  json([]);
}

/** A plain relay over WebSocket: what one of a room says, the others hear. */
function relay(server: Server): void {
  const rooms = new Map<string, Set<WebSocket>>();
  new WebSocketServer({ server, path: "/relay" }).on("connection", (socket, req) => {
    const name = new URL(req.url ?? "", "http://x").searchParams.get("room") ?? "";
    const room = rooms.get(name) ?? new Set();
    rooms.set(name, room.add(socket));
    socket.on("message", (data, binary) => {
      for (const other of room) if (other !== socket) other.send(data, { binary });
    });
    socket.on("close", () => room.delete(socket));
  });
}

/** A page of the site in a context, and so in a process, of its own. */
export async function openPage(stand: Stand, path: string, before = ""): Promise<Page> {
  const context = await stand.browser.newContext({ viewport: { width: 1200, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript(INPAGE + before);
  await page.goto(stand.site + path);
  return page;
}

/** The same with a recorder in it that was not started. */
export async function withRecorder(stand: Stand, path: string, name: string): Promise<Page> {
  const page = await openPage(stand, path);
  await page.addScriptTag({ content: await script(name) });
  return page;
}

export async function closePage(page: Page): Promise<void> {
  await page.context().close();
}

/** task: all that the thread did; script: without styles and layout. */
export interface Cpu { task: number; script: number }

/** CPU time of a page's main thread, in ms: not of its workers, and not the time it waits. */
export class Meter {
  private constructor(private readonly session: CDPSession) {}

  static async on(page: Page): Promise<Meter> {
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    return new Meter(session);
  }

  async read(): Promise<Cpu> {
    const { metrics } = await this.session.send("Performance.getMetrics");
    const of = (name: string) => (metrics.find((m) => m.name === name)?.value ?? NaN) * 1000;
    const task = of("ThreadTime");
    return { task, script: task - of("LayoutDuration") - of("RecalcStyleDuration") };
  }

  collectGarbage(): Promise<unknown> {
    return this.session.send("HeapProfiler.collectGarbage");
  }

  async during(act: () => Promise<unknown>): Promise<Cpu> {
    await this.collectGarbage();
    const before = await this.read();
    await act();
    const after = await this.read();
    return { task: after.task - before.task, script: after.script - before.script };
  }
}

export const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

declare global {
  var contender: Contender;
  /** runs in a task of its own: what the debugger's protocol runs counts as its */
  var inTask: <T>(f: () => T | Promise<T>) => Promise<T>;
  var nextFrames: (n: number) => Promise<void>;
  var sleep: (ms: number) => Promise<void>;
}

/** Puts what the benchmarks' functions in pages use there. */
export const INPAGE = `
globalThis.inTask = (f) => new Promise((done, fail) => setTimeout(() => { try { Promise.resolve(f()).then(done, fail) } catch (e) { fail(e) } }));
globalThis.nextFrames = async (n) => { for (let i = 0; i < n; i++) await new Promise((done) => requestAnimationFrame(done)) };
globalThis.sleep = (ms) => new Promise((done) => setTimeout(done, ms));
`;
