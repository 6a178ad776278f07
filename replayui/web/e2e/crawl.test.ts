import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { crawl, differences, openTwins, type Side, type Twins } from "./compare-visit.ts";
import { startAdminer, startManual, type Adminer, type LegacySite } from "./legacy-sites.ts";
import { startBrowser, startGateway, type Gateway } from "./stage.ts";

// Old sites, followed link by link: through the gateway every page has the same
// markup, looks the same and has no trouble of its own.

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser?.close());

describe("the manual of Apache", () => {
  let site: LegacySite;
  let gateway: Gateway;
  let twins: Twins;

  beforeAll(async () => {
    site = await startManual();
    gateway = await startGateway(["serve", "--upstream", site.origin]);
    twins = await openTwins(browser, site.origin, gateway.site, (text) => text);
  });

  afterAll(async () => {
    await twins?.end();
    await gateway?.program.end();
    await site?.program.end();
  });

  it("is the same on 25 pages", async () => {
    const { visited, found } = await crawl(twins, "/manual/en/index.html", 25, (path) => path.startsWith("/manual/") && !/\.(txt|pdf)$/.test(path));
    expect(found).toEqual([]);
    expect(visited).toHaveLength(25);
  });
});

describe("Adminer", () => {
  let site: Adminer;
  let gateway: Gateway;
  let twins: Twins;
  let home: string;

  beforeAll(async () => {
    site = await startAdminer();
    home = `/?sqlite=&username=&db=${encodeURIComponent(site.database)}`;
    gateway = await startGateway(["serve", "--upstream", site.origin]);
    twins = await openTwins(browser, site.origin, gateway.site, steady);
    for (const side of [twins.direct, twins.through]) await signIn(side);
  });

  afterAll(async () => {
    await twins?.end();
    await gateway?.program.end();
    await site?.program.end();
  });

  /** Nonces, tokens and times differ from one answer to the next. */
  const steady = (text: string) =>
    text.replace(/nonce="[^"]*"/g, "nonce").replace(/value=["']\d+:\d+["']/g, "token").replace(/\d+\.\d+(&nbsp;|\s)?s\b/g, "time").replace(/\d\d:\d\d:\d\d/g, "clock");

  async function signIn(side: Side): Promise<void> {
    // Else Adminer asks its maker's site for a newer version.
    await side.context.addCookies([{ name: "adminer_version", value: "0", url: side.origin }]);
    const page = await side.context.newPage();
    await page.goto(side.origin + "/");
    await page.locator("[name='auth[driver]']").selectOption("sqlite");
    await page.locator("[name='auth[db]']").fill(site.database);
    await page.getByRole("button", { name: "Login" }).click();
    await page.waitForURL((u) => u.searchParams.get("db") === site.database);
    await page.close();
  }

  const own = (path: string) => path.includes("db=") && !/[?&](file|dump|import)=/.test(path);

  it("is the same on 20 pages", async () => {
    const { visited, found } = await crawl(twins, home, 20, own);
    expect(found).toEqual([]);
    expect(visited).toHaveLength(20);
    for (const view of ["select=", "table=", "edit="]) expect(visited.join("\n")).toContain(view);
  });

  /** Does the same with both; the pages are alike before and after. */
  async function both(path: string, act: (page: Page) => Promise<void>): Promise<string[]> {
    return differences(await twins.direct.visit(path, act), await twins.through.visit(path, act));
  }

  it("loads more rows by a script", async () => {
    const found = await both(home + "&select=policy", async (page) => {
      const rows = page.locator("#table tbody tr");
      expect(await rows.count()).toBe(50);
      await page.locator("a.loadmore").click();
      await expect.poll(() => rows.count()).toBe(100);
      await rows.last().scrollIntoViewIfNeeded();
    });
    expect(found).toEqual([]);
  });

  it("edits a row in place and by its form, and runs a query", async () => {
    const found = [
      ...(await both(home + "&select=customer", async (page) => {
        await page.locator("#table td[id^=val]").nth(1).click({ modifiers: ["Control"] });
        await page.locator("#table td[id^=val]").nth(1).locator("input, textarea").fill("Changed");
        await page.getByRole("button", { name: "Save", exact: true }).click();
        await page.locator(".message").waitFor();
      })),
      ...(await both(home + "&edit=customer&where%5Bid%5D=2", async (page) => {
        await page.locator("[name='fields[town]']").fill("Zürich");
        await page.locator("input[type=submit]").first().click();
        await page.locator(".message").waitFor();
      })),
      ...(await both(home + "&sql=", async (page) => {
        await page.locator("textarea[name=query]").evaluate((el, text) => ((el as HTMLTextAreaElement).value = text), "SELECT * FROM premium LIMIT 5");
        await page.locator("input[type=submit]").first().click();
        await page.locator("table td").first().waitFor();
      })),
    ];
    expect(found).toEqual([]);
  });
});
