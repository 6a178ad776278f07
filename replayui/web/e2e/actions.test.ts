import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import type { Level } from "../src/protocol/format.ts";
import { AgentSocket, type Answer } from "./agent-socket.ts";
import { Fixtures } from "./fixtures.ts";
import { pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// What an agent asks for, on every kind of control and under every framework,
// in the user's browser and back on the console.

let site: Fixtures;
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;
let hand: AgentSocket;
const errors: string[] = [];

const YES: Answer = { outcome: "confirmed" };
const no = (reason: string) => ({ outcome: "denied", reason }) as Answer;
const either = (reason: string) => expect.objectContaining({ reason }) as unknown;

beforeAll(async () => {
  site = await Fixtures.start();
  gateway = await startGateway(["serve", "--upstream", site.origin]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 1000, height: 900 } })).newPage();
  user.on("pageerror", (e) => errors.push(String(e)));
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
  await user.goto(gateway.site + "/plain");
  const session = await share(user, agent);
  hand = await AgentSocket.connect(agent, session);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.end();
});

/** Opens a page of the site, and waits until both sides have it. */
async function open(path: string): Promise<void> {
  const { page } = hand;
  await user.goto(gateway.site + path);
  await hand.until(() => hand.page > page && hand.nodes.named("html") > 0, "the page");
  await same();
}

/** Waits until the mirror has the page, and the agent has seen what it shows. */
async function same(): Promise<void> {
  await sameAsMirror(user, agent);
  for (let before = -1; before !== hand.seen; ) {
    before = hand.seen;
    await user.waitForTimeout(60);
  }
}

/** Does as an agent would, and looks at both sides afterwards. */
async function does(id: string | number, action: string, value = ""): Promise<void> {
  expect(await hand.request(id, action, value), `${action} ${id} ${value}`).toMatchObject(YES);
  await same();
}

/** Asks for something, answers the user's question, and returns what comes of it. */
async function asks(id: string | number, action: string, value: string, user_: "allow" | "deny", edit?: string): Promise<Answer> {
  const asked = await hand.ask(typeof id === "number" ? id : await hand.node(id), action, value);
  expect(asked.reason).toBeUndefined();
  const card = user.locator(`pillion-assist [data-role=confirm][data-request="${asked.id}"]`);
  if (edit !== undefined) await card.locator("[data-role=edit]").fill(edit);
  await card.locator(`[data-action=${user_}]`).click();
  return hand.answer(asked.id);
}

const level = async (to: Level) => {
  await user.locator("pillion-assist [data-action=level]").selectOption(to);
  await hand.until(() => hand.level === to, `the level ${to}`);
};

describe.each(["react", "vue", "angular"])("a claim under %s", (framework) => {
  const model = async () => JSON.parse((await user.locator("#model").textContent())!) as Record<string, unknown>;
  const has = (values: Record<string, unknown>) => expect.poll(model).toMatchObject(values);

  it("takes text, numbers, dates and colours", async () => {
    await open("/" + framework);
    await does("name", "fill", "Ann Gent");
    await does("email", "fill", "ann@example.org");
    await does("amount", "fill", "250.5");
    expect(String((await model())["amount"])).toBe("250.5");
    for (const [id, value] of [["date", "2026-02-03"], ["time", "10:30"], ["month", "2026-03"], ["week", "2026-W05"], ["when", "2026-02-03T10:30"], ["colour", "#336699"], ["share", "75"]]) {
      await does(id!, "fill", value);
      expect(String((await model())[id!])).toBe(value);
    }
    await has({ name: "Ann Gent", email: "ann@example.org" });
    await does("name", "fill", "");
    await does("email", "focus");
    await expect.poll(() => user.locator("#hint").textContent()).toBe("A name is needed");
    await does("name", "fill", "A name that is longer than forty characters, so not typed one by one");
    await has({ name: "A name that is longer than forty characters, so not typed one by one" });
  });

  it("takes choices and ticks", async () => {
    await does("planB", "check");
    await does("cover", "check");
    await has({ plan: "B", cover: true });
    await does("cover", "uncheck");
    await does("planC", "click");
    await does("state", "select", "2");
    await does("extras", "select", "0,3");
    await has({ plan: "C", cover: false, state: "Maine", extras: ["Dental", "Pets"] });
    await does("notes", "fill", "first line\nsecond line");
    await does("name", "focus");
    await has({ notes: "first line\nsecond line" });
  });

  it("takes what lists and pickers written in script offer", async () => {
    await does("city", "fill", "Al");
    await user.locator("#cities").waitFor();
    await does(hand.nodes.named("li", "Alderney"), "click");
    await has({ city: "Alderney" });
    await does("city", "fill", "B");
    await does("city", "key", "ArrowDown");
    await does("city", "key", "ArrowDown");
    await does("city", "key", "Enter"); // the list has it: nothing is sent
    await has({ city: "Brookfield" });
    await does("day", "click");
    await does("d14", "click");
    await has({ day: "2026-02-14" });
    expect(await hand.request("day", "fill", "2026-02-15")).toMatchObject(no("disabled")); // it is read-only: only its picker sets it
  });

  it("takes what is in a shadow root, and lists that grow and shrink", async () => {
    await does("star2", "click");
    await does("why", "fill", "fast");
    await has({ stars: 2 });
    for (const n of [0, 1, 2]) {
      await does("add", "click");
      await does("item" + n, "fill", "item " + n);
    }
    await does("drop1", "click");
    await has({ items: ["item 0", "item 2"] });
    await does("item1", "key", "Backspace");
    await has({ items: ["item 0", "item "] });
  });

  it("is sent only when the user says so", async () => {
    expect(await asks("send", "click", "", "deny")).toEqual(no("refused"));
    await has({ sent: 0 });
    expect(await asks("send", "click", "", "allow")).toEqual(YES);
    await has({ sent: 1 });
    expect(await asks("name", "key", "Enter", "allow")).toEqual(YES); // implicit submission
    await has({ sent: 2 });
    await same();
  });
});
