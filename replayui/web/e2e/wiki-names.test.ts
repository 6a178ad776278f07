import { afterEach, afterAll, beforeAll, expect, it } from "vitest";
import type { Browser } from "playwright-core";
import { differences, openTwins } from "./compare-visit.ts";
import { freePort, startBrowser, startGateway, type Gateway } from "./stage.ts";
import { startWiki, steadyWiki, type Wiki } from "./wiki.ts";

// DokuWiki that writes whole addresses: by the Host that it is asked under, or
// by the name that its configuration gives it.

let browser: Browser;
let wiki: Wiki | undefined;
let gateway: Gateway | undefined;

beforeAll(async () => {
  browser = await startBrowser();
});

afterEach(async () => {
  await gateway?.program.end();
  await wiki?.program.end();
});

afterAll(() => browser?.close());

const PAGES = ["wiki:syntax", "wiki:welcome", "wiki:dokuwiki", "start", "start&do=index", "start&do=recent", "start&do=search&q=wiki"];

async function same(direct: string): Promise<void> {
  const twins = await openTwins(browser, direct, gateway!.site, steadyWiki);
  // One after the other: DokuWiki gives half a page to who comes while it writes its cache.
  for (const page of PAGES) {
    const [a, b] = [await twins.direct.visit("/doku.php?id=" + page), await twins.through.visit("/doku.php?id=" + page)];
    expect(differences(a, b), page).toEqual([]);
    expect(b.links, page).toEqual(a.links);
  }
  await twins.end();
}

/** Follows links as a user does; each leads to the gateway. */
async function walk(): Promise<void> {
  const page = await browser.newPage();
  await page.goto(gateway!.site + "/doku.php?id=wiki:syntax");
  await page.locator("#dokuwiki__content a.wikilink1").first().click();
  await page.waitForURL((u) => u.origin === gateway!.site && u.searchParams.get("id") !== "wiki:syntax");
  await page.locator("#qsearch__in").fill("syntax");
  await page.locator("#qsearch__in").press("Enter");
  await page.waitForURL((u) => u.origin === gateway!.site && u.searchParams.get("do") === "search");
  await page.close();
}

it("is the same with its Host preserved", async () => {
  wiki = await startWiki("$conf['canonical'] = 1;");
  gateway = await startGateway(["serve", "--upstream", wiki.origin, "--preserve-host"]);
  await same(wiki.origin);
  await walk();
});

it("is the same under another name of its own, an alias", async () => {
  const port = await freePort();
  const name = `http://wiki.localhost:${port}`;
  wiki = await startWiki(`$conf['canonical'] = 1; $conf['baseurl'] = '${name}';`, port);
  gateway = await startGateway(["serve", "--upstream", wiki.origin, "--alias", name]);
  await same(name);
  await walk();
});
