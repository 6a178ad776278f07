// Going anywhere in a recording of ten minutes and 20,000 changes.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { root, signIn, startGateway } from "../e2e/stage.ts";
import { FLOOR, PEER, script } from "./contenders.ts";
import { percentile, type Report } from "./figures.ts";
import { gatewayFor, PASSWORD } from "./live.ts";
import { sequence } from "./pages.ts";
import { closePage, INPAGE, openPage, type Stand } from "./stand.ts";

const STEP_MS = 30;

interface Life { T: number; Kind: number; Payload: string }

/** What our recorder tells of the simulated page. */
async function oursOf(stand: Stand, steps: number): Promise<Life[]> {
  const page = await openPage(stand, "/work", await script("simulate"));
  await page.addScriptTag({ content: await script("ours") });
  const list = await page.evaluate(async ([n, ms]) => {
    const all: Life[] = [];
    globalThis.payloads = (Kind, b) => all.push({ T: Math.round(simulated), Kind, Payload: btoa(Array.from(b, (c) => String.fromCharCode(c)).join("")) });
    await contender.start();
    await simulate(n!, ms!);
    contender.stop();
    return all;
  }, [steps, STEP_MS] as const);
  await closePage(page);
  return list;
}

async function peerOf(stand: Stand, steps: number): Promise<string> {
  const page = await openPage(stand, "/work", await script("simulate"));
  await page.addScriptTag({ content: await script(PEER) });
  const text = await page.evaluate(async ([n, ms]) => {
    const all: string[] = [];
    globalThis.rrwebEvent = (e) => all.push(e);
    await contender.start();
    await simulate(n!, ms!);
    contender.stop();
    return "[" + all.join() + "]";
  }, [steps, STEP_MS] as const);
  await closePage(page);
  return text;
}

/** Times of the recording to go to, anywhere, in ms. */
function places(n: number, duration: number): number[] {
  const next = sequence(5);
  return Array.from({ length: n }, () => next(Math.floor(duration)));
}

const SEEK = (go: string) => `(async (list) => {
  const out = [];
  for (const ms of list) {
    const began = performance.now();
    await ${go}(ms);
    await nextFrames(1);
    out.push(performance.now() - began);
  }
  return out;
})`;

export async function measureSeek(stand: Stand, report: Report, n: number): Promise<void> {
  const steps = n > 1 ? 20_000 : 2000;
  const life = await oursOf(stand, steps);
  const made = await gatewayFor(stand.site);
  await made.program.end();
  const seal = (Repeat: number): string => {
    const file = join(made.data, "synthetic.json");
    writeFileSync(file, JSON.stringify({ Repeat, Records: life }));
    return execFileSync("go", ["run", "./bench", "seal", made.data, file], { cwd: root }).toString().trim();
  };
  const [short, long] = [seal(1), seal(18)];
  const gateway = await startGateway(["serve", "--upstream", stand.site], made.data);
  try {
    const context = await stand.browser.newContext({ viewport: { width: 1500, height: 950 } });
    await signIn(context, gateway, "Ann", PASSWORD);
    const recordings = { short: `${gateway.console}/replay/${short}`, long: `${gateway.console}/replay/${long}` };
    const opened = await openings(context, recordings.short, n);
    const ours = await seeks(context, recordings.short, 40);
    const floor = await openings(context, stand.site + "/framed", n);
    const opened3h = await openings(context, recordings.long, Math.min(n, 3));
    const ours3h = await seeks(context, recordings.long, 20, 20);
    const peer = await peerSeeks(stand, await peerOf(stand, steps));
    const t = report.table("Seek", `A recording of ${(steps * STEP_MS) / 60_000} minutes and ${steps} steps of changes on a page of 1,800 nodes, and ours of 18 such pages one after another. Seek: from the call until the page is there and a frame later, at places anywhere, in turn. Open: from the address to the first picture with an empty cache, scripts included; rrweb: from the JSON in memory; floor: the same page as a document of its own, in a frame of an empty page.`);
    for (const [name, p] of [["p50", 0.5], ["p95", 0.95], ["worst", 1]] as const) {
      t.rows.push({ what: `seek, ${name}`, unit: "ms", cells: { ours: percentile(ours.times, p), [PEER]: percentile(peer.times, p) } });
    }
    t.rows.push({ what: "open → first picture", unit: "ms", cells: { ours: opened.ms, [PEER]: peer.open, [FLOOR]: floor.ms } });
    t.rows.push({ what: "open → first picture", unit: "KB", cells: { ours: opened.kb, [PEER]: peer.kb, [FLOOR]: floor.kb } });
    t.rows.push({ what: "3 hours: open → first picture", unit: "ms", cells: { ours: opened3h.ms } }, { what: "3 hours: open → first picture", unit: "KB", cells: { ours: opened3h.kb } });
    t.rows.push({ what: "3 hours: seek, p95", unit: "ms", cells: { ours: percentile(ours3h.times, 0.95) } });
    t.rows.push({ what: "heap after these seeks", unit: "MB", cells: { ours: ours.heap, [PEER]: peer.heap } });
    t.rows.push({ what: "3 hours: heap after 20 seeks", unit: "MB", cells: { ours: ours3h.heap } }, { what: "3 hours: heap after 20 more", unit: "MB", cells: { ours: ours3h.later! } });
    report.atMost("seek anywhere in the recording: p50 ms", 50, percentile(ours.times, 0.5));
    report.atMost("seek anywhere in the recording: p95 ms", 120, percentile(ours.times, 0.95));
    report.atMost("open → first picture, ms", 150, opened.ms);
    report.atMost("open → first picture, KB", 100, opened.kb);
    report.atMost("a recording of 3 hours: open → first picture, ms", 500, opened3h.ms);
    report.atMost("a recording of 3 hours: heap after 40 seeks against that after 20", 1.2, ours3h.later! / ours3h.heap);
  } finally {
    await gateway.program.end();
  }
}

const FIRST_PICTURE = `if (top === self) (() => {
  const look = () => {
    const d = document.querySelector("[data-testid=page]")?.contentDocument;
    if (d?.getElementById("mark")) requestAnimationFrame(() => (globalThis.firstPicture = performance.now()));
    else requestAnimationFrame(look);
  };
  look();
})()`;

/** Opens a recording with an empty cache: how long until there is a picture, and what was loaded for it. */
async function openings(context: BrowserContext, url: string, n: number): Promise<{ ms: number; kb: number }> {
  const all: { ms: number; kb: number }[] = [];
  for (let i = 0; i < n; i++) {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send("Network.enable");
    await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
    let bytes = 0;
    cdp.on("Network.loadingFinished", (e) => (bytes += e.encodedDataLength));
    await page.addInitScript(FIRST_PICTURE);
    await page.goto(url, { waitUntil: "commit" });
    const ms = (await (await page.waitForFunction(() => (globalThis as { firstPicture?: number }).firstPicture, undefined, { timeout: 30_000 })).jsonValue()) as number;
    all.push({ ms, kb: bytes / 1000 });
    await page.close();
  }
  return { ms: percentile(all.map((a) => a.ms), 0.5), kb: percentile(all.map((a) => a.kb), 0.5) };
}

async function heapOf(page: Page): Promise<number> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("HeapProfiler.collectGarbage");
  return (await cdp.send("Runtime.getHeapUsage")).usedSize / 1e6;
}

/** Seeks n times, and again so often for the heap alone. */
async function seeks(context: BrowserContext, url: string, n: number, again = 0): Promise<{ times: number[]; heap: number; later?: number }> {
  const page = await context.newPage();
  await page.addInitScript(INPAGE);
  await page.goto(url);
  await page.waitForFunction(() => window.pillionPlayer);
  const duration = await page.evaluate(() => window.pillionPlayer!.duration);
  const go = (list: number[]) => page.evaluate(`${SEEK("pillionPlayer.seek")}(${JSON.stringify(list)})`) as Promise<number[]>;
  const list = places(n + again, duration);
  const times = await go(list.slice(0, n));
  const heap = await heapOf(page);
  let later;
  if (again) {
    await go(list.slice(n));
    later = await heapOf(page);
  }
  await page.close();
  return { times, heap, ...(later !== undefined && { later }) };
}

async function peerSeeks(stand: Stand, text: string): Promise<{ times: number[]; open: number; kb: number; heap: number }> {
  const page = await openPage(stand, "/empty");
  await page.addScriptTag({ content: await script("replay-rrweb") });
  await page.evaluate((t) => ((globalThis as { recordingText?: string }).recordingText = t), text);
  const { open, duration } = await page.evaluate(async () => {
    const began = performance.now();
    const duration = await openRecording((globalThis as unknown as { recordingText: string }).recordingText);
    await nextFrames(1);
    return { open: performance.now() - began, duration };
  });
  const times = (await page.evaluate(`${SEEK("goTo")}(${JSON.stringify(places(20, duration))})`)) as number[];
  const heap = await heapOf(page);
  await closePage(page);
  return { times, open, kb: text.length / 1000, heap };
}
