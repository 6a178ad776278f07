import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser, BrowserContext, Frame, Page } from "playwright-core";
import { differences, openTwins } from "./compare-visit.ts";
import { difference, frameShot, picture, pillion, Seen, share, signIn, startBrowser } from "./stage.ts";
import { emptyPictures, startFront, watch, type Front } from "./world-stage.ts";
import { World } from "./world.ts";

// Two legacy sites that write absolute links to themselves, to each other and
// to a CDN; one gateway in front of both. Nobody leaves it.

let world: World;
let front: Front;
let browser: Browser;

const view = { viewport: { width: 1100, height: 760 } };

beforeAll(async () => {
  world = await World.start();
  front = await startFront(world);
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await front?.gateway.program.end();
  await world?.end();
});

describe("a user", () => {
  let context: BrowserContext;
  let page: Page;
  let trouble: string[];
  const documents: string[] = [];

  beforeAll(async () => {
    context = await browser.newContext(view);
    trouble = watch(context, [front.help, front.store]);
    page = await context.newPage();
    page.on("framenavigated", (f: Frame) => documents.push(f.url()));
  });

  afterAll(() => context?.close());

  it("sees the front page whole", async () => {
    await page.goto(front.help + "/");
    await page.locator("#teaser").waitFor();
    await page.frameLocator("iframe").getByText("closed on Monday").waitFor();
    await expect.poll(() => emptyPictures(page)).toEqual([]);
    expect(await page.evaluate(() => document.fonts.check("12px Weir"))).toBe(true);
  });

  it("does a whole task by absolute links, forms, redirects, refreshes and scripts", async () => {
    await page.getByText("Report a claim").click();
    await page.waitForURL(front.help + "/claim/form.html");
    expect(await page.locator("#case").textContent()).toBe("A-17");
    await page.locator("[name=name]").fill("Muster");
    await page.locator("[name=office]").selectOption("Birkenau");
    await page.locator("[name=kind]").selectOption("fire");
    await expect.poll(() => page.locator("#kind img").evaluate((i) => (i as HTMLImageElement).naturalWidth)).toBe(32);
    await page.getByText("Send").click();
    await page.waitForURL(front.help + "/claim/done.html");
    await page.waitForURL(front.store + "/basket.html?after=claim");
    await expect.poll(() => emptyPictures(page)).toEqual([]);
    await page.locator("#pay").click();
    await page.waitForURL(front.help + "/receipt.html?paid=1");
    expect(await page.locator("#case").textContent()).toBe("case=A-17; name=Muster from ?paid=1");
    await page.getByText("Home").click();
    await page.waitForURL(front.help + "/");
    await page.getByText("Our shop").click();
    await page.waitForURL(front.store + "/basket.html");
    await page.waitForLoadState("networkidle");
  });

  it("never leaves the gateway", () => {
    const origins = new Set(documents.filter((u) => u !== "about:blank").map((u) => new URL(u).origin));
    expect([...origins].sort()).toEqual([front.help, front.store]);
    expect(documents).toContain(`${front.help}/.pillion/from/${world.cdn.origin.replace("://", "/")}/partner/notice.html`);
    expect(world.strangers).toEqual([]);
    expect(trouble).toEqual([]);
  });

  it("asks one site from the other's page", async () => {
    await page.goto(front.store + "/basket.html");
    await page.locator("#quote").click();
    await expect.poll(() => page.locator("#postage").textContent()).toBe("7");
    expect(trouble).toEqual([]);
  });

  it("bears names that the sites know", () => expect(world.refused).toEqual([]));

  it("finds the site's own picture in a third party's frame, and leaves it by a link to the site", async () => {
    await page.goto(front.help + "/", { waitUntil: "networkidle" });
    const frame = page.frameLocator("iframe");
    expect(await frame.locator("#logo").evaluate((i) => (i as HTMLImageElement).src)).toBe(front.help + "/img/logo.png");
    await frame.getByText("Claims").click();
    await page.waitForURL(front.help + "/claim/form.html");
    expect(trouble).toEqual([]);
  });
});

describe("without the gateway and through it", () => {
  /** Takes what names the other origins out of both sides' markup. */
  const steady = (text: string) =>
    text.replaceAll(`/.pillion/from/${world.cdn.origin.replace("://", "/")}`, "CDN").replaceAll(front.store, "SHOP").replaceAll(front.help, "LEGACY")
      .replaceAll(world.cdn.origin, "CDN").replaceAll(world.shop.origin, "SHOP").replaceAll(world.legacy.origin, "LEGACY")
      .replace(/\/\/(localhost|legacy\.localhost):\d+/g, (_, name: string) => (name === "localhost" ? "CDN" : ""));

  it.each([
    ["legacy", "/"], ["legacy", "/claim/form.html"], ["legacy", "/receipt.html"], ["shop", "/basket.html"], ["cdn", "/partner/notice.html"],
  ] as const)("the same pages: %s%s", async (name, path) => {
    const through = { legacy: front.help, shop: front.store, cdn: `${front.help}/.pillion/from/${world.cdn.origin.replace("://", "/")}` };
    const twins = await openTwins(browser, world[name].origin, through[name], steady);
    expect(differences(await twins.direct.visit(path), await twins.through.visit(path))).toEqual([]);
    await twins.end();
  });
});

it("shares the front page, its frame and its styles, and replays it with everything else switched off", async () => {
  const { gateway } = front;
  for (const [name, role] of [["Ann", "agent"], ["Otto", "auditor"]] as const) {
    expect((await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n")).status).toBe(0);
  }
  const user = await (await browser.newContext(view)).newPage();
  const desk = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const trouble = watch(desk, [gateway.console]);
  const agent = await signIn(desk, gateway, "Ann", "pass-word");
  const seen = new Seen(user, agent, gateway);
  trouble.length = 0; // of signing in

  await user.goto(front.help + "/");
  await user.locator("#teaser").waitFor();
  await user.waitForLoadState("networkidle");
  const session = await share(user, agent);
  await expect.poll(() => emptyPictures(agent, "[data-testid=mirror]")).toEqual([]);
  const mirror = agent.frameLocator("[data-testid=mirror]");
  expect(await mirror.frameLocator("iframe").locator("#text").textContent()).toBe("The office is closed on Monday.");
  expect(await mirror.frameLocator("iframe").locator("body").evaluate((el) => getComputedStyle(el).backgroundColor)).toBe("rgb(238, 238, 255)");
  await expect.poll(() => mirror.locator("h1").evaluate((el) => [...el.ownerDocument.fonts].map((f) => `${f.family} ${f.status}`))).toEqual(["Weir loaded"]);
  const look = await picture(user);
  await seen.remember("front page");

  await user.getByText("Report a claim").click();
  await user.waitForURL(front.help + "/claim/form.html");
  await user.locator("[name=name]").fill("Muster");
  await user.locator("[name=kind]").selectOption("water");
  await user.waitForLoadState("networkidle");
  await seen.remember("form");
  const form = await picture(user);
  await expect.poll(() => emptyPictures(agent, "[data-testid=mirror]")).toEqual([]);
  await user.getByText("Send").click();
  await user.waitForURL(front.help + "/claim/done.html");
  await seen.remember("done");
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  expect(seen.warnings).toEqual([]);
  expect(trouble.filter((t) => t.startsWith("asked"))).toEqual([]);
  expect(await agent.getByTestId("missing").count()).toBe(0);

  await world.end();
  const auditor = await signIn(await browser.newContext({ viewport: { width: 1600, height: 1000 } }), gateway, "Otto", "pass-word", `/replay/${session}`);
  await auditor.getByTestId("event-row").first().waitFor();
  await seen.replay(auditor, async () => expect(await auditor.getByTestId("missing").count()).toBe(0));
  for (const [n, wanted] of [[0, look], [1, form]] as const) {
    await seen.seek(auditor, n);
    await auditor.locator(".overlay").evaluate((el) => ((el as HTMLElement).style.visibility = "hidden"));
    await expect.poll(() => emptyPictures(auditor, "[data-testid=page]")).toEqual([]);
    expect(difference(wanted, await frameShot(auditor, "page"))).toBeLessThan(0.001);
  }
});
