import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { difference, startBrowser, startGateway, type Gateway } from "./stage.ts";
import { startWiki, type Wiki } from "./wiki.ts";

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

interface Visit { trouble: string[]; look: Buffer; markup: string }

/** Opens a page and notes what goes wrong; addresses are told without their origin. */
async function visit(page: Page, origin: string, path: string): Promise<Visit> {
  const trouble: string[] = [];
  const short = (text: string) => text.replaceAll(origin, "").replaceAll(wiki.origin, "");
  const note = (text: string) => trouble.push(short(text));
  page.on("console", (m) => m.type() === "error" && note("console: " + m.text()));
  page.on("pageerror", (e) => note("error: " + e.message));
  page.on("requestfailed", (r) => note(`failed: ${r.url()} ${r.failure()?.errorText}`));
  page.on("response", (r) => r.status() >= 400 && note(`${r.status()} ${r.url()}`));
  await page.goto(`${origin}/${path}`, { waitUntil: "networkidle" });
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.evaluate(() => {
    const own = document.querySelector("pillion-assist")?.shadowRoot?.firstElementChild as HTMLElement | undefined;
    if (own) own.style.visibility = "hidden";
  });
  const look = await page.screenshot();
  // Tokens and times differ from one answer to the next.
  const markup = short(await (await page.request.get(`${origin}/${path}`, { headers: { "sec-fetch-dest": "document" } })).text())
    .replace(/<script src="\/\.pillion\/capture\.js\?v=\w+"><\/script>/, "")
    .replace(/(sectok|value|[?&]\d{10}|tseed|tok)(="?[0-9a-f]*|)/g, "$1")
    .replace(/\d{9,}|\d+ \w+ ago/g, "N");
  page.removeAllListeners();
  return { trouble: trouble.map((t) => t.replace(/\d{9,}/g, "N")).sort(), look, markup };
}

it.each(PAGES)("%s is as it is without the gateway", async (path) => {
  const options = { viewport: { width: 1100, height: 760 } };
  const [direct, through] = [await browser.newContext(options), await browser.newContext(options)];
  const a = await visit(await direct.newPage(), wiki.origin, path);
  const b = await visit(await through.newPage(), gateway.site, path);
  expect(b.trouble).toEqual(a.trouble);
  expect(b.markup).toBe(a.markup);
  expect(difference(a.look, b.look)).toBeLessThan(0.001);
  await direct.close();
  await through.close();
});
