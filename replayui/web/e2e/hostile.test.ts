import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { Writer } from "../src/page/writer.ts";
import { freePort, pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// A page is hostile input: anybody can send a forged one. Nothing of it may run
// in the viewer, and nothing may be asked of anybody but the archive.

let site: Server;
let evil: Server;
let evilPort = 0;
const asked: string[] = [];
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;
let session: string;

type Forged = [name: string, attrs: Record<string, string>, children?: (Forged | string)[], ns?: "svg"];

function payloads(): Forged[] {
  const run = "parent.pwned = top.pwned = window.pwned = 1";
  const at = `http://127.0.0.1:${evilPort}`;
  return [
    ["script", {}, [run]],
    ["SCRIPT", { src: `${at}/script` }],
    ["img", { src: "x", onerror: run }],
    ["img", { src: `${at}/img`, srcset: `${at}/srcset 1x` }],
    ["svg", { onload: run }, [["script", {}, [run], "svg"], ["image", { href: `${at}/image` }, [], "svg"], ["use", { href: `${at}/use#x` }, [], "svg"], ["set", { attributeName: "href", to: `javascript:${run}` }, [], "svg"]], "svg"],
    ["a", { href: `javascript:${run}`, id: "bad-link" }, ["click"]],
    ["a", { href: `\u0001java\nscript:${run}` }, ["click"]],
    ["iframe", { src: `javascript:${run}`, srcdoc: `<script>${run}</script>` }],
    ["iframe", { src: `${at}/iframe` }],
    ["object", { data: `${at}/object` }],
    ["embed", { src: `${at}/embed` }],
    ["base", { href: at }],
    ["meta", { "http-equiv": "refresh", content: `0;url=${at}/refresh` }],
    ["link", { rel: "stylesheet", href: `${at}/sheet` }],
    ["link", { rel: "preload prefetch", as: "script", href: `${at}/preload` }],
    ["link", { rel: "import", href: `${at}/import` }],
    ["style", {}, [`@import "${at}/css-import"; * { background: url(${at}/css) } @font-face { font-family: x; src: url(${at}/font) } body { font-family: x }`]],
    ["div", { style: `background: url(${at}/style)`, onclick: run, onpointerover: run, autofocus: "", onfocus: run, tabindex: "0" }, ["x"]],
    ["form", { action: `javascript:${run}` }, [["button", { formaction: `javascript:${run}`, type: "submit" }, ["go"]]]],
    ["input", { type: "image", src: `${at}/input`, onerror: run }],
    ["video", { src: `${at}/video`, poster: `${at}/poster`, autoplay: "" }],
    ["audio", { src: `${at}/audio`, autoplay: "" }],
    ["details", { open: "", ontoggle: run }, ["x"]],
    ["marquee", { onstart: run }, ["x"]],
    ["body", { onload: run, background: `${at}/background` }],
    ["math", {}, [["a", { "xlink:href": `javascript:${run}` }, ["x"]]]],
  ];
}

/** A page state, written by hand: the capture script would not. */
function state(): number[] {
  const w = new Writer();
  let id = 0;
  w.u8(1);
  for (const v of [0, 900, 600, 100, 100]) w.uint(v);
  w.str("forged");
  const head = (kind: number) => {
    w.u8(kind);
    w.nodeId(++id);
  };
  const ids = new Map<string, number>();
  const write = (n: Forged | string) => {
    if (typeof n === "string") {
      head(2);
      w.str(n);
      return;
    }
    const [name, attrs, children = [], ns] = n;
    head(1 | (ns ? 0x40 : 0));
    if (!ids.has(name)) ids.set(name, id);
    w.str(name);
    const list = Object.entries(attrs);
    w.uint(list.length);
    for (const [k, v] of list) {
      w.str(k);
      w.str(v);
    }
    w.uint(children.length);
    children.forEach(write);
  };
  head(5);
  w.uint(0);
  w.str("http://x/");
  w.str("http://x/");
  w.uint(1);
  write(["html", {}, [["body", { id: "forged" }, payloads()]]]);
  events(w, (name) => ids.get(name)!);
  return [1, 1, 0, ...w.bytes()];
}

/** Events that lead out, run or mislead if a viewer takes them at their word. */
function events(w: Writer, id: (name: string) => number): void {
  const at = `http://127.0.0.1:${evilPort}`;
  const run = "parent.pwned = top.pwned = window.pwned = 1";
  const list: [op: number, body: (number | string | string[])[]][] = [
    [21, [id("style"), [`@import "${at}/rule-import";`, `* { background: url("${at}/rule") }`, `@font-face { font-family: y; src: url(${at}/rule-font) }`, "} body { color: red"]]],
    [38, [id("link"), 2, `screen, url(${at}/media)`]],
    [40, [id("iframe"), 0, 0, `<script>${run}</script><img src=${at}/label onerror="${run}">`]],
    [40, [id("object"), 1e9, 1e9, `<img src=${at}/label2 onerror="${run}">`]],
    [41, [id("div"), ["fullscreen", "hover", `x"] { } * { background: url(${at}/state)`, "state(a) b", "invalid"]]],
    [42, [id("div"), [
      `{"k":[{"backgroundImage":"url(${at}/frame)","offset":0},{"backgroundImage":"u\\u0072l(${at}/frame2)","offset":1}],"t":{"duration":1000,"iterations":null},"c":0,"s":"running"}`,
      `{"k":[{"backgroundImage":"\\\\75rl(${at}/frame3)"}],"t":{"duration":1e308,"delay":-1e308},"c":1e308,"s":"paused","r":1e308}`, `{"n":"__proto__","t":{"pseudoElement":"::before"}}`, "[[[", "null", "7",
    ]]],
    [43, [id("a"), [] as string[]]],
    [45, [1, ["script", "x-y", "X-Y", "constructor", `x-${"y".repeat(10_000)}`, "x-<b>"]]],
    [46, [id("img"), 1000, `${at}/current 1x, ${at}/current2`]],
    [46, [id("img"), 0, `javascript:${run}`]],
    [46, [id("div"), 1000, `${at}/current3`]],
  ];
  w.uint(list.length);
  for (const [op, body] of list) {
    w.u8(op);
    for (const part of body) {
      if (typeof part === "number") w.uint(part);
      else if (typeof part === "string") w.str(part);
      else {
        w.uint(part.length);
        for (const s of part) w.str(s);
      }
    }
  }
}

beforeAll(async () => {
  evilPort = await freePort();
  evil = createServer((req, res) => {
    asked.push(req.url ?? "");
    res.setHeader("access-control-allow-origin", "*").end("pwned = 1");
  }).listen(evilPort, "127.0.0.1");
  const port = await freePort();
  site = createServer((_, res) => res.setHeader("content-type", "text/html").end("<!DOCTYPE html><title>t</title><p>page")).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  user = await (await browser.newContext()).newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
  evil?.close();
});

async function nothingHappened(frame: string): Promise<void> {
  const page = agent.frameLocator(`[data-testid=${frame}]`);
  await page.locator("#forged").waitFor({ state: "attached" });
  await expect.poll(() => page.locator("[pillion-is~=hover]").count()).toBe(1); // the forged events were applied
  await page.locator("#bad-link").dispatchEvent("click");
  await page.locator("button").first().dispatchEvent("click");
  await agent.waitForTimeout(700);
  expect(await agent.evaluate(() => (window as unknown as { pwned?: number }).pwned)).toBeUndefined();
  expect(asked).toEqual([]);
  for (const bad of ["script", "base", "object", "embed", "[onerror]", "[onload]", "[srcdoc]", "[http-equiv]"]) {
    expect(await page.locator(`:root ${bad}`).count(), bad).toBe(0);
  }
}

it("runs nothing of a forged page in the agent's console", async () => {
  await user.goto(gateway.site + "/");
  session = await share(user, agent);
  await user.evaluate(async (bytes) => {
    const { ticket } = (await (await fetch("/.pillion/session", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" })).json()) as { ticket: string };
    const s = new WebSocket(`ws://${location.host}/.pillion/socket?ticket=${ticket}`);
    s.onopen = () => {
      s.send(`{"type":"hello","page":0,"url":"http://x/","title":"forged"}`);
      s.send(new Uint8Array(bytes));
    };
  }, state());
  await nothingHappened("mirror");
});

it("runs nothing of it in the player", async () => {
  await agent.getByTestId("end").click();
  await agent.getByTestId("end-confirm").click();
  await agent.getByText("The session is over").waitFor();
  await agent.goto(`${gateway.console}/replay/${session}`);
  await agent.getByTestId("event-row").first().waitFor();
  await agent.evaluate(() => window.pillionPlayer!.seek(window.pillionPlayer!.duration));
  await nothingHappened("page");
});

it("answers a viewer's frame with a policy that alone is enough", async () => {
  const policy = (await agent.request.get(gateway.console + "/frame")).headers()["content-security-policy"]!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("script-src");
  expect(policy).toContain("form-action 'none'");
  expect(policy).toContain("base-uri 'none'");
});
