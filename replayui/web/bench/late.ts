// What a late viewer, or a keyframe, costs the user's page.
import { share, signIn } from "../e2e/stage.ts";
import { PEER } from "./contenders.ts";
import { median, type Report } from "./figures.ts";
import { gatewayFor, PASSWORD } from "./live.ts";
import { closePage, Meter, pause, withRecorder, type Stand } from "./stand.ts";

const WINDOW_MS = 5000;
/** A page is compared with what was told of it after it comes, some of it in each tick; at rest that is rare. */
const SETTLE_MS = 12_000;

export async function measureLate(stand: Stand, report: Report, n: number): Promise<void> {
  const t = report.table("Late join and keyframes", "CPU of the user's main thread while somebody who comes late gets the page: ours from the gateway (an agent's console that is loaded anew, less the same time without one), rrweb by its recorder's takeFullSnapshot.");
  const gateway = await gatewayFor(stand.site);
  try {
    const user = await (await stand.browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage();
    await user.goto(gateway.site + "/work");
    const agent = await signIn(await stand.browser.newContext({ viewport: { width: 1500, height: 950 } }), gateway, "Ann", PASSWORD);
    await share(user, agent);
    for (const nodes of [5000, 50_000]) {
      await user.goto(`${gateway.site}/nodes?n=${nodes}`);
      const rows = await user.evaluate(() => document.querySelectorAll("tr").length);
      const there = () => agent.waitForFunction((r) => document.querySelector<HTMLIFrameElement>("[data-testid=mirror]")?.contentDocument?.querySelectorAll("tr").length === r, rows, { timeout: 30_000, polling: 50 });
      await there();
      await pause(SETTLE_MS);
      const meter = await Meter.on(user);
      const joins: number[] = [];
      for (let i = 0; i < n; i++) {
        const joined = await meter.during(() => Promise.all([pause(WINDOW_MS), agent.reload().then(there)]));
        const idle = await meter.during(() => pause(WINDOW_MS));
        joins.push(joined.task - idle.task);
      }
      const peer: number[] = [];
      for (let i = 0; i < Math.min(n, 3); i++) peer.push(await again(stand, nodes));
      const ours = median(joins);
      t.rows.push({ what: `${nodes} nodes`, unit: "CPU ms", cells: { ours, [PEER]: median(peer) } });
      report.atMost(`a late join, ${nodes} nodes: CPU on the user's page against rrweb's keyframe`, 0.02, ours / median(peer));
    }
    await closePage(user);
    await closePage(agent);
  } finally {
    await gateway.program.end();
  }
}

async function again(stand: Stand, nodes: number): Promise<number> {
  const page = await withRecorder(stand, `/nodes?n=${nodes}`, PEER);
  await page.evaluate(async () => {
    await contender.start();
    await sleep(500);
  });
  const meter = await Meter.on(page);
  const act = (f: () => Promise<void>) => meter.during(() => page.evaluate(f));
  const with1 = await act(() => inTask(async () => {
    contender.again();
    await sleep(100);
  }));
  const without = await act(() => inTask(() => sleep(100) as Promise<void>));
  await closePage(page);
  return with1.task - without.task;
}
