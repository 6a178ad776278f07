import { mkdtempSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Browser, Locator, Page } from "playwright-core";
import { AgentSocket } from "./agent-socket.ts";
import { draws, points, startForms } from "./assist-stage.ts";
import { allow, askForHelp, freePort, offences, pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// The element on the user's page: what it says, in which words and colours, what
// the user decides there, and what agents show.

let site: Server;
let plain: Gateway;
let own: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;

const OWN = `assist:
  level: act
  most: propose
  place: top-left
  trigger: "#help"
  stop-key: F9
  language: fr
  colours: {accent: "#ffd000", text: "#ffffff", bar: "#5b2a86"}
  words: {en: {help: "{name} of Acme is here", no: "Rather not"}}
`;

const part = (selector: string, page = user): Locator => page.locator("pillion-assist").locator(selector);
const shots = process.env["SHOTS"];

/** Looks at a state: nothing for axe to find, and a picture where one is wanted. */
async function look(name: string, page = user): Promise<void> {
  await page.waitForTimeout(250); // it moves in
  if (shots) await page.screenshot({ path: `${shots}/assist-${name}.png` });
  expect(await offences(page, "pillion-assist", ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]), name).toEqual([]);
}

async function accounts(gateway: Gateway): Promise<void> {
  for (const [name, role] of [["Ann Agent", "agent"], ["Susan", "supervisor"]]) {
    await pillion(["account", "add", name!, "--role", role!, "--data", gateway.data], "pass-word\n");
  }
}

const visitor = async (options = {}): Promise<Page> => (await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options })).newPage();
const console_ = async (gateway: Gateway, name: string): Promise<Page> => signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, name, "pass-word");

beforeAll(async () => {
  const port = await freePort();
  site = await startForms(port);
  const config = join(mkdtempSync(join(tmpdir(), "pillion-assist-")), "pillion.yaml");
  writeFileSync(config, OWN);
  const upstream = ["--upstream", `http://127.0.0.1:${port}`];
  plain = await startGateway(["serve", ...upstream]);
  own = await startGateway(["serve", ...upstream, "--config", config]);
  await accounts(plain);
  await accounts(own);
  browser = await startBrowser();
  user = await visitor();
  agent = await console_(plain, "Ann Agent");
});

afterAll(async () => {
  await browser?.close();
  await plain?.program.end();
  await own?.program.end();
  site?.close();
});

afterEach(async () => {
  const end = part("[data-action=end]");
  if (await end.isVisible()) await end.click();
  await agent.goto(plain.console);
});

it("speaks the page's language", async () => {
  for (const [path, lang, need, read, no] of [
    ["/", "en", "Need help?", "Read this code", "No"], ["/de", "de", "Brauchen Sie Hilfe?", "Nennen Sie diesen Code", "Nein"],
    ["/fr", "fr", "Besoin d’aide ?", "Donnez ce code", "Non"], ["/es", "en", "Need help?", "Read this code", "No"],
  ]) {
    await user.goto(plain.site + path!);
    expect(await part("[data-action=request]").textContent()).toBe(need);
    await look(`idle-${lang}`);
    const code = await askForHelp(user);
    await part("h2").filter({ hasText: read! }).waitFor();
    expect(await part("div[lang]").getAttribute("lang")).toBe(lang);
    await look(`code-${lang}`);
    await agent.goto(plain.console);
    await agent.getByTestId("code-input").fill(code);
    await agent.getByTestId("join").click();
    expect(await part("[data-role=consent] [data-action=deny]").textContent()).toBe(no);
    expect(await part("[data-role=consent]").textContent()).toMatch(/Ann Agent.*main/);
    expect(await part("[name=level]:checked").getAttribute("value")).toBe("propose");
    await look(`consent-${lang}`);
    await allow(user, "point");
    await part("[data-role=bar]").waitFor();
    await look(`bar-${lang}`);
    await part("[data-action=end]").click();
    await look(`over-${lang}`);
    await part("[data-action=close]").click();
  }
});

/** Shares the page, and takes a second connection for the agent. */
async function shared(level: "view" | "point" | "propose" | "act", path = "/"): Promise<AgentSocket> {
  await user.goto(plain.site + path);
  return AgentSocket.connect(agent, await share(user, agent, level));
}

/** What the page's own listeners heard. */
const seen = async (what: RegExp) => (await user.evaluate(() => (window as never as { keys: string[] }).keys)).filter((k) => what.test(k));

it("lets the user change what agents may do, and stop them by one key wherever the focus is", async () => {
  const hand = await shared("propose");
  expect(await part("[data-action=level]").inputValue()).toBe("propose");
  expect(await part("[data-role=people]").textContent()).toBe("Ann Agentacts");
  await part("[data-action=level]").selectOption("act");
  await expect.poll(() => hand.level).toBe("act");
  await part("[data-action=pause]").click();
  await expect.poll(() => hand.level).toBe("view");
  expect(await part("[data-action=level]").inputValue()).toBe("view");
  await look("stopped");
  await part("[data-action=pause]").click();
  await expect.poll(() => hand.level).toBe("act");
  const stop = async (where: Locator) => {
    await part("[data-action=level]").selectOption("act");
    await expect.poll(() => hand.level).toBe("act");
    await where.focus();
    await user.keyboard.press("F8");
    await user.keyboard.press("F8"); // who presses it twice means it
    await expect.poll(() => hand.level).toBe("view");
    expect(await part("[data-action=level]").inputValue()).toBe("view");
    expect(await seen(/F8|^pillion-assist/)).toEqual([]);
  };
  await stop(user.locator("#name"));
  await stop(part("[data-action=end]"));
  await user.waitForTimeout(1200);
  await stop(user.frameLocator("#frame").locator("#within"));
  await points(hand, "name");
  await draws(hand, 1, "highlight", "name");
  await user.waitForTimeout(500);
  expect(await part("[data-role=agent-pointer], [data-role=drawing]").count()).toBe(0);
});

const outcomes = (hand: AgentSocket) => [...hand.answers.values()].flat();

it("asks about each change, with what was and what would be, while the user goes on typing", async () => {
  const hand = await shared("propose");
  const question = part("[data-role=confirm]");
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
  expect(await part("[data-role=asked]").boundingBox()).not.toBeNull();
  expect(await part("[role=status]").textContent()).toContain("would like to fill in “Name”. Shift+F8 takes you to the question");
  await look("question");
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
  await look("questions");
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
  expect(await seen(/^pillion-assist|F8|Escape/)).toEqual([]);
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
  const hand = await shared("point");
  await points(hand, "name", true);
  const pointer = part("[data-role=agent-pointer]");
  await pointer.waitFor();
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
  const drawings = part("[data-role=drawing]");
  await expect.poll(() => drawings.count()).toBe(6);
  await look("drawings");
  const near = async (n: number, at: Locator) => expect.poll(async () => away(drawings.nth(n), await at.boundingBox())).toBeLessThan(2);
  const places = async () => {
    await near(0, user.locator("#name"));
    await near(1, user.locator("#deep"));
    await near(2, frame.locator("#within"));
    expect(await drawings.nth(3).evaluate((el) => el.getBoundingClientRect().width)).toBeGreaterThan(50);
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
  await expect.poll(() => drawings.count(), { timeout: 9500 }).toBe(1);
  await expect.poll(() => drawings.count(), { timeout: 9500 }).toBe(0);
  expect(await pointer.count()).toBe(0);
  await user.setViewportSize({ width: 1000, height: 700 });
});

it("asks about whoever comes later, without taking the user's focus", async () => {
  const hand = await shared("act");
  const susan = await console_(plain, "Susan");
  await user.locator("#name").focus();
  await susan.evaluate((id) => fetch(`/api/sessions/${id}/watch`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }), agent.url().split("/").pop()!);
  const second = await AgentSocket.connect(susan, agent.url().split("/").pop()!);
  const consent = part("[data-role=consent]");
  await consent.waitFor();
  expect(await consent.locator("h2").textContent()).toBe("Susan would like to watch");
  expect(await consent.textContent()).toContain("Supervisor · main");
  expect(await consent.locator("[name=level]").count()).toBe(0);
  expect(await user.evaluate(() => document.activeElement!.id)).toBe("name");
  await look("second");
  await consent.locator("[data-action=allow]").click();
  await expect.poll(() => part("[data-role=people] b").allTextContents()).toEqual(["Ann Agentacts", "Susan"]);
  await second.send({ type: "take" });
  await expect.poll(() => part("[data-role=people] b").allTextContents()).toEqual(["Ann Agent", "Susanacts"]);
  await points(hand, "name");
  await points(second, "remarks");
  const pointers = part("[data-role=agent-pointer] b");
  await expect.poll(() => pointers.count()).toBe(2);
  expect(new Set(await pointers.evaluateAll((list) => list.map((el) => getComputedStyle(el).backgroundColor))).size).toBe(2);
  await look("two");
  await susan.close();
});

it("takes the operator's words, colours, place, key and trigger", async () => {
  const page = await visitor();
  const help = page.locator("#help");
  const staff = await console_(own, "Ann Agent");
  await page.goto(own.site + "/own");
  await expect.poll(() => help.getAttribute("role")).toBe("button");
  expect(await help.getAttribute("aria-haspopup")).toBe("dialog");
  expect(await part("[data-action=request]", page).isVisible()).toBe(false);
  await look("own-idle", page);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const code = (await part("[data-role=code]", page).textContent())!;
  expect(await page.evaluate(() => document.activeElement!.localName)).toBe("pillion-assist");
  await part("[data-action=end]", page).click();
  expect(await page.evaluate(() => document.activeElement!.id)).toBe("help");
  await help.click();
  const again = (await part("[data-role=code]", page).textContent())!;
  expect(again).not.toBe(code);
  await staff.getByTestId("code-input").fill(again);
  await staff.getByTestId("join").click();
  await part("h2", page).filter({ hasText: "Ann Agent of Acme is here" }).waitFor();
  expect(await part("[data-action=deny]", page).textContent()).toBe("Rather not");
  expect(await part("[name=level]", page).evaluateAll((list) => list.map((el) => (el as HTMLInputElement).value))).toEqual(["view", "point", "propose"]);
  expect(await part("[name=level]:checked", page).getAttribute("value")).toBe("propose"); // not more than can be granted
  const colours = (el: Element) => [getComputedStyle(el).backgroundColor, getComputedStyle(el).color];
  expect(await part("[data-action=allow]", page).evaluate(colours)).toEqual(["rgb(255, 208, 0)", "rgb(0, 0, 0)"]); // white could not be read
  await look("own-consent", page);
  await allow(page, "propose");
  const bar = part("[data-role=bar]", page);
  await bar.waitFor();
  expect(await bar.evaluate(colours)).toEqual(["rgb(91, 42, 134)", "rgb(255, 255, 255)"]);
  const box = (await bar.boundingBox())!;
  expect([box.x, box.y]).toEqual([20, 20]);
  await look("own-bar", page);
  await page.keyboard.press("F8");
  expect(await part("[data-action=level]", page).inputValue()).toBe("propose");
  await page.keyboard.press("F9");
  expect(await part("[data-action=level]", page).inputValue()).toBe("view");
  await page.goto(own.site + "/es");
  await part("[data-role=state]", page).filter({ hasText: "Vous partagez" }).waitFor(); // none of Spanish: the operator's choice
  await part("[data-action=end]", page).click();
  await page.close();
  await staff.close();
});

it("takes the code of an agent who opened the session first", async () => {
  await user.goto(plain.site + "/");
  await askForHelp(user);
  await part("[data-action=have-code]").click();
  const input = part("[data-role=code-input]");
  await input.pressSequentially("1234");
  await user.keyboard.press("Enter");
  await part("[role=alert]").filter({ hasText: "12 digits" }).waitFor();
  await input.fill("1234 5678 9012");
  await part("[data-action=use-code]").click();
  await part("[role=alert]").filter({ hasText: "not known" }).waitFor();
  expect(await input.inputValue()).toBe("1234 5678 9012");
  await look("wrong-code");
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
  expect(await part("[data-action=pause]").isVisible()).toBe(false); // there is nothing to stop
  expect(await seen(/./)).toEqual([]);
  await part("[data-action=end]").click();

  hand = await AgentSocket.connect(agent, await open());
  const other = await visitor();
  await other.goto(`${plain.site}/de#pillion=${(await code(hand)).replaceAll(" ", "")}`);
  await part("[data-role=consent]", other).waitFor();
  expect(new URL(other.url()).hash).toBe("");
  await part("[data-action=deny]", other).click();
  await part("h2", other).filter({ hasText: "Nichts wurde geteilt" }).waitFor();
  await other.goto(`${plain.site}/fr#pillion=111122223333`);
  await part("[role=alert]", other).filter({ hasText: "inconnu" }).waitFor();
  await part("[data-action=close]", other).click();
  await part("[data-action=request]", other).waitFor();
  await other.close();
});

it("can be used on a screen of 320 pixels, and at 400 % zoom", async () => {
  await user.setViewportSize({ width: 320, height: 256 });
  await user.goto(plain.site + "/de");
  const fits = async () => {
    for (const el of await part(".card, .bar").all()) {
      const { x, width } = (await el.boundingBox())!;
      expect([x >= 0, x + width <= 320]).toEqual([true, true]);
      expect(await el.evaluate((card) => card.scrollWidth <= card.clientWidth)).toBe(true);
      for (const button of await el.locator("button:visible").all()) await button.scrollIntoViewIfNeeded();
    }
  };
  const code = await askForHelp(user);
  await look("small-code");
  await fits();
  await agent.getByTestId("code-input").fill(code);
  await agent.getByTestId("join").click();
  await part("[data-role=consent]").waitFor();
  await look("small-consent");
  await fits();
  await allow(user, "propose");
  const hand = await AgentSocket.connect(agent, agent.url().split("/").pop()!);
  await part("[data-role=bar]").waitFor();
  await look("small-bar");
  await fits();
  await part("[data-action=minimise]").click();
  expect(await part("[data-action=minimise]").getAttribute("aria-expanded")).toBe("false");
  expect((await part("[data-role=bar]").boundingBox())!.height).toBeLessThan(50);
  await look("small-minimised");
  await part("[data-action=minimise]").click();
  await hand.ask(await hand.node("name"), "fill", "Berta");
  await part("[data-role=confirm]").waitFor();
  await look("small-question");
  await fits();
  await part("[data-role=confirm] [data-action=deny]").click();
  await user.setViewportSize({ width: 1000, height: 700 });
});

it("does not mind the page's own styles, nor its modal dialogs", async () => {
  await shared("point", "/hostile");
  const bar = part("[data-role=bar]");
  expect(await bar.isVisible()).toBe(true);
  const box = (await bar.boundingBox())!;
  expect([Math.round(box.x + box.width), Math.round(box.y + box.height)]).toEqual([980, 680]);
  expect(await bar.evaluate((el) => getComputedStyle(el).backgroundColor)).toBe("rgb(14, 39, 64)");
  if (shots) await user.screenshot({ path: `${shots}/assist-hostile.png` });
  await user.goto(plain.site + "/modal");
  await bar.waitFor();
  await user.evaluate(() => document.querySelector("dialog")!.showModal());
  await user.keyboard.type("typed");
  expect(await user.locator("dialog input").inputValue()).toBe("typed");
  await sameAsMirror(user, agent);
  await user.waitForTimeout(1100);
  await part("[data-action=level]").selectOption("view");
  expect(await part("[data-action=level]").inputValue()).toBe("view");
  await look("modal");
  await user.evaluate(() => document.querySelector("dialog")!.close());
  await expect.poll(() => user.locator("pillion-assist").evaluate((el) => el.parentElement!.localName)).toBe("html");
});

it("says that the connection is lost, and when it is there again", async () => {
  await shared("act");
  await plain.program.end("SIGKILL");
  const state = part("[data-role=state]");
  await state.filter({ hasText: "Reconnecting" }).waitFor();
  await look("lost");
  const flags = ["serve", "--upstream", `http://127.0.0.1:${(site.address() as { port: number }).port}`];
  plain = await startGateway(flags, plain.data, plain.listen);
  await state.filter({ hasText: "You share this site with" }).waitFor();
});
