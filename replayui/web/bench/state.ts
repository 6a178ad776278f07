// The page state: CPU, bytes, the longest task; and the form below a large sheet.
import { median, type Report } from "./figures.ts";
import { FLOOR, PEER, RECORDERS, script } from "./contenders.ts";
import { longestTask } from "./trace.ts";
import { closePage, Meter, openPage, withRecorder, type Cpu, type Stand } from "./stand.ts";
import type { Size } from "./inpage/contender.ts";

interface Run { loading: number; cpu: Cpu; size: Size }
type Runs = Record<string, Run[]>;

/** One state of a fresh page by one recorder. */
async function once(stand: Stand, path: string, name: string): Promise<Run> {
  const page = await openPage(stand, path);
  await page.evaluate(() => sleep(300)); // to show the page is not of loading the script
  const meter = await Meter.on(page);
  const loading = (await meter.during(async () => page.addScriptTag({ content: await script(name) }))).task;
  const cpu = await meter.during(() => page.evaluate(() => inTask(async () => {
    await contender.start();
    await nextFrames(3);
    await sleep(50);
  })));
  const size = await page.evaluate(() => contender.take());
  await closePage(page);
  return { loading, cpu, size };
}

async function rounds(stand: Stand, path: string, n: number): Promise<Runs> {
  const runs: Runs = {};
  for (let i = 0; i < n; i++) for (const name of ["none", ...RECORDERS]) (runs[name] ??= []).push(await once(stand, path, name));
  return runs;
}

interface Summary { cpu: number; raw: number; deflated: number }

/** Medians by recorder: CPU beyond what the page costs unrecorded, KB raw and deflated. */
function summary(runs: Runs): Record<string, Summary> {
  const of = (name: string, figure: (r: Run) => number) => median(runs[name]!.map(figure));
  const unrecorded = of("none", (r) => r.cpu.task);
  return Object.fromEntries(RECORDERS.map((name) => [name, {
    cpu: of(name, (r) => r.cpu.task) - unrecorded, raw: of(name, (r) => r.size.raw) / 1000, deflated: of(name, (r) => r.size.deflated) / 1000,
  }]));
}

/** Medians of what it took to load the script, of one that does nothing as the floor. */
const loading = (runs: Runs) => Object.fromEntries([...RECORDERS, "none"].map((name) => [name === "none" ? FLOOR : name, median(runs[name]!.map((r) => r.loading))]));

const row = (s: Record<string, Summary>, key: keyof Summary) => Object.fromEntries(RECORDERS.map((n) => [n, s[n]![key]]));

export async function measureState(stand: Stand, report: Report, n: number): Promise<void> {
  const t = report.table("Page state", "CPU of the main thread from the start of recording until the state is out and three frames later, less what the page costs unrecorded; the state as it is sent, and deflated. OpenReplay encodes in a worker, which is not counted. Ours asks the browser to compile it whole while it loads, which on sites another thread does; here the script is in the page, and what loading costs the main thread so is a row of its own, with what it takes to put any script there.");
  for (const nodes of [300, 5000, 50_000]) {
    const runs = await rounds(stand, `/nodes?n=${nodes}`, nodes > 10_000 ? Math.ceil(n / 2) : n);
    const s = summary(runs);
    const [ours, peer] = [s["ours"]!, s[PEER]!];
    if (nodes === 300) t.rows.push({ what: "loading the script, in the page", unit: "CPU ms", cells: loading(runs) });
    t.rows.push({ what: `${nodes} nodes`, unit: "CPU ms", cells: row(s, "cpu") }, { what: `${nodes} nodes`, unit: "raw KB", cells: row(s, "raw") }, { what: `${nodes} nodes`, unit: "deflated KB", cells: row(s, "deflated") });
    report.atMost(`page state, ${nodes} nodes: CPU against rrweb`, 0.4, ours.cpu / peer.cpu);
    report.atMost(`page state, ${nodes} nodes: raw bytes against rrweb`, 0.25, ours.raw / peer.raw);
    report.atMost(`page state, ${nodes} nodes: deflated bytes against rrweb`, 0.8, ours.deflated / peer.deflated);
  }
  for (const nodes of [5000, 50_000]) {
    const cells: Record<string, number> = {};
    for (const name of ["ours", PEER]) cells[name] = await longest(stand, `/nodes?n=${nodes}`, name, Math.min(n, 3));
    t.rows.push({ what: `${nodes} nodes, longest task`, unit: "CPU ms", cells });
    report.atMost(`page state, ${nodes} nodes: longest task, ms`, 16, cells["ours"]);
  }
  const s = summary(await rounds(stand, "/form", n));
  t.rows.push({ what: "form with a sheet of 300 KB", unit: "CPU ms", cells: row(s, "cpu") }, { what: "form with a sheet of 300 KB", unit: "raw KB", cells: row(s, "raw") });
  report.atMost("form with a sheet of 300 KB: CPU against rrweb", 0.25, s["ours"]!.cpu / s[PEER]!.cpu);
  report.atMost("form with a sheet of 300 KB: bytes against rrweb", 0.02, s["ours"]!.raw / s[PEER]!.raw);
}

/** The longest task while a state is taken, in the median of some runs. */
async function longest(stand: Stand, path: string, name: string, n: number): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < n; i++) {
    const page = await withRecorder(stand, path, name);
    all.push(await longestTask(stand.browser, page, () => page.evaluate(() => inTask(async () => {
      await nextFrames(2);
      performance.mark("pillion-from");
      await sleep(0);
      await contender.start();
      await nextFrames(3);
      performance.mark("pillion-to");
    }))));
    await closePage(page);
  }
  return median(all);
}
