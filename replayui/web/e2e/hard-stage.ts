// A site of hard pages, a user on it and an agent with a viewer large enough to compare pictures.
import { createServer, type Server } from "node:http";
import type { Browser, Page } from "playwright-core";
import { freePort, pillion, Seen, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

export type Pages = Record<string, string | { type: string; body: string | Buffer }>;

export class HardStage {
  readonly seen: Seen;
  session = "";

  private constructor(
    readonly gateway: Gateway, readonly user: Page, readonly agent: Page, private readonly browser: Browser, private readonly site: Server,
  ) {
    this.seen = new Seen(user, agent, gateway);
  }

  static async open(pages: Pages): Promise<HardStage> {
    const port = await freePort();
    const site = createServer((req, res) => {
      const page = pages[(req.url ?? "/").split("?")[0]!];
      if (page === undefined) return void res.writeHead(404).end();
      res.setHeader("content-type", typeof page === "string" ? "text/html; charset=utf-8" : page.type);
      const body = Buffer.from(typeof page === "string" ? page : page.body);
      res.setHeader("accept-ranges", "bytes");
      const part = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? "");
      if (!part) return void res.end(body);
      const [from, to] = [Number(part[1]), part[2] ? Number(part[2]) : body.length - 1];
      res.writeHead(206, { "content-range": `bytes ${from}-${to}/${body.length}` }).end(body.subarray(from, to + 1));
    }).listen(port, "127.0.0.1");
    const gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
    await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
    const browser = await startBrowser();
    const user = await (await browser.newContext({ viewport: { width: 900, height: 640 } })).newPage();
    const agent = await signIn(await browser.newContext({ viewport: { width: 1500, height: 1000 } }), gateway, "Ann", "pass-word");
    return new HardStage(gateway, user, agent, browser, site);
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.gateway.program.end();
    this.site.close();
  }

  /** Opens a page; the first time a session starts on it. */
  async visit(path: string): Promise<void> {
    await this.user.goto(this.gateway.site + path);
    if (!this.session) this.session = await share(this.user, this.agent);
    else await this.user.locator("pillion-assist [data-action=end]").waitFor();
    await this.seen.remember(path);
  }

  /** Does something on the user's page and waits until the mirror has it. */
  async step(name: string, act: () => unknown): Promise<void> {
    await this.user.evaluate(act);
    await this.seen.remember(name);
  }

  get mirror() {
    return this.agent.frameLocator("[data-testid=mirror]");
  }

  /** A computed style of an element in the mirror. */
  style(selector: string, name: string, pseudo?: string): Promise<string> {
    return this.mirror.locator(selector).first().evaluate((el, [n, p]) => getComputedStyle(el, p).getPropertyValue(n!), [name, pseudo]);
  }

  /** Ends the session and compares the replay with all that was remembered. */
  async replayed(): Promise<string[]> {
    await this.user.locator("pillion-assist [data-action=end]").click();
    await this.agent.getByText("The session is over").waitFor();
    await this.agent.goto(`${this.gateway.console}/replay/${this.session}`);
    await this.agent.getByTestId("event-row").first().waitFor();
    await this.seen.replay(this.agent);
    return this.seen.warnings;
  }
}
