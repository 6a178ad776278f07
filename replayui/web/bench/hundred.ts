// A hundred sessions of one site: what is stored of each, and of all together.
import type { BrowserContext } from "playwright-core";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allow, askForHelp, pillion, signIn, type Gateway } from "../e2e/stage.ts";
import { startWiki } from "../e2e/wiki.ts";
import type { Report } from "./figures.ts";
import { gatewayFor, PASSWORD } from "./live.ts";
import { pause, type Stand } from "./stand.ts";

interface Usage { recordings: number; own: number; named: number; shared: number; length: number }

/** Sessions on a wiki, each by a new visitor who reads two pages, searches and writes. */
export async function measureHundred(stand: Stand, report: Report, n: number): Promise<void> {
  const count = n > 1 ? 100 : 10;
  const wiki = await startWiki();
  // The wiki has a cookie for everybody from the first page on: without a word from the operator nothing of it is shared.
  const config = join(mkdtempSync(join(tmpdir(), "pillion-hundred-")), "pillion.yaml");
  writeFileSync(config, "archive:\n  public: [/lib/**]\n");
  const gateway = await gatewayFor(wiki.origin, undefined, "--config", config);
  try {
    await pillion(["account", "add", "Adam", "--role", "administrator", "--data", gateway.data], PASSWORD + "\n");
    const agents = await stand.browser.newContext({ viewport: { width: 1500, height: 950 } });
    const agent = await signIn(agents, gateway, "Ann", PASSWORD);
    const desk = (await signIn(await stand.browser.newContext(), gateway, "Adam", PASSWORD)).context();
    const usage: Usage[] = [];
    for (let i = 1; i <= count; i++) {
      const user = await (await stand.browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage();
      await user.goto(gateway.site + "/doku.php?id=wiki:syntax");
      await agent.goto(gateway.console);
      await agent.getByTestId("code-input").fill(await askForHelp(user));
      await agent.getByTestId("join").click();
      await allow(user, "act");
      await agent.getByTestId("state").filter({ hasText: "live" }).waitFor();
      await user.mouse.move(300, 300, { steps: 20 });
      await user.mouse.wheel(0, 1500);
      await user.locator("#qsearch__in").pressSequentially("wiki", { delay: 30 });
      await user.goto(gateway.site + "/doku.php?id=wiki:dokuwiki");
      await user.locator("pillion-assist [data-action=end]").waitFor();
      await pause(500);
      await user.locator("pillion-assist [data-action=end]").click();
      await user.context().close();
      if (i === 1 || i === count) usage.push(await stored(desk, gateway, i));
    }
    const [first, all] = [usage[0]!, usage[1]!];
    const t = report.table("Archive", `${count} sessions on DokuWiki, each of a new visitor on two pages, ${(all.length / all.recordings).toFixed(0)} s long on average, as \`/api/storage\` reports them. The wiki gives everybody a cookie; its operator lists \`/lib/**\` under \`archive: public\`. Of its own: the recording, and what only this visitor got. Shared: the site's files.`);
    const kb = (v: number) => v / 1000;
    t.rows.push(
      { what: "of its own, a session", unit: "KB", cells: { ours: kb(all.own / count) } },
      { what: "shared files, after the first session", unit: "KB", cells: { ours: kb(first.shared) } },
      { what: `shared files, after ${count}`, unit: "KB", cells: { ours: kb(all.shared) } },
      { what: `the same without sharing`, unit: "KB", cells: { ours: kb(all.named) } },
      { what: "all, a session", unit: "KB", cells: { ours: kb((all.own + all.shared) / count) } },
    );
    report.atMost(`${count} sessions of one site: their files, of what each with its own would take`, 1.5 / count, all.shared / all.named);
    await agents.close();
    await desk.close();
  } finally {
    await gateway.program.end();
    await wiki.program.end();
  }
}

/** What an administrator is told once so many recordings are sealed. */
async function stored(desk: BrowserContext, gateway: Gateway, recordings: number): Promise<Usage> {
  for (let i = 0; i < 600; i++) {
    const { usage } = (await (await desk.request.get(gateway.console + "/api/storage")).json()) as { usage: Usage };
    if (usage.recordings >= recordings) return usage;
    await pause(100);
  }
  throw new Error(`${recordings} sessions were not sealed`);
}
