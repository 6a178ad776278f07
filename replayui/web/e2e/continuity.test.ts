import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { Cable } from "./cable.ts";
import { freePort, linesIn, linesOf, sameAsMirror, share, signIn, startBrowser, startGateway, waitSame, type Gateway } from "./stage.ts";

// A session goes on whatever becomes of the user's page: reloads, other pages and
// tabs, going back, a network that is lost, a laptop that slept.

let gateway: Gateway;
let cable: Cable;
let browser: Browser;
let context: BrowserContext;
let user: Page;
let agent: Page;

beforeAll(async () => {
  gateway = await startGateway(["demo", "--site", `127.0.0.1:${await freePort()}`]);
  cable = await Cable.to(gateway.listen[0]!);
  browser = await startBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
  user = await context.newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1500, height: 900 } }), gateway, "Ann Agent", "pillion-demo");
  await user.goto(cable.site + "/enrol");
  await share(user, agent);
});

afterAll(async () => {
  await browser?.close();
  cable?.end();
  await gateway?.program.end();
});

beforeEach(async () => {
  cable.plug();
  await agent.getByTestId("state").filter({ hasText: /^live$/i }).waitFor();
});

const rows = () => agent.getByTestId("page-row");
const current = () => agent.locator("[data-testid=page-row][aria-current=page]");

it("goes on after a reload and on other pages, of which one is listed", async () => {
  await user.locator("[name=name]").fill("Maria");
  await sameAsMirror(user, agent);
  await user.reload();
  await sameAsMirror(user, agent);
  await user.goto(cable.site + "/plans");
  await sameAsMirror(user, agent);
  await expect.poll(() => rows().count()).toBe(1);
  expect(await current().textContent()).toContain("/plans");
});

it("goes on with a page that the browser kept for going back to", async () => {
  await user.evaluate(() => ((window as never as { kept: boolean }).kept = true));
  await user.goto(cable.site + "/account");
  await sameAsMirror(user, agent);
  await user.evaluate(() => history.back()); // goBack waits for an event that does not come
  await user.waitForURL("**/plans", { waitUntil: "commit" });
  expect(await user.evaluate(() => (window as never as { kept?: boolean }).kept)).toBe(true);
  await sameAsMirror(user, agent);
  await user.evaluate(() => document.querySelector("h1, h2, td")!.append(" changed"));
  await sameAsMirror(user, agent);
  await user.evaluate(() => history.forward());
  await user.waitForURL(/account|signin/, { waitUntil: "commit" });
  await sameAsMirror(user, agent);
});

it("follows the tab in front, and lists the others", async () => {
  await user.goto(cable.site + "/enrol");
  await sameAsMirror(user, agent);
  const second = await context.newPage();
  await second.goto(cable.site + "/offices");
  await sameAsMirror(second, agent);
  await expect.poll(() => rows().count()).toBe(2);
  expect(await current().textContent()).toContain("/offices");
  await user.bringToFront();
  await user.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await sameAsMirror(user, agent);
  await expect.poll(() => current().textContent()).toContain("/enrol");
  await second.close();
  await expect.poll(() => rows().count()).toBe(1);
});

it("follows a window that the site opens, and comes back from it", async () => {
  const opening = context.waitForEvent("page");
  await user.evaluate(() => void open("/plans", "details", "width=700,height=500"));
  const popup = await opening;
  await popup.waitForLoadState();
  await sameAsMirror(popup, agent);
  await popup.close();
  await sameAsMirror(user, agent);
});

it("a tab that was open before joins the session", async () => {
  await user.locator("pillion-assist [data-action=end]").click();
  const other = await context.newPage();
  await other.goto(cable.site + "/plans");
  await other.locator("pillion-assist [data-action=request]").waitFor();
  await agent.goto(gateway.console + "/");
  await user.goto(cable.site + "/enrol");
  await share(user, agent);
  await expect.poll(() => rows().count()).toBe(2);
  await other.close();
  await expect.poll(() => rows().count()).toBe(1);
});

it("loses nothing when the network is lost for a while", async () => {
  cable.pull();
  await agent.getByTestId("banner").waitFor();
  await user.locator("[name=name]").fill("typed without a network");
  await user.locator("#planB").check();
  await user.waitForTimeout(1500);
  cable.plug();
  await user.evaluate(() => dispatchEvent(new Event("online")));
  await sameAsMirror(user, agent);
  expect(await agent.frameLocator("[data-testid=mirror]").locator("[name=name]").inputValue()).toBe("typed without a network");
  await agent.getByTestId("banner").waitFor({ state: "detached" });
});

it("notices by itself that a connection is dead, as after a sleep", async () => {
  cable.freeze();
  await user.locator("[name=street]").fill("typed after the sleep");
  await waitSame(() => linesOf(user), () => linesIn(agent, "mirror"), 60_000);
  expect(await agent.frameLocator("[data-testid=mirror]").locator("[name=street]").inputValue()).toBe("typed after the sleep");
});

it("shows an agent who reconnects the page at once", async () => {
  await agent.reload();
  await agent.getByTestId("mirror").waitFor();
  await sameAsMirror(user, agent);
  expect(gateway.program.output).not.toContain("sent again");
});
