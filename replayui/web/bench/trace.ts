import type { Browser, Page } from "playwright-core";

interface TraceEvent { name: string; cat: string; pid: number; tid: number; ts: number; dur?: number; tdur?: number }

// The marks that a page makes around what is measured.
const FROM = "pillion-from";
const TO = "pillion-to";

/** What a frame costs beside scripts, whether it comes by itself or a script asks for it. */
const OF_FRAMES = new Set(["Layout", "UpdateLayoutTree", "PrePaint", "Paint", "Layerize", "Commit"]);

/** What the page's main thread did between its marks “pillion-from” and “pillion-to”, tasks and what is in them. */
async function traced(browser: Browser, page: Page, act: () => Promise<unknown>): Promise<TraceEvent[]> {
  await browser.startTracing(page, { categories: ["blink.user_timing", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mark = (name: string) => traceEvents.find((e) => e.name === name && e.cat.includes("user_timing"));
  const [from, to] = [mark(FROM), mark(TO)];
  if (!from || !to) throw new Error("the trace has no marks");
  const there = traceEvents.filter((e) => e.pid === from.pid && e.tid === from.tid && e.ts >= from.ts && e.ts <= to.ts);
  if (!there.some(isTask)) throw new Error("the trace has no tasks");
  return there;
}

const isTask = (e: TraceEvent) => e.name === "RunTask";
const cpu = (e: TraceEvent) => (e.tdur ?? e.dur ?? 0) / 1000;

/** CPU ms of the longest task on a page's main thread between its marks. */
export async function longestTask(browser: Browser, page: Page, act: () => Promise<unknown>): Promise<number> {
  return Math.max(...(await traced(browser, page, act)).filter(isTask).map(cpu));
}

/** CPU ms of all tasks on a page's main thread between its marks, styles, layout and painting left out. */
export async function scriptTime(browser: Browser, page: Page, act: () => Promise<unknown>): Promise<number> {
  const all = await traced(browser, page, act);
  let ms = all.filter(isTask).reduce((sum, e) => sum + cpu(e), 0);
  let end = 0; // of the outermost so far: to paint is told within to paint
  for (const e of all.filter((x) => OF_FRAMES.has(x.name) && x.dur !== undefined).sort((a, b) => a.ts - b.ts || b.dur! - a.dur!)) {
    if (e.ts < end) continue;
    end = e.ts + e.dur!;
    ms -= cpu(e);
  }
  return ms;
}
