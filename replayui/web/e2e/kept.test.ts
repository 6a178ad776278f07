import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { PNG } from "pngjs";
import { Host } from "./origins-stage.ts";
import { pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";
import { tile } from "./world.ts";

// What is kept of a page's files: each form in which a page names one, from each
// place where the browser may have it, and why where it is not kept.

const PAGE = (third: string, other: string) => `<!DOCTYPE html><title>Kept</title>
<link rel=stylesheet href="/a.css"><link rel=icon href="/favicon.png">
<h1>Kept</h1><p class=font>Text</p><p class=back>Text</p>
<img src="/plain.png"><img src="/one.png" srcset="/one.png 1x, /two.png 2x">
<picture><source srcset="/wide.png" media="(min-width: 10px)"><img src="/narrow.png"></picture>
<svg width=40 height=40><use href="/sprite.svg#a"/><image href="/in-svg.png" width=9 height=9 /></svg>
<img src="/me.png"><img src="/no-store.png"><img src="/listed.png"><img src="/moved.png"><img src="/gone.png"><img src="/evil.png"><img src="/label.png">
<img src="/cached.png"><img src="/etag.png"><img src="/worker.png"><img src="/token.png?v=1&token=opensesame"><img src="/drawing.svg">
<img class=code src="/captcha.png"><input type=image src="/input.png"><table background="/table.png"><tr><td>x</table><div style="background: url(/style.png)">x</div>
<audio src="/sound.wav" preload=auto controls></audio><video poster="/poster.png" width=50 height=50></video>
<iframe src="/inner.html"></iframe><iframe sandbox src="/boxed.html"></iframe><iframe src="/paper.pdf"></iframe>
<img src="${third}/third.png"><img src="${other}/other.png">
<div style="height: 9000px"></div><img loading=lazy src="/lazy.png">
<script>navigator.serviceWorker.register("/worker.js")</script>`;

const SHEET = `@import "b.css"; @font-face { font-family: F; src: url(/f.woff2) } .font { font-family: F } .back { background: url(back.png) } .never { background: url(never.png) }`;
const WORKER = `
addEventListener("install", (e) => e.waitUntil(caches.open("c").then((c) => c.add("/worker.png"))));
addEventListener("activate", (e) => e.waitUntil(clients.claim()));
addEventListener("fetch", (e) => { if (new URL(e.request.url).pathname === "/worker.png") e.respondWith(caches.match("/worker.png").then((r) => r ?? fetch(e.request))) });`;

const SOUND = Buffer.alloc(200_044, 128);
SOUND.write("RIFF\x3c\x0d\x03\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x18\x0d\x03\x00", 0, "latin1");
const FONT = Buffer.concat([Buffer.from("wOF2"), Buffer.alloc(200)]);
const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>parent.ran = window.ran = 1</script><rect width="9" height="9"/></svg>`;
const SPRITE = `<svg xmlns="http://www.w3.org/2000/svg"><g id="a"><rect width="9" height="9" fill="red"/></g></svg>`;
const PAPER = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

let captchas = 0; // another picture each time, under the same URL

function site(req: IncomingMessage, res: ServerResponse): void {
  const path = req.url!.split("?")[0]!;
  const send = (type: string, body: string | Buffer, headers: Record<string, string> = {}) => {
    res.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body), ...headers });
    res.end(body);
  };
  const user = /sid=(\w+)/.exec(req.headers.cookie ?? "")?.[1] ?? "nobody";
  if (path === "/") send("text/html", PAGE(third.origin, other.origin));
  else if (path === "/login") res.writeHead(302, { location: "/", "set-cookie": `sid=${req.url!.split("=")[1]}; Path=/` }).end();
  else if (path === "/a.css") send("text/css", SHEET);
  else if (path === "/b.css") send("text/css", "h1 { background: url(imported.png) }");
  else if (path === "/f.woff2") send("application/octet-stream", FONT);
  else if (path === "/worker.js") send("text/javascript", WORKER);
  else if (path === "/sprite.svg") send("image/svg+xml", SPRITE);
  else if (path === "/drawing.svg") send("image/svg+xml", DRAWING);
  else if (path === "/inner.html") send("text/html", "<!DOCTYPE html><title>Inner</title><img src=/inner.png>");
  else if (path === "/boxed.html") send("text/html", "<!DOCTYPE html><title>Boxed</title><p>in a box");
  else if (path === "/paper.pdf") send("application/pdf", PAPER);
  else if (path === "/captcha.png") send("image/png", tile(`captcha ${++captchas}`), { "cache-control": "no-cache" });
  else if (path === "/me.png") send("image/png", Buffer.concat([tile(user), Buffer.from(`the picture of ${user}`)]));
  else if (path === "/no-store.png" || path === "/listed.png") send("image/png", tile(path), { "cache-control": "no-store" });
  else if (path === "/moved.png") res.writeHead(302, { location: "/new.png" }).end();
  else if (path === "/gone.png") res.writeHead(404).end("gone");
  else if (path === "/evil.png") send("text/html", "<script>parent.ran = window.ran = 1</script>");
  else if (path === "/label.png") send("text/html", tile(path));
  else if (path === "/cached.png") send("image/png", tile(path), { "cache-control": "max-age=3600" });
  else if (path === "/etag.png" && req.headers["if-none-match"]) res.writeHead(304, { etag: `"1"` }).end();
  else if (path === "/etag.png") send("image/png", tile(path), { etag: `"1"`, "cache-control": "no-cache" });
  else if (path === "/sound.wav") {
    const range = /bytes=(\d+)-(\d*)/.exec(req.headers.range ?? "");
    if (!range) return send("audio/wav", SOUND, { etag: `"s"`, "accept-ranges": "bytes" });
    const [from, to] = [Number(range[1]), range[2] ? Number(range[2]) : SOUND.length - 1];
    res.writeHead(206, { "content-type": "audio/wav", etag: `"s"`, "content-range": `bytes ${from}-${to}/${SOUND.length}`, "content-length": to - from + 1 });
    res.end(SOUND.subarray(from, to + 1));
  } else if (path.endsWith(".png")) send("image/png", tile(path));
  else res.writeHead(404).end();
}

let main: Host;
let third: Host;
let other: Host;
let gateway: Gateway;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let agent: Page;
let auditor: Page;
let session: string;
const config = join(mkdtempSync(join(tmpdir(), "pillion-kept-")), "config.yaml");

async function start(ports?: string[]): Promise<Gateway> {
  const g = await startGateway(["serve", "--upstream", main.origin, "--assets", new URL(third.origin).host, "--config", config], undefined, ports);
  for (const [name, role] of [["Ann", "agent"], ["Otto", "auditor"]] as const) {
    expect((await pillion(["account", "add", name, "--role", role, "--data", g.data], "pass-word\n")).status).toBe(0);
  }
  return g;
}

beforeAll(async () => {
  writeFileSync(config, "archive:\n  no-store: [/listed.png]\n");
  main = await Host.start("localhost", site);
  third = await Host.start("localhost", (req, res) => res.writeHead(200, { "content-type": "image/png" }).end(tile("third " + req.url)));
  other = await Host.start("localhost", (req, res) => res.writeHead(200, { "content-type": "image/png" }).end(tile("other " + req.url)));
  browser = await startBrowser();
  const early = await start();
  context = await browser.newContext({ viewport: { width: 1100, height: 760 } });
  page = await context.newPage();
  await page.goto(early.site + "/login?as=ann", { waitUntil: "networkidle" });
  await page.evaluate(() => navigator.serviceWorker.ready);
  await early.program.end();
  // The next one has never seen what the browser has in its caches.
  gateway = await start(early.listen);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  for (const host of [main, third, other]) await host?.end();
});

/** What the auditor gets of a session's file: its bytes as text, or why there are none. */
async function kept(path: string, of = session, who = auditor): Promise<string> {
  const host = new URL(gateway.site).host;
  const url = path.startsWith("http") ? path.replace("://", "/") : `http/${host}${path}`;
  const r = await who.request.get(`${gateway.console}/archive/${of}/1/${url}`);
  return r.status() === 404 ? `(${r.headers()["pillion-missing"]})` : (await r.body()).toString("latin1");
}
const text = (b: Buffer | string) => Buffer.from(b).toString("latin1");

/** Has the page show its CAPTCHA anew, as pages do that give it no other URL, and returns the picture on show. */
async function anotherCaptcha(): Promise<string> {
  const before = captchas;
  const pixel = await page.evaluate(async () => {
    const img = document.querySelector<HTMLImageElement>("img.code")!;
    await (await fetch("/captcha.png", { cache: "reload" })).blob();
    img.src = "/captcha.png";
    await img.decode();
    const on = new OffscreenCanvas(32, 24).getContext("2d")!;
    on.drawImage(img, 0, 0);
    return [...on.getImageData(0, 0, 1, 1).data];
  });
  expect(captchas).toBeGreaterThan(before);
  const picture = tile(`captcha ${captchas}`);
  expect(pixel).toEqual([...PNG.sync.read(picture).data.subarray(0, 4)]);
  return text(picture);
}
let shown: string;

it("what the browser has in its caches is handed in, without any viewer", async () => {
  agent = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Ann", "pass-word");
  main.asked.length = 0;
  await page.goto(gateway.site + "/", { waitUntil: "networkidle" });
  expect(main.asked).not.toContain("GET /cached.png");
  expect(main.asked).not.toContain("GET /worker.png");
  shown = await anotherCaptcha();
  session = await share(page, agent);
  await agent.goto("about:blank"); // nobody looks
  await new Promise((done) => setTimeout(done, 15_000));
  expect(main.asked).not.toContain("GET /cached.png");
  expect(main.asked).not.toContain("GET /worker.png");
  expect(main.asked.filter((a) => a === "GET /etag.png")).toHaveLength(1); // the 304
  // What is not in sight was not loaded, and what is never used was not either.
  for (const path of ["/lazy.png", "/never.png", "/two.png", "/narrow.png"]) expect(main.asked).not.toContain("GET " + path);
});

it("a picture that is fetched again under the same URL is not the one that the page was seen with", async () => {
  expect(await anotherCaptcha()).not.toBe(shown);
  await page.waitForTimeout(3000); // it is in the index
  expect(await kept("/captcha.png", session, agent)).toBe(shown);
});

it("every file that the page named is found after the session, or the archive says why not", async () => {
  await page.evaluate(() => document.querySelector("img[loading=lazy]")!.scrollIntoView());
  await expect.poll(() => main.asked).toContain("GET /lazy.png");
  await page.waitForTimeout(1000);
  await page.locator("pillion-assist [data-action=end]").click();
  auditor = await signIn(await browser.newContext({ viewport: { width: 1600, height: 1000 } }), gateway, "Otto", "pass-word");
  await expect.poll(async () => (await auditor.request.get(`${gateway.console}/api/sessions/${session}/recording`)).status(), { timeout: 30_000 }).toBe(200);
  const found: Record<string, string> = {};
  const want: Record<string, string> = {
    "/sprite.svg": SPRITE, "/f.woff2": text(FONT), "/sound.wav": text(SOUND), "/me.png": text(tile("ann")) + "the picture of ann", "/drawing.svg": DRAWING,
    "/no-store.png": "(no-store)", "/gone.png": "(status)", "/evil.png": "(type)", "/moved.png": text(tile("/new.png")), "/two.png": "(not-seen)", "/narrow.png": "(not-seen)",
    [`/.pillion/from/http/${new URL(third.origin).host}/third.png`]: text(tile("third /third.png")), [other.origin + "/other.png"]: "(other-host)",
    "/token.png?v=1&token=opensesame": text(tile("/token.png")), "/token.png?v=1&token=***": text(tile("/token.png")),
    "/captcha.png": shown, "/boxed.html": "<!DOCTYPE html><title>Boxed</title><p>in a box", "/paper.pdf": PAPER,
  };
  for (const path of ["/plain.png", "/one.png", "/wide.png", "/in-svg.png", "/listed.png", "/label.png", "/cached.png", "/etag.png", "/worker.png", "/input.png", "/table.png", "/style.png", "/poster.png", "/back.png", "/imported.png", "/inner.png", "/lazy.png"]) {
    want[path] = text(tile(path));
  }
  for (const path of Object.keys(want)) found[path] = await kept(path);
  const short = (all: Record<string, string>) => Object.fromEntries(Object.entries(all).map(([path, body]) => [path, body.length > 60 ? body.length + " " + body.slice(0, 8) + body.slice(-30) : body]));
  expect(short(found)).toEqual(short(want));
  expect(found).toEqual(want);
});

it("what is the user's alone is nowhere readable, and no other session's", async () => {
  const holds: string[] = [];
  const walk = (dir: string): void => {
    for (const name of readdirSync(dir)) {
      const at = join(dir, name);
      if (statSync(at).isDirectory()) walk(at);
      else if (readFileSync(at).includes("the picture of ann")) holds.push(at);
      else if (!at.includes("/log/") && readFileSync(at).includes("opensesame")) holds.push(at);
    }
  };
  walk(gateway.data);
  expect(holds).toEqual([]);

  const bob = await (await browser.newContext({ viewport: { width: 1100, height: 760 } })).newPage();
  await bob.goto(gateway.site + "/login?as=bob", { waitUntil: "networkidle" });
  await agent.goto(gateway.console + "/");
  const second = await share(bob, agent);
  await expect.poll(() => kept("/me.png", second, agent)).toBe(text(tile("bob")) + "the picture of bob");
  await bob.locator("pillion-assist [data-action=end]").click();
  await expect.poll(async () => (await auditor.request.get(`${gateway.console}/api/sessions/${second}/recording`)).status(), { timeout: 30_000 }).toBe(200);
  expect(await kept("/me.png", second)).toBe(text(tile("bob")) + "the picture of bob");
  expect(await kept("/me.png")).toBe(text(tile("ann")) + "the picture of ann");
});

it("a file opened by itself runs nothing in the console's origin", async () => {
  const host = new URL(gateway.site).host;
  const tab = await auditor.context().newPage();
  for (const path of ["/drawing.svg", "/evil.png", "/label.png"]) {
    await tab.goto(`${gateway.console}/archive/${session}/1/http/${host}${path}`);
    expect(await tab.evaluate(() => (window as unknown as { ran?: number }).ran), path).toBeUndefined();
  }
});

it("nothing went wrong on the way", () => {
  expect(gateway.program.output.split("\n").filter((line) => /level=(WARN|ERROR)/.test(line))).toEqual([]);
});
