// Changes of the page: many back to back, and a table that is sorted.
import { median, type Report } from "./figures.ts";
import { FLOOR, PEER, RECORDERS } from "./contenders.ts";
import { closePage, Meter, withRecorder, type Stand } from "./stand.ts";

const CHANGING = [...RECORDERS, FLOOR];
const ALL = ["none", ...CHANGING];

export async function measureChanges(stand: Stand, report: Report, n: number): Promise<void> {
  const cpu: Record<string, number[]> = {};
  for (let i = 0; i < n; i++) for (const name of ALL) (cpu[name] ??= []).push(await changes(stand, name));
  const all = Object.fromEntries(ALL.map((name) => [name, median(cpu[name]!)]));
  const added = Object.fromEntries(CHANGING.map((name) => [name, all[name]! - all["none"]!]));
  const t = report.table("Changes", `10,000 changes, of text, attributes and rows that come and go, 100 in each of 100 tasks; the page alone takes ${all["none"]!.toFixed(0)} ms for them. Floor: an observer that hears of every change, and does nothing. Sorting moves all 200 rows of a table.`);
  t.rows.push({ what: "10,000 changes, the page's own work included", unit: "CPU ms", cells: Object.fromEntries(CHANGING.map((name) => [name, all[name]!])) });
  t.rows.push({ what: "10,000 changes, what recording adds", unit: "CPU ms", cells: added });
  report.atMost("10,000 changes: CPU against rrweb, the page's own work included", 0.5, all["ours"]! / all[PEER]!);

  const sizes = Object.fromEntries(await Promise.all(RECORDERS.map(async (name) => [name, await sort(stand, name)] as const)));
  for (const key of ["raw", "deflated"] as const) t.rows.push({ what: "sorting 200 rows", unit: `${key} KB`, cells: Object.fromEntries(RECORDERS.map((name) => [name, sizes[name]![key] / 1000])) });
  report.atMost("sorting 200 rows, deflated KB", 2, sizes["ours"]!.deflated / 1000);
}

async function changes(stand: Stand, name: string): Promise<number> {
  const page = await withRecorder(stand, "/nodes?n=5000", name);
  await page.evaluate(async () => {
    await contender.start();
    await sleep(300);
  });
  const meter = await Meter.on(page);
  const { task } = await meter.during(() => page.evaluate(() => inTask(async () => {
    const body = document.querySelector("#t tbody")!;
    const rows = [...body.querySelectorAll("tr")];
    const next = () => new Promise<void>((done) => {
      const c = new MessageChannel();
      c.port1.onmessage = () => done();
      c.port2.postMessage(0);
    });
    let made: Element[] = [];
    for (let i = 0; i < 10_000; i++) {
      const row = rows[(i * 7) % rows.length] as HTMLTableRowElement;
      if (i % 10 < 5) row.cells[0]!.firstChild!.nodeValue = "value " + i;
      else if (i % 10 < 7) row.setAttribute("class", "row c" + (i % 50));
      else if (i % 10 === 7) row.cells[2]!.textContent = "text " + i;
      else if (i % 10 === 8) {
        const copy = row.cloneNode(true) as Element;
        body.insertBefore(copy, row);
        made.push(copy);
      } else made.shift()?.remove();
      if (i % 100 === 99) await next();
    }
    made = [];
    await sleep(500);
  })));
  await closePage(page);
  return task;
}

async function sort(stand: Stand, name: string): Promise<{ raw: number; deflated: number }> {
  const page = await withRecorder(stand, "/work", name);
  await page.evaluate(async () => {
    await contender.start();
    await sleep(1200); // what follows a state by itself
    await contender.take();
    document.getElementById("sort")!.click();
    await sleep(1200);
  });
  const size = await page.evaluate(() => contender.take());
  await closePage(page);
  return size;
}
