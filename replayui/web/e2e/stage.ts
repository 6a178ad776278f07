// What the end-to-end tests stand on: the real program, a real site, a real browser.
import { build } from "esbuild";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Level } from "../src/protocol/format.ts";
import { chromium, type Browser, type BrowserContext, type LaunchOptions, type Page } from "playwright-core";
import type { MaskPolicy } from "../src/page/masks.ts";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
const binary = join(root, "bin", "pillion");

export async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createServer();
    s.on("error", fail);
    s.listen(0, "127.0.0.1", () => {
      const { port } = s.address() as { port: number };
      s.close(() => done(port));
    });
  });
}

/** A program that runs beside the test; its output is shown when something fails. */
export class Program {
  private out = "";
  private ended: Promise<number | null>;

  private constructor(readonly name: string, private readonly child: ChildProcess, private readonly workers: boolean) {
    child.stdout?.on("data", (b: Buffer) => (this.out += b.toString()));
    child.stderr?.on("data", (b: Buffer) => (this.out += b.toString()));
    this.ended = new Promise((done) => child.on("exit", done));
  }

  static start(command: string, args: string[], options: { cwd?: string; env?: Record<string, string>; input?: string; workers?: boolean } = {}): Program {
    const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ["pipe", "pipe", "pipe"], detached: options.workers ?? false });
    child.stdin?.on("error", () => {}); // a program that reads nothing may be gone already
    child.stdin?.end(options.input ?? "");
    return new Program(command, child, options.workers ?? false);
  }

  get output(): string {
    return this.out;
  }

  async says(text: string): Promise<void> {
    for (let i = 0; i < 1200; i++) {
      if (this.out.includes(text)) return;
      if (this.child.exitCode !== null) break;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`${this.name} did not say ${JSON.stringify(text)}:\n${this.out}`);
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.workers) this.endGroup(signal);
    else this.child.kill(signal);
    return this.ended;
  }

  /** PHP's server leaves its workers behind, and they go on answering. */
  private endGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.child.pid!, signal);
    } catch {
      // they are gone already
    }
  }

  exit(): Promise<number | null> {
    return this.ended;
  }
}

export interface Gateway { program: Program; site: string; console: string; data: string; listen: string[] }

/** Runs the program with listeners and a data folder of its own. */
export async function startGateway(command: string[], data = mkdtempSync(join(tmpdir(), "pillion-e2e-")), ports?: string[], built = binary): Promise<Gateway> {
  if (!existsSync(built)) throw new Error(`${built} is not there: run make build`);
  const listen = ports ?? (await Promise.all([freePort(), freePort(), freePort()])).map((p) => `127.0.0.1:${p}`);
  const args = [...command, "--listen", listen[0]!, "--console", listen[1]!, "--admin", listen[2]!, "--data", data];
  const program = Program.start(built, args);
  await program.says(`http://${listen[2]}`);
  return { program, site: `http://${listen[0]}`, console: `http://${listen[1]}`, data, listen };
}

export async function pillion(args: string[], input = ""): Promise<{ status: number | null; output: string }> {
  const p = Program.start(binary, args, { input });
  const status = await p.exit();
  return { status, output: p.output };
}

export async function startBrowser(options: LaunchOptions = {}): Promise<Browser> {
  const path = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(path)) throw new Error(`${path} is not there: run make packages`);
  return chromium.launch({
    ...options,
    executablePath: path,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...(options.args ?? [])],
  });
}

let describeSource: Promise<string> | undefined;

/** The source of the comparison, as a script that puts it on the window. */
export function comparer(): Promise<string> {
  return (describeSource ??= build({
    entryPoints: [fileURLToPath(new URL("../src/page/compare.ts", import.meta.url))], bundle: true, write: false, format: "iife", globalName: "pillionCompare",
  }).then((r) => r.outputFiles[0]!.text));
}

/** A viewer's style sheets lead to the archive; the text of style elements says so. */
export const withoutAddresses = (lines: string[]) => lines.map((line) => line.replace(/url\([^)]*\)/g, "url()"));

/** The lines that describe the user's page, as a policy lets others see it. */
export async function linesOf(page: Page, policy: MaskPolicy = {}): Promise<string[]> {
  return withoutAddresses(await page.evaluate(`(() => { ${await comparer()}; return pillionCompare.describePage(document, ${JSON.stringify(policy)}) })()`));
}

/** The lines that describe what a viewer's frame shows. */
export async function linesIn(page: Page, testId: string): Promise<string[]> {
  const there = () => page.evaluate(`!!document.querySelector('[data-testid=${testId}]')`); // in Firefox too, whose pages are another library's
  for (let i = 0; !(await there()); i++) {
    if (i > 300) throw new Error(`there is no ${testId}`);
    await new Promise((done) => setTimeout(done, 100));
  }
  return withoutAddresses(await page.evaluate(`(() => { ${await comparer()}; return pillionCompare.describePage(document.querySelector('[data-testid=${testId}]').contentDocument) })()`));
}

/** Waits until both are the same, and reports the first line that is not. */
export async function waitSame(left: () => Promise<string[]>, right: () => Promise<string[]>, ms = 20_000): Promise<void> {
  const until = Date.now() + ms;
  for (;;) {
    const [a, b] = [await left(), await right()];
    const i = a.findIndex((line, n) => line !== b[n]);
    if (i < 0 && a.length === b.length) return;
    if (Date.now() > until) {
      const at = i < 0 ? a.length : i;
      throw new Error(`they differ at line ${at}:\n${a.slice(Math.max(0, at - 3), at + 3).join("\n")}\n--- and\n${b.slice(Math.max(0, at - 3), at + 3).join("\n")}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

export async function signIn(context: BrowserContext, gateway: Gateway, name: string, password: string, path = "/"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(gateway.console + path);
  await page.getByTestId("name").fill(name);
  await page.getByTestId("password").fill(password);
  await page.getByTestId("signin").click();
  await page.getByTestId("signin").waitFor({ state: "detached" });
  return page;
}

/** Asks for help on the user's page and returns the code. */
export async function askForHelp(user: Page): Promise<string> {
  await user.locator("pillion-assist [data-action=request]").click();
  return (await user.locator("pillion-assist [data-role=code]").textContent())!;
}

/** Brings user and agent to where the agent sees the page, and may do as much as the user chose. */
export async function share(user: Page, agent: Page, level: Level = "act"): Promise<string> {
  const code = await askForHelp(user);
  await agent.getByTestId("code-input").fill(code);
  await agent.getByTestId("join").click();
  await allow(user, level);
  await agent.getByTestId("state").filter({ hasText: "live" }).waitFor();
  await sameAsMirror(user, agent);
  return agent.url().split("/").pop()!;
}

/** Chooses a level where the user is asked who may see the page, and says yes. */
export async function allow(user: Page, level: Level): Promise<void> {
  const consent = user.locator("pillion-assist [data-role=consent]");
  await consent.locator(`[name=level][value=${level}]`).check();
  await consent.locator("[data-action=allow]").click();
}

export async function sameAsMirror(user: Page, agent: Page, policy?: MaskPolicy): Promise<void> {
  await waitSame(() => linesOf(user, policy), () => linesIn(agent, "mirror"));
}

/** A page that changes more often than this cannot be remembered. */
const MAX_TRIES = 50;

/** What the user's page was at times of a session, to be found again in its replay. */
export class Seen {
  private readonly list: { name: string; at: number; lines: string[] }[] = [];
  private readonly asked: string[] = [];

  constructor(private readonly user: Page, private readonly agent: Page, private readonly gateway: Gateway) {
    agent.on("console", (m) => m.text().startsWith("the page is asked for again") && this.asked.push(m.text()));
  }

  /** What mirror and gateway say that had to ask for the page again: they were wrong before. */
  get warnings(): string[] {
    return [...this.asked, ...this.gateway.program.output.split("\n").filter((line) => line.includes("the page is sent again"))];
  }

  /**
   * Waits until the page holds still and the mirror has it, and remembers it: a wheel's
   * scrolling takes a while, and what the page does by itself must not fall between
   * reading it and its time. The gateway's clock is this machine's.
   */
  async remember(name = ""): Promise<void> {
    const moment = name || `moment ${this.list.length + 1}`;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await sameAsMirror(this.user, this.agent).catch((e: Error) => {
        throw new Error(`after “${moment}”: ${e.message}`);
      });
      const lines = await linesOf(this.user);
      const at = Date.now() + 50;
      await this.user.waitForTimeout(150);
      if ((await linesOf(this.user)).join("\n") !== lines.join("\n")) continue;
      // What the mirror shows now may be what came between: it has to be this.
      if ((await linesIn(this.agent, "mirror")).join("\n") !== lines.join("\n")) continue;
      this.list.push({ name: moment, at, lines });
      return;
    }
    throw new Error(`“${moment}” does not hold still`);
  }

  /** Seeks to one of the moments. */
  async seek(viewer: Page, n: number): Promise<void> {
    const start = await viewer.evaluate(async () => {
      const r = await fetch(location.pathname.replace("/replay/", "/api/sessions/") + "/recording");
      return Date.parse(((await r.json()) as { start: string }).start);
    });
    await viewer.evaluate((ms) => window.pillionPlayer!.seek(ms), this.list[n]!.at - start);
  }

  /** Seeks to every moment, forth and back, and compares the page shown. */
  async replay(viewer: Page, check: () => Promise<void> = async () => {}): Promise<void> {
    const order = [...this.list.keys(), ...[...this.list.keys()].reverse()];
    for (const n of order) {
      const { name, lines } = this.list[n]!;
      await this.seek(viewer, n);
      const alerts = await viewer.getByRole("alert").allTextContents();
      if (alerts.length) throw new Error(`replay of “${name}”: ${alerts.join()}`);
      await waitSame(async () => lines, () => linesIn(viewer, "page")).catch((e: Error) => {
        throw new Error(`replay of “${name}”: ${e.message}`);
      });
      await check();
    }
  }
}

/** A picture of the user's page without what we added to it. */
export async function picture(user: Page): Promise<Buffer> {
  await user.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await user.mouse.move(1, 1);
  const shown = (value: string) => user.locator("pillion-assist").evaluate((el, v) => ((el.shadowRoot!.firstElementChild as HTMLElement).style.visibility = v), value);
  await shown("hidden");
  const shot = await user.screenshot();
  await shown("");
  return shot;
}

/** A picture of a viewer's frame, in which what is masked looks as it does for the user. */
export async function frameShot(viewer: Page, testId: string): Promise<Buffer> {
  const frame = viewer.getByTestId(testId);
  const marked = (on: boolean) =>
    frame.evaluate((el, on) => {
      const each = (d: Document): void => {
        for (const s of d.adoptedStyleSheets) if (s.cssRules[0]?.cssText.startsWith("[pillion-masked]")) s.disabled = !on;
        for (const f of d.querySelectorAll("iframe")) if (f.contentDocument) each(f.contentDocument);
      };
      each((el as HTMLIFrameElement).contentDocument!);
    }, on);
  await marked(false);
  const shot = await frame.screenshot();
  await marked(true);
  return shot;
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds on a page, or within an element of it. */
export async function offences(page: Page, within?: string, tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async ([at, runOnly]) => {
    const { run } = (window as unknown as { axe: { run(c: unknown, o: object): Promise<{ violations: { id: string; nodes: { target: unknown }[] }[] }> } }).axe;
    const r = await run(at ? { include: [[at]] } : { exclude: [["iframe"]] }, { runOnly, iframes: false });
    return r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => String(n.target)).join(" ")}`);
  }, [within, tags] as const);
}

/** What of the console or player does not fit into a window of a width, or is too small for a finger (WCAG 2.2: 1.4.10, 2.5.8), and what axe-core finds. */
export async function cramped(page: Page, width: number): Promise<string[]> {
  await page.setViewportSize({ width, height: 800 });
  await page.waitForTimeout(150); // the page on show is scaled anew
  const faults = await page.evaluate(() => {
    const list: string[] = [];
    if (document.documentElement.scrollWidth > innerWidth) list.push(`the page is ${document.documentElement.scrollWidth} wide`);
    for (const el of document.querySelectorAll("button, input:not([type=radio]), select, a, summary, dialog[open], table")) {
      if (el.matches(".sheet *, .marks *") || !el.checkVisibility()) continue;
      const { left, right, width, height } = el.getBoundingClientRect();
      const name = `${el.localName} “${el.textContent.slice(0, 30)}”`;
      if (left < 0 || right > innerWidth + 0.5) list.push(`${name} is outside`);
      if (width < 24 || height < 24) list.push(`${name} is ${width} × ${height}`);
    }
    return list;
  });
  return [...faults, ...(await offences(page))].map((fault) => `at ${width}: ${fault}`);
}

/** How much of two pictures differs: share of the pixels. */
export function difference(a: Buffer, b: Buffer): number {
  const [x, y] = [PNG.sync.read(a), PNG.sync.read(b)];
  if (x.width !== y.width || x.height !== y.height) throw new Error(`${x.width} × ${x.height} and ${y.width} × ${y.height}`);
  if (process.env["SHOTS"]) {
    writeFileSync(`${process.env["SHOTS"]}/look-user.png`, a);
    writeFileSync(`${process.env["SHOTS"]}/look-player.png`, b);
  }
  return pixelmatch(x.data, y.data, undefined, x.width, x.height, { threshold: 0.1 }) / (x.width * x.height);
}
