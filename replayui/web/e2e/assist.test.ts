import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Locator, Page } from "playwright-core";
import { AgentSocket } from "./agent-socket.ts";
import { Assisted, draws, points } from "./assist-stage.ts";
import { allow, askForHelp, startGateway } from "./stage.ts";

// What the user decides in our element on the page, and what agents show there.

let at: Assisted;
let user: Page;
let agent: Page;

beforeAll(async () => {
  at = await Assisted.start();
  ({ user, agent } = at);
});

afterAll(() => at?.end());

afterEach(() => at.calm());

/** What is typed and clicked in our element, and the keys that mean something to it. */
const OURS = /^pillion-assist (key|click|input|beforeinput|paste)|F8|Escape/;

/** What the page's own listeners heard. */
const seen = async (what: RegExp) => (await user.evaluate(() => (window as never as { keys: string[] }).keys)).filter((k) => what.test(k));

it("lets the user change what agents may do, and stop them by one key wherever the focus is", async () => {
  const hand = await at.shared("propose");
  expect(await at.part("[data-action=level]").inputValue()).toBe("propose");
  expect(await at.part("[data-role=people]").textContent()).toBe("Ann Agentacts");
  await at.part("[data-action=level]").selectOption("act");
  await expect.poll(() => hand.level).toBe("act");
  await at.part("[data-action=pause]").click();
  await expect.poll(() => hand.level).toBe("view");
  expect(await at.part("[data-action=level]").inputValue()).toBe("view");
  await at.look("stopped");
  await at.part("[data-action=pause]").click();
  await expect.poll(() => hand.level).toBe("act");
  const stop = async (where: Locator) => {
    await at.part("[data-action=level]").selectOption("act");
    await expect.poll(() => hand.level).toBe("act");
    await where.focus();
    await user.keyboard.press("F8");
    await user.keyboard.press("F8"); // who presses it twice means it
    await expect.poll(() => hand.level).toBe("view");
    expect(await at.part("[data-action=level]").inputValue()).toBe("view");
    expect(await seen(OURS)).toEqual([]);
  };
  await stop(user.locator("#name"));
  await stop(at.part("[data-action=end]"));
  await user.waitForTimeout(1200);
  await stop(user.frameLocator("#frame").locator("#within"));
  await points(hand, "name");
  await draws(hand, 1, "highlight", "name");
  await user.waitForTimeout(500);
  expect(await at.part("[data-role=agent-pointer], [data-role=drawing]").count()).toBe(0);
});

const outcomes = (hand: AgentSocket) => [...hand.answers.values()].flat();

it("asks about each change, with what was and what would be, while the user goes on typing", async () => {
  const hand = await at.shared("propose");
  const question = at.part("[data-role=confirm]");
  const focus = () => user.evaluate(() => document.activeElement!.id);
  await user.locator("#remarks").focus();
  await hand.ask(await hand.node("name"), "fill", "Berta");
  await question.waitFor();
  await user.keyboard.type("still mine");
  expect(await focus()).toBe("remarks");
  expect(await user.locator("#remarks").inputValue()).toBe("still mine");
  expect(await question.locator("h2").textContent()).toBe("Ann Agent would like to fill in “Name”");
  expect(await question.locator(".value").first().textContent()).toBe("Ann");
  expect(await question.locator(".left").textContent()).toMatch(/^2\d s leftShift\+F8$/);
  expect(await at.part("[data-role=asked]").boundingBox()).not.toBeNull();
  await expect.poll(() => at.part("[role=status]").textContent()).toContain("would like to fill in “Name”. Shift+F8 takes you to the question");
  await at.look("question");
  await question.locator("[data-role=edit]").fill("Bertha");
  await question.locator("[data-action=allow]").click();
  await expect.poll(() => user.locator("#name").inputValue()).toBe("Bertha");
  await expect.poll(() => outcomes(hand).at(-1)).toMatchObject({ outcome: "confirmed", value: "Bertha" });

  // Several at once, by keyboard alone.
  await user.locator("#remarks").focus();
  await hand.ask(await hand.node("town"), "select", "1");
  await hand.ask(await hand.node("day"), "fill", "2026-03-04");
  await hand.ask(await hand.node("link"), "click");
  await expect.poll(() => question.count()).toBe(3);
  expect(await question.nth(0).textContent()).toMatch(/choose in “Town”.*Here.*There/);
  expect(await question.nth(1).locator("[data-role=edit]").evaluate((el: HTMLInputElement) => [el.type, el.value])).toEqual(["date", "2026-03-04"]);
  expect(await question.nth(2).locator("h2").textContent()).toBe("Ann Agent would like to follow “Auf Deutsch”");
  await at.look("questions");
  await user.keyboard.press("Shift+F8");
  expect(await focus()).toBe("");
  await user.keyboard.press("Escape");
  await expect.poll(() => outcomes(hand).at(-1)).toMatchObject({ outcome: "denied", reason: "refused" });
  await user.keyboard.press("Tab");
  await user.keyboard.press("Enter"); // in the field
  await expect.poll(() => user.locator("#day").inputValue()).toBe("2026-03-04");
  expect(await question.count()).toBe(1);
  await user.keyboard.press("Shift+F8");
  expect(await focus()).toBe("remarks");
  await user.keyboard.press("F8");
  await expect.poll(() => question.count()).toBe(0);
  await expect.poll(() => outcomes(hand).map((o) => o.reason)).toContainEqual("refused");
  expect(await user.locator("#town").inputValue()).toBe("Here");
  expect(await seen(OURS)).toEqual([]);
});

/** How far a drawing is from an element, at the most. */
async function away(drawing: Locator, box: { x: number; y: number; width: number; height: number } | null): Promise<number> {
  const d = await drawing.evaluate((el: SVGGraphicsElement) => {
    const { x, y, width, height } = el.getBoundingClientRect(); // of the line's middle
    return [x, y, width, height];
  });
  return box ? Math.max(...[box.x, box.y, box.width, box.height].map((v, i) => Math.abs(v - d[i]!))) : Infinity;
}

it("draws on elements, wherever they are and go", async () => {
  const hand = await at.shared("point");
  const pointer = at.part("[data-role=agent-pointer]");
  await points(hand, "name");
  await pointer.waitFor();
  expect(await pointer.locator("i").count()).toBe(0);
  await Promise.all([pointer.locator("i").waitFor({ state: "attached" }), points(hand, "name", true)]); // a click's ripple, for less than a second
  expect(await pointer.textContent()).toBe("Ann Agent");
  const frame = user.frameLocator("#frame");
  await user.locator("#inner").evaluate((el) => (el.scrollTop = 150));
  await frame.locator("html").evaluate((el) => (el.scrollTop = 80));
  await draws(hand, 1, "box", "name", [0, 0, 1, 1]);
  await draws(hand, 2, "highlight", "deep");
  await draws(hand, 3, "box", "within", [0, 0, 1, 1]);
  await draws(hand, 4, "box", "shadowed", [0, 0, 1, 1]);
  await draws(hand, 5, "arrow", "day", [3, -1, 1, 0.5]);
  await draws(hand, 6, "free", "remarks", [0, 0, 0.2, 0.8, 0.5, 0.1, 0.8, 0.9, 1.1, 0.2]);
  const drawings = at.part("[data-role=drawing]");
  await expect.poll(() => drawings.count()).toBe(6);
  await at.look("drawings");
  const near = async (n: number, at: Locator) => expect.poll(async () => away(drawings.nth(n), await at.boundingBox())).toBeLessThan(2);
  const places = async () => {
    await near(0, user.locator("#name"));
    await near(1, user.locator("#deep"));
    await near(2, frame.locator("#within"));
    expect(await drawings.nth(3).evaluate((el) => el.getBoundingClientRect().width)).toBeGreaterThan(50);
    const [stroke, field] = [await drawings.nth(5).evaluate((el) => el.getBoundingClientRect().width), (await user.locator("#remarks").boundingBox())!.width];
    expect(Math.abs(stroke - 1.1 * field)).toBeLessThan(3);
    expect(await drawings.nth(4).getAttribute("d")).toMatch(/^M[^ML]+L[^ML]+M[^ML]+L[^ML]+M/); // a line, and a head of two strokes
  };
  await places();
  await user.evaluate(() => scrollTo(0, 60));
  await user.locator("#inner").evaluate((el) => (el.scrollTop = 190));
  await frame.locator("html").evaluate((el) => (el.scrollTop = 100));
  await places();
  await user.setViewportSize({ width: 800, height: 640 });
  await user.locator("main").evaluate((el) => (el.style.paddingLeft = "33px"));
  await places();
  await user.locator("#inner").evaluate((el) => (el.scrollTop = 0));
  await expect.poll(() => drawings.nth(1).isVisible()).toBe(false); // as the button is
  expect(await user.evaluate(() => (document.elementFromPoint(120, 40) as Element).closest("pillion-assist"))).toBeNull();
  await draws(hand, 1, "box", "name", [0, 0, 0.5, 1]); // replaced, and starts anew
  await at.part("[data-role=drawing].fade").first().waitFor({ state: "attached" });
  await expect.poll(() => drawings.count(), { timeout: 9500 }).toBe(1);
  await expect.poll(() => drawings.count(), { timeout: 9500 }).toBe(0);
  expect(await pointer.count()).toBe(0);
  await user.setViewportSize({ width: 1000, height: 700 });
});

it("asks about whoever comes later, without taking the user's focus", async () => {
  const hand = await at.shared("act");
  const susan = await at.console("Susan");
  await user.locator("#name").focus();
  await susan.evaluate((id) => fetch(`/api/sessions/${id}/watch`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }), agent.url().split("/").pop()!);
  const second = await AgentSocket.connect(susan, agent.url().split("/").pop()!);
  const consent = at.part("[data-role=consent]");
  await consent.waitFor();
  expect(await consent.locator("h2").textContent()).toBe("Susan would like to watch");
  expect(await consent.textContent()).toContain("Supervisor · main");
  expect(await consent.locator("[name=level]").count()).toBe(0);
  expect(await user.evaluate(() => document.activeElement!.id)).toBe("name");
  await at.look("second");
  await consent.locator("[data-action=allow]").click();
  await expect.poll(() => at.part("[data-role=people] b").allTextContents()).toEqual(["Ann Agentacts", "Susan"]);
  await second.send({ type: "take" });
  await expect.poll(() => at.part("[data-role=people] b").allTextContents()).toEqual(["Ann Agent", "Susanacts"]);
  await points(hand, "name");
  await points(second, "remarks");
  const pointers = at.part("[data-role=agent-pointer] b");
  await expect.poll(() => pointers.count()).toBe(2);
  expect(new Set(await pointers.evaluateAll((list) => list.map((el) => getComputedStyle(el).backgroundColor))).size).toBe(2);
  await at.look("two");
  await susan.close();
});

it("takes the code of an agent who opened the session first", async () => {
  await user.goto(at.gateway.site + "/");
  await askForHelp(user);
  await at.part("[data-action=have-code]").click();
  const input = at.part("[data-role=code-input]");
  await input.pressSequentially("1234");
  await user.keyboard.press("Enter");
  await at.part("[role=alert]").filter({ hasText: "12 digits" }).waitFor();
  await input.fill("1234 5678 9012");
  await at.part("[data-action=use-code]").click();
  await at.part("[role=alert]").filter({ hasText: "not known" }).waitFor();
  expect(await input.inputValue()).toBe("1234 5678 9012");
  await at.look("wrong-code");
  const open = () =>
    agent.evaluate(async () => {
      const r = await fetch("/api/sessions", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
      return ((await r.json()) as { session: string }).session;
    });
  const code = async (of: AgentSocket) => {
    await of.until(() => of.code !== "", "a code");
    return of.code;
  };
  let hand = await AgentSocket.connect(agent, await open());
  await input.fill(await code(hand));
  await user.keyboard.press("Enter");
  await allow(user, "view");
  await expect.poll(() => hand.level).toBe("view");
  expect(await at.part("[data-action=pause]").isVisible()).toBe(false); // there is nothing to stop
  expect(await seen(OURS)).toEqual([]);
  await at.part("[data-action=end]").click();

  hand = await AgentSocket.connect(agent, await open());
  const other = await (await at.browser.newContext()).newPage();
  await other.goto(`${at.gateway.site}/de#pillion=${(await code(hand)).replaceAll(" ", "")}`);
  await at.part("[data-role=consent]", other).waitFor();
  expect(new URL(other.url()).hash).toBe("");
  await at.part("[data-action=deny]", other).click();
  await at.part("h2", other).filter({ hasText: "Nichts wurde geteilt" }).waitFor();
  await other.goto(`${at.gateway.site}/fr#pillion=111122223333`);
  await at.part("[role=alert]", other).filter({ hasText: "inconnu" }).waitFor();
  await at.part("[data-action=close]", other).click();
  await at.part("[data-action=request]", other).waitFor();

  // A link that is put into the address of a page that is open.
  hand = await AgentSocket.connect(agent, await open());
  await other.evaluate((to) => (location.hash = to), `#pillion=${(await code(hand)).replaceAll(" ", "")}`);
  await at.part("[data-role=consent]", other).waitFor();
  expect(new URL(other.url()).hash).toBe("");
  await other.close();
});

it("says that the connection is lost, and when it is there again", async () => {
  await at.shared("act");
  await at.gateway.program.end("SIGKILL");
  const state = at.part("[data-role=state]");
  await state.filter({ hasText: "Reconnecting" }).waitFor();
  await at.look("lost");
  at.gateway = await startGateway(at.flags, at.gateway.data, at.gateway.listen);
  await state.filter({ hasText: "You share this site with" }).waitFor();
});
