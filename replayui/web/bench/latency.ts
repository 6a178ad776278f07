// From the user's page to the viewer's, by either way: the same probes at both ends.
import { percentile } from "./figures.ts";
import type { Probe } from "./inpage/probe.ts";

/** Both ends of a live session, in whichever browser. */
export interface Pair {
  user<T>(f: (probe: Probe) => T | Promise<T>): Promise<T>;
  viewer<T>(f: (probe: Probe) => T | Promise<T>): Promise<T>;
  /** moves the user's real pointer */
  point(x: number, y: number): Promise<void>;
}

export interface Times { p50: number; p95: number; arrived: number; sent: number }

type Stamped = [string, number][];

/** How much later each thing was there; what never came is not in it. */
function lags(sent: Stamped, there: Stamped): Times {
  const all: number[] = [];
  for (const [what, at] of sent) {
    const seen = there.find(([is, when]) => is === what && when >= at - 1);
    if (seen) all.push(seen[1] - at);
  }
  return { p50: percentile(all, 0.5), p95: percentile(all, 0.95), arrived: all.length, sent: sent.length };
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

export async function changes(pair: Pair, n: number, patience = 400): Promise<{ told: Times; drawn: Times }> {
  await pair.viewer((p) => void p.seen());
  const sent = n > 30 ? await pair.user((p) => p.change(120, 25)) : await pair.user((p) => p.change(20, 25));
  await pause(patience);
  const { told, drawn } = await pair.viewer((p) => p.seen());
  return { told: lags(sent, told), drawn: lags(sent, drawn) };
}

export async function scrolls(pair: Pair): Promise<Times> {
  await pair.viewer((p) => void p.seen());
  const sent = await pair.user((p) => p.scroll(40, 120));
  await pause(1000);
  return lags(sent, (await pair.viewer((p) => p.seen())).scrolled);
}

/** Age of the pointer on show, in every frame of the viewer's while the user's moves, and how often it is another. */
export async function pointer(pair: Pair, seconds: number): Promise<{ age: Times; updates: number }> {
  await pair.user((p) => p.follow());
  await pair.viewer((p) => void p.seen());
  const began = performance.now();
  for (let i = 0; performance.now() - began < seconds * 1000; i++) {
    await pair.point(40 + (i % 500), 120 + Math.floor(i / 500) * 10 + (i % 7));
    await pause(Math.max(0, began + ((i + 1) * 1000) / 60 - performance.now()));
  }
  await pause(700);
  const places = await pair.user((p) => p.followed());
  const { pointers } = await pair.viewer((p) => p.seen());
  const [from, to] = [places[0]![1] + 500, places.at(-1)![1]];
  const were = new Map(places);
  const shown = pointers.filter(([at, when]) => when >= from && when <= to && were.has(at));
  const ages = shown.map(([at, when]) => when - were.get(at)!);
  const updates = shown.filter(([at], i) => i && at !== shown[i - 1]![0]).length / ((to - from) / 1000);
  return { age: { p50: percentile(ages, 0.5), p95: percentile(ages, 0.95), arrived: shown.length, sent: places.length }, updates };
}
