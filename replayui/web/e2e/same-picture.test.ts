import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { builtAhead } from "./ahead.ts";
import { Moments, Requests, startOf } from "./moments.ts";
import { freePort, pillion, root, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";
import { Changed, Tap } from "./tap.ts";
import { changeAll, MEMBER, startGuardedWiki } from "./wiki.ts";

// Years later the site is another one. What the user saw is shown as it was, from the archive alone.

const YEAR = 366;
let browser: Browser;
let ahead: Promise<string>;

beforeAll(async () => {
  ahead = builtAhead(YEAR);
  // The wiki has a picture of another site: it is out of reach at once, and not after a while.
  browser = await startBrowser({ args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"] });
  await ahead;
}, 900_000);

afterAll(async () => {
  await browser?.close();
});

async function windows(gateway: Gateway, name: string, password: string): Promise<{ user: Page; agent: Page }> {
  const user = await (await browser.newContext({ viewport: { width: 1000, height: 700 }, reducedMotion: "reduce" })).newPage();
  const agent = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, name, password);
  return { user, agent };
}

/** The user ends the session, which is sealed. */
async function sealed(gateway: Gateway, user: Page, agent: Page, session: string): Promise<void> {
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  await expect.poll(async () => ((await (await agent.request.get(`${gateway.console}/api/sessions/${session}`)).json()) as { state: string }).state, { timeout: 60_000 }).toBe("sealed");
}

/** A player in a window of its own, signed in a year on, and what it asks for. */
async function player(gateway: Gateway, session: string, name: string, password: string): Promise<{ viewer: Page; requests: Requests }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  await signIn(context, gateway, name, password);
  const viewer = await context.newPage();
  const requests = await Requests.of(viewer);
  await viewer.goto(`${gateway.console}/replay/${session}`);
  await viewer.getByTestId("event-row").first().waitFor();
  return { viewer, requests };
}

describe("a wiki with sign-in, pictures and fonts", () => {
  let moments: Moments;
  let gateway: Gateway;
  let changed: Changed;
  let tap: Tap;
  let session: string;
  let start = 0;

  it("is recorded while a member edits a page", async () => {
    const wiki = await startGuardedWiki();
    tap = await Tap.before(wiki.origin);
    gateway = await startGateway(["serve", "--upstream", tap.origin]);
    for (const [name, role] of [["Ann", "agent"], ["Otto", "auditor"]] as const) await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n");
    const { user, agent } = await windows(gateway, "Ann", "pass-word");
    moments = new Moments(user, agent);
    await user.goto(gateway.site + "/doku.php?id=private:file&do=login");
    session = await share(user, agent);
    await moments.take("the sign-in");
    await user.locator("[name=u]").pressSequentially(MEMBER.name);
    await user.locator("[name=p]").fill(MEMBER.password);
    await moments.take("a name is typed");
    await user.locator("form#dw__login button[type=submit]").click();
    await user.getByRole("heading", { name: "Claim 4711" }).waitFor();
    await moments.take("the member’s page");
    await user.goto(gateway.site + "/doku.php?id=private:file&do=edit");
    await moments.take("the editor");
    await user.locator("#wiki__text").press("Control+End");
    await user.locator("#wiki__text").pressSequentially("\n===== Decision =====\nWe **pay** it.");
    await moments.take("text in the editor");
    await user.locator("[name='do[preview]']").click();
    await user.locator(".preview").first().waitFor();
    await moments.take("the preview");
    await user.evaluate(() => (window.onbeforeunload = null));
    await user.locator("[name='do[save]']").click();
    await user.getByRole("heading", { name: "Decision" }).waitFor();
    await moments.take("what was saved");
    await user.goto(gateway.site + "/doku.php?id=start&do=index");
    await user.locator("#index__tree .clicker, #index__tree a.idx_dir").first().click();
    await user.locator("#index__tree .open").first().waitFor();
    await moments.take("the index, a folder opened");
    await user.locator("#qsearch__in").pressSequentially("file");
    await user.locator("#qsearch__out:visible").waitFor();
    await moments.take("a search as one types");
    await user.goto(gateway.site + "/doku.php?id=wiki:syntax");
    await user.mouse.wheel(0, 1500);
    await moments.take("a long page, scrolled");
    await user.goto(gateway.site + "/doku.php?id=private:file&do=media&ns=private");
    await user.locator("#mediamanager__page img").first().waitFor();
    await moments.take("the media manager");
    await sealed(gateway, user, agent, session);
    await user.context().close();
    await agent.context().close();
    await gateway.program.end();
    await wiki.program.end();
    tap.end();
    expect(changeAll(wiki.files)).toBeGreaterThan(2000);
    changed = await Changed.at(tap.origin);
  });

  it("is the same picture a year later, and nobody but the archive is asked", async () => {
    gateway = await startGateway(["serve", "--upstream", tap.origin], gateway.data, gateway.listen, await ahead);
    const { viewer, requests } = await player(gateway, session, "Otto", "pass-word");
    start = await startOf(viewer);
    const shares = await moments.same(viewer, start);
    console.log("share of pixels that differ:", shares);
    expect(shares.length).toBeGreaterThanOrEqual(10);
    expect(requests.outside(gateway.console)).toEqual([]);
    expect(changed.asked).toEqual([]);
    // A picture of another site, out of reach for the user too; and a pixel, never to be kept, by which the wiki does its chores.
    expect(requests.missed.filter((u) => !/php\.net|taskrunner\.php/.test(u))).toEqual([]);
    expect(await requests.match((p) => tap.sent.get(p))).toBeGreaterThan(8);
  });

  it("is the same picture in one file, without a gateway or a network", async () => {
    await gateway.program.end();
    const file = join(mkdtempSync(join(tmpdir(), "pillion-wiki-export-")), "wiki.html");
    expect(await pillion(["export", session, "-o", file, "--data", gateway.data])).toMatchObject({ status: 0 });
    const viewer = await (await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", offline: true })).newPage();
    const requests = await Requests.of(viewer);
    await viewer.goto(pathToFileURL(file).href);
    await expect.poll(() => viewer.getByTestId("proof").getAttribute("data-outcome"), { timeout: 60_000 }).toBe("good");
    console.log("share of pixels that differ in one file:", await moments.same(viewer, start));
    expect(requests.urls.filter((u) => !/^(data|blob|about|file):/.test(u))).toEqual([]);
    await viewer.close();
    // Keyframes are no evidence, but what is shown begins with them.
    const good = readFileSync(file, "latin1");
    const at = good.indexOf(">", good.indexOf('data-part="keyframes-')) + 200;
    expect(at).toBeGreaterThan(100_000);
    writeFileSync(file, good.slice(0, at) + (good[at] === "A" ? "B" : "A") + good.slice(at + 1), "latin1");
    const checked = await pillion(["verify", file, "--data", gateway.data]);
    expect(checked.output).toMatch(/keyframes-\d+.* damaged/);
    expect(checked.status).toBe(1);
  });

  afterAll(async () => {
    changed?.end();
    await gateway?.program.end();
  });
});

describe("the sample site", () => {
  let moments: Moments;
  let gateway: Gateway;
  let changed: Changed;
  let session: string;
  let site: string;

  it("is recorded while a form is filled in", async () => {
    site = `127.0.0.1:${await freePort()}`;
    gateway = await startGateway(["demo", "--site", site]);
    const { user, agent } = await windows(gateway, "Ann Agent", "pillion-demo");
    moments = new Moments(user, agent);
    await user.goto(gateway.site + "/");
    session = await share(user, agent);
    await moments.take("the first page, with a font and pictures");
    await user.goto(gateway.site + "/plans");
    await moments.take("the plans");
    await user.locator("table.list th").first().click();
    await moments.take("the plans, sorted");
    await user.goto(gateway.site + "/signin");
    await moments.take("the sign-in");
    await user.locator("[name=user]").fill("maria");
    await user.locator("[type=password]").fill("alder");
    await moments.take("a name is typed");
    await user.locator("[type=submit]").click();
    await user.waitForURL("**/account");
    await moments.take("the account");
    await user.goto(gateway.site + "/offices");
    await user.frameLocator("iframe.offices").locator("td").first().waitFor();
    await moments.take("offices, in a frame");
    await user.goto(gateway.site + "/enrol");
    await user.locator("[name=name]").fill("Maria Muster");
    await user.locator("#planB").check();
    await moments.take("the form, begun");
    await user.locator("[name=state]").selectOption("Utah");
    await user.locator("#family").check();
    await user.locator("[name=remarks]").fill("Please call\nin the evening");
    await moments.take("the form, filled in");
    await user.locator("[name=street]").pressSequentially("Weir Lane 3");
    await user.mouse.wheel(0, 200);
    await moments.take("the form, scrolled");
    await sealed(gateway, user, agent, session);
    await user.context().close();
    await agent.context().close();
    await gateway.program.end();
    changed = await Changed.at(`http://${site}`);
  });

  it("is the same picture a year later, and nobody but the archive is asked", async () => {
    gateway = await startGateway(["serve", "--upstream", `http://${site}`], gateway.data, gateway.listen, await ahead);
    const { viewer, requests } = await player(gateway, session, "Otto Auditor", "pillion-demo");
    const shares = await moments.same(viewer, await startOf(viewer));
    console.log("share of pixels that differ:", shares);
    expect(requests.outside(gateway.console)).toEqual([]);
    expect(changed.asked).toEqual([]);
    expect(requests.missed).toEqual([]);
    const files = join(root, "cmd/pillion/demosite");
    const sent = new Map<string, Set<string>>();
    for (const dir of ["style", "images", "fonts"]) {
      for (const name of readdirSync(join(files, dir))) {
        sent.set(`/${dir}/${name}`, new Set(["sha256-" + createHash("sha256").update(readFileSync(join(files, dir, name))).digest("hex")]));
      }
    }
    expect(await requests.match((p) => sent.get(p))).toBeGreaterThan(3);
  });

  afterAll(async () => {
    changed?.end();
    await gateway?.program.end();
  });
});
