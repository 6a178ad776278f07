// Building a page in the viewer from its state.
import type { Page } from "playwright-core";
import { median, type Report } from "./figures.ts";
import { FLOOR, PEER, script } from "./contenders.ts";
import { closePage, Meter, openPage, withRecorder, type Stand } from "./stand.ts";
import { scriptTime } from "./trace.ts";

declare global {
  var toShow: Uint8Array | string[];
}

interface Cost { script: number; frames: number }

export async function measureRebuild(stand: Stand, report: Report, n: number): Promise<void> {
  const t = report.table("Rebuild", "From the bytes of a state to the page in the viewer's frame, which was there before: decoding, or parsing, and building, by a trace of the tasks that do it; and with styles, layout and painting of three frames, untraced. Floor: the browser's own parser, given the page's markup in the same frame; it knows no node by a number, and filters nothing.");
  for (const nodes of [300, 5000, 50_000]) {
    const states: Record<string, unknown> = { ours: await oursState(stand, nodes), [PEER]: await peerState(stand, nodes), [FLOOR]: await markup(stand, nodes) };
    const runs: Record<string, Cost[]> = { ours: [], [PEER]: [], [FLOOR]: [] };
    for (let i = 0; i < (nodes > 10_000 ? Math.ceil(n / 2) : n); i++) for (const name in runs) runs[name]!.push(await once(stand, name, states[name]));
    const of = (key: keyof Cost) => Object.fromEntries(Object.keys(runs).map((name) => [name, median(runs[name]!.map((r) => r[key]))]));
    const script = of("script");
    t.rows.push({ what: `${nodes} nodes, script`, unit: "CPU ms", cells: script }, { what: `${nodes} nodes, three frames included`, unit: "CPU ms", cells: of("frames") });
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

async function once(stand: Stand, name: string, state: unknown): Promise<Cost> {
  return { script: await traced(stand, name, state), frames: await untraced(stand, name, state) };
}

/** A viewer with its frame, and what it is going to show. */
async function viewer(stand: Stand, name: string, state: unknown): Promise<{ page: Page; meter: Meter }> {
  const page = await openPage(stand, "/empty");
  await page.addScriptTag({ content: await script(`replay-${name}`) });
  await page.evaluate(async (s) => {
    const { bytes, state } = s as { bytes: boolean; state: string | string[] };
    globalThis.toShow = bytes ? Uint8Array.from(state as string, (c) => c.charCodeAt(0)) : (state as string[]);
    await replayer.open();
    await nextFrames(2);
  }, { bytes: name === "ours", state });
  const meter = await Meter.on(page);
  await meter.collectGarbage();
  return { page, meter };
}

async function close(page: Page, name: string): Promise<void> {
  const shown = await page.evaluate(() => replayer.document()!.querySelectorAll("tr").length);
  if (!shown) throw new Error(`${name} shows nothing`);
  await closePage(page);
}

async function traced(stand: Stand, name: string, state: unknown): Promise<number> {
  const { page } = await viewer(stand, name, state);
  const ms = await scriptTime(stand.browser, page, () => page.evaluate(() => inTask(async () => {
    performance.mark("pillion-from");
    await sleep(0);
    await replayer.show(globalThis.toShow);
    performance.mark("pillion-to");
    await nextFrames(1);
  })));
  await close(page, name);
  return ms;
}

async function untraced(stand: Stand, name: string, state: unknown): Promise<number> {
  const { page, meter } = await viewer(stand, name, state);
  const before = await meter.read();
  await page.evaluate(() => inTask(async () => {
    await replayer.show(globalThis.toShow);
    await nextFrames(3);
  }));
  const after = await meter.read();
  await close(page, name);
  return after.task - before.task;
}
