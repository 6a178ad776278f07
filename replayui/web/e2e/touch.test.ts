import { afterAll, beforeAll, expect, it } from "vitest";
import type { Locator, Page } from "playwright-core";
import { Assisted } from "./assist-stage.ts";
import { AgentSocket } from "./agent-socket.ts";
import { offences, sameAsMirror, signIn } from "./stage.ts";

// A user with a phone, and an agent with a tablet: fingers do what a mouse does.

const TARGET = 24; // pixels: WCAG 2.2, 2.5.8

let at: Assisted;
let user: Page;
let agent: Page;
let hand: AgentSocket;

beforeAll(async () => {
  at = await Assisted.start();
  user = await (await at.browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })).newPage();
  agent = await signIn(await at.browser.newContext({ viewport: { width: 820, height: 1180 }, hasTouch: true }), at.gateway, "Ann Agent", "pass-word");
});

afterAll(() => at?.end());

const part = (selector: string) => at.part(selector, user);

/** What of our element is too small for a finger, not on the screen, or under something else. */
async function awkward(): Promise<string[]> {
  return user.locator("pillion-assist").evaluate((host, least) => {
    const faults: string[] = [];
    for (const el of host.shadowRoot!.querySelectorAll<HTMLElement>("button, select, input:not([type=radio]), textarea, label:has([type=radio])")) {
      if (!el.checkVisibility()) continue;
      const { left, top, right, bottom, width, height } = el.getBoundingClientRect();
      const name = el.dataset["action"] ?? el.textContent;
      if (width < least || height < least) faults.push(`${name}: ${width} × ${height}`);
      if (left < 0 || top < 0 || right > innerWidth || bottom > innerHeight) faults.push(`${name} is not on the screen`);
      else if (!el.contains(host.shadowRoot!.elementFromPoint((left + right) / 2, (top + bottom) / 2))) faults.push(`${name} is covered`);
    }
    return faults;
  }, TARGET);
}

async function fine(state: string): Promise<void> {
  await user.waitForTimeout(250); // it moves in
  expect(await awkward(), state).toEqual([]);
  expect(await offences(user, "pillion-assist"), state).toEqual([]);
}

it("a user gets help, answers and stops it with a finger", async () => {
  await user.goto(at.gateway.site + "/phone");
  await fine("asking for help");
  await part("[data-action=request]").tap();
  const code = (await part("[data-role=code]").textContent())!;
  await fine("the code");
  await agent.getByTestId("code-input").fill(code);
  await agent.getByTestId("join").tap();
  await part("[data-role=consent]").waitFor();
  await fine("consent");
  await part("[name=level][value=propose]").tap();
  await part("[data-role=consent] [data-action=allow]").tap();
  await agent.getByTestId("state").filter({ hasText: "live" }).waitFor();
  hand = await AgentSocket.connect(agent, agent.url().split("/").pop()!);
  await fine("the bar");
  await hand.ask(await hand.node("remarks"), "fill", "two\nlines");
  await part("[data-role=confirm]").waitFor();
  await fine("a question");
  // The page is there to be used meanwhile.
  await user.locator("#name").tap();
  await user.keyboard.type("!");
  expect(await user.locator("#name").inputValue()).toBe("Ann!");
  await part("[data-action=unlock]").waitFor();
  await fine("a question, and a field to give back");
  await part("[data-role=confirm] [data-action=allow]").tap();
  await expect.poll(() => user.locator("#remarks").inputValue()).toBe("two\nlines");
  await user.locator("#name").tap();
  await part("[data-action=unlock]").tap();
  await expect.poll(() => part("[data-action=unlock]").isVisible()).toBe(false);
  await part("[data-action=minimise]").tap();
  await fine("the small bar");
  await part("[data-action=minimise]").tap();
  await part("[data-action=pause]").tap();
  expect(await part("[data-action=level]").inputValue()).toBe("view");
  await fine("stopped");
  await part("[data-action=level]").selectOption("act");
  await agent.getByTestId("level").and(agent.locator("[data-level=act]")).waitFor();
});

/** Where something of the mirror is on the agent's screen. */
async function middle(of: Locator): Promise<{ x: number; y: number }> {
  const { x, y, width, height } = (await of.boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
}

it("an agent taps what others click, and pulls the page where they turn a wheel", async () => {
  await sameAsMirror(user, agent);
  const mirror = agent.frameLocator("[data-testid=mirror]");
  const { x, y } = await middle(mirror.locator("#name"));
  await agent.touchscreen.tap(x, y);
  await agent.getByTestId("editor").fill("By a finger");
  const send = agent.getByRole("button", { name: "Send" });
  expect((await send.boundingBox())!.height).toBeGreaterThanOrEqual(TARGET); // however small the page is shown
  await send.tap();
  await expect.poll(() => user.locator("#name").inputValue()).toBe("By a finger");
  const from = await middle(mirror.locator("h1"));
  const touch = await agent.context().newCDPSession(agent);
  const finger = (type: string, ...points: { x: number; y: number }[]) => touch.send("Input.dispatchTouchEvent", { type: type as "touchStart", touchPoints: points });
  await finger("touchStart", { x: from.x, y: from.y + 300 });
  for (const d of [20, 80, 140, 200]) await finger("touchMove", { x: from.x, y: from.y + 300 - d });
  await finger("touchEnd");
  const scale = await agent.getByTestId("mirror").evaluate((el) => el.getBoundingClientRect().width / el.clientWidth);
  await expect.poll(() => user.evaluate(() => scrollY)).toBeCloseTo(200 / scale, -1); // as far as the finger went
  await sameAsMirror(user, agent);
  expect(await agent.locator("[data-action=click]").count()).toBe(0); // to pull is not to press
  const to = await middle(mirror.locator("#shadowed"));
  await user.evaluate(() => ((window as unknown as { keys: string[] }).keys.length = 0));
  await agent.touchscreen.tap(to.x, to.y);
  await agent.locator("[data-testid=confirmed][data-action=click]").waitFor();
  expect(await user.evaluate(() => (window as unknown as { keys: string[] }).keys)).toContain("div click ");
});
