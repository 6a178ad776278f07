import { request } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { Host } from "./origins-stage.ts";
import { pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// How far a page is changed: not at all, or by the capture tag alone.

// Windows-1252, a tag soup, links to the site's own name; each byte as it is.
const PAGE = Buffer.from(
  '\n<HTML><head><title>Gr\xF6\xDFe</title><meta http-equiv=content-type content="text/html; charset=windows-1252">' +
    "<link rel=stylesheet href='http://legacy.localhost:1/a.css'></head>\r\n<body><p id=p>a<b>b<i>c</b>d</i><a id=a href=http://legacy.localhost:1/next>next</a>" +
    '<img src="//legacy.localhost:1/x.png" srcset="http://legacy.localhost:1/y.png 2x"><input id=i><!-- <head> --><script>var s = "</head>"</script>\0\x80',
  "latin1",
);
const SHEET = "p { background: url(http://legacy.localhost:1/b.png) }";
const COOKIE = "a=b; Domain=legacy.localhost; Path=/; X-Odd";

let site: Host;
let browser: Browser;
let gateway: Gateway | undefined;

beforeAll(async () => {
  browser = await startBrowser();
  site = await Host.start("127.0.0.1", (req, res) => {
    if (req.url === "/sheet.css") return void res.writeHead(200, { "content-type": "text/css", etag: '"s"' }).end(SHEET);
    if (req.url === "/moved") return void res.writeHead(302, { location: "http://legacy.localhost:1/next" }).end();
    const headers = { "content-type": "text/html", "set-cookie": COOKIE, etag: '"p"', "content-security-policy": "object-src 'none'", "content-length": PAGE.length, "last-modified": "Mon, 01 Jan 2001 00:00:00 GMT" };
    if (req.headers["if-none-match"]) return void res.writeHead(304, { etag: '"p"' }).end();
    res.writeHead(200, headers).end(PAGE);
  });
});

afterEach(async () => {
  await gateway?.program.end();
  gateway = undefined;
});

afterAll(async () => {
  await browser?.close();
  await site?.end();
});

const start = async (extent: string) => (gateway = await startGateway(["serve", "--upstream", site.origin, "--host", "legacy.localhost:1", "--rewrite", extent]));

interface Answer { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }

/** Asks as a browser does for a page, and shows each byte. */
function ask(origin: string, path = "/", headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((done, fail) => {
    const asked = request(origin + path, { headers: { accept: "text/html", "sec-fetch-dest": "document", ...headers } }, (res) => {
      const parts: Buffer[] = [];
      res.on("data", (b: Buffer) => parts.push(b)).on("end", () => done({ status: res.statusCode!, headers: res.headers, body: Buffer.concat(parts) }));
    });
    asked.on("error", fail).end();
  });
}

async function open(): Promise<Page> {
  const page = await browser.newPage();
  await page.route("**/legacy.localhost:1/**", (r) => r.abort());
  await page.goto(gateway!.site);
  return page;
}

describe("--rewrite off", () => {
  it("passes pages, sheets, redirects, cookies and entity tags as they are", async () => {
    const { site: own } = await start("off");
    const [page, direct] = [await ask(own), await ask(site.origin)];
    expect(page.body.equals(PAGE)).toBe(true);
    for (const name of ["content-type", "content-length", "etag", "content-security-policy", "last-modified"]) expect(page.headers[name], name).toBe(direct.headers[name]);
    expect((await ask(own, "/", { "if-none-match": '"p"' })).status).toBe(304);
    expect((await ask(own, "/sheet.css")).body.toString()).toBe(SHEET);
  });

  it("adds nothing to the page that a browser shows", async () => {
    await start("off");
    const page = await open();
    expect(await page.evaluate(() => [document.scripts.length, document.querySelector("pillion-assist"), document.characterSet, document.title])).toEqual([1, null, "windows-1252", "Größe"]);
    await page.close();
  });
});

describe("--rewrite inject", () => {
  it("adds the tag alone", async () => {
    const { site: own } = await start("inject");
    const { body, headers } = await ask(own);
    const text = body.toString("latin1");
    const [tag] = /<script[^>]* src="[^"]*\/\.pillion\/capture\.js\?v=\w+"[^>]*><\/script>/.exec(text)!;
    expect(text.replace(tag, "")).toBe(PAGE.toString("latin1"));
    expect(text.indexOf(tag)).toBe(text.indexOf("<head>") + "<head>".length);
    expect(headers["etag"]).not.toBe('"p"');
    const again = await ask(own, "/", { "if-none-match": headers["etag"] as string });
    expect([again.status, again.headers["etag"]]).toEqual([304, headers["etag"]]);
    expect((await ask(own, "/sheet.css")).body.toString()).toBe(SHEET);
  });

  it("a session runs on such a page, and its links lead where they led", async () => {
    const { data } = await start("inject");
    await pillion(["account", "add", "Ann", "--role", "agent", "--data", data], "pass-word\n");
    const agent = await signIn(await browser.newContext(), gateway!, "Ann", "pass-word");
    const page = await open();
    await share(page, agent);
    await page.locator("#i").pressSequentially("Grüße");
    await sameAsMirror(page, agent);
    expect(await page.evaluate(() => document.querySelector<HTMLAnchorElement>("#a")!.href)).toBe("http://legacy.localhost:1/next");
    await page.locator("pillion-assist [data-action=end]").click();
    await agent.getByText("The session is over").waitFor();
    await page.close();
    await agent.close();
  });
});

it("what is said in headers is the gateway's name in any case", async () => {
  for (const extent of ["off", "inject"]) {
    const { site: own } = await start(extent);
    expect((await ask(own, "/moved")).headers["location"], extent).toBe(own + "/next");
    await gateway!.program.end();
    gateway = undefined;
  }
});
