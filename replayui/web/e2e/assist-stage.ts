// What the tests of the element on the user's page stand on: a site with hard
// corners, people, and what an agent shows.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import type { Browser, Locator, Page } from "playwright-core";
import type { Level, Shape } from "../src/protocol/format.ts";
import { AgentSocket } from "./agent-socket.ts";
import { offences, pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

const HOSTILE = `<style>
  html * { all: unset !important; --a: red !important }
  div, section, button, h2, p, pillion-assist { display: none !important; pointer-events: none !important }
  pillion-assist { display: none !important; visibility: hidden !important; opacity: 0 !important; transform: scale(0) !important; --a: red !important; color: red !important }
  html { direction: rtl; transform: translateX(40px) }
</style>`;

const PAGE = `<title>Form</title><style>body { font: 16px sans-serif; margin: 20px } label { display: block; margin: 8px 0 }</style><main><h1>Form</h1>
  <label>Name <input id=name value=Ann></label>
  <label>Town <select id=town><option>Here<option>There</select></label>
  <label>Remarks <textarea id=remarks></textarea></label>
  <label>Day <input id=day type=date value=2026-01-02></label>
  <a href="/de" id=link>Auf Deutsch</a>
  <div id=inner style="height: 120px; width: 300px; overflow: auto; border: 2px solid"><div style="height: 200px"></div><button id=deep>Deep</button><div style="height: 300px"></div></div>
  <div id=host></div>
  <iframe id=frame style="margin: 10px; border: 7px solid grey; padding: 5px; width: 300px; height: 130px; transform: scale(.9)" title=Frame src="/inner"></iframe>
  <div style="height: 2000px"></div></main>
  <script>
    host.attachShadow({ mode: "closed" }).innerHTML = "<p><button id=shadowed>In a shadow</button></p>";
    keys = [];
    for (const name of ["keydown", "keyup", "keypress", "click", "beforeinput", "input", "mousedown", "focus", "focusin", "paste"])
      for (const at of /key|click/.test(name) ? [window, document] : [document]) at.addEventListener(name, (e) => keys.push((e.target.localName ?? "") + " " + name + " " + (e.key ?? "")), true);
  </script>`;

const PAGES: Record<string, string> = {
  "/": `<!DOCTYPE html><html lang=en-GB>${PAGE}`,
  "/phone": `<!DOCTYPE html><html lang=en-GB><meta name=viewport content="width=device-width">${PAGE}`,
  "/de": `<!DOCTYPE html><html lang=de-AT>${PAGE}`,
  "/fr": `<!DOCTYPE html><html lang=fr>${PAGE}`,
  "/es": `<!DOCTYPE html><html lang=es>${PAGE}`,
  "/own": `<!DOCTYPE html><html lang=en><title>Own</title><main><h1>Own</h1><div id=help>Ask us</div> <p>text</main>`,
  "/inner": `<!DOCTYPE html><html lang=en><title>Inner</title><p style="margin-top: 150px"><label>Inner <input id=within></label>`,
  "/hostile": `<!DOCTYPE html><html lang=en><title>Hostile</title>${HOSTILE}<b>text</b>`,
  "/modal": `<!DOCTYPE html><html lang=en><title>Modal</title><main><h1>Modal</h1><dialog id=d style="transform: rotate(1deg)"><label>In it <input></label></dialog></main>`,
};

/** Serves the pages of the tests. */
function startForms(): Promise<Server> {
  const site = createServer((req, res) => {
    const page = PAGES[req.url!.split("?")[0]!];
    if (page) res.setHeader("content-type", "text/html; charset=utf-8").end(page);
    else res.writeHead(404).end();
  });
  return new Promise((done) => site.listen(0, "127.0.0.1", () => done(site)));
}

const shots = process.env["SHOTS"];

/** A gateway before the site, a user and an agent. */
export class Assisted {
  private constructor(readonly site: Server, readonly flags: string[], public gateway: Gateway, readonly browser: Browser, readonly user: Page, readonly agent: Page) {}

  static async start(more: string[] = []): Promise<Assisted> {
    const site = await startForms();
    const flags = ["serve", "--upstream", `http://127.0.0.1:${(site.address() as AddressInfo).port}`, ...more];
    const gateway = await startGateway(flags);
    for (const [name, role] of [["Ann Agent", "agent"], ["Susan", "supervisor"]]) {
      await pillion(["account", "add", name!, "--role", role!, "--data", gateway.data], "pass-word\n");
    }
    const browser = await startBrowser();
    const user = await (await browser.newContext({ viewport: { width: 1000, height: 700 } })).newPage();
    const agent = await Assisted.console(browser, gateway, "Ann Agent");
    return new Assisted(site, flags, gateway, browser, user, agent);
  }

  private static async console(browser: Browser, gateway: Gateway, name: string): Promise<Page> {
    return signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, name, "pass-word");
  }

  console(name: string): Promise<Page> {
    return Assisted.console(this.browser, this.gateway, name);
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.gateway.program.end();
    this.site.close();
  }

  /** Ends the session, if one is on. */
  async calm(): Promise<void> {
    const end = this.part("[data-action=end]");
    if (await end.isVisible()) await end.click();
    await this.agent.goto(this.gateway.console);
  }

  /** What there is in our element. */
  part(selector: string, page = this.user): Locator {
    return page.locator("pillion-assist").locator(selector);
  }

  /** Looks at a state: nothing for axe to find, and a picture where one is wanted. */
  async look(name: string, page = this.user): Promise<void> {
    await page.waitForTimeout(250); // it moves in
    if (shots) await page.screenshot({ path: `${shots}/assist-${name}.png` });
    expect(await offences(page, "pillion-assist", ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]), name).toEqual([]);
  }

  /** Shares a page, and takes a second connection for the agent. */
  async shared(level: Level, path = "/"): Promise<AgentSocket> {
    await this.user.goto(this.gateway.site + path);
    return AgentSocket.connect(this.agent, await share(this.user, this.agent, level));
  }
}

/** Draws on the element with an id; the same number again replaces what was drawn. */
export async function draws(hand: AgentSocket, number: number, shape: Shape, id: string, points: number[] = []): Promise<void> {
  const node = await hand.node(id);
  await hand.send({ type: "draw", page: hand.page, drawing: { id: number, shape, node, points } });
}

/** Points at the middle of the element with an id. */
export async function points(hand: AgentSocket, id: string, down = false): Promise<void> {
  const node = await hand.node(id);
  await hand.send({ type: "pointer", page: hand.page, node, x: 0.5, y: 0.5, vx: 5, vy: 5, down });
}
