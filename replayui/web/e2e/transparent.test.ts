import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser } from "playwright-core";
import { differences, openTwins } from "./compare-visit.ts";
import { startBrowser, startGateway, type Gateway } from "./stage.ts";
import { startWiki, steadyWiki, type Wiki } from "./wiki.ts";

// The site comes first: through the gateway every page is as it is without us.

// Not the editor: the first visitor locks a page for the second.
const PAGES = ["doku.php?id=start", "doku.php?id=wiki:syntax", "doku.php?id=wiki:welcome", "doku.php?id=start&do=index", "doku.php?id=start&do=recent", "doku.php?id=start&do=media", "doku.php?id=start&do=search&q=wiki", "doku.php?id=start&do=login", "doku.php?id=wiki:syntax&do=revisions"];

let wiki: Wiki;
let gateway: Gateway;
let browser: Browser;

beforeAll(async () => {
  wiki = await startWiki();
  gateway = await startGateway(["serve", "--upstream", wiki.origin]);
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  await wiki?.program.end();
});

it.each(PAGES)("%s is as it is without the gateway", async (path) => {
  const twins = await openTwins(browser, wiki.origin, gateway.site, steadyWiki);
  expect(differences(await twins.direct.visit("/" + path), await twins.through.visit("/" + path))).toEqual([]);
  await twins.end();
});
