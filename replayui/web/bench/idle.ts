// What recording costs while nothing happens: what tells of no change has to be asked.
import { RECORDERS } from "./contenders.ts";
import type { Report } from "./figures.ts";
import { longestTask } from "./trace.ts";
import { closePage, Meter, pause, withRecorder, type Stand } from "./stand.ts";

const SECONDS = 6; // a digest is taken every five

export async function measureIdle(stand: Stand, report: Report): Promise<void> {
  const t = report.table("A page at rest", `CPU of the main thread in each of ${SECONDS} s after a state, without any change, less the page's own; and the longest task then.`);
  const pages = [["19000 nodes", "/nodes?n=19000"], ["form with a sheet of 300 KB", "/form"]] as const;
  for (const [what, path] of pages) {
    const all = Object.fromEntries(await Promise.all(["none", ...RECORDERS].map(async (name) => [name, await once(stand, path, name)] as const)));
    t.rows.push({ what, unit: "CPU ms a second", cells: Object.fromEntries(RECORDERS.map((n) => [n, (all[n]! - all["none"]!) / SECONDS])) });
    const ms = await longest(stand, path, "ours");
    t.rows.push({ what: what + ", longest task", unit: "CPU ms", cells: { ours: ms } });
    report.atMost(`at rest, ${what}: longest task, ms`, 16, ms);
  }
}

async function once(stand: Stand, path: string, name: string): Promise<number> {
  const page = await started(stand, path, name);
  const { task } = await (await Meter.on(page)).during(() => pause(SECONDS * 1000));
  await closePage(page);
  return task;
}

async function longest(stand: Stand, path: string, name: string): Promise<number> {
  const page = await started(stand, path, name);
  const ms = await longestTask(stand.browser, page, () => page.evaluate(async () => {
    performance.mark("pillion-from");
    await sleep(5500);
    performance.mark("pillion-to");
  }));
  await closePage(page);
  return ms;
}

async function started(stand: Stand, path: string, name: string) {
  const page = await withRecorder(stand, path, name);
  await page.evaluate(async () => {
    await contender.start();
    await sleep(1000);
  });
  return page;
}
