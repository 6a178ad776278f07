import type { Browser, Page } from "playwright-core";

interface TraceEvent { name: string; cat: string; pid: number; tid: number; ts: number; dur?: number; tdur?: number }

/** CPU ms of the longest task on a page's main thread between its marks “pillion-from” and “pillion-to”. */
export async function longestTask(browser: Browser, page: Page, act: () => Promise<unknown>): Promise<number> {
  await browser.startTracing(page, { categories: ["blink.user_timing", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  await act();
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mark = (name: string) => trace.traceEvents.find((e) => e.name === name && e.cat.includes("user_timing"));
  const [from, to] = [mark("pillion-from"), mark("pillion-to")];
  if (!from || !to) throw new Error("the trace has no marks");
  const tasks = trace.traceEvents.filter((e) => e.name === "RunTask" && e.pid === from.pid && e.tid === from.tid && e.ts >= from.ts && e.ts <= to.ts);
  if (!tasks.length) throw new Error("the trace has no tasks");
  return Math.max(...tasks.map((e) => e.tdur ?? e.dur ?? 0)) / 1000;
}
