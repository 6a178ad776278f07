import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import type { Level } from "../src/protocol/format.ts";
import { AgentSocket, type Answer } from "./agent-socket.ts";
import { Cable } from "./cable.ts";
import { Fixtures } from "./fixtures.ts";
import { pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// What an agent asks for, on every kind of control and under every framework,
// in the user's browser and back on the console.

let site: Fixtures;
let gateway: Gateway;
let cable: Cable;
let browser: Browser;
let user: Page;
let agent: Page;
let hand: AgentSocket;
const errors: string[] = [];

const YES: Answer = { outcome: "confirmed" };
const no = (reason: string) => ({ outcome: "denied", reason }) as Answer;


beforeAll(async () => {
  site = await Fixtures.start();
  const data = mkdtempSync(join(tmpdir(), "pillion-actions-"));
  writeFileSync(join(data, "config.yaml"), `assist:\n  ask: ["[data-operator]"]\n`);
  gateway = await startGateway(["serve", "--upstream", site.origin, "--config", join(data, "config.yaml")], data);
  cable = await Cable.to(gateway.listen[0]!);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 1000, height: 900 } })).newPage();
  user.on("pageerror", (e) => errors.push(String(e)));
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
  await user.goto(cable.site + "/plain");
  const session = await share(user, agent);
  hand = await AgentSocket.connect(agent, session);
});

afterAll(async () => {
  await browser?.close();
  cable?.end();
  await gateway?.program.end();
  site?.end();
});

/** Opens a page of the site, and waits until both sides have it. */
async function open(path: string): Promise<void> {
  const { page } = hand;
  await user.goto(cable.site + path);
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

const value = (id: string) => user.locator("#" + id).inputValue();
const active = () => user.evaluate(() => {
  let el = document.activeElement;
  for (let inner = el; inner; ) {
    el = inner;
    inner = el.shadowRoot?.activeElement ?? (el as HTMLIFrameElement).contentDocument?.activeElement ?? null;
    if (inner?.localName === "body") inner = null;
  }
  return el?.id ?? "";
});

describe("a page without a framework", () => {
  it("takes clicks with all that a mouse says", async () => {
    await open("/plain");
    await user.waitForFunction("window.heard && document.getElementById('frame').contentDocument?.getElementById('fb')");
    await same();
    await does("b1-inner", "click");
    const heard = (await user.evaluate("window.heard.splice(0)")) as string[];
    expect(heard).toEqual(["mouseover", "mouseenter", "pointerdown", "mousedown", "focus", "mouseup", "click"].map((n) => "b1 " + n));
    await does("b1", "doubleclick");
    expect(((await user.evaluate("window.heard.splice(0)")) as string[]).filter((n) => /click/.test(n))).toEqual(["b1 click", "b1 click", "b1 dblclick"]);
    await does("menu", "hover");
    expect(await user.locator("#submenu").isVisible()).toBe(true);
    await does("submenu", "hover");
    expect(await user.locator("#submenu").isVisible()).toBe(true);
    await does("top", "hover");
    expect(await user.locator("#submenu").isVisible()).toBe(false);
  });

  it("takes labels, styled and scripted boxes, details, popovers and dialogs", async () => {
    await does("l1", "click");
    expect(await active()).toBe("t1");
    await does("cl", "click");
    expect(await user.locator("#c1").isChecked()).toBe(true);
    await does("cl", "uncheck");
    expect(await user.locator("#c1").isChecked()).toBe(false);
    await does("hidden-box", "check");
    await does("hidden-label", "click");
    expect(await user.locator("#hidden-box").isChecked()).toBe(false);
    await does("aria", "check");
    await does("aria", "check");
    expect(await user.locator("#aria").getAttribute("aria-checked")).toBe("true");
    expect(await hand.request("in-details", "fill", "x")).toEqual(no("disabled")); // not to be seen
    await does("sum", "click");
    await does("in-details", "fill", "x");
    await does("pop", "click");
    expect(await user.locator("#popover").isVisible()).toBe(true);
    await does("pop", "key", "Escape");
    expect(await user.locator("#popover").isVisible()).toBe(false);
    await does("open-dialog", "click");
    expect(await hand.request("t1", "fill", "behind")).toEqual(no("disabled"));
    await does("in-dialog", "fill", "inside");
    await does("in-dialog", "key", "Escape");
    expect(await user.locator("#dialog").isVisible()).toBe(false);
    expect((await user.evaluate("window.heard.splice(0)")) as string[]).toEqual(expect.arrayContaining(["dialog cancel", "dialog close", "popover toggle"]));
  });

  it("takes lists, sliders and groups", async () => {
    await does("s1", "select", "2");
    expect(await value("s1")).toBe("three");
    for (const wrong of ["1", "3", "9", "0,2", "", "x"]) expect(await hand.request("s1", "select", wrong), wrong).toMatchObject(no("failed"));
    await does("s2", "select", "0,2");
    await does("s2", "select", "");
    expect(await user.locator("#s2 option:checked").count()).toBe(0);
    await does("g3", "check");
    expect(await hand.request("g3", "uncheck")).toEqual(no("failed"));
    await does("t2", "fill", "more than five");
    expect(await value("t2")).toBe("more ");
    for (const [id, wrong] of [["n1", "four"], ["s1", "text"], ["c1", "text"], ["b1", "text"]]) expect(await hand.request(id!, "fill", wrong!), id).toMatchObject(no("failed"));
    expect(await value("n1")).toBe("4");
    await does("box", "scroll", "0,120");
    expect(await user.locator("#box").evaluate((el) => el.scrollTop)).toBe(120);
    await does("phone", "fill", "123456");
    expect(await value("phone")).toBe("123-456");
  });

  it("takes rich texts, and editors that keep a model of their own", async () => {
    await does("rich", "fill", "A new text");
    expect(await user.locator("#rich").textContent()).toBe("A new text");
    const editor = hand.nodes.named("p", "Hello");
    await does(editor, "fill", "Dear all,\nthis is new");
    expect(await user.evaluate("window.quill.getText()")).toBe("Dear all,\nthis is new\n");
    await does("rich", "fill", "");
    expect(await user.locator("#rich").textContent()).toBe("");
    await user.evaluate("window.heard.length = 0");
  });

  it("takes what jQuery UI offers", async () => {
    await does("jcity", "fill", "Al");
    await user.locator(".ui-autocomplete li").first().waitFor();
    await same();
    await does(hand.nodes.named("div", "Alderney"), "click");
    expect(await value("jcity")).toBe("Alderney");
    await does("jcity", "fill", "Br");
    await expect.poll(() => user.locator(".ui-autocomplete li").count()).toBe(1);
    await does("jcity", "key", "ArrowDown");
    await does("jcity", "key", "Enter");
    expect(await value("jcity")).toBe("Brookfield");
    await does("jdate", "click");
    await user.locator(".ui-datepicker-calendar").waitFor();
    await same();
    await does(hand.nodes.named("a", "17"), "click");
    expect(await value("jdate")).toBe("2026-02-17");
  });

  it("takes what is in frames and in closed shadow roots", async () => {
    await does("fi", "fill", "in the frame");
    expect(await user.frameLocator("#frame").locator("#fi").evaluate((el) => el.ownerDocument.title)).toBe("true,true,in the frame");
    await does("fc", "check");
    await does("fs", "select", "1");
    await does("fb", "scroll", "0,50");
    await does("inner", "fill", "closed");
    await does("inner-button", "click");
    expect(await user.evaluate("window.closedRoot.getElementById('inner').value")).toBe("closed");
    expect(await user.locator("#seen").textContent()).toBe("inner ");
  });
});

describe("the keyboard", () => {
  const press = async (id: string, ...keys: string[]) => {
    for (const k of keys) await does(id, "key", k);
  };

  it("goes through the page as Tab does for a user", async () => {
    await open("/plain");
    await user.waitForFunction("window.heard && document.getElementById('frame').contentDocument?.getElementById('fb')");
    await same();
    const order = async (tab: () => Promise<void>) => {
      const list: string[] = [];
      await user.evaluate(() => (document.activeElement as HTMLElement).blur());
      for (let i = 0; i < 60; i++) {
        await tab();
        const at = await active();
        if (list.includes(at) && at === list[0]) break;
        list.push(at);
      }
      return list;
    };
    for (const id of ["quill", "no-keys"]) await user.locator("#" + id).evaluate((el) => el.remove()); // they keep Tab for themselves
    await same();
    // The assistance element is the user's own: for an agent the order ends before it.
    await user.locator("#last").focus();
    const real: string[] = ["last"];
    for (let i = 0; i < 60; i++) {
      await user.keyboard.press("Tab");
      if (await user.evaluate(() => document.activeElement?.localName === "pillion-assist")) break;
      const at = await active();
      if (at !== real.at(-1)) real.push(at);
    }
    await user.waitForTimeout(500);
    await user.evaluate(() => (document.activeElement as HTMLElement).blur());
    const own = await order(async () => {
      const at = (await active()) || "top";
      expect(await hand.request(at, "key", "Tab"), at).toEqual(YES);
    });
    expect(real.length).toBeGreaterThan(35);
    const once = own.filter((id, i) => id !== own[i - 1]); // of a closed shadow root only the host is seen here
    expect(once).toEqual(real.filter((id) => id && !/^(pw|card|file)$/.test(id))); // past what is masked
    await does("t2", "key", "Shift+Tab");
    expect(await active()).toBe("t1");
  });

  it("edits, steps and scrolls", async () => {
    await does("t1", "fill", "abc");
    await press("t1", "Home", "ArrowRight", "Delete", "Space", "End", "Backspace");
    expect(await value("t1")).toBe("a ");
    await user.evaluate("window.heard.length = 0");
    await does("t2", "focus");
    expect(await user.evaluate("window.heard")).toEqual(expect.arrayContaining(["t1 change", "t1 blur"]));
    await press("ta", "End", "Enter");
    expect(await value("ta")).toBe("line\n");
    await press("n1", "ArrowUp", "ArrowUp", "ArrowDown");
    expect(await value("n1")).toBe("6");
    await press("r1", "ArrowRight", "PageUp");
    expect(await value("r1")).toBe("65");
    await press("r1", "End");
    expect(await value("r1")).toBe("100");
    await press("g1", "ArrowDown");
    expect(await user.locator("#g3").isChecked()).toBe(true); // the second is disabled
    await press("g3", "ArrowUp");
    await press("s1", "ArrowDown", "ArrowDown");
    expect(await value("s1")).toBe("five"); // past what is disabled
    await press("s1", "Home");
    await press("c1", "Space");
    expect(await user.locator("#c1").isChecked()).toBe(true);
    await press("sum", "Enter");
    expect(await user.locator("#d1").getAttribute("open")).toBe("");
    await press("box", "PageDown");
    expect(await user.locator("#box").evaluate((el) => el.scrollTop)).toBeGreaterThan(50);
    await open("/plain");
    // A page that takes all keys for itself lets nobody type.
    expect(await hand.request("no-keys", "fill", "typed")).toEqual(no("failed"));
    expect(await hand.request("no-keys", "key", "Space")).toEqual(YES);
    expect(await value("no-keys")).toBe("");
  });

  it("sends a form by Enter where the user says so", async () => {
    expect(await asks("alone", "key", "Enter", "deny")).toEqual(no("refused"));
    expect(await asks("alone", "key", "Enter", "allow")).toEqual(YES);
    expect(await user.locator("#alone-sent").textContent()).toBe("sent ");
    expect(await asks("link", "key", "Enter", "deny")).toEqual(no("refused"));
    await same();
  });
});

describe("what is denied", () => {
  it("is what nobody could act on: masked, disabled, gone", async () => {
    await open("/plain");
    await user.waitForFunction("window.heard");
    for (const id of ["pw", "card", "file"]) {
      for (const [action, v] of [["fill", "x"], ["click", ""], ["focus", ""], ["key", "Backspace"], ["hover", ""]]) {
        expect(await hand.request(id, action!, v!), `${action} ${id}`).toMatchObject({ reason: "masked" });
      }
    }
    expect(await value("pw")).toBe("secret");
    for (const id of ["off", "off2", "inert", "unseen"]) expect(await hand.request(id, "click"), id).toEqual(no("disabled"));
    expect(await hand.request("ro", "fill", "x")).toEqual(no("disabled"));
    const node = await hand.node("gone-soon");
    await does(node, "click");
    expect(await hand.request(node, "click")).toMatchObject({ reason: "gone" });
    expect(await hand.request(999_999, "click")).toMatchObject({ reason: "gone" });
  });

  it("is what leads elsewhere than the site", async () => {
    site.asked.length = 0;
    const urls = ["javascript:window.ran=2", "data:text/html,<script>1</script>", "JaVaScRiPt:window.ran=2", " \tjavascript:window.ran=2", "java\nscript:window.ran=2", "https://example.org/",
      "//example.org/", "http://user:pass@127.0.0.1/", "blob:" + cable.site + "/x", "file:///etc/passwd", "/.pillion/session", "http://[", "view-source:" + cable.site, "about:blank", "filesystem:" + cable.site + "/x", cable.site.replace("http", "https")];
    for (const url of urls) expect(await hand.request(0, "navigate", url), url).toMatchObject({ reason: "forbidden" });
    expect(await user.evaluate("window.ran")).toBe(0);
    expect(site.asked).toEqual([]);
    expect(new URL(user.url()).pathname).toBe("/plain");
  });

  it("is what is not of the closed list", async () => {
    const node = await hand.node("b1");
    for (const [action, v] of [["eval", "1"], ["", ""], ["CLICK", ""], ["submit", ""], ["key", "a"], ["key", "F5"], ["key", "Control+A"], ["click", "x"], ["constructor", ""], ["__proto__", ""]]) {
      expect(await hand.request(node, action!, v!), action!).toMatchObject({ reason: "forbidden" });
    }
    expect(await hand.request(node, "scroll", "1e999,0")).toMatchObject({ reason: "failed" });
    expect(await hand.request(node, "scroll", "a,b")).toMatchObject({ reason: "failed" });
  });

  it("is a request that comes again, or of before one that came", async () => {
    const node = await hand.node("t1");
    await hand.send({ type: "request", page: hand.page, node, action: "fill", value: "one", seen: hand.seen, ref: "twice" });
    await hand.send({ type: "request", page: hand.page, node, action: "fill", value: "two", seen: hand.seen, ref: "twice" });
    await expect.poll(() => value("t1")).toBe("one");
    await same();
    expect(await hand.request(node, "fill", "old", { seen: 1 })).toMatchObject({ reason: "stale" });
    expect(await hand.request(node, "fill", "future", { seen: hand.seen + 1000 })).toMatchObject({ reason: "forbidden" });
    expect(await hand.request(node, "fill", "elsewhere", { page: hand.page - 1 })).toMatchObject({ reason: "gone" });
    expect(await value("t1")).toBe("one");
  });

  it("is what the level does not allow", async () => {
    await level("point");
    for (const [action, v] of [["fill", "x"], ["click", ""], ["scroll", "0,0"], ["focus", ""]]) expect(await hand.request("t1", action!, v!)).toMatchObject({ reason: "forbidden" });
    await level("act");
    await does("t1", "fill", "again");
  });

  it("is what the user changed after what the agent saw", async () => {
    const { seen } = hand;
    await user.locator("#t1").fill("the user's");
    await user.locator("#c1").check();
    await user.locator("#g3").check();
    await user.locator("#s1").focus();
    await user.keyboard.press("t");
    await user.locator("#top").click(); // elsewhere: no lock is in the way
    for (const [id, action, v] of [["t1", "fill", "x"], ["t1", "key", "Backspace"], ["c1", "uncheck", ""], ["g4", "check", ""], ["s1", "select", "0"]]) {
      expect(await hand.request(id!, action!, v!, { seen }), `${action} ${id}`).toEqual(no("conflict"));
    }
    expect(await value("t1")).toBe("the user's");
    await same();
    await does("t1", "fill", "x");
  });
});

describe("a lock", () => {
  const lock = (node: number, by: number) => hand.until(() => (hand.locks.get(node) ?? 0) === by, `the lock of ${node} by ${by}`);

  it("is the user's while they are in an element, and free when they go on", async () => {
    await open("/plain");
    await user.waitForFunction("window.heard");
    const [t1, t2] = [await hand.node("t1"), await hand.node("t2")];
    await user.locator("#t1").click();
    await lock(t1, 1);
    await user.keyboard.type("hello");
    expect(await hand.request("t1", "fill", "x")).toEqual(no("locked"));
    expect(await hand.request("l1", "click")).toEqual(no("locked")); // its label is it
    expect(await hand.request("b1", "focus")).toEqual(no("locked")); // it would take the user's keys
    expect(await hand.request("b1", "key", "Tab")).toEqual(no("locked"));
    expect(await hand.request("box", "scroll", "0,20")).toEqual(YES);
    await user.locator("#t2").click();
    await lock(t1, 0);
    await lock(t2, 1);
    await user.keyboard.press("Shift+Tab");
    await lock(t1, 1);
    await user.locator("h1").click();
    await lock(t1, 0);
    await user.locator("#g4").click();
    await lock(await hand.node("g1"), 1); // a group is one control
    expect(await hand.request("g3", "check")).toEqual(no("locked"));
    await user.locator("h1").click();
    await user.locator("#rich b").click();
    await lock(await hand.node("rich"), 1);
    await user.locator("h1").click();
    await user.frameLocator("#frame").locator("#fi").click();
    await lock(await hand.node("fi"), 1);
    await user.locator("#closed").click({ position: { x: 20, y: 8 } });
    await lock(await hand.node("inner"), 1);
    await user.locator("pillion-assist [data-role=state]").click(); // in the assistance element they are not in the page
    await hand.until(() => hand.locks.size === 0, "no lock");
    await same();
  });

  it("leaves the user's focus and keys to them while the agent fills in another field", async () => {
    await user.locator("#t1").fill("");
    await user.locator("#t1").click();
    const typing = user.keyboard.type("the user goes on typing here", { delay: 15 });
    const done = [await hand.request("t2", "fill", "agent"), await hand.request("s1", "select", "2"), await hand.request("c1", "check"), await hand.request("rich", "fill", "rich too")];
    await typing;
    expect(done).toEqual([YES, YES, YES, YES]);
    expect(await active()).toBe("t1");
    expect([await value("t1"), await value("t2"), await user.locator("#rich").textContent()]).toEqual(["the user goes on typing here", "agent", "rich too"]);
    await same();
  });

  it("is free after 10 s in which the user does nothing", async () => {
    const t1 = await hand.node("t1");
    await user.locator("#t1").click();
    await lock(t1, 1);
    await user.waitForTimeout(8000);
    expect(hand.locks.get(t1)).toBe(1);
    await hand.until(() => !hand.locks.has(t1), "the end of the lease");
    await does("t1", "fill", "x");
  });

  it("is not taken by scripts, nor by what agents do", async () => {
    await user.locator("h1").click();
    await hand.until(() => hand.locks.size === 0, "no lock");
    await user.waitForTimeout(600);
    const told = hand.told.length;
    await user.evaluate(() => document.getElementById("t2")!.focus());
    await does("ta", "focus");
    await does("rich", "fill", "once more"); // its events are trusted ones
    expect(hand.told.slice(told).filter((l) => l.held && l.by === 1)).toEqual([]);
  });

  it("is the agent's while its change is under way, and the user's touch ends that", async () => {
    await open("/plain");
    const t1 = await hand.node("t1");
    const by = hand.participant;
    // The page is slow: the change takes its time.
    await user.evaluate(() => document.getElementById("t1")!.addEventListener("keydown", () => { for (const end = performance.now() + 60; performance.now() < end; ); }));
    const asked = await hand.ask(t1, "fill", "a text that is typed slowly, as you see");
    await lock(t1, by);
    await user.locator("pillion-assist [data-role=lock]").waitFor({ state: "attached" });
    await user.locator("#t1").click();
    expect(await hand.answer(asked.id)).toEqual(no("conflict"));
    await lock(t1, 1);
    expect("a text that is typed slowly, as you see".startsWith(await value("t1"))).toBe(true);
    expect(await user.locator("pillion-assist [data-role=lock]").count()).toBe(0);
    await user.locator("h1").click();
    await same();
  });

  it("never has two holders in the record", () => {
    const held = new Map<number, number>();
    for (const l of hand.told) {
      if (l.held) expect(held.get(l.node) ?? l.by).toBe(l.by);
      if (l.held) held.set(l.node, l.by);
      else held.delete(l.node);
    }
    for (const [id, answers] of hand.answers) expect(answers.length, `request ${id}`).toBe(1);
  });
});

describe("the user", () => {
  it("stops at any moment, and what is under way with it", async () => {
    await open("/plain");
    await user.waitForFunction("window.heard");
    await user.evaluate(() => document.getElementById("t1")!.addEventListener("keydown", () => { for (const end = performance.now() + 60; performance.now() < end; ); }));
    const question = await hand.ask(await hand.node("send"), "click");
    await user.locator("pillion-assist [data-role=confirm]").waitFor();
    const asked = await hand.ask(await hand.node("t1"), "fill", "a text that is typed slowly, as you see");
    await user.locator("pillion-assist [data-action=pause]").click();
    await hand.until(() => hand.level === "view", "the level view");
    expect(await hand.answer(asked.id)).toEqual(no("refused"));
    expect(await hand.answer(question.id)).toEqual(no("refused"));
    expect(await user.locator("pillion-assist [data-role=confirm]").count()).toBe(0);
    const now = await value("t1");
    await user.waitForTimeout(300);
    expect(await value("t1")).toBe(now);
    expect(now.length).toBeLessThan(30);
    await level("act");
  });

  it("is asked about each change at the level propose, and may put another value", async () => {
    await open("/plain");
    await user.waitForFunction("window.heard");
    await level("propose");
    await does("t1", "focus");
    await does("menu", "hover");
    await does("box", "scroll", "0,30");
    expect(await asks("t1", "fill", "agent's", "deny")).toEqual(no("refused"));
    expect(await value("t1")).toBe("");
    expect(await asks("t1", "fill", "agent's", "allow")).toEqual(YES);
    expect(await asks("t1", "fill", "agent's second", "allow", "the user's own")).toEqual({ outcome: "confirmed", value: "the user's own" });
    expect(await value("t1")).toBe("the user's own");
    expect(await asks("c1", "check", "", "allow")).toEqual(YES);
    expect(await asks("s1", "select", "2", "allow")).toEqual(YES);
    expect(await asks("g3", "click", "", "allow")).toEqual(YES);
    expect(await asks("t1", "key", "Backspace", "allow")).toEqual(YES);
    await same();
  });

  it("has at most eight questions before them, each about one control at a time", async () => {
    const open = new Map<string, number>();
    for (const id of ["t1", "t2", "ta", "c1", "s1", "n1", "r1", "aria"]) open.set(id, (await hand.ask(await hand.node(id), "click")).id);
    const second = await hand.ask(await hand.node("t1"), "fill", "after the first");
    expect(await hand.request("b1", "click")).toEqual(no("flood"));
    const cards = user.locator("pillion-assist [data-role=confirm]");
    expect(await cards.count()).toBe(8);
    for (const [id, n] of [...open].reverse()) {
      await user.locator(`pillion-assist [data-request="${n}"] [data-action=deny]`).click();
      expect(await hand.answer(n), id).toEqual(no("refused"));
    }
    await user.locator(`pillion-assist [data-request="${second.id}"] [data-action=allow]`).click();
    expect(await hand.answer(second.id)).toEqual(YES);
    expect(await value("t1")).toBe("after the first");
    await same();
  });

  it("who does not answer within 30 s has said no", async () => {
    const asked = await hand.ask(await hand.node("t1"), "fill", "too late");
    const began = Date.now();
    await user.locator(`pillion-assist [data-request="${asked.id}"]`).waitFor();
    for (let i = 0; i < 28; i++) {
      expect(hand.answers.has(asked.id)).toBe(false);
      await user.waitForTimeout(1000);
    }
    expect(await hand.answer(asked.id)).toEqual(no("expired"));
    expect(Date.now() - began).toBeLessThan(40_000);
    expect(await user.locator("pillion-assist [data-role=confirm]").count()).toBe(0);
    expect(await value("t1")).toBe("after the first");
    expect(hand.answers.get(asked.id)!.length).toBe(1);
    await level("act");
  });

  it("is asked before links, and goes where they lead", async () => {
    await does("hash", "click");
    expect(await asks("link", "click", "", "deny")).toEqual(no("refused"));
    expect(await asks("script", "click", "", "allow")).toEqual(YES);
    expect(await user.evaluate("window.ran")).toBe(1);
    const { page } = hand;
    expect(await asks("link", "click", "", "allow")).toEqual(YES);
    await hand.until(() => hand.page > page, "the next page");
    await same();
    expect(await asks(0, "back", "", "allow")).toEqual(YES);
    await expect.poll(() => user.url()).toContain("/plain");
    await same();
    expect(await asks(0, "forward", "", "allow")).toEqual(YES);
    await expect.poll(() => user.url()).toContain("/next");
    await same();
    expect(await asks(0, "navigate", "/other?x=1", "allow")).toEqual(YES);
    await expect.poll(() => user.url()).toContain("/other");
    await same();
    expect(await hand.request(0, "forward")).toMatchObject(no("failed"));
  });
});

describe("a lost connection", () => {
  it("leaves open what was asked, and the user's answer is heard when it is back", async () => {
    await open("/plain");
    await user.waitForFunction("window.heard");
    const { page } = hand;
    const asked = await hand.ask(await hand.node("send"), "click");
    await user.locator(`pillion-assist [data-request="${asked.id}"]`).waitFor();
    const linked = await hand.ask(await hand.node("link"), "click");
    cable.pull();
    await user.locator("pillion-assist .halted").waitFor();
    await user.locator(`pillion-assist [data-request="${asked.id}"] [data-action=deny]`).click();
    expect(hand.answers.has(asked.id)).toBe(false);
    expect(await hand.request("t1", "fill", "x")).toEqual({ outcome: "rejected", reason: "gone" });
    cable.plug();
    expect(await hand.answer(asked.id)).toEqual(no("refused"));
    await user.locator(`pillion-assist [data-request="${linked.id}"] [data-action=deny]`).click();
    expect(await hand.answer(linked.id)).toEqual(no("refused"));
    expect(hand.page).toBe(page);
    await does("t1", "fill", "after it");
  });

  it("begins nothing while it lasts, and asks nobody twice", async () => {
    const asked = await hand.ask(await hand.node("listed"), "click"); // the operator wants that asked
    const card = user.locator(`pillion-assist [data-request="${asked.id}"]`);
    await card.waitFor();
    await user.evaluate(() => {
      const w = window as unknown as { paid: number };
      w.paid = 0;
      document.getElementById("listed")!.addEventListener("click", () => w.paid++);
    });
    cable.pull();
    await user.locator("pillion-assist .halted").waitFor();
    await card.locator("[data-action=allow]").click();
    await user.waitForTimeout(500);
    expect(await user.evaluate("window.paid")).toBe(0);
    cable.plug();
    expect(await hand.answer(asked.id)).toEqual(YES);
    expect(await user.evaluate("window.paid")).toBe(1);
    await same();
    for (const [id, answers] of hand.answers) expect(answers.length, `request ${id}`).toBe(1);
    expect(errors).toEqual([]);
  });
});
