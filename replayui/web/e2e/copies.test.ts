import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page, Response } from "playwright-core";
import { Host } from "./origins-stage.ts";
import { difference, frameShot, picture, pillion, Seen, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";
import { emptyPictures } from "./world-stage.ts";
import { tile } from "./world.ts";

// Links to assets that lead to their archived copies.

const PAGE = `<!DOCTYPE html><title>Copies</title><link rel=stylesheet href="/static/page.css"><link rel=stylesheet href="/live.css">
  <h1>Copies</h1><img id=sign src="/static/sign.png" width=64 height=48><img id=other src="/other.png" width=64 height=48><p>Text`;
const SHEET = `@import "deep/more.css"; h1 { background: url(back.png) } p { background: url(/static/p.png#here) }`;

let sign = tile("sign, the first");
let site: Host;
let gateway: Gateway;
let browser: Browser;
let page: Page;
let answers: Response[] = [];

beforeAll(async () => {
  site = await Host.start("localhost", (req, res) => {
    const path = req.url!.split("?")[0]!;
    const type = path.endsWith(".png") ? "image/png" : path.endsWith(".css") ? "text/css" : "text/html";
    res.setHeader("content-type", type);
    if (type !== "text/html") res.setHeader("cache-control", "max-age=5");
    if (path === "/static/sign.png") res.end(sign);
    else if (type === "image/png") res.end(tile(path));
    else if (path === "/static/page.css") res.end(SHEET);
    else if (type === "text/css") res.end("p { color: #246; padding: 20px; border: 8px solid; border-image: url(/static/line.png) 4 }");
    else res.end(PAGE);
  });
  gateway = await startGateway(["serve", "--upstream", site.origin, "--redirect-assets", "/static/**"]);
  for (const [name, role] of [["Ann", "agent"], ["Otto", "auditor"]] as const) {
    expect((await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n")).status).toBe(0);
  }
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  await site?.end();
});

/** Opens the page with an empty cache. */
async function fresh(): Promise<void> {
  await page?.context().close();
  page = await (await browser.newContext({ viewport: { width: 1100, height: 760 } })).newPage();
  answers = [];
  page.on("response", (r) => answers.push(r));
  await page.goto(gateway.site + "/", { waitUntil: "networkidle" });
  expect(await emptyPictures(page)).toEqual([]);
}

const copyOf = (name: string) => answers.find((r) => new RegExp(`/\\.pillion/copy/sha256-[0-9a-f]+/.*/static/${name}$`).test(r.url()));

let direct: Buffer; // the look of the page without copies

it("the first visit asks the site", async () => {
  await fresh();
  direct = await picture(page);
  expect(answers.filter((r) => r.url().includes("/copy/")).map((r) => r.url())).toEqual([]);
  expect(site.asked).toContain("GET /static/deep/more.css");
});

it("the second is led to copies, which stay in the browser's cache for good, and looks the same", async () => {
  site.asked.length = 0;
  await fresh();
  for (const name of ["page.css", "sign.png"]) {
    const answer = copyOf(name);
    expect(answer, name).toBeDefined();
    expect(answer!.status()).toBe(200);
    expect(answer!.headers()["cache-control"]).toContain("immutable");
  }
  // What a copied sheet names is asked for under its own name: the copy never changes.
  for (const path of ["/other.png", "/static/deep/more.css", "/static/back.png", "/static/p.png"]) expect(site.asked).toContain("GET " + path);
  expect(site.asked).not.toContain("GET /static/page.css");
  expect(site.asked).not.toContain("GET /static/sign.png");
  expect(difference(direct, await picture(page))).toBeLessThan(0.001);
});

it("a picture's copy bears its hash, and another content never stands under it", async () => {
  const url = copyOf("sign.png")!.url();
  const [, hash] = /copy\/sha256-([0-9a-f]+)\//.exec(url)!;
  const ask = (to: string) => fetch(to, { redirect: "manual" });
  const hashed = async (r: globalThis.Response) => createHash("sha256").update(Buffer.from(await r.arrayBuffer())).digest("hex");
  expect(await hashed(await ask(url))).toBe(hash);

  sign = tile("sign, the second");
  expect(await hashed(await ask(url))).toBe(hash); // the site is not asked
  const second = await hashed(await ask(gateway.site + "/static/sign.png")); // this is the next copy
  expect(second).not.toBe(hash);
  await expect.poll(async () => (await ask(url)).status).toBe(302);
  const old = await ask(url);
  expect([old.headers.get("location"), old.headers.get("cache-control")]).toEqual([gateway.site + "/static/sign.png", "no-store"]);
  const wrong = await ask(url.replace(hash!, "0".repeat(64)));
  expect(wrong.status).toBe(302);

  await fresh();
  expect(copyOf("sign.png")!.url()).toContain(second);
  expect(await hashed(await ask(copyOf("sign.png")!.url()))).toBe(second);
});

it("copies of other hosts, and of what is no asset, are not there", async () => {
  const at = copyOf("sign.png")!.url();
  const ask = async (url: string) => (await fetch(url, { redirect: "manual" })).status;
  expect(await ask(at.replace(/(copy\/sha256-[0-9a-f]+)\/.*/, "$1/http/elsewhere.example/static/sign.png"))).toBe(404);
  expect(await ask(at.replace(/copy\/sha256-[0-9a-f]+/, "copy/nonsense"))).toBe(404);
});

it("a page with copies is shared, and replayed with the site switched off", async () => {
  const desk = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const agent = await signIn(desk, gateway, "Ann", "pass-word");
  await fresh();
  const seen = new Seen(page, agent, gateway);
  const session = await share(page, agent);
  await expect.poll(() => emptyPictures(agent, "[data-testid=mirror]")).toEqual([]);
  await seen.remember("copies");
  const look = await picture(page);
  // The site's file changes while the page is on show: the user still sees the copy.
  sign = tile("sign, the third");
  expect((await fetch(gateway.site + "/static/sign.png")).status).toBe(200);
  await page.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  expect(seen.warnings).toEqual([]);
  expect(await agent.getByTestId("missing").count()).toBe(0);
  await site.end();
  const auditor = await signIn(await browser.newContext({ viewport: { width: 1600, height: 1000 } }), gateway, "Otto", "pass-word", `/replay/${session}`);
  await auditor.getByTestId("event-row").first().waitFor();
  await seen.replay(auditor, async () => expect(await auditor.getByTestId("missing").count()).toBe(0));
  await auditor.locator(".overlay").evaluate((el) => ((el as HTMLElement).style.visibility = "hidden"));
  await expect.poll(() => emptyPictures(auditor, "[data-testid=page]")).toEqual([]);
  expect(difference(look, await frameShot(auditor, "page"))).toBeLessThan(0.001);
});
