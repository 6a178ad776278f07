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
let session = "";
/** when the user was in a field, and when both had typed */
const at = { locked: 0, typed: 0 };

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
  session = await share(user, agent);
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
  at.locked = Date.now();
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

/** The middle of a mark, and of an element of the frame. */
async function near(viewer: Page, frame: string, mark: string, selector: string): Promise<boolean> {
  const [m, f] = [await viewer.locator(mark).first().boundingBox(), await viewer.frameLocator(`[data-testid=${frame}]`).locator(selector).boundingBox()];
  return !!m && !!f && m.x >= f.x && m.x + m.width <= f.x + f.width && m.y >= f.y - 2 && m.y + m.height <= f.y + f.height + 2;
}

it("shows where both type, each in their colour, and what the user selects in a field", async () => {
  await user.locator("#remarks").click();
  await user.keyboard.type("Three words here");
  await expect.poll(() => near(agent, "mirror", ".caret.who-1", "#remarks")).toBe(true);
  await fills("#name", "Berta");
  await expect.poll(() => user.locator("#name").inputValue()).toBe("Berta");
  await expect.poll(() => near(agent, "mirror", ".caret.who-2", "#name")).toBe(true);
  expect(await near(agent, "mirror", ".caret.who-1", "#remarks")).toBe(true);
  expect(await user.evaluate(() => document.activeElement!.id)).toBe("remarks");
  await shot("typing");
  await agent.waitForTimeout(200);
  at.typed = Date.now();
  await agent.waitForTimeout(200);
  await user.keyboard.press("Control+Shift+ArrowLeft");
  await expect.poll(() => near(agent, "mirror", ".selected.who-1", "#remarks")).toBe(true);
  const wide = (await agent.locator(".selected.who-1").boundingBox())!.width;
  expect(await agent.locator(".caret.who-1").count()).toBe(0);
  await user.keyboard.press("Shift+Home");
  await expect.poll(async () => (await agent.locator(".selected.who-1").boundingBox())!.width).toBeGreaterThan(2 * wide);
  await shot("selected");
  await user.keyboard.press("End");
  await expect.poll(() => agent.locator(".selected").count()).toBe(0);
  await sameAsMirror(user, agent);
});

it("shows which part of the page the user has zoomed to", async () => {
  const area = agent.locator(".mark-at.area");
  expect(await area.count()).toBe(0);
  const cdp = await user.context().newCDPSession(user);
  await cdp.send("Emulation.setPageScaleFactor", { pageScaleFactor: 2 });
  await user.evaluate(() => document.getElementById("remarks")!.scrollIntoView());
  const seen = () => user.evaluate(() => [visualViewport!.offsetLeft, visualViewport!.offsetTop, visualViewport!.width, visualViewport!.height].map(Math.round));
  expect((await seen())[2]).toBe(500);
  const shown = () => area.evaluate((el) => [el.style.left, el.style.top, el.style.width, el.style.height].map((v) => Math.round(parseFloat(v))));
  await expect.poll(async () => {
    const now = await seen();
    return (await area.count()) > 0 && (await shown()).every((v, i) => Math.abs(v - now[i]!) < 2);
  }).toBe(true);
  await shot("zoomed");
  await cdp.send("Emulation.setPageScaleFactor", { pageScaleFactor: 1 });
  await expect.poll(() => area.count()).toBe(0);
});

it("plays back who was in which element, and where both typed", async () => {
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  await agent.goto(`${gateway.console}/replay/${session}`);
  await agent.getByTestId("event-row").first().waitFor();
  const seek = (ms: number) => agent.evaluate(async (at) => {
    const r = await fetch(location.pathname.replace("/replay/", "/api/sessions/") + "/recording");
    await window.pillionPlayer!.seek(at - Date.parse(((await r.json()) as { start: string }).start));
  }, ms);
  await seek(at.locked);
  await agent.locator(".mark-at.lock.who-1").filter({ hasText: "The user is here" }).waitFor();
  const [mark, field] = [(await agent.locator(".mark-at.lock").boundingBox())!, (await agent.frameLocator("[data-testid=page]").locator("#name").boundingBox())!];
  expect(Math.abs(mark.x - field.x) + Math.abs(mark.y - field.y)).toBeLessThan(10);
  await seek(at.typed);
  await expect.poll(() => near(agent, "page", ".caret.who-1", "#remarks")).toBe(true);
  expect(await near(agent, "page", ".caret.who-2", "#name")).toBe(true);
  await seek(0);
  expect(await agent.locator(".mark-at.lock, .caret").count()).toBe(0);
  const rows = (await agent.getByTestId("event-row").allTextContents()).join("\n");
  for (const row of [/asked to .*Name/, /denied \(locked\)/, /denied \(refused\)/, /confirmed with “Weirton”/, /let the agent look only/, /let the agent act/]) expect(rows).toMatch(row);
});
