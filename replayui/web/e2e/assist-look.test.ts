import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { AgentSocket } from "./agent-socket.ts";
import { Assisted } from "./assist-stage.ts";
import { allow, askForHelp, sameAsMirror } from "./stage.ts";

// How our element looks on pages, and what it says: in three languages, as an
// operator wants it, on small screens, and whatever the page does.

let at: Assisted;
let own: Assisted | undefined;
let user: Page;
let agent: Page;

const OWN = `assist:
  level: point
  most: propose
  place: top-left
  trigger: "#help"
  stop-key: F9
  language: fr
  colours: {accent: "#ffd000", text: "#ffffff", bar: "#5b2a86"}
  words: {en: {help: "{name} of Acme is here", no: "Rather not"}}
`;

const config = join(mkdtempSync(join(tmpdir(), "pillion-assist-")), "pillion.yaml");
writeFileSync(config, OWN);

beforeAll(async () => {
  at = await Assisted.start();
  ({ user, agent } = at);
});

afterAll(async () => {
  await at?.end();
  await own?.end();
});

afterEach(() => at.calm());

it("speaks the page's language", async () => {
  for (const [path, lang, need, read, no] of [
    ["/", "en", "Need help?", "Read this code", "No"], ["/de", "de", "Brauchen Sie Hilfe?", "Nennen Sie diesen Code", "Nein"],
    ["/fr", "fr", "Besoin d’aide ?", "Donnez ce code", "Non"], ["/es", "en", "Need help?", "Read this code", "No"],
  ]) {
    await user.goto(at.gateway.site + path!);
    expect(await at.part("[data-action=request]").textContent()).toBe(need);
    await at.look(`idle-${lang}`);
    const code = await askForHelp(user);
    await at.part("h2").filter({ hasText: read! }).waitFor();
    expect(await at.part("div[lang]").getAttribute("lang")).toBe(lang);
    await at.look(`code-${lang}`);
    await agent.goto(at.gateway.console);
    await agent.getByTestId("code-input").fill(code);
    await agent.getByTestId("join").click();
    expect(await at.part("[data-role=consent] [data-action=deny]").textContent()).toBe(no);
    expect(await at.part("[data-role=consent]").textContent()).toMatch(/Ann Agent.*main/);
    expect(await at.part("[name=level]:checked").getAttribute("value")).toBe("propose");
    await at.look(`consent-${lang}`);
    await allow(user, "point");
    await at.part("[data-role=bar]").waitFor();
    await at.look(`bar-${lang}`);
    await at.part("[data-action=end]").click();
    await at.look(`over-${lang}`);
    await at.part("[data-action=close]").click();
  }
});

it("takes the operator's words, colours, place, key and trigger", async () => {
  own = await Assisted.start(["--config", config]);
  const { user: page, agent: staff } = own;
  const help = page.locator("#help");
  await page.goto(own.gateway.site + "/own");
  await expect.poll(() => help.getAttribute("role")).toBe("button");
  expect(await help.getAttribute("aria-haspopup")).toBe("dialog");
  expect(await own.part("[data-action=request]").isVisible()).toBe(false);
  await own.look("own-idle");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const code = (await own.part("[data-role=code]").textContent())!;
  expect(await page.evaluate(() => document.activeElement!.localName)).toBe("pillion-assist");
  await own.part("[data-action=end]").click();
  expect(await page.evaluate(() => document.activeElement!.id)).toBe("help");
  await help.click();
  const again = (await own.part("[data-role=code]").textContent())!;
  expect(again).not.toBe(code);
  await staff.getByTestId("code-input").fill(again);
  await staff.getByTestId("join").click();
  await own.part("h2").filter({ hasText: "Ann Agent of Acme is here" }).waitFor();
  expect(await own.part("[data-action=deny]").textContent()).toBe("Rather not");
  expect(await own.part("[name=level]").evaluateAll((list) => list.map((el) => (el as HTMLInputElement).value))).toEqual(["view", "point", "propose"]);
  expect(await own.part("[name=level]:checked").getAttribute("value")).toBe("point");
  const colours = (el: Element) => [getComputedStyle(el).backgroundColor, getComputedStyle(el).color];
  expect(await own.part("[data-action=allow]").evaluate(colours)).toEqual(["rgb(255, 208, 0)", "rgb(0, 0, 0)"]); // white could not be read
  await own.look("own-consent");
  await allow(page, "propose");
  const bar = own.part("[data-role=bar]");
  await bar.waitFor();
  expect(await bar.evaluate(colours)).toEqual(["rgb(91, 42, 134)", "rgb(255, 255, 255)"]);
  const box = (await bar.boundingBox())!;
  expect([box.x, box.y]).toEqual([20, 20]);
  await own.look("own-bar");
  await page.keyboard.press("F8");
  expect(await own.part("[data-action=level]").inputValue()).toBe("propose");
  await page.keyboard.press("F9");
  expect(await own.part("[data-action=level]").inputValue()).toBe("view");
  await page.goto(own.gateway.site + "/es");
  await own.part("[data-role=state]").filter({ hasText: "Vous partagez" }).waitFor(); // none of Spanish: the operator's choice
  await own.part("[data-action=end]").click();
});

it("can be used on a screen of 320 pixels, and at 400 % zoom", async () => {
  await user.setViewportSize({ width: 320, height: 256 });
  await user.goto(at.gateway.site + "/de");
  const fits = async () => {
    for (const el of await at.part(".card, .bar").all()) {
      const { x, width } = (await el.boundingBox())!;
      expect([x >= 0, x + width <= 320]).toEqual([true, true]);
      expect(await el.evaluate((card) => card.scrollWidth <= card.clientWidth)).toBe(true);
      for (const button of await el.locator("button:visible").all()) await button.scrollIntoViewIfNeeded();
    }
  };
  const code = await askForHelp(user);
  await at.look("small-code");
  await fits();
  await agent.getByTestId("code-input").fill(code);
  await agent.getByTestId("join").click();
  await at.part("[data-role=consent]").waitFor();
  await at.look("small-consent");
  await fits();
  await allow(user, "propose");
  const hand = await AgentSocket.connect(agent, agent.url().split("/").pop()!);
  await at.part("[data-role=bar]").waitFor();
  await at.look("small-bar");
  await fits();
  await at.part("[data-action=minimise]").click();
  expect(await at.part("[data-action=minimise]").getAttribute("aria-expanded")).toBe("false");
  expect((await at.part("[data-role=bar]").boundingBox())!.height).toBeLessThan(50);
  await at.look("small-minimised");
  await at.part("[data-action=minimise]").click();
  await hand.ask(await hand.node("name"), "fill", "Berta");
  await at.part("[data-role=confirm]").waitFor();
  await at.look("small-question");
  await fits();
  await at.part("[data-role=confirm] [data-action=deny]").click();
  await user.setViewportSize({ width: 1000, height: 700 });
});

it("does not mind the page's own styles, nor its modal dialogs", async () => {
  await at.shared("point", "/hostile");
  const bar = at.part("[data-role=bar]");
  expect(await bar.isVisible()).toBe(true);
  const box = (await bar.boundingBox())!;
  expect([Math.round(box.x + box.width), Math.round(box.y + box.height)]).toEqual([980, 680]);
  expect(await bar.evaluate((el) => getComputedStyle(el).backgroundColor)).toBe("rgb(14, 39, 64)");
  await user.goto(at.gateway.site + "/modal");
  await bar.waitFor();
  await user.evaluate(() => document.querySelector("dialog")!.showModal());
  await user.keyboard.type("typed");
  expect(await user.locator("dialog input").inputValue()).toBe("typed");
  await sameAsMirror(user, agent);
  await user.waitForTimeout(1100);
  await at.part("[data-action=pause]").click(); // outside the dialog all is inert
  expect(await at.part("[data-action=level]").inputValue()).toBe("view");
  await at.look("modal");
  await user.evaluate(() => document.querySelector("dialog")!.close());
  await expect.poll(() => user.locator("pillion-assist").evaluate((el) => el.parentElement!.localName)).toBe("html");
});
