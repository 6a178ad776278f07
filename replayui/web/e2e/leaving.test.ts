import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Page } from "playwright-core";
import type { AgentSocket } from "./agent-socket.ts";
import { HandStage, no, YES } from "./hand-stage.ts";

// Old pages send forms and lead elsewhere by script, from whatever is clicked or
// chosen. An agent who may act brings none of that about unless the user says so.

let stage: HandStage;
let user: Page;
let hand: AgentSocket;
let asks: HandStage["asks"];

beforeAll(async () => {
  stage = await HandStage.start();
  ({ user, hand, asks } = stage);
});

afterAll(() => stage?.end());

beforeEach(async () => {
  if (new URL(user.url()).pathname + new URL(user.url()).search !== "/leaving") await stage.open("/leaving");
  stage.site.asked.length = 0;
  stage.errors.length = 0;
});

const question = async () => (await user.locator("pillion-assist [data-role=confirm] h2").first().textContent())!;

async function asked(id: string, action: string, value: string, words: RegExp): Promise<number> {
  const { id: request } = await hand.ask(await hand.node(id), action, value);
  await user.locator(`pillion-assist [data-request="${request}"]`).waitFor({ timeout: 10_000 });
  expect(await question()).toMatch(words);
  expect(hand.answers.has(request)).toBe(false);
  expect(stage.site.asked, "before the user said anything").toEqual([]);
  return request;
}

const SEND = /would like to send the form/;
const FOLLOW = /would like to follow/;

it.each<[string, string, string, RegExp, string]>([
  ["send", "click", "", SEND, "/sent?t=a"],
  ["request", "click", "", SEND, "/sent?t=a&ok=OK"],
  ["hash", "click", "", SEND, "/sent?t=a"],
  ["tick", "check", "", SEND, "/sent?t=a"],
  ["soon", "click", "", SEND, "/sent?t=a"],
  ["throws", "click", "", SEND, "/sent?t=a"],
  ["send", "key", "Enter", SEND, "/sent?t=a"],
  ["send", "key", "Space", SEND, "/sent?t=a"],
  ["jump", "select", "1", FOLLOW, "/next"],
  ["jump", "key", "ArrowDown", FOLLOW, "/next"],
  ["location", "click", "", FOLLOW, "/next"],
  ["reload", "click", "", FOLLOW, "/leaving"],
  ["inner", "click", "", FOLLOW, "/next"],
])("%s by %s %s happens when the user allows it, once", async (id, action, value, words, to) => {
  const refused = await asked(id, action, value, words);
  await user.locator(`pillion-assist [data-request="${refused}"] [data-action=deny]`).click();
  expect(await hand.answer(refused)).toEqual(no("refused"));
  await user.waitForTimeout(100);
  expect(stage.site.asked).toEqual([]);
  if (value === "1" || value === "ArrowDown" || action === "check") await stage.open("/leaving"); // what was chosen stays
  stage.site.asked.length = 0;
  const { page } = hand;
  const allowed = await asked(id, action, value, words);
  await user.locator(`pillion-assist [data-request="${allowed}"] [data-action=allow]`).click();
  expect(await hand.answer(allowed)).toEqual(YES);
  await expect.poll(() => stage.site.asked).toEqual(expect.arrayContaining([to]));
  if (id !== "inner") await hand.until(() => hand.page > page, "the next page");
  await stage.same();
  expect(stage.site.asked.filter((at) => at === to)).toEqual([to]);
  if (id === "inner") await stage.open("/plain");
});

it("goes back, and opens another window, when the user allows it", async () => {
  await stage.open("/plain");
  await stage.open("/leaving");
  expect(await asks("back", "click", "", "deny")).toEqual(no("refused"));
  expect(await asks("back", "click", "", "allow")).toEqual(YES);
  await expect.poll(() => user.url()).toContain("/plain");
  await stage.open("/leaving");
  const windows = () => user.context().pages().length;
  expect(await asks("open", "click", "", "deny")).toEqual(no("refused"));
  expect(windows()).toBe(1);
  const opening = user.context().waitForEvent("page");
  expect(await asks("open", "click", "", "allow")).toEqual(YES);
  await (await opening).close();
  await user.bringToFront();
  await user.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await stage.same();
});

it("runs what a page listens to when it is allowed, not before", async () => {
  expect(await asks("script", "click", "", "deny")).toEqual(no("refused"));
  expect(await user.locator("#done").textContent()).toBe("");
  expect(await asks("script", "click", "", "allow")).toEqual(YES);
  expect(await user.locator("#done").textContent()).toBe("sent ");
});

it("asks nothing where a view of the same page is shown, and leaves the page's own built-ins in place", async () => {
  expect(await hand.request("spa", "click")).toEqual(YES);
  await expect.poll(() => user.url()).toContain("view=2");
  const native = await user.evaluate(() => [HTMLFormElement.prototype.submit, window.open, history.back, history.go].map((f) => /\[native code\]/.test(String(f))));
  expect(native).toEqual([true, true, true, true]);
  expect(await user.evaluate("HTMLFormElement.prototype.submit === kept")).toBe(true);
});

it("knows pictures that send a form and links to other windows, and what is neither", async () => {
  expect(await asks("picture", "click", "", "deny")).toEqual(no("refused"));
  const opening = user.context().waitForEvent("page");
  expect(await asks("blank", "click", "", "allow")).toEqual(YES);
  const other = await opening;
  await expect.poll(() => other.url()).toContain("/next");
  await other.close();
  await user.locator("#top").click(); // back in this window
  await stage.same();
  await stage.does("t", "fill", "something else");
  await stage.does("reset", "click");
  expect(await stage.value("t")).toBe("a");
  await stage.does("words", "fill", "Other words");
  expect(await user.locator("#words").textContent()).toBe("Other words");
});

it("stops what goes around the built-ins", async () => {
  const { id } = await hand.ask(await hand.node("around"), "click");
  // The driver waits for the end of a navigation that there is not.
  await expect.poll(() => user.evaluate((n) => {
    const no = document.querySelector("pillion-assist")!.shadowRoot!.querySelector<HTMLElement>(`[data-request="${n}"] [data-action=deny]`);
    no?.click();
    return !!no;
  }, id)).toBe(true);
  expect(await hand.answer(id)).toEqual(no("refused"));
  expect(await hand.request("post", "click")).toEqual(no("failed")); // what it sent cannot be sent again
  expect(stage.site.asked).toEqual([]);
  await stage.open("/leaving"); // that ends the driver's waiting
});

it("goes where the agent says on the console, back and forward, when the user allows it", async () => {
  const { agent } = stage;
  const answers = async (how: "allow" | "deny") => {
    await user.locator("pillion-assist [data-role=confirm]").first().waitFor();
    await user.locator(`pillion-assist [data-role=confirm] [data-action=${how}]`).first().click();
  };
  const goes = async (to: string) => {
    await expect.poll(() => user.url()).toContain(to);
    await stage.same();
    await expect.poll(() => agent.getByTestId("address").inputValue()).toContain(to);
  };
  const address = async (to: string) => {
    await agent.getByTestId("address").fill(to);
    await agent.getByTestId("address").press("Enter");
  };
  await address("/next?by=console");
  await answers("deny");
  await agent.getByTestId("denied").filter({ hasText: "Go to /next?by=console" }).filter({ hasText: "the user said no" }).waitFor();
  await address("/next?by=console");
  await answers("allow");
  await goes("/next?by=console");
  await agent.getByTestId("back").click();
  await answers("allow");
  await goes("/leaving");
  await agent.getByTestId("forward").click();
  await answers("allow");
  await goes("/next?by=console");
  await address("https://example.org/");
  await agent.getByTestId("denied").filter({ hasText: "Go to https://example.org/" }).filter({ hasText: "this is not allowed" }).waitFor();
  await address("javascript:document.title = 1");
  await agent.getByTestId("denied").filter({ hasText: "Go to javascript:" }).filter({ hasText: "this is not allowed" }).waitFor();
});

it("leaves the user's own to them", async () => {
  await user.locator("#send").click();
  await expect.poll(() => user.url()).toContain("/sent");
});
