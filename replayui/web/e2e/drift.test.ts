import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { freePort, pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// A copy that is not the page any more, whatever made it so: it is noticed within
// seconds by digests of the tree and of what controls hold, counted, and mended.

let site: Server;
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;
/** what is made something else of on its way from the browser, of the same length */
let spoil: [from: string, to: string] | undefined;

beforeAll(async () => {
  const port = await freePort();
  site = createServer((_, res) => res.setHeader("content-type", "text/html").end("<!DOCTYPE html><title>Drift</title><p id=p>text</p><label>In <input id=in></label><input type=checkbox id=box>")).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 900, height: 600 } })).newPage();
  await user.routeWebSocket(/\/\.pillion\/socket/, (ws) => {
    const to = ws.connectToServer();
    ws.onMessage((m) => {
      if (typeof m === "string" || !spoil) return to.send(m);
      const at = m.indexOf(spoil[0]);
      if (at >= 0) {
        m.write(spoil[1], at);
        spoil = undefined; // the page that is sent again is whole
      }
      to.send(m);
    });
  });
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
  await user.goto(gateway.site + "/");
  await share(user, agent);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
});

const mirror = () => agent.frameLocator("[data-testid=mirror]");
const drifts = async () => Number(/^pillion_live_drift_total (\d+)/m.exec(await (await fetch(`http://${gateway.listen[2]}/metrics`)).text())![1]);

interface Case { what: string; right: string; wrong: string; act: () => void; shown: () => Promise<string | null> }

const cases: Case[] = [
  { what: "text", right: "right", wrong: "wrong", act: () => void (document.getElementById("p")!.textContent = "right"), shown: () => mirror().locator("#p").textContent() },
  { what: "what a control holds", right: "typed", wrong: "tyqed", act: () => void ((document.getElementById("in") as HTMLInputElement).value = "typed"), shown: () => mirror().locator("#in").inputValue() },
];

it.each(cases)("mends $what that came wrong, and counts it", async ({ right, wrong, act, shown }) => {
  const before = await drifts();
  spoil = [right, wrong];
  await user.evaluate(act);
  await expect.poll(() => spoil).toBeUndefined(); // it went out wrong: it may be mended before anybody looks
  await expect.poll(shown, { timeout: 20_000 }).toBe(right);
  await sameAsMirror(user, agent);
  expect(await drifts()).toBe(before + 1);
  expect(gateway.program.output.split("\n").filter((line) => line.includes("the page is sent again")).length).toBe(before + 1);
});

it("has nothing to mend where all came as it was sent", async () => {
  const before = await drifts();
  await user.locator("#in").fill("once more");
  await user.locator("#box").check();
  await user.evaluate(() => (document.getElementById("p")!.innerHTML = "<b>bold</b> and not"));
  await user.waitForTimeout(11_000); // two digests
  await sameAsMirror(user, agent);
  expect(await drifts()).toBe(before);
});
