import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Locator, Page } from "playwright-core";
import { allow, askForHelp, freePort, pillion, sameAsMirror, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// What a page did before anybody shared it, as far as its markup does not say
// so: places it scrolled to, rules that its scripts changed. Only what may have
// more than its markup is asked, since to ask is to wait for the layout.

const tall = `<div style="height:900px">tall</div>`;
const box = (id: string) => `<div id=${id} style="height:80px;width:200px;overflow:auto">${tall}</div>`;

const CONTENT = `<style id=reached>.r { color: rgb(1, 1, 1) }</style><style id=left>.l { color: rgb(2, 2, 2) }</style><link rel=stylesheet id=link href="/site.css">
<p class=r>reached</p><p class=l>left alone</p><p class=k>linked</p>
${box("box")}${box("still")}<div id=closed></div>
<div id=declared><template shadowrootmode=open>${box("within")}</template></div>
<iframe id=frame title=Frame srcdoc='<!DOCTYPE html>${box("deep").replaceAll('"', "&quot;")}'></iframe>
<textarea id=area rows=2>${"line\n".repeat(30)}</textarea><button id=button>Button</button><ul id=list></ul>
<div id=far style="height:2000px"></div>`;

const page = (script: string) => `<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Before</title></head><body>${CONTENT}<script>${script}</script></body></html>`;

/** What scripts of the page do, long before help is asked for. */
const DOES = `
  const closed = document.getElementById("closed").attachShadow({ mode: "closed" });
  closed.innerHTML = ${JSON.stringify(box("hidden"))};
  const rule = document.getElementById("reached").sheet.cssRules[0];
  rule.styleMap.set("color", "rgb(3, 3, 3)"); // by a way that nobody listens at
  for (const [at, top] of [[document.getElementById("box"), 300], [closed.getElementById("hidden"), 120], [document.getElementById("declared").shadowRoot.getElementById("within"), 130], [document.getElementById("area"), 40]]) at.scrollTop = top;
  addEventListener("load", () => (document.getElementById("frame").contentDocument.getElementById("deep").scrollTop = 140));
  window.closedBox = closed.getElementById("hidden");`;

const PAGES: Record<string, string> = {
  "/": page(DOES),
  "/opened": `<!DOCTYPE html><html lang=en><title>First</title><p>to be replaced<script>
    addEventListener("load", () => setTimeout(() => { document.open(); document.write(${JSON.stringify(page(DOES)).replaceAll("<", "\\u003c")}); document.close(); }, 50), { once: true });
  </script>`,
};

/** Runs before all scripts: notes who is asked for its place, and whose rules are read. */
const ASKED = () => {
  const asked = ((window as never as { asked: Set<string> }).asked = new Set<string>());
  const note = (of: object, name: string, id: (self: never) => string | undefined) => {
    const d = Object.getOwnPropertyDescriptor(of, name)!;
    const { get } = d;
    Object.defineProperty(of, name, { ...d, get(this: never) {
      asked.add(id(this) ?? "");
      return get!.call(this);
    } });
  };
  note(Element.prototype, "scrollTop", (el: Element) => el.id);
  note(CSSStyleSheet.prototype, "cssRules", (s: CSSStyleSheet) => (s.ownerNode as Element | null)?.id);
};

let site: Server;
let gateway: Gateway;
let browser: Browser;
let agent: Page;

beforeAll(async () => {
  const port = await freePort();
  site = createServer((req, res) => {
    const sheet = req.url === "/site.css";
    res.setHeader("content-type", sheet ? "text/css" : "text/html; charset=utf-8");
    res.end(sheet ? ".k { color: rgb(5, 5, 5) }" : (PAGES[req.url!] ?? "<title>none</title>"));
  }).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
});

const mirror = (selector: string): Locator => agent.frameLocator("[data-testid=mirror]").locator(selector);
const top = (at: Locator) => at.evaluate((el) => el.scrollTop);
const colour = (selector: string) => mirror(selector).evaluate((el) => getComputedStyle(el).color);

/** A page that has done its work, and is shared then. What it was asked up to there is returned. */
async function shared(path: string, last = () => {}): Promise<{ user: Page; asked: string[] }> {
  const user = await (await browser.newContext({ viewport: { width: 1000, height: 700 } })).newPage();
  await user.addInitScript(ASKED);
  await user.goto(gateway.site + path);
  await expect.poll(() => user.frameLocator("#frame").locator("#deep").evaluate((el) => el.scrollTop)).toBe(140);
  await user.waitForTimeout(300); // what it did is told by events
  await user.evaluate(last);
  await user.evaluate(() => (window as never as { asked: Set<string> }).asked.clear());
  const code = await askForHelp(user);
  await agent.goto(gateway.console);
  await agent.getByTestId("code-input").fill(code);
  await agent.getByTestId("join").click();
  await allow(user, "act");
  await mirror("#list").waitFor({ state: "attached" });
  // Before anything compares the pages: that asks everybody.
  return { user, asked: await user.evaluate(() => [...(window as never as { asked: Set<string> }).asked]) };
}

async function places(): Promise<number[]> {
  const deep = agent.frameLocator("[data-testid=mirror]").frameLocator("#frame").locator("#deep");
  return Promise.all([mirror("#box"), mirror("#hidden"), mirror("#within"), mirror("#area"), deep, mirror("#still")].map(top));
}

it("is what the agent sees: places in shadow roots, frames and fields, and rules", async () => {
  const { user } = await shared("/");
  await expect.poll(places).toEqual([300, 120, 130, 40, 140, 0]);
  expect([await colour(".r"), await colour(".l"), await colour(".k")]).toEqual(["rgb(3, 3, 3)", "rgb(2, 2, 2)", "rgb(5, 5, 5)"]);
  await sameAsMirror(user, agent);
  await user.context().close();
});

it("is asked only of elements and sheets that may have more than their markup", async () => {
  const { user, asked } = await shared("/", () => document.getElementById("list")!.setAttributeNS(null, "Data-Odd", "capitals"));
  expect(asked).toEqual(expect.arrayContaining(["box", "hidden", "within", "deep", "area", "reached"]));
  expect(asked.filter((id) => /^(still|list|far|closed|declared|button|left|link)$/.test(id))).toEqual([]);
  expect(await mirror("#list").getAttribute("data-odd")).toBe("capitals"); // its name is asked for, which does not find it
  await user.context().close();
});

it("is heard in a document that was opened anew by a script, too", async () => {
  const { user } = await shared("/opened");
  await expect.poll(places).toEqual([300, 120, 130, 40, 140, 0]);
  expect(await colour(".r")).toBe("rgb(3, 3, 3)");
  await sameAsMirror(user, agent);
  await user.context().close();
});

it("goes on: what is scrolled as it comes into the page, and rules of a linked sheet", async () => {
  const { user } = await shared("/");
  await user.evaluate(() => {
    for (const root of [document, document.getElementById("declared")!.shadowRoot!, (document.getElementById("frame") as HTMLIFrameElement).contentDocument!]) {
      const fresh = document.getElementById("still")!.cloneNode(true) as HTMLElement;
      fresh.id = "fresh";
      (root === document ? document.getElementById("list")! : root.querySelector("div")!.parentNode!).append(fresh);
      fresh.scrollTop = 77;
    }
  });
  await expect.poll(() => top(mirror("#list #fresh"))).toBe(77);
  await expect.poll(() => top(mirror("#declared #fresh"))).toBe(77);
  await expect.poll(() => top(agent.frameLocator("[data-testid=mirror]").frameLocator("#frame").locator("#fresh"))).toBe(77);
  // The sheet is read once when the state is out: what it is by then is no change.
  let n = 0;
  await expect.poll(async () => {
    await user.evaluate((red) => {
      const rule = (document.getElementById("link") as HTMLLinkElement).sheet!.cssRules[0] as CSSStyleRule;
      rule.styleMap.set("color", `rgb(${red}, 9, 9)`);
    }, ++n);
    return colour(".k");
  }).toMatch(/^rgb\(\d+, 9, 9\)$/);
  await user.context().close();
});
