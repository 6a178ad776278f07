import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import type { Browser as Firefox, Page as FirefoxPage } from "puppeteer-core";
import { AgentSocket } from "./agent-socket.ts";
import { codeIn, pressIn, startFirefox } from "./firefox.ts";
import { Fixtures } from "./fixtures.ts";
import { linesIn, pillion, signIn, startBrowser, startGateway, waitSame, type Gateway } from "./stage.ts";

// The user has Firefox: the same requests, as far as browsers differ in them.

let site: Fixtures;
let gateway: Gateway;
let browser: Browser;
let firefox: Firefox;
let user: FirefoxPage;
let agent: Page;
let hand: AgentSocket;

const press = (selector: string) => pressIn(user, selector);
const value = (id: string) => user.evaluate((i) => (document.getElementById(i) as HTMLInputElement).value, id);
const model = async () => JSON.parse(await user.evaluate(() => document.getElementById("model")!.textContent!)) as Record<string, unknown>;

beforeAll(async () => {
  site = await Fixtures.start();
  gateway = await startGateway(["serve", "--upstream", site.origin]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  agent = await signIn(await browser.newContext(), gateway, "Ann", "pass-word");
  firefox = await startFirefox();
  user = await firefox.newPage();
  await user.goto(gateway.site + "/plain");
  await press("[data-action=request]");
  await agent.getByTestId("code-input").fill(await codeIn(user));
  await agent.getByTestId("join").click();
  await press("[data-role=consent] [name=level][value=act]");
  await press("[data-role=consent] [data-action=allow]");
  await agent.getByTestId("state").filter({ hasText: "live" }).waitFor();
  hand = await AgentSocket.connect(agent, agent.url().split("/").pop()!);
});

afterAll(async () => {
  await firefox?.close();
  await browser?.close();
  await gateway?.program.end();
  site?.end();
});

async function open(path: string): Promise<void> {
  const { page } = hand;
  await user.goto(gateway.site + path);
  await hand.until(() => hand.page > page && hand.nodes.named("html") > 0, "the page");
}

async function does(id: string | number, action: string, v = ""): Promise<void> {
  expect(await hand.request(id, action, v), `${action} ${id} ${v}`).toMatchObject({ outcome: "confirmed" });
}

it.each(["react", "vue", "angular"])("fills in a claim under %s", async (framework) => {
  await open("/" + framework);
  for (const [id, v] of [["name", "Ann Gent"], ["email", "ann@example.org"], ["amount", "250.5"], ["date", "2026-02-03"], ["time", "10:30"], ["when", "2026-02-03T10:30"], ["colour", "#336699"], ["share", "75"], ["notes", "one\ntwo"]]) {
    await does(id!, "fill", v);
  }
  await does("planB", "check");
  await does("cover", "check");
  await does("state", "select", "2");
  await does("extras", "select", "0,3");
  await does("city", "fill", "B");
  await does("city", "key", "ArrowDown");
  await does("city", "key", "ArrowDown");
  await does("city", "key", "Enter");
  await does("day", "click");
  await does("d14", "click");
  await does("star2", "click");
  await does("add", "click");
  await does("item0", "fill", "an item");
  await does("name", "focus");
  await expect.poll(model).toMatchObject({
    name: "Ann Gent", email: "ann@example.org", date: "2026-02-03", time: "10:30", when: "2026-02-03T10:30", colour: "#336699",
    notes: "one\ntwo", plan: "B", cover: true, state: "Maine", extras: ["Dental", "Pets"], city: "Brookfield", day: "2026-02-14", stars: 2, items: ["an item"], sent: 0,
  });
  expect([String((await model())["amount"]), String((await model())["share"])]).toEqual(["250.5", "75"]);
  const asked = await hand.ask(await hand.node("send"), "click");
  await press(`[data-request="${asked.id}"] [data-action=allow]`);
  expect(await hand.answer(asked.id)).toMatchObject({ outcome: "confirmed" });
  await expect.poll(async () => (await model())["sent"]).toBe(1);
});

it("takes what old pages have: keys, masks, rich texts, dialogs, lists of jQuery UI, frames", async () => {
  await open("/plain");
  await does("t1", "fill", "abc");
  for (const k of ["Home", "ArrowRight", "Delete", "Space", "End", "Backspace"]) await does("t1", "key", k);
  expect(await value("t1")).toBe("a ");
  await does("phone", "fill", "123456");
  expect(await value("phone")).toBe("123-456");
  await does("rich", "fill", "A new text");
  expect(await user.evaluate(() => document.getElementById("rich")!.textContent)).toBe("A new text");
  await does(hand.nodes.named("p", "Hello"), "fill", "Dear all,\nthis is new");
  expect(await user.evaluate(() => (window as unknown as { quill: { getText(): string } }).quill.getText())).toBe("Dear all,\nthis is new\n");
  await does("open-dialog", "click");
  await does("in-dialog", "fill", "inside");
  await does("in-dialog", "key", "Escape");
  expect(await user.evaluate(() => (document.getElementById("dialog") as HTMLDialogElement).open)).toBe(false);
  await does("jcity", "fill", "Al");
  await hand.until(() => hand.nodes.named("div", "Alderney") > 0, "the list");
  await does(hand.nodes.named("div", "Alderney"), "click");
  expect(await value("jcity")).toBe("Alderney");
  await does("fi", "fill", "in the frame");
  await does("inner", "fill", "closed");
  for (const k of ["n1", "ArrowUp", "r1", "PageUp", "g1", "ArrowDown", "s1", "ArrowDown"].flatMap((x, i, l) => (i % 2 ? [[l[i - 1]!, x]] : []))) await does(k[0]!, "key", k[1]);
  expect([await value("n1"), await value("r1"), await value("s1")]).toEqual(["6", "60", "three"]);
  await does("t1", "key", "Tab");
  expect(await user.evaluate(() => document.activeElement!.id)).toBe("t2");
  const shown = () => linesIn(agent, "mirror").then((lines) => lines.filter((l) => /value=/.test(l)));
  expect((await shown()).some((l) => l.includes("inside"))).toBe(true);
});

it("asks the user where a script would send a form, leave the page or open a window", async () => {
  await open("/leaving");
  for (const id of ["send", "request", "hash", "open", "location", "reload", "inner"]) {
    const asked = await hand.ask(await hand.node(id), "click");
    await press(`[data-request="${asked.id}"] [data-action=deny]`);
    expect(await hand.answer(asked.id), id).toEqual({ outcome: "denied", reason: "refused" });
  }
  const asked = await hand.ask(await hand.node("send"), "click");
  site.asked.length = 0;
  await press(`[data-request="${asked.id}"] [data-action=allow]`);
  expect(await hand.answer(asked.id)).toEqual({ outcome: "confirmed" });
  await expect.poll(() => site.asked).toContain("/sent?t=a");
  await open("/plain");
});

it("keeps the user's locks as they are", async () => {
  await user.click("#t1");
  await user.keyboard.type("user");
  const t1 = await hand.node("t1");
  await hand.until(() => hand.locks.get(t1) === 1, "the user's lock");
  expect(await hand.request("t1", "fill", "x")).toEqual({ outcome: "denied", reason: "locked" });
  await does("t2", "fill", "agent");
  expect(await user.evaluate(() => document.activeElement!.id)).toBe("t1");
  await user.click("#t2");
  await hand.until(() => !hand.locks.has(t1), "the user to go on");
  await waitSame(async () => [await value("t2")], async () => [await agent.frameLocator("[data-testid=mirror]").locator("#t2").inputValue()]);
});
