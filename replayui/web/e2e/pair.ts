import { expect } from "vitest";
import type { Browser, Locator, Page } from "playwright-core";
import type { Level } from "../src/protocol/format.ts";
import { samePicture, sameLooks } from "./same.ts";
import { pillion, Seen, share, signIn, startGateway, type Gateway } from "./stage.ts";

/** A user and an agent who do a task together; after each step the mirror is compared with the page in every way. */
export class Pair {
  readonly seen: Seen;
  session = "";

  private constructor(readonly gateway: Gateway, readonly user: Page, readonly agent: Page) {
    this.seen = new Seen(user, agent, gateway);
  }

  /** A gateway in front of a site, and two browsers' windows. */
  static async open(browser: Browser, upstream: string, options: string[] = []): Promise<Pair> {
    const gateway = await startGateway(["serve", "--upstream", upstream, ...options]);
    for (const [name, role] of [["Ann", "agent"], ["Otto", "auditor"]] as const) {
      await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n");
    }
    const user = await (await browser.newContext({ viewport: { width: 1000, height: 700 }, reducedMotion: "reduce" })).newPage();
    const agent = await signIn(await browser.newContext({ viewport: { width: 1500, height: 900 } }), gateway, "Ann", "pass-word");
    return new Pair(gateway, user, agent);
  }

  async share(path: string, level: Level = "propose"): Promise<void> {
    await this.user.goto(this.gateway.site + path);
    this.session = await share(this.user, this.agent, level);
  }

  /** What the mirror shows. */
  mirror(selector: string, frame = ""): Locator {
    const mirror = this.agent.frameLocator("[data-testid=mirror]");
    return (frame ? mirror.frameLocator(frame) : mirror).locator(selector).first();
  }

  /** The agent clicks an element, through what lies above the mirror. */
  async clicks(selector: string): Promise<void> {
    await this.mirror(selector).scrollIntoViewIfNeeded();
    const box = (await this.mirror(selector).boundingBox())!;
    await this.agent.mouse.click(box.x + Math.min(box.width / 2, 200), box.y + box.height / 2);
  }

  /** The agent fills a field in by the console's editor. */
  async fills(selector: string, value: string): Promise<void> {
    await this.clicks(selector);
    const editor = this.agent.getByTestId("editor");
    await editor.fill(value);
    const many = (await editor.evaluate((el) => el.localName)) === "textarea";
    await editor.press(many ? "Control+Enter" : "Enter");
  }

  /** The agent chooses an option, from the list that the console shows. */
  async chooses(selector: string, option: string): Promise<void> {
    await this.clicks(selector);
    await this.agent.getByTestId("editor").getByRole("option", { name: option, exact: true }).click();
  }

  /** The user's answer to what the agent proposed. */
  async answers(how: "allow" | "deny", edited?: string): Promise<void> {
    const question = this.user.locator("pillion-assist [data-role=confirm]").first();
    await question.waitFor();
    if (edited !== undefined) await question.locator("[data-role=edit]").fill(edited);
    await question.locator(`[data-action=${how}]`).click();
  }

  /** Does something; then everything asked is answered and the mirror is the page: tree, forms, styles, picture. */
  async step(name: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
      await expect.poll(() => this.agent.getByTestId("pending").count()).toBe(0);
      await this.seen.remember(name);
      await sameLooks(this.user, this.agent);
      await samePicture(this.user, this.agent, "mirror", 0.005);
    } catch (e) {
      throw new Error(`at “${name}”: ${(e as Error).message}`, { cause: e });
    }
  }

  /** The session ends; its replay is what the page was at every step. */
  async replays(browser: Browser): Promise<void> {
    await this.user.locator("pillion-assist [data-action=end]").click();
    await this.agent.getByText("The session is over").waitFor();
    expect(this.seen.warnings).toEqual([]);
    const auditor = await signIn(await browser.newContext({ viewport: { width: 1500, height: 900 } }), this.gateway, "Otto", "pass-word", `/replay/${this.session}`);
    await auditor.getByTestId("event-row").first().waitFor();
    await this.seen.replay(auditor);
    await auditor.close();
  }

  async end(): Promise<void> {
    await this.user.context().close();
    await this.agent.context().close();
    await this.gateway.program.end();
  }
}
