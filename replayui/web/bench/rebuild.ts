// Building a page in the viewer from its state.
import { median, type Report } from "./figures.ts";
import { FLOOR, PEER, script } from "./contenders.ts";
import { closePage, Meter, openPage, withRecorder, type Cpu, type Stand } from "./stand.ts";

export async function measureRebuild(stand: Stand, report: Report, n: number): Promise<void> {
  const t = report.table("Rebuild", "From the bytes of a state to the page in the viewer's frame, which was there before: decoding, or parsing, and building; and with styles, layout and painting of three frames. Floor: the browser's own parser, given the page's markup in the same frame; it knows no node by a number, and filters nothing.");
  for (const nodes of [300, 5000, 50_000]) {
    const states: Record<string, unknown> = { ours: await oursState(stand, nodes), [PEER]: await peerState(stand, nodes), [FLOOR]: await markup(stand, nodes) };
    const runs: Record<string, Cpu[]> = { ours: [], [PEER]: [], [FLOOR]: [] };
    for (let i = 0; i < (nodes > 10_000 ? Math.ceil(n / 2) : n); i++) for (const name in runs) runs[name]!.push(await once(stand, name, states[name]));
    const of = (key: keyof Cpu) => Object.fromEntries(Object.keys(runs).map((name) => [name, median(runs[name]!.map((r) => r[key]))]));
    const script = of("script");
    t.rows.push({ what: `${nodes} nodes, script`, unit: "CPU ms", cells: script }, { what: `${nodes} nodes, three frames included`, unit: "CPU ms", cells: of("task") });
    report.atMost(`rebuild, ${nodes} nodes: script CPU against rrweb`, 0.6, script["ours"]! / script[PEER]!);
  }
}

async function oursState(stand: Stand, nodes: number): Promise<string> {
  const page = await withRecorder(stand, `/nodes?n=${nodes}`, "ours");
  const text = await page.evaluate(async () => {
    let state = new Uint8Array();
    globalThis.payloads = (kind, b) => {
      if (kind === 1) state = b as Uint8Array<ArrayBuffer>;
    };
    await contender.start();
    return [...state].map((b) => String.fromCharCode(b)).join("");
  });
  await closePage(page);
  return text;
}

async function peerState(stand: Stand, nodes: number): Promise<string[]> {
  const page = await withRecorder(stand, `/nodes?n=${nodes}`, PEER);
  const lines = await page.evaluate(async () => {
    const all: string[] = [];
    globalThis.rrwebEvent = (text) => all.push(text);
    await contender.start();
    return all;
  });
  await closePage(page);
  return lines;
}

/** The page as markup. */
async function markup(stand: Stand, nodes: number): Promise<string> {
  const page = await openPage(stand, `/nodes?n=${nodes}`);
  const text = await page.evaluate(() => "<!DOCTYPE html>" + document.documentElement.outerHTML);
  await closePage(page);
  return text;
}

async function once(stand: Stand, name: string, state: unknown): Promise<Cpu> {
  const page = await openPage(stand, "/empty");
  await page.addScriptTag({ content: await script(`replay-${name}`) });
  await page.evaluate(async (s) => {
    const { bytes, state } = s as { bytes: boolean; state: string | string[] };
    (globalThis as { toShow?: unknown }).toShow = bytes ? Uint8Array.from(state as string, (c) => c.charCodeAt(0)) : state;
    await replayer.open();
    await nextFrames(2);
  }, { bytes: name === "ours", state });
  const meter = await Meter.on(page);
  await meter.collectGarbage();
  const before = await meter.read();
  await page.evaluate(() => inTask(() => replayer.show((globalThis as unknown as { toShow: Uint8Array }).toShow)));
  const built = await meter.read();
  await page.evaluate(() => nextFrames(3));
  const cpu = { script: built.script - before.script, task: (await meter.read()).task - before.task };
  const shown = await page.evaluate(() => replayer.document()!.querySelectorAll("tr").length);
  if (!shown) throw new Error(`${name} shows nothing`);
  await closePage(page);
  return cpu;
}
