import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import { mkdtempSync, readFileSync, statSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Frame, Page } from "playwright-core";
import { freePort, pillion, root, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// An export for other people's players: replayweb.page itself opens it, offline from the site.

const file = join(mkdtempSync(join(tmpdir(), "pillion-wacz-")), "recording.wacz");
const player = fileURLToPath(new URL("../node_modules/replaywebpage", import.meta.url));
let gateway: Gateway;
let browser: Browser;
let session: string;
let server: Server;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  server?.closeAllConnections();
  server?.close();
});

it("is written by a command", async () => {
  gateway = await startGateway(["demo", "--site", `127.0.0.1:${await freePort()}`]);
  const user = await (await browser.newContext({ viewport: { width: 1000, height: 700 }, reducedMotion: "reduce" })).newPage();
  const agent = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Ann Agent", "pillion-demo");
  await user.goto(gateway.site + "/enrol");
  await user.locator("[name=name]").fill("Maria Muster");
  session = await share(user, agent);
  await user.goto(gateway.site + "/");
  await user.locator("pillion-assist [data-action=end]").waitFor();
  await expect.poll(() => agent.frameLocator("[data-testid=mirror]").locator(".card").count()).toBe(1);
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  await expect.poll(async () => ((await (await agent.request.get(`${gateway.console}/api/sessions/${session}`)).json()) as { state: string }).state, { timeout: 60_000 }).toBe("sealed");
  await user.context().close();
  await agent.context().close();
  await gateway.program.end();
  expect((await pillion(["export", session, "--format", "wacz", "-o", file, "--data", gateway.data])).status).toBe(0);
  expect(statSync(file).size).toBeGreaterThan(5000);
});

/** A folder of what the player needs, and the file, with ranges. */
async function served(): Promise<string> {
  const page = (url: string) => `<!DOCTYPE html><meta charset=utf-8><title>Player</title><style>html,body,replay-web-page{height:100%;margin:0;display:block}</style>
<script src="/ui.js"></script><replay-web-page source="/recording.wacz" url="${url}" embed="replayonly" replayBase="/replay/"></replay-web-page>`;
  const files: Record<string, [string, () => Buffer]> = {
    "/ui.js": ["text/javascript", () => readFileSync(join(player, "ui.js"))],
    "/replay/sw.js": ["text/javascript", () => readFileSync(join(player, "sw.js"))],
    "/recording.wacz": ["application/wacz", () => readFileSync(file)],
  };
  server = createServer((req, res) => {
    const url = new URL(req.url!, "http://x");
    const found = files[url.pathname];
    const body = found ? found[1]() : url.pathname === "/" ? Buffer.from(page(url.searchParams.get("page")!)) : undefined;
    if (!body) return void res.writeHead(404).end();
    const range = /^bytes=(\d*)-(\d*)$/.exec(req.headers.range ?? "");
    const head = { "content-type": found?.[0] ?? "text/html", "accept-ranges": "bytes" };
    if (!range) return void res.writeHead(200, head).end(body);
    const from = range[1] ? Number(range[1]) : body.length - Number(range[2]);
    const to = range[1] && range[2] ? Math.min(Number(range[2]), body.length - 1) : body.length - 1;
    res.writeHead(206, { ...head, "content-range": `bytes ${from}-${to}/${body.length}` }).end(body.subarray(from, to + 1));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The frame in which the player shows a page. Its service worker does not always take a first visit over: then it is visited again. */
async function shown(viewer: Page, ending: string): Promise<Frame> {
  const found = () => viewer.frames().find((f) => /mp_\/http/.test(f.url()) && f.url().endsWith(ending));
  for (let visit = 0; visit < 4; visit++) {
    for (let i = 0; i < 200; i++) {
      const frame = found();
      if (frame) return frame;
      await viewer.waitForTimeout(100);
    }
    await viewer.reload();
  }
  throw new Error(`the player does not show ${ending}: ${viewer.frames().map((f) => f.url()).join(" ")}`);
}

it("opens in replayweb.page, with its pictures, style and font", async () => {
  const origin = await served();
  const viewer = await (await browser.newContext({ viewport: { width: 1000, height: 760 } })).newPage();
  await viewer.goto(`${origin}/?page=${encodeURIComponent(gateway.site + "/")}`);
  const home = await shown(viewer, gateway.site + "/");
  await home.locator(".card").waitFor();
  await expect.poll(() => home.evaluate(() => [...document.fonts].some((f) => f.status === "loaded"))).toBe(true);
  expect(await home.locator("td.banner").evaluate((el) => getComputedStyle(el).backgroundColor)).toBe("rgb(13, 59, 102)");
  await expect.poll(() => home.evaluate(() => [...document.images].every((i) => i.naturalWidth > 0))).toBe(true);
  await viewer.goto(`${origin}/?page=${encodeURIComponent(gateway.site + "/enrol")}`);
  const form = await shown(viewer, "/enrol");
  expect(await form.locator("[name=name]").inputValue()).toBe("Maria Muster");
  expect(await form.locator("[name=pin]").inputValue()).not.toContain("secret");
  await viewer.close();
});

it("is read by the independent reader of its format", async () => {
  // warcio.js reads each record, and says the same digest as was told.
  const out = execFileSync("unzip", ["-l", file]).toString();
  for (const part of ["archive/data.warc.gz", "indexes/index.cdxj", "pages/pages.jsonl", "datapackage.json", "datapackage-digest.json"]) expect(out).toContain(part);
  const { WARCParser } = await import("warcio");
  const warc = execFileSync("unzip", ["-p", file, "archive/data.warc.gz"], { maxBuffer: 64 << 20 });
  const records: { url: string | null | undefined; type: string | null | undefined; status: number | undefined; marked: string | null | undefined; size: number }[] = [];
  for await (const record of new WARCParser((async function* () { yield new Uint8Array(warc); })())) {
    const body = record.warcType === "response" ? await record.readFully(true) : await record.readFully(false);
    records.push({
      url: record.warcTargetURI, type: record.warcType, status: record.httpHeaders ? Number(record.httpHeaders.statusCode) : undefined,
      marked: record.httpHeaders?.headers.get("pillion-page-state") , size: body.length,
    });
  }
  expect(records[0]!.type).toBe("warcinfo");
  const responses = records.slice(1);
  expect(responses.length).toBeGreaterThan(4);
  expect(responses.every((r) => r.type === "response" && r.status === 200 && r.size > 0)).toBe(true);
  expect(responses.filter((r) => r.marked).map((r) => new URL(r.url!).pathname)).toEqual(["/enrol", "/"]);
  expect(responses.some((r) => r.url!.endsWith("/fonts/card.ttf") && r.size === statSync(join(root, "cmd/pillion/demosite/fonts/card.ttf")).size)).toBe(true);
});
