import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { Intranet } from "./intranet.ts";
import { freePort, pillion, Program, root, Seen, share, signIn, startBrowser, type Gateway } from "./stage.ts";
import { browserWith, homeThatTrusts, selfSigned } from "./trust.ts";
import { startWiki, type Wiki } from "./wiki.ts";

// Sites whose names nobody here controls: the browser is told to use the gateway
// as its proxy, as its set-up page says, and to trust its authority.

const NAMES = ["legacy.test", "app.intranet.test", "www.intranet.test", "other.test"];

let gateway: Gateway;
let proxy: string;
let wiki: Wiki;
let plain: Intranet;
let secure: Intranet;
let other: Intranet;
let home: string;
/** with the gateway's proxy.pac */
let browser: Browser;
let user: BrowserContext;

beforeAll(async () => {
  // Names for the gateway alone: what its resolver asks reads them from a file.
  if (!readdirSync("/usr/lib").some((dir) => existsSync(`/usr/lib/${dir}/libnss_wrapper.so`))) throw new Error("libnss_wrapper.so is not there: run make packages");
  const dir = mkdtempSync(join(tmpdir(), "pillion-forward-"));
  writeFileSync(join(dir, "hosts"), NAMES.map((name) => `127.0.0.1 ${name}\n`).join(""));
  const pair = await selfSigned(["www.intranet.test"]);
  const env = { LD_PRELOAD: "libnss_wrapper.so", NSS_WRAPPER_HOSTS: join(dir, "hosts"), GODEBUG: "netdns=cgo", SSL_CERT_FILE: pair.cert };

  const wikiPort = await freePort();
  wiki = await startWiki("", wikiPort);
  [plain, secure, other] = [await Intranet.start("app.intranet.test"), await Intranet.start("www.intranet.test", pair), await Intranet.start("other.test")];
  const listen = (await Promise.all([freePort(), freePort(), freePort(), freePort()])).map((p) => `127.0.0.1:${p}`);
  const data = join(dir, "data");
  const program = Program.start(join(root, "bin", "pillion"), [
    "serve", "--upstream", wiki.origin, "--listen", listen[0]!, "--console", listen[1]!, "--admin", listen[2]!, "--data", data,
    "--forward", listen[3]!, "--forward-host", "legacy.test", "--forward-host", "*.intranet.test",
  ], { env });
  await program.says(`admin    http://${listen[2]}`);
  gateway = { program, site: `http://${listen[0]}`, console: `http://${listen[1]}`, data, listen };
  proxy = `http://${listen[3]}`;
  wiki.origin = `http://legacy.test:${wikiPort}`;
  home = await homeThatTrusts(await (await fetch(proxy + "/pillion-ca.pem")).text());
  browser = await browserWith(["--disable-quic", `--proxy-pac-url=${proxy}/proxy.pac`], { HOME: home });
  user = await browser.newContext({ viewport: { width: 1100, height: 760 } });
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  await wiki?.program.end();
  for (const site of [plain, secure, other]) await site?.end();
});

const tag = (page: Page) => page.locator('script[src*="/.pillion/capture.js"]').count();

async function visit(url: string): Promise<Page> {
  const page = await user.newPage();
  await page.goto(url);
  return page;
}

describe.each(["http", "https"])("a listed site by %s", (scheme) => {
  it("works, and bears the capture tag", async () => {
    const site = scheme === "http" ? plain : secure;
    const page = await visit(`${scheme}://${site.host}/`);
    expect(await tag(page)).toBe(1);
    await expect.poll(() => page.locator("#fetched").textContent()).toBe("fetched");
    await expect.poll(() => page.locator("#echoed").textContent()).toBe(`hello by ${scheme}:`);
    expect(await page.locator("h1").evaluate((el) => getComputedStyle(el).color)).toBe("rgb(10, 120, 60)");
    await page.locator("[name=name]").fill("Müller");
    await page.getByText("Send").click();
    expect(await page.locator("#sent").textContent()).toBe("Müller");
    expect(page.url()).toBe(`${scheme}://${site.host}/send`);
    expect(site.strangers).toEqual([]);
    const visitor = (await user.cookies(page.url())).find((c) => c.name === "pillion_visit")!;
    expect(visitor).toMatchObject({ domain: site.name, secure: scheme === "https" });
    await page.close();
  });
});

it("keeps a listed host's own certificate errors from users: the gateway refuses the site", async () => {
  const impostor = await Intranet.start("www.intranet.test", await selfSigned(["www.intranet.test"]));
  const page = await user.newPage();
  const answer = await page.goto(`https://${impostor.host}/`);
  expect(answer!.status()).toBe(502);
  expect(await page.locator("h1").textContent()).toBe("This site cannot be reached");
  await page.close();
  await impostor.end();
});

it("does not vouch for a host that is not listed", async () => {
  const direct = await browserWith(["--disable-quic", `--proxy-server=${proxy}`], { HOME: home });
  const page = await direct.newPage();
  const answer = await page.goto(`http://${other.host}/`);
  expect(answer!.status()).toBe(403);
  expect(await page.locator("h1").textContent()).toBe("This proxy is for other sites");
  await shot(page, "forward-refused");
  await expect(page.goto(`https://${other.host}/`)).rejects.toThrow("ERR_TUNNEL_CONNECTION_FAILED");
  expect((await (await direct.newPage()).goto(`https://${secure.host}/`))!.status()).toBe(200); // a proxy for everything serves what is listed
  expect(other.strangers).toEqual([]);
  await direct.close();
});

it("says how browsers are set up", async () => {
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 900 } })).newPage();
  await page.goto(proxy + "/");
  const text = await page.locator("body").innerText();
  for (const wanted of ["legacy.test", "*.intranet.test", `${proxy}/proxy.pac`, "SHA-256"]) expect(text).toContain(wanted);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link").first().click()]);
  expect(download.suggestedFilename()).toBe("pillion-ca.pem");
  await shot(page, "forward-index");
  await page.close();
});

async function shot(page: Page, name: string): Promise<void> {
  if (process.env["SHOTS"]) await page.screenshot({ path: `${process.env["SHOTS"]}/${name}.png` });
}

it("shares listed sites, by http and https, and replays them with the sites switched off", async () => {
  for (const [name, role] of [["Ann", "agent"], ["Otto", "auditor"]] as const) {
    expect((await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n")).status).toBe(0);
  }
  const desk = await startBrowser();
  const agent = await signIn(await desk.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Ann", "pass-word");
  const sessions: { id: string; seen: Seen }[] = [];

  const reader = await visit(`${wiki.origin}/doku.php?id=start&do=index`);
  sessions.push({ id: await share(reader, agent), seen: new Seen(reader, agent, gateway) });
  await sessions[0]!.seen.remember("a page of the wiki");
  await reader.goto(`${wiki.origin}/doku.php?id=wiki:welcome`);
  await sessions[0]!.seen.remember("another page");
  await end(reader, agent);

  const clerk = await visit(`https://${secure.host}/`);
  await clerk.locator("#echoed").filter({ hasText: "hello" }).waitFor();
  sessions.push({ id: await share(clerk, agent), seen: new Seen(clerk, agent, gateway) });
  await clerk.locator("[name=name]").fill("Muster");
  await sessions[1]!.seen.remember("the intranet");
  await end(clerk, agent);
  for (const { seen } of sessions) expect(seen.warnings).toEqual([]);

  await wiki.program.end();
  for (const site of [plain, secure, other]) await site.end();
  for (const { id, seen } of sessions) {
    const auditor = await signIn(await desk.newContext({ viewport: { width: 1600, height: 1000 } }), gateway, "Otto", "pass-word", `/replay/${id}`);
    await auditor.getByTestId("event-row").first().waitFor();
    await seen.replay(auditor, async () => expect(await auditor.getByTestId("missing").allTextContents()).toEqual([]));
  }
  await desk.close();
});

/** Ends the session, and brings the agent back to where the next code is entered. */
async function end(page: Page, agent: Page): Promise<void> {
  await page.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  await agent.goto(gateway.console);
  await page.close();
}
