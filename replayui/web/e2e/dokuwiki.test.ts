import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { pillion, Seen, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";
import { startWiki, type Wiki } from "./wiki.ts";

let wiki: Wiki;
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;
let session: string;
let padding: string;
let seen: Seen;

const shots = process.env["SHOTS"];
async function shot(page: Page, name: string): Promise<void> {
  if (shots) await page.screenshot({ path: `${shots}/wiki-${name}.png` });
}

beforeAll(async () => {
  wiki = await startWiki();
  gateway = await startGateway(["serve", "--upstream", wiki.origin]);
  expect((await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n")).status).toBe(0);
  expect((await pillion(["account", "add", "Otto", "--role", "auditor", "--data", gateway.data], "pass-word\n")).status).toBe(0);
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 1100, height: 760 } })).newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Ann", "pass-word");
  seen = new Seen(user, agent, gateway);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  await wiki?.program.end();
});

it("shares a page in the middle of an edit", async () => {
  await user.goto(gateway.site + "/doku.php?id=pillion_test&do=edit");
  await shot(user, "start");
  await user.locator("#wiki__text").pressSequentially("====== Rates ======\nFirst line");
  session = await share(user, agent);
  expect(await agent.frameLocator("[data-testid=mirror]").locator("#wiki__text").inputValue()).toContain("First line");
  await seen.remember();
  padding = await user.locator("#dokuwiki__header").evaluate((el) => getComputedStyle(el).padding);
  await shot(agent, "console");
});

it("follows typing, the editor's buttons and a preview", async () => {
  await user.locator("#wiki__text").press("Control+End");
  await user.locator("#wiki__text").pressSequentially("\nSecond **line**");
  await seen.remember();
  await user.locator("#tool__bar button").first().click();
  await seen.remember();
  await user.locator("[name='do[preview]']").click();
  await user.locator(".preview").first().waitFor();
  await seen.remember();
});

it("lets the agent fill in the summary", async () => {
  const box = (await agent.frameLocator("[data-testid=mirror]").locator("#edit__summary").boundingBox())!;
  await agent.mouse.click(box.x + 20, box.y + box.height / 2);
  await agent.getByTestId("editor").fill("from the agent");
  await agent.getByTestId("editor").press("Enter");
  await expect.poll(() => user.locator("#edit__summary").inputValue()).toBe("from the agent");
  await agent.getByTestId("confirmed").first().waitFor();
  await seen.remember();
});

it("follows to other pages of the site, and a search as one types", async () => {
  await user.evaluate(() => (window.onbeforeunload = null));
  await user.goto(gateway.site + "/doku.php?id=start&do=index");
  await seen.remember();
  await user.locator("#qsearch__in").pressSequentially("wiki");
  await user.waitForTimeout(1500);
  await seen.remember();
  await user.goto(gateway.site + "/doku.php?id=wiki:syntax");
  await user.mouse.wheel(0, 1200);
  await user.waitForTimeout(300);
  await expect
    .poll(() => agent.frameLocator("[data-testid=mirror]").locator("html").evaluate((el) => el.scrollTop))
    .toBe(await user.evaluate(() => document.documentElement.scrollTop));
  await seen.remember();
  // What the mirror asked for before the user's browser had it, it asks for again.
  await expect.poll(async () => ((await agent.getByTestId("missing").count()) ? agent.getByTestId("missing").textContent() : ""), { timeout: 20_000 }).toMatch(/^ · 1 file missing$|^$/);
  await shot(user, "user-syntax");
  await shot(agent, "console-syntax");
});

it("replays all of it with the site switched off", async () => {
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  expect(seen.warnings).toEqual([]);
  await wiki.program.end();
  const auditor = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Otto", "pass-word", `/replay/${session}`);
  await auditor.getByTestId("event-row").first().waitFor();
  await seen.replay(auditor, async () => {
    const missing = auditor.getByTestId("missing");
    const named = (await missing.count()) ? (await missing.getAttribute("title"))!.split("\n").slice(1) : [];
    // The wiki fetches one picture from another site, which is out of reach for the user too.
    expect(named.filter((url) => !url.includes("secure.php.net"))).toEqual([]);
  });
  await seen.seek(auditor, 2);
  // From the wiki's own style sheet, out of the archive.
  const header = auditor.frameLocator("[data-testid=page]").locator("#dokuwiki__header");
  expect(await header.evaluate((el) => getComputedStyle(el).padding)).toBe(padding);
  await shot(auditor, "player");
});
