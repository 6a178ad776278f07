import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { difference, frameShot, freePort, picture, pillion, sameAsMirror, Seen, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;
let session: string;
/** how the page looked at the second remembered moment */
let look: Buffer;
let seen: Seen;

const shots = process.env["SHOTS"];
async function shot(page: Page, name: string): Promise<void> {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png` });
}

beforeAll(async () => {
  const site = `127.0.0.1:${await freePort()}`;
  gateway = await startGateway(["demo", "--site", site]);
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 1100, height: 760 } })).newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Ann Agent", "pillion-demo");
  seen = new Seen(user, agent, gateway);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
});

it("shows the agent the page as the user has it, after consent", async () => {
  await user.goto(gateway.site + "/enrol");
  await user.locator("[name=name]").fill("Maria Muster");
  await user.locator("#planA").check();
  await user.locator("[name=state]").selectOption("Utah");
  await user.locator("[name=pin]").fill("secret12");
  await shot(user, "user-idle");
  await shot(agent, "console-home");
  session = await share(user, agent);
  await shot(user, "user-live");
  await shot(agent, "console-live");
  const mirror = agent.frameLocator("[data-testid=mirror]");
  expect(await mirror.locator("[name=name]").inputValue()).toBe("Maria Muster");
  expect(await mirror.locator("#planA").isChecked()).toBe(true);
  expect(await mirror.locator("[name=pin]").inputValue()).toBe("••••••••");
  expect(await agent.getByTestId("mirror").getAttribute("sandbox")).toBe("allow-same-origin");
  await seen.remember();
});

it("shows what the user types and chooses", async () => {
  await user.locator("[name=street]").pressSequentially("Weir Lane 3");
  await user.locator("#planB").check();
  await user.locator("#family").check();
  await user.locator("[name=remarks]").fill("Please call\nin the evening");
  look = await picture(user);
  await seen.remember();
  expect(await agent.frameLocator("[data-testid=mirror]").locator("[name=street]").inputValue()).toBe("Weir Lane 3");
});

it("shows the agent's pointer, with the name", async () => {
  await agent.getByTestId("mode-point").click();
  const box = (await agent.getByTestId("mirror").boundingBox())!;
  await agent.mouse.move(box.x + 300, box.y + 300);
  await agent.mouse.move(box.x + 320, box.y + 310, { steps: 4 });
  const pointer = user.locator("pillion-assist [data-role=agent-pointer]");
  await pointer.waitFor();
  expect(await pointer.textContent()).toContain("Ann Agent");
  await agent.getByTestId("mode-control").click();
});

/** Clicks an element of the mirror, through what lies above it. */
async function agentClicks(selector: string): Promise<void> {
  const box = (await agent.frameLocator("[data-testid=mirror]").locator(selector).boundingBox())!;
  await agent.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
}

it("applies what the agent asks for once the user's browser confirmed it", async () => {
  await agentClicks("[name=city]");
  await agent.getByTestId("editor").fill("Alderford");
  await agent.getByTestId("editor").press("Enter");
  await expect.poll(() => user.locator("[name=city]").inputValue()).toBe("Alderford");
  await agent.getByTestId("confirmed").first().waitFor();
  await agentClicks("#planC");
  await expect.poll(() => user.locator("#planC").isChecked()).toBe(true);
  await agentClicks("[name=state]");
  await agent.getByTestId("editor").selectOption("Vermont");
  await expect.poll(() => user.locator("[name=state]").inputValue()).toBe("Vermont");
  await shot(agent, "console-requests");
  await seen.remember();
});

it("denies what is private, with the reason", async () => {
  await agentClicks("[name=pin]");
  await agent.getByTestId("denied").filter({ hasText: "private" }).waitFor();
  expect(await agent.getByTestId("editor").count()).toBe(0);
  expect(await user.locator("[name=pin]").inputValue()).toBe("secret12");
});

it("asks the user before a form is sent, and follows to the next page", async () => {
  await agentClicks("[value=Submit]");
  await user.locator("pillion-assist [data-role=confirm]").waitFor();
  await shot(user, "user-confirm");
  await user.locator("pillion-assist [data-role=confirm] [data-action=deny]").click();
  await agent.getByTestId("denied").filter({ hasText: "said no" }).waitFor();
  await agentClicks("[value=Submit]");
  await user.locator("pillion-assist [data-role=confirm] [data-action=allow]").click();
  await user.waitForURL("**/thanks");
  await seen.remember();
  await shot(user, "user-thanks");
});

it("goes on after a reload, in frames, and on a page that renews itself", async () => {
  await user.reload();
  await seen.remember();
  await user.goto(gateway.site + "/offices");
  await user.frameLocator("[name=offices]").locator("[name=zip]").fill("4711");
  await seen.remember();
  await shot(agent, "console-frames");
  await user.goto(gateway.site + "/status");
  await user.waitForTimeout(2500);
  await sameAsMirror(user, agent);
});

it("replays the session with the site switched off, as it was", async () => {
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  await user.locator("pillion-assist").getByRole("heading", { name: "The session is over" }).waitFor();
  expect(seen.warnings).toEqual([]);
  await shot(user, "user-ended");
  await gateway.program.end();
  // Another site stands there now: nothing of it may be asked.
  gateway = await startGateway(["serve", "--upstream", "http://127.0.0.1:9"], gateway.data, gateway.listen);
  const auditor = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Otto Auditor", "pillion-demo");
  await auditor.getByTestId("session-row").first().waitFor();
  await shot(auditor, "auditor-list");
  await auditor.goto(`${gateway.console}/replay/${session}`);
  await auditor.getByTestId("event-row").first().waitFor();
  const labels = await auditor.getByTestId("event-row").allTextContents();
  for (const wanted of ["typed into “Street”", "chose “Plan B ($200/Mo)”", "ticked “Insure my family too”", "fill “City” with “Alderford”", "sent a form"]) {
    expect(labels.join("\n")).toContain(wanted);
  }
  await seen.replay(auditor);
  expect(await auditor.getByTestId("missing").count()).toBe(0);
  await seen.seek(auditor, 1);
  await shot(auditor, "player");
  await auditor.setViewportSize({ width: 1600, height: 1000 });
  await auditor.evaluate(() => window.pillionPlayer!.seek(window.pillionPlayer!.time));
  await auditor.locator(".overlay").evaluate((el) => ((el as HTMLElement).style.visibility = "hidden"));
  expect(difference(look, await frameShot(auditor, "page"))).toBeLessThan(0.001);
  const font = await auditor.frameLocator("[data-testid=page]").locator("td.page").evaluate((el) => getComputedStyle(el).paddingLeft);
  expect(font).toBe("26px"); // from the site's own style sheet
  const checked = await pillion(["verify", session, "--data", gateway.data]);
  expect(checked.output).toContain("is whole");
  expect(checked.status).toBe(0);
});
