// A minute of work on a page: what it makes to send and to keep.
import type { Page } from "playwright-core";
import { measureBandwidth } from "./bandwidth.ts";
import { PEER, RECORDERS } from "./contenders.ts";
import type { Report } from "./figures.ts";
import { closePage, pause, withRecorder, type Stand } from "./stand.ts";

const TEXT = "The customer asks for a change of the annual premium as of March. ";

/** Runs a step every so many ms until the time is over, whatever each takes. */
async function every(ms: number, seconds: number, step: (i: number) => Promise<unknown>): Promise<void> {
  const began = performance.now();
  for (let i = 0; performance.now() - began < seconds * 1000; i++) {
    await step(i);
    await pause(Math.max(0, began + (i + 1) * ms - performance.now()));
  }
}

/** The pointer at 60 Hz all the time; typing at 5 keys a second for half of the time, two sorts. */
export async function script(page: Page, seconds: number): Promise<void> {
  const pointing = every(1000 / 60, seconds, (i) => page.mouse.move(300 + 250 * Math.sin(i / 37), 300 + 200 * Math.sin(i / 23)));
  await Promise.all([pointing, typing(page, seconds)]);
}

async function typing(page: Page, seconds: number): Promise<void> {
  await page.locator("#note").focus();
  for (let half = 0; half < 2; half++) {
    await every(200, seconds / 4, (i) => page.keyboard.type(TEXT[i % TEXT.length]!));
    await page.evaluate(() => document.getElementById("sort")!.click());
    await pause((seconds / 4 - 0.3) * 1000);
  }
}

/** A calmer one, as people work: pointing, typing, scrolling, changes by the page, and pauses. */
export async function working(page: Page, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (let round = 0; performance.now() < until; round++) {
    await every(1000 / 60, 2, (i) => page.mouse.move(300 + 250 * Math.sin(round + i / 37), 200 + 150 * Math.sin(i / 23)));
    await page.locator(round % 2 ? "#who" : "#note").focus();
    await every(180, 3, (i) => page.keyboard.type(TEXT[(round * 16 + i) % TEXT.length]!));
    await every(1000 / 60, 1, () => page.mouse.wheel(0, round % 2 ? -9 : 9));
    await page.evaluate((n) => {
      document.getElementById("mark")!.textContent = "saved " + n;
      const item = document.createElement("li");
      item.textContent = `${n}: another line of the list`;
      document.getElementById("list")!.prepend(item);
      if (n % 3 === 2) document.getElementById("sort")!.click();
    }, round);
    await pause(1500);
  }
}

export async function measureMinute(stand: Stand, report: Report, n: number): Promise<void> {
  const seconds = n > 1 ? 60 : 10;
  // Bandwidth beside it: neither counts time.
  const [, ...entries] = await Promise.all([measureBandwidth(stand, report, seconds), ...RECORDERS.map(async (name) => {
    const page = await withRecorder(stand, "/work", name);
    await page.evaluate(() => contender.start());
    const state = await page.evaluate(() => contender.take());
    await script(page, seconds);
    await pause(1000);
    const events = await page.evaluate(() => contender.take());
    await closePage(page);
    return [name, { state, events }] as const;
  })]);
  const sizes = Object.fromEntries(entries);
  const t = report.table("A scripted minute", `Typing 5 keys a second for half of ${seconds} s, the pointer at 60 Hz all the time, two sorts of 200 rows; all recorders at once, each on its page, in real time. Deflated as a whole, without the page state. rrweb samples the pointer at 20 Hz.`);
  const cells = (part: "state" | "events", key: "raw" | "deflated") => Object.fromEntries(RECORDERS.map((name) => [name, sizes[name]![part][key] / 1000]));
  t.rows.push({ what: "events", unit: "raw KB", cells: cells("events", "raw") }, { what: "events", unit: "deflated KB", cells: cells("events", "deflated") }, { what: "page state", unit: "deflated KB", cells: cells("state", "deflated") });
  report.atMost("a scripted minute with a 60 Hz pointer, deflated KB", 10, (sizes["ours"]!.events.deflated / 1000) * (60 / seconds));
  report.atMost("a scripted minute: deflated KB against rrweb", 1, sizes["ours"]!.events.deflated / sizes[PEER]!.events.deflated);
}
