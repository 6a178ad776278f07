import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { CONTROLS } from "./console-page.ts";
import { freePort, pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// What the agent is told of turns: locks of both, what waits, what the user made of it.

let site: Server;
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;

const shots = process.env["SHOTS"];
const shot = async (name: string) => void (shots && (await agent.screenshot({ path: `${shots}/turns-${name}.png` })));

beforeAll(async () => {
  const port = await freePort();
  site = createServer((_, res) => res.setHeader("content-type", "text/html; charset=utf-8").end(CONTROLS)).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  await pillion(["account", "add", "Ann Agent", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 1000, height: 740 } })).newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Ann Agent", "pass-word");
  await user.goto(gateway.site + "/");
  await share(user, agent);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
});

async function agentClicks(selector: string): Promise<void> {
  const box = (await agent.frameLocator("[data-testid=mirror]").locator(selector).boundingBox())!;
  await agent.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
}

async function fills(selector: string, value: string): Promise<void> {
  await agentClicks(selector);
  await agent.getByTestId("editor").fill(value);
  await agent.getByTestId("editor").press("Enter");
}

it("shows which element the user is busy with, and why a request for it is denied", async () => {
  await user.locator("#name").click();
  await user.keyboard.type("Mar");
  const lock = agent.locator(".mark-at.lock");
  await lock.filter({ hasText: "The user is here" }).waitFor();
  const field = (await agent.frameLocator("[data-testid=mirror]").locator("#name").boundingBox())!;
  const mark = (await lock.boundingBox())!;
  expect(Math.abs(mark.x - field.x) + Math.abs(mark.y - field.y)).toBeLessThan(10);
  await shot("lock");
  await fills("#name", "Nobody");
  await agent.getByTestId("denied").filter({ hasText: "the user is busy with it" }).waitFor();
  expect(await user.locator("#name").inputValue()).toBe("Mar");
  await user.locator("#amount").click();
  await user.keyboard.type("5");
  await expect.poll(() => lock.count()).toBe(1); // one moved on to the other
  await user.evaluate(() => (document.activeElement as HTMLElement).blur());
  await expect.poll(() => lock.count(), { timeout: 15_000 }).toBe(0);
});

const question = () => user.locator("pillion-assist [data-role=confirm]");

it("shows the proposed value beside the field until the user answers, and what the user made of it", async () => {
  await user.locator("pillion-assist [data-action=level]").selectOption("propose");
  await expect.poll(() => agent.getByTestId("level").textContent()).toContain("You may suggest changes; the user confirms each.");
  await fills("#town", "Weir");
  await question().waitFor();
  await agent.locator(".mark-at.pending", { hasText: "→ Weir" }).waitFor();
  await agent.getByTestId("pending").filter({ hasText: "empty → Weir" }).waitFor();
  expect(await agent.frameLocator("[data-testid=mirror]").locator("#town").inputValue()).toBe("");
  await shot("pending");
  await question().locator("[data-role=edit]").fill("Weirton");
  await question().locator("[data-action=allow]").click();
  await agent.getByTestId("confirmed").filter({ hasText: "The user changed it to Weirton" }).waitFor();
  await expect.poll(() => agent.locator(".mark-at.pending").count()).toBe(0);
  await sameAsMirror(user, agent);
  expect(await agent.frameLocator("[data-testid=mirror]").locator("#town").inputValue()).toBe("Weirton");
});

it("says that the user said no", async () => {
  await agentClicks("#tick");
  await question().waitFor();
  await agent.locator(".mark-at.pending", { hasText: "→ ticked" }).waitFor();
  await question().locator("[data-action=deny]").click();
  await agent.getByTestId("denied").filter({ hasText: "Tick “Family too”" }).filter({ hasText: "the user said no" }).waitFor();
  expect(await user.locator("#tick").isChecked()).toBe(false);
});

it("falls back with the user's level, and says why", async () => {
  await user.locator("pillion-assist [data-action=level]").selectOption("view");
  await expect.poll(() => agent.getByTestId("mode-view").getAttribute("aria-pressed")).toBe("true");
  expect(await agent.getByTestId("why").textContent()).toContain("Ask the user to allow more");
  expect(await agent.getByTestId("turn").textContent()).toContain("Only the user acts");
  await shot("level-view");
  await user.locator("pillion-assist [data-action=level]").selectOption("act");
  await expect.poll(() => agent.getByTestId("mode-control").getAttribute("aria-pressed")).toBe("true");
});
