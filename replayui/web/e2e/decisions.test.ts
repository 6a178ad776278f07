import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import type { Level } from "../src/protocol/format.ts";
import type { AgentSocket } from "./agent-socket.ts";
import { HandStage, no, YES } from "./hand-stage.ts";

// What becomes of a request, and of the element that it is about: denials,
// locks, questions, and a connection that is lost meanwhile.

let stage: HandStage;
let user: Page;
let hand: AgentSocket;
let open: HandStage["open"];
let same: HandStage["same"];
let does: HandStage["does"];
let asks: HandStage["asks"];
let value: HandStage["value"];
let active: HandStage["active"];

beforeAll(async () => {
  stage = await HandStage.start();
  ({ user, hand, open, same, does, asks, value, active } = stage);
});

afterAll(() => stage?.end());

const level = async (to: Level) => {
  await user.locator("pillion-assist [data-action=level]").selectOption(to);
  await hand.until(() => hand.level === to, `the level ${to}`);
};

describe("what is denied", () => {
  it("is what nobody could act on: masked, disabled, gone", async () => {
    await open("/plain");
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
    stage.site.asked.length = 0;
    const urls = ["javascript:window.ran=2", "data:text/html,<script>1</script>", "JaVaScRiPt:window.ran=2", " \tjavascript:window.ran=2", "java\nscript:window.ran=2", "https://example.org/",
      "//example.org/", "http://user:pass@127.0.0.1/", "blob:" + stage.cable.site + "/x", "file:///etc/passwd", "/.pillion/session", "http://[", "view-source:" + stage.cable.site, "about:blank", "filesystem:" + stage.cable.site + "/x", stage.cable.site.replace("http", "https")];
    for (const url of urls) expect(await hand.request(0, "navigate", url), url).toMatchObject({ reason: "forbidden" });
    expect(await user.evaluate("window.ran")).toBe(0);
    expect(stage.site.asked).toEqual([]);
    expect(new URL(user.url()).pathname).toBe("/plain");
  });

  it("is what is not of the closed list", async () => {
    const node = await hand.node("b1");
    for (const [action, v] of [["eval", "1"], ["", ""], ["CLICK", ""], ["submit", ""], ["key", "a"], ["key", "F5"], ["key", "Control+A"], ["click", "x"], ["constructor", ""], ["__proto__", ""], ["scroll", "1e999,0"], ["scroll", "a,b"], ["select", "x"]]) {
      expect(await hand.request(node, action!, v!), action!).toMatchObject({ reason: "forbidden" });
    }
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

  it("is free when the user says so, who stays where they are", async () => {
    const [t1, free] = [await hand.node("t1"), user.locator("pillion-assist [data-action=unlock]")];
    expect(await free.isVisible()).toBe(false);
    await user.locator("#t1").click();
    await lock(t1, 1);
    expect(await hand.request("t1", "fill", "x")).toEqual(no("locked"));
    await user.keyboard.press("Shift"); // and it is theirs for another 10 s
    await free.click();
    expect(await hand.request("t1", "fill", "handed over")).toEqual(YES); // at once: it is not waited out
    await lock(t1, 0);
    expect([await active(), await free.isVisible()]).toEqual(["t1", false]);
    expect(await value("t1")).toBe("handed over");
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
    expect(await asks("s1", "select", "4", "allow", "0")).toEqual({ outcome: "confirmed", value: "0" });
    expect(await value("s1")).toBe("one");
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
    await expect.poll(() => user.evaluate("window.ran")).toBe(1); // a javascript: URL runs in a task of its own
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
    const { page } = hand;
    const asked = await hand.ask(await hand.node("send"), "click");
    await user.locator(`pillion-assist [data-request="${asked.id}"]`).waitFor();
    const linked = await hand.ask(await hand.node("link"), "click");
    stage.cable.pull();
    await user.locator("pillion-assist .halted").waitFor();
    await user.locator(`pillion-assist [data-request="${asked.id}"] [data-action=deny]`).click();
    expect(hand.answers.has(asked.id)).toBe(false);
    expect(await hand.request("t1", "fill", "x")).toEqual({ outcome: "rejected", reason: "gone" });
    stage.cable.plug();
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
    stage.cable.pull();
    await user.locator("pillion-assist .halted").waitFor();
    await card.locator("[data-action=allow]").click();
    await user.waitForTimeout(500);
    expect(await user.evaluate("window.paid")).toBe(0);
    stage.cable.plug();
    expect(await hand.answer(asked.id)).toEqual(YES);
    expect(await user.evaluate("window.paid")).toBe(1);
    await same();
    for (const [id, answers] of hand.answers) expect(answers.length, `request ${id}`).toBe(1);
    expect(stage.errors).toEqual([]);
  });
});
