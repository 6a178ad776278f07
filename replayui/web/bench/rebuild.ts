// Building a page in the viewer from its state.
import { median, type Report } from "./figures.ts";
import { PEER, script } from "./contenders.ts";
import { closePage, Meter, openPage, withRecorder, type Stand } from "./stand.ts";

export async function measureRebuild(stand: Stand, report: Report, n: number): Promise<void> {
  const t = report.table("Rebuild", "From the bytes of a state to the page in the viewer's frame, which was there before: decoding, or parsing, and building; and with styles, layout and painting of three frames.");
  for (const nodes of [300, 5000, 50_000]) {
    const states: Record<string, unknown> = { ours: await oursState(stand, nodes), [PEER]: await peerState(stand, nodes) };
    const runs: Record<string, { task: number; script: number }[]> = { ours: [], [PEER]: [] };
    for (let i = 0; i < (nodes > 10_000 ? Math.ceil(n / 2) : n); i++) for (const name of ["ours", PEER]) runs[name]!.push(await once(stand, name, states[name]));
    const of = (key: "task" | "script") => Object.fromEntries(["ours", PEER].map((name) => [name, median(runs[name]!.map((r) => r[key]))]));
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

async function once(stand: Stand, name: string, state: unknown): Promise<{ task: number; script: number }> {
  const page = await openPage(stand, "/empty");
  await page.addScriptTag({ content: await script(`replay-${name}`) });
  await page.evaluate(async (s) => {
    (globalThis as { toShow?: Uint8Array | string[] }).toShow = typeof s === "string" ? Uint8Array.from(s, (c) => c.charCodeAt(0)) : (s as string[]);
    await replayer.open();
    await nextFrames(2);
  }, state);
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
