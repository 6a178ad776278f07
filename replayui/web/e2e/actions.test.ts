import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import type { AgentSocket } from "./agent-socket.ts";
import { HandStage, no, YES } from "./hand-stage.ts";

// What an agent asks for, on every kind of control and under every framework,
// in the user's browser and back on the console.

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

describe("a page without a framework", () => {
  it("takes clicks with all that a mouse says", async () => {
    await open("/plain");
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
    for (const wrong of ["1", "3", "9", "0,2", ""]) expect(await hand.request("s1", "select", wrong), wrong).toMatchObject(no("failed"));
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
