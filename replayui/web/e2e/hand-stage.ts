// What the tests of the agents' hand stand on: pages of many kinds behind a
// gateway, a user, an agent with a console and a socket of their own.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Browser, Page } from "playwright-core";
import { AgentSocket, type Answer } from "./agent-socket.ts";
import { Cable } from "./cable.ts";
import { Fixtures } from "./fixtures.ts";
import { pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

export const YES: Answer = { outcome: "confirmed" };
export const no = (reason: string) => ({ outcome: "denied", reason }) as Answer;

export class HandStage {
  /** what went wrong on the user's page */
  readonly errors: string[] = [];

  private constructor(
    readonly site: Fixtures, private readonly gateway: Gateway, readonly cable: Cable, private readonly browser: Browser,
    readonly user: Page, readonly agent: Page, readonly hand: AgentSocket,
  ) {
    user.on("pageerror", (e) => this.errors.push(String(e)));
  }

  static async start(): Promise<HandStage> {
    const site = await Fixtures.start();
    const data = mkdtempSync(join(tmpdir(), "pillion-actions-"));
    writeFileSync(join(data, "config.yaml"), `assist:\n  ask: ["[data-operator]"]\n`);
    const gateway = await startGateway(["serve", "--upstream", site.origin, "--config", join(data, "config.yaml")], data);
    const cable = await Cable.to(gateway.listen[0]!);
    await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
    const browser = await startBrowser();
    const user = await (await browser.newContext({ viewport: { width: 1000, height: 900 } })).newPage();
    const agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
    await user.goto(cable.site + "/plain");
    const hand = await AgentSocket.connect(agent, await share(user, agent));
    return new HandStage(site, gateway, cable, browser, user, agent, hand);
  }

  async end(): Promise<void> {
    await this.browser.close();
    this.cable.end();
    await this.gateway.program.end();
    this.site.end();
  }

  /** Opens a page of the site, and waits until its scripts ran and both sides have it. */
  open = async (path: string): Promise<void> => {
    const { page } = this.hand;
    await this.user.goto(this.cable.site + path);
    if (path === "/plain") await this.user.waitForFunction("window.heard && document.getElementById('frame').contentDocument?.getElementById('fb')");
    await this.hand.until(() => this.hand.page > page && this.hand.nodes.named("html") > 0, "the page");
    await this.same();
  };

  /** Waits until the mirror has the page, and the agent has seen what it shows. */
  same = async (): Promise<void> => {
    await sameAsMirror(this.user, this.agent);
    for (let before = -1; before !== this.hand.seen; ) {
      before = this.hand.seen;
      await this.user.waitForTimeout(60);
    }
  };

  /** Does as an agent would, and looks at both sides afterwards. */
  does = async (id: string | number, action: string, value = ""): Promise<void> => {
    expect(await this.hand.request(id, action, value), `${action} ${id} ${value}`).toMatchObject(YES);
    await this.same();
  };

  /** Asks for something, answers the user's question, and returns what comes of it. */
  asks = async (id: string | number, action: string, value: string, answer: "allow" | "deny", edit?: string): Promise<Answer> => {
    const asked = await this.hand.ask(typeof id === "number" ? id : await this.hand.node(id), action, value);
    expect(asked.reason).toBeUndefined();
    const card = this.user.locator(`pillion-assist [data-role=confirm][data-request="${asked.id}"]`);
    const field = card.locator("[data-role=edit]");
    if (edit !== undefined) await (action === "select" ? field.selectOption(edit.split(",")) : field.fill(edit));
    await card.locator(`[data-action=${answer}]`).click();
    return this.hand.answer(asked.id);
  };

  value = (id: string): Promise<string> => this.user.locator("#" + id).inputValue();

  /** The id of the element that has the focus, within frames and open shadow roots. */
  active = (): Promise<string> => this.user.evaluate(() => {
    let el = document.activeElement;
    for (let inner = el; inner; ) {
      el = inner;
      inner = el.shadowRoot?.activeElement ?? (el as HTMLIFrameElement).contentDocument?.activeElement ?? null;
      if (inner?.localName === "body") inner = null;
    }
    return el?.id ?? "";
  });
}
