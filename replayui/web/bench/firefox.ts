// The same in Firefox, over WebDriver BiDi. It counts no CPU time itself: the kernel does.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { PEER, script } from "./contenders.ts";
import { median, type Report } from "./figures.ts";
import { changes, pointer, scrolls, type Pair } from "./latency.ts";
import { gatewayFor, PASSWORD } from "./live.ts";
import { INPAGE, pause, type Stand } from "./stand.ts";

const FIREFOX = process.env["FIREFOX"] ?? "/usr/bin/firefox-esr";

export async function measureFirefox(stand: Stand, report: Report, n: number): Promise<void> {
  if (!existsSync(FIREFOX)) throw new Error(`${FIREFOX} is not there: run make packages`);
  // One for each end: a window's pages behind the one in front get a frame a second.
  const browser = await launch();
  const other = await launch();
  try {
    const t = report.table("Firefox", `${await browser.version()}, over WebDriver BiDi. Page state: CPU of the main threads of its processes for pages, by the kernel (schedstat), from the start of recording until the state is out and three frames later, less what the page costs unrecorded; and time on the clock until it is out, in slices between which the page goes on. Live as above, each end in a Firefox of its own.`);
    for (const nodes of [300, 5000, 50_000]) {
      const runs: Record<string, State[]> = { none: [], ours: [], [PEER]: [] };
      for (let i = 0; i < n; i++) for (const name in runs) runs[name]!.push(await state(browser, `${stand.site}/nodes?n=${nodes}`, name));
      const of = (name: string, key: keyof State) => median(runs[name]!.map((r) => r[key]));
      const cpu: Record<string, number> = {};
      for (const name of ["ours", PEER]) cpu[name] = of(name, "cpu") - of("none", "cpu");
      t.rows.push({ what: `page state, ${nodes} nodes`, unit: "CPU ms", cells: cpu });
      t.rows.push({ what: `page state, ${nodes} nodes, until it is out`, unit: "ms", cells: { ours: of("ours", "clock"), [PEER]: of(PEER, "clock") } });
      report.atMost(`Firefox: page state, ${nodes} nodes: CPU against rrweb`, 0.4, cpu["ours"]! / cpu[PEER]!);
    }
    const ours = await throughGateway(browser, other, stand, n);
    const peer = await throughRelay(browser, other, stand, n);
    for (const key of ["p50", "p95"] as const) {
      t.rows.push({ what: `a change is in the document, ${key}`, unit: "ms", cells: { ours: ours.told[key], [PEER]: peer.told[key] } });
      t.rows.push({ what: `a scroll, ${key}`, unit: "ms", cells: { ours: ours.scrolled[key], [PEER]: peer.scrolled[key] } });
      t.rows.push({ what: `age of the pointer, ${key}`, unit: "ms", cells: { ours: ours.age[key], [PEER]: peer.age[key] } });
    }
    report.atMost("Firefox: a change through the gateway: p50 ms", 15, ours.told.p50);
    report.atMost("Firefox: a change through the gateway: p95 ms", 25, ours.told.p95);
    report.atMost("Firefox: a scroll through the gateway: p50 ms", 20, ours.scrolled.p50);
    report.atMost("Firefox: age of the pointer through the gateway: p50 ms", 40, ours.age.p50);
  } finally {
    await browser.close();
    await other.close();
  }
}

function launch(): Promise<Browser> {
  return puppeteer.launch({ browser: "firefox", executablePath: FIREFOX, headless: true, extraPrefsFirefox: { "privacy.reduceTimerPrecision": false } });
}

async function open(browser: Browser, url: string, ...scripts: string[]): Promise<Page> {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.bringToFront();
  await page.setViewport({ width: 1200, height: 800 });
  await page.goto(url);
  for (const text of [INPAGE, ...scripts]) await page.evaluate(text);
  return page;
}

interface State { cpu: number; clock: number }

async function state(browser: Browser, url: string, name: string): Promise<State> {
  const page = await open(browser, url, await script(name));
  await pause(SETTLE_MS);
  const before = pagesCpu(browser);
  const clock = await page.evaluate(() => inTask(async () => {
    await nextFrames(2);
    const began = performance.now();
    await contender.start();
    const ms = performance.now() - began;
    await nextFrames(3);
    await sleep(50);
    return ms;
  }));
  const cpu = pagesCpu(browser) - before;
  await page.browserContext().close();
  return { cpu, clock };
}

/** What was opened or closed before is done by then. */
const SETTLE_MS = 300;

/** CPU ms so far of the main threads of all processes that a Firefox has pages in (proc(5), /proc/PID/schedstat: ns on a CPU). */
function pagesCpu(browser: Browser): number {
  const read = (pid: number, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return ""; // it has ended
    }
  };
  const up = new Map(readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), Number(/^PPid:\s+(\d+)/m.exec(read(Number(name), "status"))?.[1])]));
  const isOf = (pid: number | undefined): boolean => !!pid && (pid === browser.process()!.pid || isOf(up.get(pid)));
  const pages = [...up.keys()].filter((pid) => isOf(pid) && /-contentproc.*\btab\b/s.test(read(pid, "cmdline")));
  if (!pages.length) throw new Error("Firefox has no processes for pages");
  return pages.reduce((sum, pid) => sum + Number(read(pid, "schedstat").split(" ")[0]) / 1e6, 0);
}

function pairOf(user: Page, viewer: Page): Pair {
  const on = (page: Page): Pair["user"] => (f) => page.evaluate(`(${f.toString()})(probe)`) as ReturnType<typeof f> as never;
  return { user: on(user), viewer: on(viewer), point: (x, y) => user.mouse.move(x, y) };
}

async function all(pair: Pair, n: number) {
  const { told } = await changes(pair, n > 1 ? 120 : 20);
  const scrolled = await scrolls(pair);
  await pair.user(() => scrollTo(0, 0));
  const { age } = await pointer(pair, n > 1 ? 4 : 2);
  return { told, scrolled, age };
}

/** Locators wait for two frames without a move: what is drawn over the page never comes to that. */
async function click(page: Page, selector: string): Promise<void> {
  const el = await page.waitForSelector(selector, { visible: true });
  await el!.click();
}

async function throughGateway(browser: Browser, other: Browser, stand: Stand, n: number) {
  const gateway = await gatewayFor(stand.site);
  try {
    const source = await script("probe");
    const user = await open(browser, gateway.site + "/work", source);
    const agent = await open(other, gateway.console + "/");
    await agent.locator("[data-testid=name]").fill("Ann");
    await agent.locator("[data-testid=password]").fill(PASSWORD);
    await click(agent, "[data-testid=signin]");
    await click(user, "pillion-assist >>> [data-action=request]");
    const shown = await user.waitForSelector("pillion-assist >>> [data-role=code]", { visible: true });
    const code = await shown!.evaluate((el) => el.textContent ?? "");
    await agent.locator("[data-testid=code-input]").fill(code);
    await click(agent, "[data-testid=join]");
    await click(user, "pillion-assist >>> [data-role=consent] [data-action=allow]");
    await agent.waitForFunction(() => document.querySelector<HTMLIFrameElement>("[data-testid=mirror]")?.contentDocument?.getElementById("mark"));
    await pause(500);
    await agent.evaluate(source);
    await agent.evaluate(() => probe.watch(document.querySelector<HTMLIFrameElement>("[data-testid=mirror]")!, () => {
      const at = /translate\(([\d.]+)px, ([\d.]+)px\)/.exec(document.querySelector<HTMLElement>(".cursor[data-name=User]")?.style.transform ?? "");
      return at ? at[1] + "," + at[2] : "";
    }));
    return await all(pairOf(user, agent), n);
  } finally {
    await gateway.program.end();
  }
}

async function throughRelay(browser: Browser, other: Browser, stand: Stand, n: number) {
  const relay = `ws://127.0.0.1:${stand.port}/relay?room=firefox`;
  const source = await script("probe");
  const viewer = await open(other, stand.site + "/empty", await script("replay-rrweb"), source);
  const built = viewer.evaluate((to) => watchLive(to, 0), relay);
  await pause(300);
  const user = await open(browser, stand.site + "/work", await script(PEER), source);
  await user.evaluate(async (to) => {
    const socket = new WebSocket(to);
    await new Promise((done) => (socket.onopen = done));
    globalThis.rrwebEvent = (text) => socket.send(text);
    await contender.start();
  }, relay);
  await built;
  await viewer.evaluate(() => probe.watch(document.querySelector<HTMLIFrameElement>(".replayer-wrapper iframe")!, () => {
    const s = document.querySelector<HTMLElement>(".replayer-mouse")?.style;
    return s?.left ? parseFloat(s.left) + "," + parseFloat(s.top) : "";
  }));
  return all(pairOf(user, viewer), n);
}
