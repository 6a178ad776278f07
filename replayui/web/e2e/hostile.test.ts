import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { forgedState } from "./forged.ts";
import { freePort, pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// A page is hostile input: anybody can send a forged one. Nothing of it may run
// in the viewer, and nothing may be asked of anybody but the archive.

let site: Server;
let evil: Server;
let evilPort = 0;
const asked: string[] = [];
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;
let session: string;

beforeAll(async () => {
  evilPort = await freePort();
  evil = createServer((req, res) => {
    asked.push(req.url ?? "");
    res.setHeader("access-control-allow-origin", "*").end("pwned = 1");
  }).listen(evilPort, "127.0.0.1");
  const port = await freePort();
  site = createServer((_, res) => res.setHeader("content-type", "text/html").end("<!DOCTYPE html><title>t</title><p>page")).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  user = await (await browser.newContext()).newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
  evil?.close();
});

async function nothingHappened(frame: string): Promise<void> {
  const page = agent.frameLocator(`[data-testid=${frame}]`);
  await page.locator("#forged").waitFor({ state: "attached" });
  await expect.poll(() => page.locator("[pillion-is~=hover]").count()).toBe(1); // the forged events were applied
  await page.locator("#bad-link").dispatchEvent("click");
  await page.locator("button").first().dispatchEvent("click");
  await agent.waitForTimeout(700);
  expect(await agent.evaluate(() => (window as unknown as { pwned?: number }).pwned)).toBeUndefined();
  expect(asked).toEqual([]);
  for (const bad of ["script", "base", "object", "embed", "[onerror]", "[onload]", "[srcdoc]", "[http-equiv]"]) {
    expect(await page.locator(`:root ${bad}`).count(), bad).toBe(0);
  }
}

it("runs nothing of a forged page in the agent's console", async () => {
  await user.goto(gateway.site + "/");
  session = await share(user, agent);
  await user.evaluate(async (bytes) => {
    const { ticket } = (await (await fetch("/.pillion/session", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" })).json()) as { ticket: string };
    const s = new WebSocket(`ws://${location.host}/.pillion/socket?ticket=${ticket}`);
    s.onopen = () => {
      s.send(`{"type":"hello","page":0,"url":"http://x/","title":"forged"}`);
      s.send(new Uint8Array(bytes));
    };
  }, [1, 1, 0, ...forgedState(`http://127.0.0.1:${evilPort}`)]);
  await nothingHappened("mirror");
});

it("runs nothing of it in the player", async () => {
  await agent.getByTestId("end").click();
  await agent.getByTestId("end-confirm").click();
  await agent.getByText("The session is over").waitFor();
  await agent.goto(`${gateway.console}/replay/${session}`);
  await agent.getByTestId("event-row").first().waitFor();
  await agent.evaluate(() => window.pillionPlayer!.seek(window.pillionPlayer!.duration));
  await nothingHappened("page");
});

it("answers a viewer's frame with a policy that alone is enough", async () => {
  const policy = (await agent.request.get(gateway.console + "/frame")).headers()["content-security-policy"]!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("script-src");
  expect(policy).toContain("form-action 'none'");
  expect(policy).toContain("base-uri 'none'");
});
