import { copyFileSync } from "node:fs";
import { connect, type PeerCertificate } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { pillion, Seen, share, signIn, startGateway, type Gateway } from "./stage.ts";
import { browserWith, keyHash, selfSigned, type Pair } from "./trust.ts";
import { startWiki, type Wiki } from "./wiki.ts";

// Site and console by https, over HTTP/2 and HTTP/3, with a certificate of the
// operator's that is replaced while the gateway runs.

let wiki: Wiki;
let gateway: Gateway;
/** the certificate that is in use, and the one that will take its place */
let pair: Pair;
let next: Pair;
let browser: Browser;
let user: BrowserContext;
let trusted: string;

beforeAll(async () => {
  wiki = await startWiki();
  [pair, next] = [await selfSigned(["localhost", "127.0.0.1"]), await selfSigned(["localhost", "127.0.0.1"])];
  gateway = await startGateway(["serve", "--upstream", wiki.origin, "--tls-cert", pair.cert, "--tls-key", pair.key, "--http3"]);
  gateway = { ...gateway, site: gateway.site.replace("http:", "https:"), console: gateway.console.replace("http:", "https:") };
  for (const [name, role] of [["Ann", "agent"], ["Otto", "auditor"]] as const) {
    expect((await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n")).status).toBe(0);
  }
  trusted = `--ignore-certificate-errors-spki-list=${keyHash(pair.cert)},${keyHash(next.cert)}`;
  browser = await browserWith(["--disable-quic", trusted]);
  user = await browser.newContext({ viewport: { width: 1100, height: 760 } });
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  await wiki?.program.end();
});

/** Puts a pair where another one is, the key first: until both are there, the old pair is served. */
function replace(by: Pair, at: Pair): void {
  copyFileSync(by.key, at.key);
  copyFileSync(by.cert, at.cert);
}

/** The version of HTTP by which the page came. */
const protocol = (page: Page) => page.evaluate(() => (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming).nextHopProtocol);

it("serves pages with the tag over HTTP/2, and cookies for https alone", async () => {
  const page = await user.newPage();
  const answer = await page.goto(gateway.site + "/doku.php?id=start&do=index");
  expect(await protocol(page)).toBe("h2");
  expect(await page.locator('script[src*="/.pillion/capture.js"]').count()).toBe(1);
  expect(answer!.headers()["alt-svc"]).toBe(`h3=":${new URL(gateway.site).port}"; ma=86400`);
  expect((await user.cookies()).find((c) => c.name === "pillion_visit")).toMatchObject({ secure: true });
  await page.close();
});

it("serves the same over HTTP/3", async () => {
  const fast = await browserWith(["--enable-quic", `--origin-to-force-quic-on=${new URL(gateway.site).host}`, trusted]);
  const page = await fast.newPage();
  await page.goto(gateway.site + "/doku.php?id=start&do=index");
  expect(await protocol(page)).toBe("h3");
  expect(await page.locator('script[src*="/.pillion/capture.js"]').count()).toBe(1);
  await page.locator("pillion-assist").waitFor({ state: "attached" });
  await fast.close();
});

it("shares a session by wss, with a console by https, and replays it", async () => {
  const sockets: string[] = [];
  const page = await user.newPage();
  page.on("websocket", (s) => sockets.push(s.url()));
  await page.goto(gateway.site + "/doku.php?id=start&do=index");
  const desk = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const agent = await signIn(desk, gateway, "Ann", "pass-word");
  agent.on("websocket", (s) => sockets.push(s.url()));
  expect((await desk.cookies()).map((c) => c.secure)).toEqual([true]);
  const session = await share(page, agent);
  const seen = new Seen(page, agent, gateway);
  await seen.remember("the index");
  await page.goto(gateway.site + "/doku.php?id=wiki:welcome");
  await seen.remember("another page");
  await page.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  expect(seen.warnings).toEqual([]);
  expect(new Set(sockets.map((s) => new URL(s).origin))).toEqual(new Set([gateway.site, gateway.console].map((o) => o.replace("https:", "wss:"))));
  const auditor = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Otto", "pass-word", `/replay/${session}`);
  await auditor.getByTestId("event-row").first().waitFor();
  await seen.replay(auditor, async () => expect(await auditor.getByTestId("missing").allTextContents()).toEqual([]));
});

/** The certificate that a new connection is shown. */
async function shown(origin: string): Promise<PeerCertificate> {
  const { hostname, port } = new URL(origin);
  return new Promise((done, fail) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      done(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on("error", fail);
  });
}

it("shows a new certificate to new connections once it is on the disk", async () => {
  const before = await shown(gateway.site);
  const page = await user.newPage();
  await page.goto(gateway.site + "/doku.php?id=start&do=index");
  replace(next, pair);
  for (const origin of [gateway.site, gateway.console]) {
    await expect.poll(async () => (await shown(origin)).fingerprint256).not.toBe(before.fingerprint256);
  }
  await page.reload(); // on its old connection or a new one
  expect(await page.locator('script[src*="/.pillion/capture.js"]').count()).toBe(1);
  const fresh = await browserWith(["--disable-quic", `--ignore-certificate-errors-spki-list=${keyHash(next.cert)}`]);
  expect((await (await fresh.newPage()).goto(gateway.site + "/"))!.status()).toBe(200);
  await fresh.close();
  expect(gateway.program.output).toContain("the certificate was read again");
});
