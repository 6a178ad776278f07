import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { askForHelp, freePort, linesIn, linesOf, offences, pillion, sameAsMirror, share, signIn, startBrowser, startGateway, waitSame, type Gateway } from "./stage.ts";

// What goes wrong: wrong codes, forged frames, a killed gateway, missing and damaged files.

let colour = "rgb(10, 20, 30)";
let site: Server | undefined;
let sitePort = 0;
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;
let session: string;

function startSite(): Promise<void> {
  site = createServer((req, res) => {
    const path = req.url?.split("?")[0];
    if (path === "/style.css") res.setHeader("content-type", "text/css").end(`p { color: ${colour} }`);
    else if (path === "/gone.png") res.writeHead(404).end();
    else res.setHeader("content-type", "text/html").end(`<!DOCTYPE html><title>Trouble ${path}</title><link rel=stylesheet href="/style.css"><p id=p>text<img id=gone src="/gone.png" width=30 height=30><input id=i aria-label=Field><a href="/two">two</a>`);
  });
  return new Promise((done) => site!.listen(sitePort, "127.0.0.1", done));
}

beforeAll(async () => {
  sitePort = await freePort();
  await startSite();
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${sitePort}`]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  await pillion(["account", "add", "Otto", "--role", "auditor", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 1000, height: 700 } })).newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
});

it("can be used by keyboard and screen reader", async () => {
  await user.goto(gateway.site + "/");
  expect(await offences(user, "pillion-assist")).toEqual([]);
  expect(await offences(agent)).toEqual([]);
  await user.locator("#i").focus();
  await user.keyboard.press("Tab"); // the link
  await user.keyboard.press("Tab"); // what we add comes last
  await user.keyboard.press("Enter");
  const code = await user.locator("pillion-assist [data-role=code]").textContent();
  expect(code).toMatch(/^\d{4} \d{4} \d{4}$/);
  expect(await offences(user, "pillion-assist")).toEqual([]);
  await user.keyboard.press("Tab");
  await user.keyboard.press("Enter"); // Cancel
  await user.locator("pillion-assist [data-action=request]").waitFor();
});

it("tells nothing of why a code is wrong", async () => {
  const tries: string[] = [];
  const enter = async (code: string) => {
    await agent.goto(gateway.console + "/join/" + code);
    await agent.getByTestId("join").click();
    const alert = agent.getByRole("alert").filter({ hasText: /./ });
    await alert.waitFor();
    tries.push((await alert.textContent())!);
  };
  await enter("000000000000");
  const code = await askForHelp(user);
  await agent.goto(gateway.console + "/join/" + code.replaceAll(" ", ""));
  await agent.getByTestId("join").click();
  await user.locator("pillion-assist [data-role=consent] [data-action=deny]").click();
  await agent.getByText("The user did not allow it").waitFor();
  await enter(code.replaceAll(" ", ""));
  expect(new Set(tries).size).toBe(1);
  expect(tries[0]).toContain("not valid");
});

it("closes a forged socket with a reason, and harms nobody", async () => {
  await agent.goto(gateway.console);
  await user.goto(gateway.site + "/");
  session = await share(user, agent);
  const forge = (frames: unknown[]) =>
    user.evaluate(async (list) => {
      const { ticket } = (await (await fetch("/.pillion/session", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" })).json()) as { ticket: string };
      const s = new WebSocket(`ws://${location.host}/.pillion/socket?ticket=${ticket}`);
      return new Promise<string>((done) => {
        s.onclose = (e) => done(`${e.code} ${e.reason}`);
        s.onopen = () => list.forEach((f) => s.send(Array.isArray(f) ? new Uint8Array(f as number[]) : typeof f === "number" ? new Uint8Array(f) : (f as string)));
      });
    }, frames);
  const hello = `{"type":"hello","page":0,"url":"x","title":"x"}`;
  expect(await forge(["not json"])).toMatch(/^1008 ./);
  expect(await forge([hello, [1, 1, 0, 9, 9, 9]])).toMatch(/^1007 .*version/);
  expect(await forge([hello, [2, 9, 0, 1]])).toMatch(/^1008 .*missing/);
  expect(await forge([hello, "x".repeat(70_000)])).toMatch(/^1009 ./);
  expect(await forge([hello, 9 << 20])).toMatch(/^1009/);
  await user.locator("#i").fill("still here");
  await user.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await sameAsMirror(user, agent);
});

it("goes on after the gateway was killed, with what was typed meanwhile", async () => {
  await gateway.program.end("SIGKILL");
  await user.locator("#i").fill("typed while it was down");
  await agent.getByTestId("state").filter({ hasText: "reconnecting" }).waitFor();
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${sitePort}`], gateway.data, gateway.listen);
  await expect.poll(() => agent.frameLocator("[data-testid=mirror]").locator("#i").inputValue(), { timeout: 30_000 }).toBe("typed while it was down");
  await sameAsMirror(user, agent);
  await user.locator("#i").fill("and after");
  await sameAsMirror(user, agent);
});

it("answers 502 while the site is away", async () => {
  const other = await (await browser.newContext()).newPage();
  await new Promise((done) => {
    site!.close(done);
    site!.closeAllConnections();
  });
  const r = (await other.goto(gateway.site + "/"))!;
  expect(r.status()).toBe(502);
  expect(await other.textContent("h1")).toBe("This site cannot be reached");
  expect(await other.content()).not.toContain(String(sitePort));
  colour = "rgb(200, 0, 0)"; // the site comes back changed
  await startSite();
});

it("replays the style of that day, and counts what is missing", async () => {
  const lines = await linesOf(user);
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  await agent.goto(`${gateway.console}/replay/${session}`);
  await agent.getByTestId("event-row").first().waitFor();
  expect(await offences(agent)).toEqual([]);
  await agent.evaluate(() => window.pillionPlayer!.seek(window.pillionPlayer!.duration));
  await waitSame(async () => lines, () => linesIn(agent, "page"));
  expect(await agent.frameLocator("[data-testid=page]").locator("#p").evaluate((el) => getComputedStyle(el).color)).toBe("rgb(10, 20, 30)");
  expect(await agent.getByTestId("missing").textContent()).toBe("1 file missing");
});

it("plays, seeks by the scrubber, filters, searches and jumps", async () => {
  await agent.evaluate(() => window.pillionPlayer!.seek(0));
  await agent.getByTestId("play").click();
  await expect.poll(() => agent.evaluate(() => window.pillionPlayer!.time)).toBeGreaterThan(200);
  if ((await agent.getByTestId("play").getAttribute("aria-label")) === "Pause") await agent.getByTestId("play").click();
  const all = await agent.getByTestId("event-row").count();
  await agent.getByTestId("type-filter").getByText("session", { exact: true }).click();
  expect(await agent.getByTestId("event-row").count()).toBeLessThan(all);
  await agent.getByTestId("type-filter").getByText("session", { exact: true }).click();
  await agent.evaluate(() => window.pillionPlayer!.seek(0));
  await agent.getByTestId("search").fill("typed into");
  await agent.getByTestId("search-hit").first().click();
  await expect.poll(() => agent.evaluate(() => window.pillionPlayer!.time)).toBeGreaterThan(0);
  const at = await agent.evaluate(() => window.pillionPlayer!.time);
  await agent.getByTestId("search").fill("");
  await agent.getByTestId("scrubber").fill("0");
  await expect.poll(() => agent.evaluate(() => window.pillionPlayer!.time)).toBeLessThan(at);
  await agent.getByTestId("mark").last().click({ force: true });
  await expect.poll(() => agent.evaluate(() => window.pillionPlayer!.time)).toBeGreaterThanOrEqual(at);
});

it.each(["segment-0000", "events-0000", "index"])("says what is wrong with a damaged recording: %s", async (part) => {
  const dir = join(gateway.data, "archive", "recordings", session);
  const name = join(dir, readdirSync(dir).find((f) => f.startsWith(part))!);
  const good = readFileSync(name);
  const bad = Buffer.from(good);
  bad[bad.length >> 1]! ^= 1;
  writeFileSync(name, bad);
  const r = await pillion(["verify", session, "--data", gateway.data]);
  expect(r.status).toBe(1);
  expect(r.output).toContain(`${part} is damaged`);
  await gateway.program.end(); // which may have the part in memory
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${sitePort}`], gateway.data, gateway.listen);
  const auditor = await signIn(await browser.newContext(), gateway, "Otto", "pass-word", `/replay/${session}`);
  await expect.poll(() => auditor.getByRole("alert").filter({ hasText: part }).count(), { timeout: 15_000 }).toBe(1);
  // Without its events a recording is shown all the same, from its first page on.
  if (part === "events-0000") await auditor.frameLocator("[data-testid=page]").locator("body *").first().waitFor({ state: "attached" });
  await auditor.context().close();
  writeFileSync(name, good);
  expect((await pillion(["verify", session, "--data", gateway.data])).status).toBe(0);
  expect((await pillion(["verify", "no-such-session", "--data", gateway.data])).output).toContain("no recording");
});
