import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { MaskPolicy } from "../src/page/masks.ts";
import { decodeBatch, decodeState } from "../src/page/reader.ts";
import { Op, RecordKind, type PageEvent } from "../src/protocol/format.ts";
import { change, markup, MAYBE, NEVER, restless, Secrets, use, type Way } from "./masking-pages.ts";
import { freePort, pillion, sameAsMirror, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// Secrets in every way that a page can bear them: none may leave the browser,
// be kept by the gateway, or reach the agent. The same pages without rules show
// that the search finds them.

const POLICY: MaskPolicy = {
  rules: [
    { path: "/rules/**", hide: ["main.private", "body .private", "title"] },
    { path: "/all", all: true, show: [".open"] },
    { path: "/app/private/**", hide: ["#view"] },
    { path: "/wrong", hide: ["p[[", "b"] },
  ],
  query: ["member"],
};
const CONFIG = `
mask:
  - {path: "/rules/**", hide: ["main.private", "body .private", "title"]}
  - {path: "/all", all: true, show: [".open"]}
  - {path: "/app/private/**", hide: ["#view"]}
  - {path: "/wrong", hide: ["p[[", "b"]}
mask-query: [member]
mask-patterns: ["K-\\\\d{6}"]
`;

const pages = new Map<string, string>();
let site: Server;
let gateway: Gateway;
let browser: Browser;
let context: BrowserContext;
let user: Page;
let agent: Page;
let session: string;
let frames: Buffer[] = [];
const planted: Secrets[] = [];

/** Everything that a user's browser sends through its sockets. */
function listen(page: Page): Buffer[] {
  const list: Buffer[] = [];
  page.on("websocket", (ws) => ws.on("framesent", ({ payload }) => list.push(Buffer.from(payload))));
  return list;
}

function serve(path: string, way: Way): Secrets {
  const secrets = new Secrets(way);
  pages.set(path, markup(way, secrets));
  planted.push(secrets);
  return secrets;
}

/** The secrets that are in any of what was gathered. */
function found(secrets: Secrets, where: Buffer[]): string[] {
  const all = Buffer.concat(where);
  return secrets.all.filter(({ text }) => all.includes(text)).map(({ channel }) => channel);
}

/** What a viewer has: the console's own page, and all of the mirror. */
async function shown(viewer: Page): Promise<Buffer[]> {
  const mirror = await viewer.evaluate(() => {
    const out: string[] = [];
    const add = (root: Document | ShadowRoot): void => {
      out.push(root.nodeType === 9 ? (root as Document).documentElement?.outerHTML ?? "" : (root as ShadowRoot).innerHTML);
      for (const el of root.querySelectorAll("*")) {
        if ("value" in el) out.push(String(el.value));
        if (el.shadowRoot) add(el.shadowRoot);
        if (el.localName === "iframe" && (el as HTMLIFrameElement).contentDocument) add((el as HTMLIFrameElement).contentDocument!);
      }
    };
    add(document.querySelector<HTMLIFrameElement>("[data-testid=mirror]")!.contentDocument!);
    return out.join("\n");
  });
  return [Buffer.from(mirror), Buffer.from(await viewer.content())];
}

function filesIn(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name))).filter((name) => statSync(name).isFile()).map((name) => readFileSync(name));
}

/** The page events in frames that were sent. */
function eventsIn(list: Buffer[]): PageEvent[] {
  return list.flatMap((b) => {
    let at = 1;
    for (let numbers = 0; numbers < 2; numbers++) while (b[at++]! & 0x80);
    const payload = b.subarray(at);
    if (b[0] === RecordKind.PageState) return decodeState(payload).events;
    return b[0] === RecordKind.PageEvents ? decodeBatch(payload).events : [];
  });
}

/** All that the console tells of a session that is over. */
async function recording(viewer: Page, of: Gateway, id: string): Promise<string> {
  await viewer.goto(`${of.console}/replay/${id}`);
  await viewer.getByTestId("event-row").first().waitFor();
  return viewer.evaluate(async () => {
    const base = location.pathname.replace("/replay/", "/api/sessions/");
    const text = async (path: string) => (await fetch(base + path)).text();
    const described = JSON.parse(await text("/recording")) as { segments: unknown[]; keyframes: unknown[] };
    const parts = [text("/recording"), text("/events"), ...described.segments.map((_, n) => text(`/segments/${n}`)), ...described.keyframes.map((_, n) => text(`/keyframes/${n}`))];
    return (await Promise.all(parts)).join("\n");
  });
}

async function start(config: string): Promise<Gateway> {
  const file = join(mkdtempSync(join(tmpdir(), "pillion-masking-")), "pillion.yaml");
  const { port } = site.address() as { port: number };
  writeFileSync(file, `sites:\n  - upstream: ["http://127.0.0.1:${port}"]\n${config}`);
  const g = await startGateway(["serve", "--config", file]);
  await pillion(["account", "add", "Ann", "--role", "administrator", "--data", g.data], "pass-word\n");
  return g;
}

beforeAll(async () => {
  site = createServer((req, res) => {
    const path = new URL(req.url!, "http://site").pathname;
    res.setHeader("content-type", "text/html; charset=utf-8");
    res.end(pages.get(path) ?? `<!DOCTYPE html><title>${path}</title><p id=view>first</p><p class=b>text</p>`);
  });
  await new Promise<void>((done, fail) => void freePort().then((port) => site.listen(port, "127.0.0.1", done), fail));
  gateway = await start(CONFIG);
  browser = await startBrowser();
  context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  user = await context.newPage();
  frames = listen(user);
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
  await user.goto(gateway.site + "/plain");
  session = await share(user, agent);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
});

describe.each<[Way, string]>([["marks", "/marks"], ["rules", "/rules/a/b"], ["all", "/all"]])("what %s hide", (way, path) => {
  let secrets: Secrets;
  let from = 0;

  it("is the same for the agent, but for what is hidden", async () => {
    secrets = serve(path, way);
    from = frames.length;
    await user.goto(gateway.site + path + "?member=" + secrets.plant("token as the settings say"));
    await sameAsMirror(user, agent, POLICY);
    expect(await agent.frameLocator("[data-testid=mirror]").locator("#open").textContent()).toBe("shown to everybody");
    await change(user, way, secrets);
    await sameAsMirror(user, agent, POLICY);
    await use(user, secrets);
    await sameAsMirror(user, agent, POLICY);
  });

  it("does not leave the browser, nor reach the agent", async () => {
    await user.waitForTimeout(1500); // what is looked at every second has been
    expect(found(secrets, frames)).toEqual([]);
    expect(found(secrets, await shown(agent))).toEqual([]);
  });

  it("shows neither ticks, choices, carets, keys, pixels nor positions", () => {
    const events = eventsIn(frames.slice(from));
    expect(events.length).toBeGreaterThan(20);
    const ops = new Set(events.map((e) => e.op));
    for (const op of [Op.Checked, Op.Canvas, Op.Media, Op.Key, Op.Caret]) expect(ops, Op[op]).not.toContain(op);
    expect(events.filter((e) => e.op === Op.Selected && e.nums!.length)).toEqual([]);
    expect(events.filter((e) => e.op === Op.Selection && e.ids![0])).toEqual([]);
    for (const e of events) if (e.op === Op.Value && e.text) expect(e.text).toBe("••••••••");
  });
});

it("follows paths: what was hidden stays so, what is new is shown", async () => {
  const secrets = new Secrets("rules");
  planted.push(secrets);
  await user.goto(gateway.site + "/app/home");
  await sameAsMirror(user, agent, POLICY);
  const [first, second] = [secrets.plant("path set by script"), secrets.plant("left behind")];
  await user.evaluate(([one, two]) => {
    history.pushState(null, "", "/app/private/1");
    document.querySelector("#view")!.innerHTML = `<b>${one}</b><i>${two}</i>`;
  }, [first, second]);
  await sameAsMirror(user, agent, POLICY);
  await user.evaluate(() => history.back());
  await user.waitForTimeout(300);
  await user.evaluate(() => document.querySelector("#view b")!.replaceWith("shown again"));
  const view = agent.frameLocator("[data-testid=mirror]").locator("#view");
  await view.filter({ hasText: "shown again" }).waitFor();
  expect(await view.innerHTML()).toBe("shown again<i pillion-masked=\"\">••••••••</i>");
  expect(found(secrets, frames)).toEqual([]);
});

it("hides in a page that changes while it is told", async () => {
  const secrets = new Secrets("rules");
  planted.push(secrets);
  pages.set("/rules/restless", restless(secrets.plant("changes while the page is told")));
  await user.goto(gateway.site + "/rules/restless");
  await expect.poll(() => user.title()).toBe("rested");
  await sameAsMirror(user, agent, POLICY);
  expect((await agent.frameLocator("[data-testid=mirror]").locator("[pillion-masked]").count())).toBeGreaterThan(20);
  expect(found(secrets, frames)).toEqual([]);
});

it("hides all where a selector is none, and says so once", async () => {
  const said: string[] = [];
  user.on("console", (m) => m.type() === "warning" && said.push(m.text()));
  await user.goto(gateway.site + "/wrong");
  await agent.frameLocator("[data-testid=mirror]").locator("html[pillion-masked]").waitFor();
  expect(await agent.frameLocator("[data-testid=mirror]").locator("#view").textContent()).toBe("••••••••");
  expect(said.filter((text) => text.includes("p[["))).toHaveLength(1); // the comparison would say it too
  await sameAsMirror(user, agent, POLICY);
});

it("takes card numbers out of what is not hidden, in the browser, and the operator's patterns in the gateway", async () => {
  await user.goto(gateway.site + "/cards");
  await user.evaluate(() => (document.body.innerHTML = "<p id=p title='5555 5555 5555 4444'>Card 4111 1111 1111 1111</p><input id=i><p id=split>4111 1111 </p><p id=k>Contract K-123456</p>"));
  await user.locator("#i").pressSequentially("378282246310005");
  await user.evaluate(() => (document.querySelector("#split")!.firstChild as Text).appendData("1111 1111"));
  const mirror = agent.frameLocator("[data-testid=mirror]");
  await mirror.locator("#split").filter({ hasText: "•••• •••• •••• ••••" }).waitFor();
  await expect.poll(() => mirror.locator("#i").inputValue()).toBe("•••••••••••••••");
  expect(await mirror.locator("#k").textContent()).toBe("Contract ••••••••");
  const sent = Buffer.concat(frames).toString("latin1");
  for (const n of ["4111 1111 1111 1111", "5555 5555", "378282246310005"]) expect(sent).not.toContain(n);
  expect(sent).toContain("K-123456");
  expect(await (await fetch(`http://${gateway.listen[2]}/metrics`)).text()).toMatch(/^pillion_masking_slipped_total [1-9]/m);
});

it("lets nobody act on what is hidden", async () => {
  await user.goto(gateway.site + "/rules/c");
  await user.evaluate(() => (document.body.innerHTML = "<main class=private><button id=go>go</button><input id=in></main>"));
  await agent.frameLocator("[data-testid=mirror]").locator("#in").waitFor();
  const box = (await agent.frameLocator("[data-testid=mirror]").locator("#go").boundingBox())!;
  await agent.mouse.click(box.x + 3, box.y + 3);
  await agent.getByTestId("denied").first().waitFor();
});

it("leaves nothing in the log, the store, the recording or the program's output", async () => {
  const log = filesIn(gateway.data); // as long as the session is not sealed
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  const dump = await recording(agent, gateway, session);
  expect(dump).toContain("shown to everybody");
  expect(dump).not.toMatch(/K-123456|4111 1111 1111|378282246310005/);
  const output = gateway.program.output;
  await gateway.program.end();
  const kept = [...log, Buffer.from(dump), Buffer.from(output), ...filesIn(gateway.data)];
  expect(kept.length).toBeGreaterThan(10);
  for (const secrets of planted) expect(found(secrets, kept)).toEqual([]);
  const all = planted.flatMap((s) => s.all);
  expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(200);
  expect(new Set(all.map(({ channel }) => channel.replace(/^\w+: /, ""))).size).toBeGreaterThanOrEqual(20);
});

it("finds the same secrets where nothing hides them", async () => {
  const open = await start("");
  try {
    const secrets = serve("/none", "none");
    const page = await context.newPage();
    const sent = listen(page);
    const viewer = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), open, "Ann", "pass-word");
    await page.goto(open.site + "/none");
    const id = await share(page, viewer);
    await change(page, "none", secrets);
    await sameAsMirror(page, viewer);
    await use(page, secrets);
    await sameAsMirror(page, viewer);
    await page.waitForTimeout(1500);
    const expected = secrets.all.map(({ channel }) => channel).filter((channel) => !NEVER.test(channel) && !MAYBE.test(channel));
    expect(found(secrets, sent).filter((channel) => !MAYBE.test(channel))).toEqual(expected);
    const ops = new Set(eventsIn(sent).map((e) => e.op));
    for (const op of [Op.Checked, Op.Canvas, Op.Key, Op.Caret]) expect(ops, Op[op]).toContain(op);
    expect(found(secrets, await shown(viewer)).length).toBeGreaterThan(50);
    expect(found(secrets, filesIn(open.data)).length).toBeGreaterThan(50);
    await page.locator("pillion-assist [data-action=end]").click();
    await viewer.getByText("The session is over").waitFor();
    const dump = await recording(viewer, open, id);
    expect(found(secrets, [Buffer.from(dump)]).length).toBeGreaterThan(50);
  } finally {
    await open.program.end();
  }
});
