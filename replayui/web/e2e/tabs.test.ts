import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { freePort, pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// Several windows, all of which go on changing: the console, and the replay after
// it, show the one that the user has before them.

let site: Server;
let gateway: Gateway;
let browser: Browser;
let context: BrowserContext;
let user: Page;
let agent: Page;
let session: string;
/** which page the agent saw at a time */
const seen: { at: number; title: string }[] = [];

const PAGE = (path: string) => `<!DOCTYPE html><html lang=en><title>${path}</title><h1>${path}</h1><p id=c>0</p><label>In <input id=in></label><script>setInterval(() => document.getElementById("c").textContent++, 200)</script>`;

beforeAll(async () => {
  const port = await freePort();
  site = createServer((req, res) => res.setHeader("content-type", "text/html; charset=utf-8").end(PAGE(req.url!))).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  context = await browser.newContext({ viewport: { width: 900, height: 600 } });
  user = await context.newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
  await user.goto(gateway.site + "/one");
  await user.evaluate(() => document.getElementById("c")!.remove()); // the mirror is compared
  session = await share(user, agent);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
});

const shown = (testId: string) => agent.frameLocator(`[data-testid=${testId}]`).locator("h1").textContent();

/** Waits until the agent sees a page, and that it stays so. */
async function sees(title: string): Promise<void> {
  await expect.poll(() => shown("mirror"), { timeout: 15_000 }).toBe(title);
  for (let i = 0; i < 6; i++) {
    await agent.waitForTimeout(300);
    expect(await shown("mirror")).toBe(title);
    seen.push({ at: Date.now(), title });
  }
}

it("follows the user from window to window, all of them in sight", async () => {
  await user.reload();
  await sees("/one");
  const second = await context.newPage();
  await second.goto(gateway.site + "/two");
  await sees("/two");
  const visible = (page: Page) => page.evaluate(() => !document.hidden);
  expect([await visible(user), await visible(second)]).toEqual([true, true]);
  await user.locator("h1").click();
  await sees("/one");
  await second.locator("#in").press("ArrowLeft");
  await sees("/two");
  await user.locator("#in").fill("not pressed, and not followed");
  await sees("/two");
  await second.close();
  await sees("/one");
  await user.locator("h1").click(); // the end of a window is in no record: what the user does next is
  await sees("/one");
});

it("replays what the agent saw", async () => {
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  await agent.goto(`${gateway.console}/replay/${session}`);
  await agent.getByTestId("event-row").first().waitFor();
  seen.splice(-12, 6); // when the window was closed the user had done nothing in the other one yet
  for (const order of [seen, seen.toReversed()]) {
    for (const { at, title } of order) {
      await agent.evaluate(async (ms) => {
        const r = await fetch(location.pathname.replace("/replay/", "/api/sessions/") + "/recording");
        await window.pillionPlayer!.seek(ms - Date.parse(((await r.json()) as { start: string }).start));
      }, at);
      expect(await shown("page"), `at ${at - seen[0]!.at} ms`).toBe(title);
    }
  }
});
