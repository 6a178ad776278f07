// Live sessions: ours through the whole gateway, rrweb over a plain relay.
import type { Page } from "playwright-core";
import { share, signIn, startGateway, pillion, type Gateway } from "../e2e/stage.ts";
import { PEER, script } from "./contenders.ts";
import type { Report } from "./figures.ts";
import { changes, pointer, scrolls, type Pair, type Times } from "./latency.ts";
import { closePage, INPAGE, openPage, pause, type Stand } from "./stand.ts";

export const PASSWORD = "pass-word";

/** A user's clock that is off, as the page's scripts see it. */
const clockOff = (ms: number) => `{ const Plain = Date; const off = ${ms}; Date = class extends Plain { constructor(...a) { a.length ? super(...a) : super(Plain.now() + off) } static now() { return Plain.now() + off } } }`;

/** A gateway with an agent's account, on a data folder that is there already or a new one, with more arguments where some are given. */
export async function gatewayFor(upstream: string, data?: string, ...more: string[]): Promise<Gateway> {
  const g = await startGateway(["serve", "--upstream", upstream, ...more], data);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", g.data], PASSWORD + "\n");
  return g;
}

export function pairOf(user: Page, viewer: Page): Pair {
  const on = (page: Page): Pair["user"] => (f) => page.evaluate(`(${f.toString()})(probe)`) as ReturnType<typeof f> as never;
  return { user: on(user), viewer: on(viewer), point: (x, y) => user.mouse.move(x, y) };
}

export interface Session { user: Page; agent: Page; pair: Pair; id: string; close(): Promise<void> }

/** A session through the gateway on a page that is shared. */
export async function session(stand: Stand, gateway: Gateway, clock = 0): Promise<Session> {
  const user = await (await stand.browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage();
  await user.addInitScript(INPAGE + (clock ? clockOff(clock) : "") + (await script("probe")));
  await user.goto(gateway.site + "/work");
  const agent = await signIn(await stand.browser.newContext({ viewport: { width: 1500, height: 950 } }), gateway, "Ann", PASSWORD);
  const id = await share(user, agent);
  await agent.evaluate(await script("probe"));
  await agent.evaluate(() => probe.watch(document.querySelector<HTMLIFrameElement>("[data-testid=mirror]")!, () => {
    const at = /translate\(([\d.]+)px, ([\d.]+)px\)/.exec(document.querySelector<HTMLElement>(".cursor[data-name=User]")?.style.transform ?? "");
    return at ? at[1] + "," + at[2] : "";
  }));
  return {
    user, agent, id, pair: pairOf(user, agent),
    async close() {
      await closePage(user);
      await closePage(agent);
    },
  };
}

let room = 0;

/** rrweb's recorder and its live mode, with a relay between them. */
async function relayed(stand: Stand, clock: number, buffer: number): Promise<Session> {
  const relay = `ws://127.0.0.1:${stand.port}/relay?room=${room++}`;
  const viewer = await openPage(stand, "/empty");
  await viewer.addScriptTag({ content: await script("replay-rrweb") });
  const built = viewer.evaluate(([to, ms]) => watchLive(to as string, ms as number), [relay, buffer] as const);
  await pause(200);
  const user = await openPage(stand, "/work", clock ? clockOff(clock) : "");
  await user.addScriptTag({ content: (await script(PEER)) + (await script("probe")) });
  await user.evaluate(async (to) => {
    const socket = new WebSocket(to);
    await new Promise((done) => (socket.onopen = done));
    globalThis.rrwebEvent = (text) => socket.send(text);
    await contender.start();
  }, relay);
  const came = await Promise.race([built.then(() => true), pause(4000 + clock / 1000).then(() => false)]);
  await viewer.evaluate(await script("probe"));
  if (came) {
    await viewer.evaluate(() => probe.watch(document.querySelector<HTMLIFrameElement>(".replayer-wrapper iframe")!, () => {
      const s = document.querySelector<HTMLElement>(".replayer-mouse")?.style;
      return s?.left ? parseFloat(s.left) + "," + parseFloat(s.top) : "";
    }));
  }
  return {
    user, agent: viewer, id: "", pair: pairOf(user, viewer),
    async close() {
      built.catch(() => {});
      await closePage(user);
      await closePage(viewer);
    },
  };
}

const NONE: Times = { p50: NaN, p95: NaN, arrived: 0, sent: 0 };
const shown = (t: Times, key: "p50" | "p95") => (t.arrived * 2 < t.sent || !t.sent ? "not shown" : t[key]);

export async function measureLive(stand: Stand, report: Report, n: number): Promise<void> {
  const count = n > 1 ? 120 : 20;
  const gateway = await gatewayFor(stand.site);
  try {
    const ours = await everything(await session(stand, gateway), count);
    const peer = await everything(await relayed(stand, 0, 0), count);
    const documented = await onlyChanges(await relayed(stand, 0, 1000), 20, 2500);
    const t = report.table("Live", "Ours from the page through `pillion serve`, with its durable log, to the agent's console; rrweb from its recorder over a plain WebSocket relay to its replayer in live mode, without the buffer that its guide recommends. User and viewer are two pages of one Chromium. In the document: the viewer's document has the change; drawn: it is in a frame. Age: of the pointer on show, in every frame of the viewer's.");
    const rows = (what: string, a: Times, b: Times) => {
      for (const key of ["p50", "p95"] as const) t.rows.push({ what: `${what}, ${key}`, unit: "ms", cells: { ours: shown(a, key), [PEER]: shown(b, key) } });
    };
    rows("a change is in the document", ours.told, peer.told);
    rows("a change is drawn", ours.drawn, peer.drawn);
    t.rows.push({ what: "a change is in the document, with rrweb's documented buffer, p50", unit: "ms", cells: { ours: ours.told.p50, [PEER]: shown(documented, "p50") } });
    rows("a scroll", ours.scrolled, peer.scrolled);
    rows("age of the pointer", ours.pointer.age, peer.pointer.age);
    t.rows.push({ what: "updates of the pointer", unit: "a second", cells: { ours: ours.pointer.updates, [PEER]: peer.pointer.updates } });
    verdicts(report, ours);
    for (const [name, ms] of [["3 s", 3000], ["an hour", 3_600_000]] as const) {
      const a = await onlyChanges(await session(stand, gateway, ms), 20, 500);
      const b = await onlyChanges(await relayed(stand, ms, 0), 20, 4500);
      t.rows.push({ what: `the user's clock ${name} fast: a change is in the document, p50`, unit: "ms", cells: { ours: shown(a, "p50"), [PEER]: shown(b, "p50") } });
      report.atMost(`the user's clock ${name} off: a change through the gateway, p50 ms`, 15, a.arrived * 2 > a.sent ? a.p50 : Infinity);
    }
  } finally {
    await gateway.program.end();
  }
}

type All = Awaited<ReturnType<typeof everything>>;

async function everything(s: Session, count: number) {
  const { told, drawn } = await changes(s.pair, count);
  const scrolled = await scrolls(s.pair);
  await s.user.evaluate(() => scrollTo(0, 0));
  const at = await pointer(s.pair, count > 30 ? 5 : 2);
  await s.close();
  return { told, drawn, scrolled, pointer: at };
}

async function onlyChanges(s: Session, count: number, patience: number): Promise<Times> {
  const { told } = await changes(s.pair, count, patience).catch(() => ({ told: NONE }));
  await s.close();
  return told;
}

function verdicts(report: Report, ours: All): void {
  report.atMost("a change through the gateway, in the viewer's document: p50 ms", 15, ours.told.p50);
  report.atMost("a change through the gateway, in the viewer's document: p95 ms", 25, ours.told.p95);
  report.atMost("a scroll through the gateway: p50 ms", 20, ours.scrolled.p50);
  report.atMost("a scroll through the gateway: p95 ms", 50, ours.scrolled.p95);
  report.atMost("age of the pointer through the gateway: p50 ms", 40, ours.pointer.age.p50);
  report.atMost("age of the pointer through the gateway: p95 ms", 60, ours.pointer.age.p95);
  report.atLeast("updates of the pointer a second", 30, ours.pointer.updates);
}
