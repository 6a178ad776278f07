import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { CONTROLS, NEXT } from "./console-page.ts";
import { cramped, freePort, pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// The agent's side: every control by mouse and by keyboard, and what is said of it.

let site: Server;
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;

const shots = process.env["SHOTS"];
async function shot(page: Page, name: string): Promise<void> {
  if (shots) await page.screenshot({ path: `${shots}/console-${name}.png` });
}

const violations: string[] = [];
/** when all shapes were on the page, and in which session */
let drawn = 0;
let session = "";

/** A window of the console; what its policy refuses is remembered. */
async function desk(): Promise<BrowserContext> {
  const c = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  c.on("console", (m) => /Content Security Policy|TrustedHTML|Trusted Type/.test(m.text()) && !/frame/.test(m.location().url) && violations.push(m.text()));
  return c;
}

beforeAll(async () => {
  const port = await freePort();
  site = createServer((req, res) => {
    res.setHeader("content-type", "text/html; charset=utf-8");
    res.end(req.url?.startsWith("/next") ? NEXT : CONTROLS);
  }).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  for (const [name, role] of [["Ann Agent", "agent"], ["Bob Agent", "agent"], ["Susan Lead", "supervisor"], ["Adam Admin", "administrator"]] as const) {
    await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n");
  }
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 1000, height: 740 } })).newPage();
  agent = await signIn(await desk(), gateway, "Ann Agent", "pass-word");
  await shot(agent, "home");
  await user.goto(gateway.site + "/");
  session = await share(user, agent);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
});

/** Where an element of the mirror is on the agent's screen. */
async function middle(selector: string, frame = ""): Promise<{ x: number; y: number }> {
  const mirror = agent.frameLocator("[data-testid=mirror]");
  const box = (await (frame ? mirror.frameLocator(frame) : mirror).locator(selector).boundingBox())!;
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

async function clicks(selector: string, frame = ""): Promise<void> {
  const { x, y } = await middle(selector, frame);
  await agent.mouse.click(x, y);
}

const editor = () => agent.getByTestId("editor");
const valueOf = (selector: string) => user.locator(selector).inputValue();

/** Everything asked is answered, and the mirror is the page again. */
async function settled(): Promise<void> {
  await expect.poll(() => agent.getByTestId("pending").count()).toBe(0);
  await sameAsMirror(user, agent);
}

it("opens an editor that looks like the field, and sends what was typed with Enter", async () => {
  await clicks("#name");
  expect(await editor().evaluate((el) => getComputedStyle(el).textAlign)).toBe("right");
  expect(await editor().evaluate((el) => getComputedStyle(el).color)).toBe("rgb(120, 20, 20)");
  expect(await editor().getAttribute("aria-label")).toContain("Name");
  await editor().fill("Maria");
  await shot(agent, "editor");
  await editor().press("Enter");
  await expect.poll(() => valueOf("#name")).toBe("Maria");
  await agent.getByTestId("confirmed").filter({ hasText: "Fill “Name”" }).filter({ hasText: "empty → Maria" }).waitFor();
  await settled();
});

it("sends nothing when the editor is left with Escape, or nothing was changed", async () => {
  const before = await agent.getByTestId("confirmed").count();
  await clicks("#name");
  await editor().fill("Nobody");
  await editor().press("Escape");
  await clicks("#name");
  await editor().press("Enter");
  await editor().waitFor({ state: "detached" });
  await agent.waitForTimeout(300);
  expect(await agent.getByTestId("confirmed").count()).toBe(before);
  expect(await valueOf("#name")).toBe("Maria");
});

it("fills fields of every type with their own inputs", async () => {
  const values: [string, string, string][] = [
    ["#amount", "number", "42"], ["#date", "date", "2026-02-03"], ["#time", "time", "14:30"], ["#month", "month", "2026-05"], ["#week", "week", "2026-W07"],
    ["#moment", "datetime-local", "2026-02-03T09:15"], ["#town", "text", "Weir"],
  ];
  for (const [selector, type, value] of values) {
    await clicks(selector);
    expect(await editor().getAttribute("type"), selector).toBe(type);
    await editor().fill(value);
    await editor().press("Enter");
    await expect.poll(() => valueOf(selector), { message: selector }).toBe(value);
  }
  for (const [selector, type, value] of [["#colour", "color", "#ff8800"], ["#range", "range", "35"]] as const) {
    await clicks(selector);
    expect(await editor().getAttribute("type")).toBe(type);
    await editor().fill(value); // told by its change, as a mouse does it
    await expect.poll(() => valueOf(selector), { message: selector }).toBe(value);
  }
  await settled();
});

it("proposes what the field proposes", async () => {
  await clicks("#town");
  expect(await editor().evaluate((el) => [...(el as HTMLInputElement).list!.options].map((o) => o.value))).toEqual(["Alderford", "Weir"]);
  await editor().press("Escape");
});

it("keeps a number that is none, and says so", async () => {
  await clicks("#amount");
  await editor().press("ControlOrMeta+a");
  await agent.keyboard.type("1e");
  await agent.keyboard.press("Enter");
  await agent.getByText("The field does not take this").waitFor();
  await editor().press("Escape");
  expect(await valueOf("#amount")).toBe("42");
});

it("shows the options of a native list, with their groups, and takes keys and clicks", async () => {
  await clicks("#state");
  expect(await editor().locator("optgroup").evaluateAll((gs) => gs.map((g) => (g as HTMLOptGroupElement).label))).toEqual(["East", "West"]);
  expect(await editor().locator("option", { hasText: "Oregon" }).evaluate((o) => (o as HTMLOptionElement).disabled)).toBe(true);
  await shot(agent, "list");
  await agent.keyboard.press("ArrowDown");
  await agent.keyboard.press("ArrowDown");
  expect(await valueOf("#state")).toBe("Please choose");
  await agent.keyboard.press("Enter");
  await expect.poll(() => valueOf("#state")).toBe("Vermont");
  await clicks("#state");
  await editor().locator("option", { hasText: "Utah" }).click();
  await expect.poll(() => valueOf("#state")).toBe("Utah");
  await agent.getByTestId("confirmed").filter({ hasText: "Vermont → Utah" }).waitFor();
  await clicks("#cover");
  for (const name of ["Teeth", "Travel"]) await editor().locator("option", { hasText: name }).click();
  await shot(agent, "list-multiple");
  await agent.keyboard.press("Enter");
  await expect.poll(() => user.locator("#cover").evaluate((el) => [...(el as HTMLSelectElement).selectedOptions].map((o) => o.text))).toEqual(["Teeth", "Travel"]);
  await settled();
});

it("ticks boxes and buttons, by their labels too", async () => {
  await clicks("#tick-label");
  await expect.poll(() => user.locator("#tick").isChecked()).toBe(true);
  await settled();
  await clicks("#tick");
  await expect.poll(() => user.locator("#tick").isChecked()).toBe(false);
  await clicks("#r2");
  await expect.poll(() => user.locator("#r2").isChecked()).toBe(true);
  await settled();
});

it("edits long and rich text", async () => {
  await clicks("#remarks");
  await editor().fill("One\nTwo");
  await editor().press("Control+Enter");
  await expect.poll(() => valueOf("#remarks")).toBe("One\nTwo");
  await clicks("#rich b");
  expect(await editor().inputValue()).toBe("Some rich text");
  await editor().fill("Plain words");
  await editor().press("Control+Enter");
  await expect.poll(() => user.locator("#rich").textContent()).toBe("Plain words");
  await settled();
});

it("reaches into shadow roots and frames", async () => {
  await clicks("#deep");
  await editor().fill("in the shadow");
  await editor().press("Enter");
  await expect.poll(() => valueOf("#deep")).toBe("in the shadow");
  await clicks("#zip", "#frame");
  await editor().fill("4711");
  await editor().press("Enter");
  await expect.poll(() => user.frameLocator("#frame").locator("#zip").inputValue()).toBe("4711");
  await settled();
});

it("clicks what is clicked, each time", async () => {
  for (let i = 0; i < 3; i++) await clicks("#add");
  await expect.poll(() => user.locator("#count").textContent()).toBe("3");
  await clicks("#more summary");
  await expect.poll(() => user.locator("#more").evaluate((el) => (el as HTMLDetailsElement).open)).toBe(true);
  await settled();
});

it("scrolls what is under the wheel", async () => {
  const { x, y } = await middle("#scroll");
  await agent.mouse.move(x, y);
  await agent.mouse.wheel(0, 150);
  await expect.poll(() => user.locator("#scroll").evaluate((el) => el.scrollTop)).toBeGreaterThan(100);
  await settled();
});

it("tells a list that answers what is typed, while it is typed", async () => {
  await clicks("#search");
  await agent.keyboard.type("Mill");
  await agent.frameLocator("[data-testid=mirror]").locator("#found li", { hasText: "Mill street" }).waitFor();
  await clicks("#found li");
  await expect.poll(() => valueOf("#search")).toBe("Mill street");
  await settled();
});

it("asks nothing of what is private, and says why", async () => {
  const { x, y } = await middle("#pin");
  await agent.mouse.move(x - 5, y);
  await agent.mouse.move(x, y);
  await agent.locator(".mark-at.private", { hasText: "Private" }).waitFor();
  expect(await agent.locator(".overlay").evaluate((el) => getComputedStyle(el).cursor)).toBe("not-allowed");
  await shot(agent, "private");
  await agent.mouse.click(x, y);
  await agent.getByTestId("denied").filter({ hasText: "this is private" }).first().waitFor();
  expect(await editor().count()).toBe(0);
  await clicks("#file");
  expect(await editor().count()).toBe(0);
  expect(await valueOf("#pin")).toBe("1234");
});

it("lets somebody without a mouse choose, act and leave", async () => {
  await agent.getByTestId("mode-control").focus();
  await agent.keyboard.press("F6");
  expect(await agent.evaluate(() => document.activeElement?.className)).toContain("overlay");
  await agent.keyboard.press("Control+Shift+K");
  await agent.getByText("Keys go to the user’s page.").waitFor();
  await shot(agent, "keys");
  await agent.keyboard.press("Control+Shift+K");
  await agent.keyboard.press("ArrowDown");
  await agent.keyboard.press("ArrowDown");
  await expect.poll(() => agent.getByTestId("notice").textContent()).toBe("Amount");
  await agent.keyboard.press("Enter");
  await editor().fill("7");
  await agent.keyboard.press("Enter");
  await expect.poll(() => valueOf("#amount")).toBe("7");
  await agent.keyboard.press("F6");
  expect(await agent.evaluate(() => document.activeElement?.getAttribute("data-testid"))).toBe("mode-control");
});

it("sends keys to the page after a click, and takes them back", async () => {
  await clicks("#add");
  await agent.getByText("Keys go to the user’s page.").waitFor();
  await agent.keyboard.press("Tab");
  await agent.locator("[data-action=key]", { hasText: "Press Tab" }).waitFor();
  await agent.keyboard.press("F6");
  await agent.getByText("Arrow keys choose a control").waitFor();
  expect(await agent.evaluate(() => document.activeElement?.getAttribute("data-testid"))).toBe("mode-control");
});

it("asks for a double click where nothing answers to single ones, and for hovering", async () => {
  const { x, y } = await middle("#cell");
  await agent.mouse.dblclick(x, y);
  await agent.locator("[data-action=doubleclick]").waitFor();
  await agent.getByTestId("tool-hover").click();
  const menu = await middle("#menu");
  await agent.mouse.move(menu.x, menu.y, { steps: 3 });
  await agent.getByTestId("tool-hover").click();
  await settled();
});

it("shows the pointers of both, where the user types, and where the user clicks", async () => {
  await user.locator("#remarks").click();
  await user.keyboard.type("abc");
  // It may have been in another field before.
  await expect.poll(async () => {
    const caret = await agent.locator(".mark-at.caret.who-1").boundingBox();
    const field = (await agent.frameLocator("[data-testid=mirror]").locator("#remarks").boundingBox())!;
    return !!caret && caret.x > field.x && caret.y >= field.y && caret.y + caret.height <= field.y + field.height;
  }).toBe(true);
  expect(await agent.locator(".cursor.who-1").getAttribute("data-name")).toBe("User");
  await user.locator("#count").click();
  await agent.locator(".ripple.who-1").first().waitFor({ state: "attached" });
});

it("draws on the page: each shape sticks to its element, and fades", async () => {
  await agent.getByTestId("mode-point").click();
  for (const [tool, selector] of [["arrow", "#name"], ["box", "#date"], ["free", "#month"]] as const) {
    await agent.getByTestId("draw-" + tool).click();
    const { x, y } = await middle(selector);
    await agent.mouse.move(x, y);
    await agent.mouse.down();
    await agent.mouse.move(x + 60, y + 20, { steps: 6 });
    await agent.mouse.move(x + 90, y - 10, { steps: 6 });
    await agent.mouse.up();
  }
  await agent.getByTestId("draw-highlight").click();
  await clicks("#state");
  const shapes = () => agent.locator(".drawings g").evaluateAll((list) => list.map((g) => g.getAttribute("data-shape")));
  expect(await shapes()).toEqual(["arrow", "box", "free", "highlight"]);
  for (const shape of ["arrow", "box", "free"]) {
    const wide = await agent.locator(`.drawings g[data-shape=${shape}] .line`).evaluate((p) => p.getBoundingClientRect().width);
    expect(wide, shape).toBeGreaterThan(80); // the whole stroke, 90 px wide
  }
  await shot(agent, "drawing");
  drawn = Date.now();
  const top = () => agent.locator(".drawings g[data-shape=box] .line").evaluate((p) => p.getBoundingClientRect().top);
  const before = await top();
  await user.evaluate(() => document.body.insertAdjacentHTML("afterbegin", "<p style='grid-column: 1 / 3; height: 60px' id=pushed>Pushed down</p>"));
  await expect.poll(top).toBeGreaterThan(before + 50);
  await user.evaluate(() => document.getElementById("pushed")!.remove());
  await expect.poll(shapes, { timeout: 12_000 }).toEqual([]);
  await agent.getByTestId("draw-pointer").click();
  await agent.getByTestId("mode-control").click();
});

it("lists the user's pages and follows the one in front", async () => {
  const second = await user.context().newPage();
  await second.goto(gateway.site + "/next");
  await expect.poll(() => agent.getByTestId("page-row").count()).toBe(2);
  await expect.poll(() => agent.locator("[data-testid=page-row][aria-current]").textContent()).toContain("Next");
  await sameAsMirror(second, agent);
  await shot(agent, "pages");
  await second.close();
  await user.bringToFront();
  await expect.poll(() => agent.locator("[data-testid=page-row][aria-current]").textContent()).toContain("Controls");
  await sameAsMirror(user, agent);
});

it("says what the user allows, and disables what is not allowed", async () => {
  const level = () => agent.getByTestId("level").getAttribute("data-level");
  await expect.poll(level).toBe("act");
  expect(await agent.getByTestId("turn").textContent()).toContain("You act");
  await user.locator("pillion-assist [data-action=level]").selectOption("point");
  await expect.poll(level).toBe("point");
  await expect.poll(() => agent.getByTestId("mode-control").isDisabled()).toBe(true);
  expect(await agent.getByTestId("mode-control").getAttribute("title")).toContain("Ask the user to allow more");
  expect(await agent.getByTestId("why").textContent()).toContain("Ask the user to allow more");
  expect(await agent.getByTestId("mode-point").getAttribute("aria-pressed")).toBe("true");
  await shot(agent, "level-point");
  await user.locator("pillion-assist [data-action=level]").selectOption("act");
  await expect.poll(level).toBe("act");
  expect(await agent.getByTestId("mode-control").getAttribute("aria-pressed")).toBe("true");
});

it("lets another agent in, who acts when control is handed over", async () => {
  await agent.getByTestId("invite").click();
  const code = (await agent.getByTestId("session-code").textContent())!;
  await shot(agent, "invite");
  await agent.getByRole("button", { name: "Close" }).click();
  const other = await signIn(await desk(), gateway, "Bob Agent", "pass-word", `/join/${code.replace(/\s/g, "")}`);
  await other.getByTestId("join").click();
  await other.getByText("Waiting for the user to allow it").waitFor();
  await shot(other, "asking");
  await user.locator("pillion-assist [data-role=consent] [data-action=allow]").click();
  await other.getByTestId("state").filter({ hasText: "live" }).waitFor();
  await sameAsMirror(user, other);
  await expect.poll(() => other.getByTestId("mode-control").isDisabled()).toBe(true);
  expect(await other.getByTestId("mode-control").getAttribute("title")).toContain("Ann Agent acts now");
  await shot(other, "watching");
  await agent.getByTestId("hand").click();
  await expect.poll(() => other.getByTestId("turn").textContent()).toContain("You act");
  await expect.poll(() => agent.getByTestId("mode-control").isDisabled()).toBe(true);
  await other.close();
  await agent.getByTestId("take").click();
  await expect.poll(() => agent.getByTestId("turn").textContent()).toContain("You act");
});

it("lets a supervisor watch, and take over", async () => {
  const lead = await signIn(await desk(), gateway, "Susan Lead", "pass-word");
  await lead.getByTestId("watch").click();
  await user.locator("pillion-assist [data-role=consent] [data-action=allow]").click();
  await lead.getByTestId("state").filter({ hasText: "live" }).waitFor();
  await lead.getByTestId("take").click();
  await expect.poll(() => lead.getByTestId("turn").textContent()).toContain("You act");
  await expect.poll(() => agent.getByTestId("turn").textContent()).toContain("Susan Lead acts");
  await shot(agent, "taken-over");
  await lead.getByTestId("leave").click();
  await lead.waitForURL(gateway.console + "/");
  await agent.getByTestId("take").click();
  await expect.poll(() => agent.getByTestId("turn").textContent()).toContain("You act");
});

it("finds nothing to say against it for accessibility", async () => {
  const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  const wrong = await agent.evaluate(`${axe}; axe.run(document, { iframes: false }).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")))`);
  expect(wrong).toEqual([]);
});

it("fits into narrow windows, with a page that can be seen", async () => {
  const faults: string[] = [];
  for (const width of [1920, 768, 600, 400]) {
    for (const mode of ["view", "point", "control"]) {
      await agent.getByTestId("mode-" + mode).click();
      faults.push(...(await cramped(agent, width)));
      expect((await agent.getByTestId("mirror").boundingBox())!.height, `${mode} at ${width}`).toBeGreaterThan(200);
    }
    await agent.getByTestId("invite").click();
    await agent.getByTestId("session-code").waitFor();
    faults.push(...(await cramped(agent, width)));
    await agent.keyboard.press("Escape");
  }
  await shot(agent, "narrow");
  const home = await signIn(await desk(), gateway, "Adam Admin", "pass-word");
  await home.getByTestId("watch").waitFor();
  await home.getByTestId("storage").waitFor();
  for (const width of [1920, 768, 400]) faults.push(...(await cramped(home, width)));
  expect(await home.getByRole("row").count()).toBeGreaterThan(1); // a table also where it does not look like one
  await home.getByTestId("open-session").click();
  await home.getByTestId("session-link").waitFor();
  for (const width of [1920, 400]) faults.push(...(await cramped(home, width)));
  await home.getByTestId("end").click();
  await home.getByTestId("end-confirm").click();
  await home.getByTestId("state").filter({ hasText: /ended|refused/ }).waitFor();
  await home.context().close();
  expect(faults).toEqual([]);
  await agent.setViewportSize({ width: 1440, height: 900 });
});

it("shows what is pressed where colours are the reader's own", async () => {
  await agent.emulateMedia({ forcedColors: "active" });
  const ground = (id: string) => agent.getByTestId(id).evaluate((el) => getComputedStyle(el).backgroundColor);
  await agent.getByTestId("mode-point").click();
  await agent.getByTestId("draw-box").click();
  expect(await ground("draw-box")).not.toBe(await ground("draw-arrow"));
  expect(await ground("mode-point")).not.toBe(await ground("mode-view"));
  expect(await agent.locator(".dot").first().evaluate((el) => getComputedStyle(el).backgroundColor)).not.toBe(await agent.locator("aside").evaluate((el) => getComputedStyle(el).backgroundColor));
  await agent.getByTestId("draw-pointer").click();
  await agent.getByTestId("mode-control").click();
  await agent.emulateMedia({ forcedColors: "none" });
});

it("tells that the user's browser is away, and goes on", async () => {
  await user.context().setOffline(true);
  await user.goto("about:blank").catch(() => {});
  await agent.getByTestId("banner").filter({ hasText: "away" }).waitFor();
  await shot(agent, "away");
  await user.context().setOffline(false);
  await user.goto(gateway.site + "/");
  await agent.getByTestId("state").filter({ hasText: "live" }).waitFor();
  await sameAsMirror(user, agent);
});

it("ends after a question, and shows that it is over", async () => {
  await agent.getByTestId("end").click();
  await shot(agent, "end");
  await agent.getByTestId("end-confirm").click();
  await agent.getByText("The session is over").waitFor();
  await shot(agent, "over");
  expect(violations).toEqual([]);
});

it("plays back who pointed, clicked and drew", async () => {
  await agent.goto(`${gateway.console}/replay/${session}`);
  await agent.getByTestId("event-row").first().waitFor();
  await agent.evaluate(async (at) => {
    const r = await fetch(location.pathname.replace("/replay/", "/api/sessions/") + "/recording");
    await window.pillionPlayer!.seek(at - Date.parse(((await r.json()) as { start: string }).start));
  }, drawn);
  const shapes = () => agent.locator(".drawings g").evaluateAll((list) => list.map((g) => g.getAttribute("data-shape")));
  expect(await shapes()).toEqual(["arrow", "box", "free", "highlight"]);
  expect(await agent.locator(".cursor.who-2").getAttribute("data-name")).toBe("Ann Agent");
  await shot(agent, "player");
  await agent.evaluate(() => window.pillionPlayer!.seek(window.pillionPlayer!.time + 9000));
  expect(await shapes()).toEqual([]);
});

it("opens a session before there is a user, who comes by the code", async () => {
  await agent.goto(gateway.console + "/");
  await agent.getByTestId("open-session").click();
  const code = (await agent.getByTestId("session-code").textContent())!.replace(/\s/g, "");
  expect(code).toMatch(/^\d{12}$/);
  expect(await agent.getByTestId("session-link").getAttribute("href")).toMatch(/^http.*\d{12}/);
  expect(await agent.getByTestId("code-left").textContent()).toMatch(/^\d+:\d\d$/);
  await agent.getByTestId("copy-code").waitFor();
  await shot(agent, "offered");
  await user.goto("about:blank"); // else it were a step within the page
  await user.goto((await agent.getByTestId("session-link").getAttribute("href"))!);
  await user.locator("pillion-assist [data-role=consent] [data-action=allow]").click();
  await agent.getByTestId("state").filter({ hasText: "live" }).waitFor();
  await sameAsMirror(user, agent);
  await agent.getByTestId("end").click();
  await agent.getByTestId("end-confirm").click();
  await agent.getByText("The session is over").waitFor();
});

it("shows an administrator what an agent would see, and what is masked", async () => {
  const admin = await signIn(await desk(), gateway, "Adam Admin", "pass-word");
  await shot(admin, "home-administrator");
  await admin.getByTestId("open-preview").click();
  await admin.getByTestId("preview-open").waitFor();
  await shot(admin, "preview-offered");
  await user.goto("about:blank");
  await user.goto((await admin.getByTestId("preview-open").getAttribute("href"))!);
  await user.locator("pillion-assist [data-role=consent] [data-action=allow]").click();
  await admin.getByTestId("state").filter({ hasText: "live" }).waitFor();
  await expect.poll(() => admin.getByTestId("masked-row").allTextContents()).toEqual(["PIN<input type=password> pin", "File<input type=file> file"]);
  expect(await admin.getByTestId("masked-count").textContent()).toBe("2");
  expect(await admin.locator(".mark-at.masked").count()).toBe(2);
  await admin.getByTestId("masked-row").first().getByRole("button").click();
  await admin.locator(".mark-at.chosen").waitFor();
  await shot(admin, "preview");
  await admin.getByTestId("end").click();
  await admin.getByTestId("end-confirm").click();
  await admin.getByText("The preview is over").waitFor();
  expect(violations).toEqual([]);
});
