import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { startFirefox, until } from "./firefox.ts";
import { Moments, Requests } from "./moments.ts";
import { cramped, freePort, offences, pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// One file, opened without a server and without a network.

const dir = mkdtempSync(join(tmpdir(), "pillion-export-"));
const file = join(dir, "recording.html");
let gateway: Gateway;
let browser: Browser;
let session: string;
let moments: Moments;
let start = 0;

beforeAll(async () => {
  browser = await startBrowser();
});

it("records a task", async () => {
  gateway = await startGateway(["demo", "--site", `127.0.0.1:${await freePort()}`]);
  const user = await (await browser.newContext({ viewport: { width: 1000, height: 700 }, reducedMotion: "reduce" })).newPage();
  const agent = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Ann Agent", "pillion-demo");
  moments = new Moments(user, agent);
  await user.goto(gateway.site + "/enrol");
  session = await share(user, agent);
  await moments.take("the form");
  await user.locator("[name=name]").fill("Maria Muster");
  await user.locator("#planB").check();
  await user.locator("[name=state]").selectOption("Utah");
  await moments.take("the form, begun");
  await user.goto(gateway.site + "/offices");
  await user.frameLocator("iframe.offices").locator("td").first().waitFor();
  await moments.take("offices, in a frame");
  await user.goto(gateway.site + "/signin");
  await user.locator("[name=user]").fill("maria");
  await user.locator("[type=password]").fill("alder");
  await user.locator("[type=submit]").click();
  await user.waitForURL("**/account");
  await moments.take("the account");
  await user.goto(gateway.site + "/");
  await moments.take("the first page, with a font and pictures");
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  const described = async () => (await agent.request.get(`${gateway.console}/api/sessions/${session}/recording`)).json() as Promise<{ start?: string }>;
  await expect.poll(async () => (await described()).start, { timeout: 60_000 }).toBeTruthy();
  start = Date.parse((await described()).start!);
  await user.context().close();
  await agent.context().close();
  await gateway.program.end();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
});

/** Opens a file in a window without a network. */
async function opened(path: string): Promise<{ viewer: Page; requests: Requests; said: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", offline: true });
  const viewer = await context.newPage();
  const said: string[] = [];
  viewer.on("console", (m) => m.type() === "error" && said.push(m.text()));
  viewer.on("pageerror", (e) => said.push(String(e)));
  const requests = await Requests.of(viewer);
  await viewer.goto(pathToFileURL(path).href);
  return { viewer, requests, said };
}

it("is written from the archive by a command", async () => {
  const r = await pillion(["export", session, "-o", file, "--data", gateway.data]);
  expect(r.output).toContain("100 %");
  expect(r.status).toBe(0);
  expect(statSync(file).size).toBeGreaterThan(100_000);
  expect((await pillion(["export", "no-such-session", "-o", join(dir, "none"), "--data", gateway.data])).output).toContain("no recording");
});

it("is offered in the player, to those who may take it away", async () => {
  gateway = await startGateway(["demo", "--site", `127.0.0.1:${await freePort()}`], gateway.data);
  const auditor = await signIn(await browser.newContext(), gateway, "Otto Auditor", "pillion-demo", `/replay/${session}`);
  await auditor.getByTestId("export").focus();
  await auditor.keyboard.press("Enter");
  expect(await offences(auditor, "[data-testid=export-dialog]")).toEqual([]);
  for (const width of [768, 400]) expect(await cramped(auditor, width)).toEqual([]);
  await auditor.setViewportSize({ width: 1280, height: 720 });
  for (const format of ["html", "wacz"]) {
    await auditor.locator(`[name=format][value=${format}]`).check();
    const [download] = await Promise.all([auditor.waitForEvent("download"), auditor.getByTestId("export-begin").click()]);
    expect(download.suggestedFilename()).toMatch(new RegExp(`^pillion-\\d{4}-\\d\\d-\\d\\d-${session}\\.${format}$`));
    const got = readFileSync(await download.path());
    if (format === "html") expect(got.equals(readFileSync(file))).toBe(true);
    else expect(got.subarray(0, 2).toString()).toBe("PK");
    await auditor.getByTestId("export-said").filter({ hasText: "downloads" }).waitFor();
  }
  expect(gateway.program.output).toMatch(/msg=audit what=exported session=\S+ by="Otto Auditor" role=auditor/);
  const agent = await signIn(await browser.newContext(), gateway, "Ann Agent", "pillion-demo", `/replay/${session}`);
  await agent.getByTestId("event-row").first().waitFor();
  expect(await agent.getByTestId("export").count()).toBe(0);
  await auditor.context().close();
  await agent.context().close();
  await gateway.program.end();
});

it("shows the same pictures in Chromium, offline, and asks nobody", async () => {
  const { viewer, requests, said } = await opened(file);
  await viewer.getByTestId("event-row").first().waitFor();
  await expect.poll(() => viewer.frameLocator("[data-testid=page]").locator("[name=name]").isVisible()).toBe(true); // the first page, before anybody plays
  expect(await viewer.getByTestId("page").getAttribute("sandbox")).toBe("allow-same-origin");
  console.log("share of pixels that differ:", await moments.same(viewer, start));
  expect(requests.urls.filter((u) => !/^(data|blob|about):/.test(u) && u !== pathToFileURL(file).href)).toEqual([]);
  expect(await viewer.getByTestId("missing").count()).toBe(0);
  expect(said).toEqual([]);
  await viewer.close();
});

it("checks itself, and shows the key's fingerprint; by keyboard too", async () => {
  const { viewer } = await opened(file);
  const proof = viewer.getByTestId("proof");
  await expect.poll(() => proof.getAttribute("data-outcome")).toBe("good");
  await proof.focus();
  await viewer.keyboard.press("Enter");
  await viewer.getByTestId("proof-report").waitFor();
  expect(await viewer.getByTestId("fingerprint").textContent()).toMatch(/^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
  expect(await offences(viewer, "[data-testid=proof-report]")).toEqual([]);
  for (const width of [1280, 400]) expect(await cramped(viewer, width)).toEqual([]);
  await viewer.keyboard.press("Escape");
  await expect.poll(() => viewer.getByTestId("proof-report").isVisible()).toBe(false);
  for (const width of [400, 1280]) expect(await cramped(viewer, width)).toEqual([]);
  await viewer.emulateMedia({ forcedColors: "active" });
  const ground = (selector: string) => viewer.locator(selector).first().evaluate((el) => getComputedStyle(el).backgroundColor);
  expect(await ground(".events .now button")).not.toBe(await ground(".events li:not(.now) button"));
  expect(await ground(".track .mark")).not.toBe(await ground(".controls"));
  await viewer.emulateMedia({ forcedColors: "none" });
  await viewer.getByTestId("fidelity").click();
  await viewer.getByTestId("found-row").first().waitFor();
  // What a checker cannot tell above a backdrop: words in a dialog are not those of the header that it is in.
  for (const part of ["small", "code"]) {
    expect(await viewer.getByTestId("found-row").first().locator(part).first().evaluate((el) => getComputedStyle(el).color)).toBe("rgb(86, 101, 122)");
  }
  expect(await offences(viewer, "[data-testid=fidelity-report]")).toEqual([]);
  await viewer.close();
});

it("names what was changed in the file", async () => {
  const good = readFileSync(file, "latin1");
  const bad = join(dir, "bad.html");
  for (const [part, deep] of [["segment-0000", 200], ["assets/sha256-", 20], ["manifest", 100]] as const) {
    expect(good).toContain(`data-part="${part}`);
    const at = good.indexOf(">", good.indexOf(`data-part="${part}`)) + deep;
    writeFileSync(bad, good.slice(0, at) + (good[at] === "A" ? "B" : "A") + good.slice(at + 1), "latin1");
    // A Pillion of one's own says so, whatever the page says of itself.
    const checked = await pillion(["verify", bad, "--data", gateway.data]);
    expect(checked.status, part).toBe(1);
    expect(checked.output).toContain(part === "assets/sha256-" ? "asset http" : part);
    if (part === "manifest") continue; // without it there is nothing to show
    const { viewer } = await opened(bad);
    await expect.poll(() => viewer.getByTestId("proof").getAttribute("data-outcome")).toBe("wrong");
    expect(await viewer.getByTestId("problems").textContent()).toContain(part === "assets/sha256-" ? "The file http" : part);
    await viewer.close();
  }
  const whole = await pillion(["verify", file, "--data", gateway.data]);
  expect(whole.output).toContain("is whole and as it was sealed");
  expect(whole.output).not.toContain("The player in the file");
  expect(whole.status).toBe(0);
  writeFileSync(bad, good.replace("Not as it was sealed", "Quite as it was sealed"), "latin1");
  expect((await pillion(["verify", bad, "--data", gateway.data])).output).toContain("The player in the file is not this program’s".replace("’", "'"));
});

it("opens in Firefox too", async () => {
  const firefox = await startFirefox();
  try {
    const viewer = await firefox.newPage();
    await viewer.goto(pathToFileURL(file).href);
    await until(() => viewer.evaluate(() => document.querySelector("[data-testid=proof]")?.getAttribute("data-outcome") === "good"));
    const last = moments.list.at(-1)!;
    await viewer.evaluate((ms) => window.pillionPlayer!.seek(ms), last.at - start);
    await until(() => viewer.evaluate(() => [...(document.querySelector("[data-testid=page]") as HTMLIFrameElement).contentDocument!.fonts].some((f) => f.status === "loaded")));
    const shown = await viewer.evaluate(() => {
      const d = (document.querySelector("[data-testid=page]") as HTMLIFrameElement).contentDocument!;
      const card = d.querySelector(".card");
      return { text: d.body.innerText.replace(/\s+/g, " "), font: card ? getComputedStyle(card).fontFamily : "", loaded: [...d.fonts].map((f) => f.status), images: [...d.images].map((i) => i.naturalWidth > 0) };
    });
    expect(shown.text).toBe(last.text.replace(/\s+/g, " "));
    expect(shown.loaded).toContain("loaded");
    expect(shown.images.every(Boolean)).toBe(true);
  } finally {
    await firefox.close();
  }
});
