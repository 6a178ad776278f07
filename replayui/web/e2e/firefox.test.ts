import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import type { Browser as Firefox, Page as FirefoxPage } from "puppeteer-core";
import { codeIn, pressIn, startFirefox, until } from "./firefox.ts";
import { askForHelp, freePort, linesIn, linesOf, pillion, signIn, startBrowser, startGateway, waitSame, type Gateway } from "./stage.ts";

// One of the two has Firefox, the other Chromium: what browsers do otherwise makes no difference.

const PAGE = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Two browsers</title>
<style id="sheet">.a { color: rgb(1, 2, 3) } p:hover { color: rgb(200, 0, 0) }</style></head><body>
<div id="open-host"></div><div id="closed-host"></div>
<form><label>Name <input id="name"></label><input id="day" type="date"><input id="pw" type="password" value="never-told"><input id="tick" type="checkbox"><input type="radio" name="r" id="r1" checked><input type="radio" name="r" id="r2">
<select id="one"><option>a<option>b</select><select id="many" multiple><option>one<option selected>two<option>three</select><textarea id="area">text</textarea></form>
<ul id="list"><li>1<li>2<li>3<li>4</ul><div id="box" style="height:60px;overflow:auto"><div style="height:700px">tall</div></div>
<dialog id="dialog">A dialog</dialog><div id="pop" popover>A popover</div><canvas id="canvas" width="40" height="30"></canvas>
<iframe id="frame" srcdoc="<!DOCTYPE html><p>in a frame<input id=inner>"></iframe><p id="text">A text 😀 of some length, so that parts of it are told and not the whole of it each time.</p>
<div data-pillion-mask id="hidden-part">never-told either</div><div id="rich" contenteditable>rich</div><div style="height:2000px">far</div>
<script>
document.getElementById("open-host").attachShadow({mode: "open"}).innerHTML = "<p>open</p><slot></slot>";
window.shut = document.getElementById("closed-host").attachShadow({mode: "closed"}); shut.innerHTML = "<input id=deep>";
document.getElementById("sheet").sheet.insertRule(".b { color: rgb(11, 12, 13) }", 0);
const pen = document.getElementById("canvas").getContext("2d"); pen.fillStyle = "rgb(200, 10, 10)"; pen.fillRect(0, 0, 40, 30);
</script></body></html>`;

/** What a page does, in the page itself. */
const CHANGES: [name: string, act: () => void][] = [
  ["values by script", () => {
    (document.getElementById("area") as HTMLTextAreaElement).value = "set by script";
    (document.getElementById("tick") as HTMLInputElement).checked = true;
    (document.getElementById("many") as HTMLSelectElement).options[2]!.selected = true;
    (document.getElementById("day") as HTMLInputElement).value = "2026-02-03";
  }],
  ["a list turned round", () => [...document.getElementById("list")!.children].reverse().forEach((li) => document.getElementById("list")!.append(li))],
  ["a closed shadow root", () => ((window as never as { shut: ShadowRoot }).shut.querySelector("input")!.value = "deep")],
  ["rules", () => (document.getElementById("sheet") as HTMLStyleElement).sheet!.insertRule("#text { color: rgb(9, 8, 7) }", 0)],
  ["a modal dialog", () => (document.getElementById("dialog") as HTMLDialogElement).showModal()],
  ["and closed", () => (document.getElementById("dialog") as HTMLDialogElement).close()],
  ["a popover", () => document.getElementById("pop")!.showPopover()],
  ["a text spliced", () => ((document.getElementById("text")!.firstChild as Text).data = "A text 😃 of some length, and so that parts of it are told and not the whole of it each time.")],
  ["scrolled", () => { document.getElementById("box")!.scrollTop = 200; scrollTo(0, 300); }],
  ["in a frame", () => ((document.getElementById("frame") as HTMLIFrameElement).contentDocument!.body.innerHTML = "<h1>new</h1><input value=x>")],
  ["a form reset", () => document.forms[0]!.reset()],
  ["written anew", () => { document.open(); document.write("<!DOCTYPE html><title>w</title><p>written<input id=name>"); document.close(); }],
];

let site: Server;
let gateway: Gateway;
let chromium: Browser;
let firefox: Firefox;

beforeAll(async () => {
  const port = await freePort();
  site = createServer((req, res) => {
    res.setHeader("content-type", "text/html; charset=utf-8");
    if (req.url === "/strict") res.setHeader("content-security-policy", "default-src 'none'; script-src 'nonce-own' 'strict-dynamic'; require-trusted-types-for 'script'");
    if (req.url === "/own") res.setHeader("content-security-policy", "default-src 'self'");
    res.end(PAGE);
  }).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  [chromium, firefox] = await Promise.all([startBrowser(), startFirefox()]);
});

afterAll(async () => {
  await firefox?.close();
  await chromium?.close();
  await gateway?.program.end();
  site?.close();
});

const all = () => gateway.program.output;

it("a user with Firefox is seen by an agent with Chromium", async () => {
  const user = await firefox.newPage();
  await user.setViewport({ width: 1000, height: 700 });
  const agent = await signIn(await chromium.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
  const same = (name: string) => waitSame(() => linesOf(user as never as Page), () => linesIn(agent, "mirror")).catch((e: Error) => {
    throw new Error(`after “${name}”: ${e.message}`);
  });
  await user.goto(gateway.site + "/");
  await user.type("#name", "Maria");
  await pressIn(user, "[data-action=request]");
  await agent.getByTestId("code-input").fill(await codeIn(user));
  await agent.getByTestId("join").click();
  await pressIn(user, "[data-role=consent] [name=level][value=propose]");
  await pressIn(user, "[data-role=consent] [data-action=allow]");
  await same("the state");
  expect((await linesIn(agent, "mirror")).join("\n")).not.toContain("never-told");
  await user.type("#rich", "typed ");
  await user.select("#one", "b");
  await user.click("#r2");
  await same("typing");
  for (const [name, act] of CHANGES) {
    await user.evaluate(act);
    await same(name);
  }
  for (const path of ["/strict", "/own"]) {
    await user.goto(gateway.site + path);
    await same(path);
  }
  await new Promise((done) => setTimeout(done, 5500)); // a digest is compared
  expect(all()).not.toContain("sent again");
  await user.goBack();
  await same("back");
  await pressIn(user, "[data-action=end]");
  await agent.getByText("The session is over").waitFor();
  await user.close();
  await agent.context().close();
});

/** Waits for something on the console in Firefox. */
const there = (page: FirefoxPage, id: string) => page.waitForSelector(`[data-testid=${id}]`);

it("a user with Chromium is seen, and helped, by an agent with Firefox", async () => {
  const agent = await firefox.newPage();
  await agent.setViewport({ width: 1400, height: 900 });
  const user = await (await chromium.newContext({ viewport: { width: 1000, height: 700 } })).newPage();
  const same = (name: string) => waitSame(() => linesOf(user), () => linesIn(agent as never as Page, "mirror")).catch((e: Error) => {
    throw new Error(`after “${name}”: ${e.message}`);
  });
  await agent.goto(gateway.console + "/");
  await (await there(agent, "name"))!.type("Ann");
  await (await there(agent, "password"))!.type("pass-word");
  await (await there(agent, "signin"))!.click();
  await there(agent, "code-input");
  await user.goto(gateway.site + "/");
  await (await there(agent, "code-input"))!.type(await askForHelp(user));
  await (await there(agent, "join"))!.click();
  await user.locator("pillion-assist [data-role=consent] [name=level][value=act]").check();
  await user.locator("pillion-assist [data-role=consent] [data-action=allow]").click();
  await until(() => agent.evaluate(() => !!document.querySelector<HTMLIFrameElement>("[data-testid=mirror]")?.contentDocument?.getElementById("name")));
  await same("the state");
  const at = await agent.evaluate(() => {
    const frame = document.querySelector<HTMLIFrameElement>("[data-testid=mirror]")!;
    const [f, r] = [frame.getBoundingClientRect(), frame.contentDocument!.getElementById("name")!.getBoundingClientRect()];
    const scale = f.width / frame.offsetWidth;
    return { x: f.left + (r.left + r.width / 2) * scale, y: f.top + (r.top + r.height / 2) * scale };
  });
  await agent.mouse.click(at.x, at.y);
  await (await there(agent, "editor"))!.type("Maria");
  await agent.keyboard.press("Enter");
  await expect.poll(() => user.locator("#name").inputValue()).toBe("Maria");
  await same("filled in by the agent");
  for (const [name, act] of CHANGES) {
    await user.evaluate(act);
    await same(name);
  }
  expect(all()).not.toContain("sent again");
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.close();
});
