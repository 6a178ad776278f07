// What a user's page was at moments of a session, and whether a replay is the same picture.
import { expect } from "vitest";
import type { Page } from "playwright-core";
import { hashOf } from "./tap.ts";
import { sameAsMirror, waitSame, withoutAddresses, linesOf, linesIn, difference, frameShot } from "./stage.ts";

/** What is compared beside the tree: all that a person could see, as numbers and words. */
interface View { text: string; boxes: string[] }

interface Moment extends View { name: string; at: number; shot: Buffer; lines: string[] }

/** Runs in a page: a document's text, and the boxes of all elements in its own and its frames' documents. */
function viewOf(d: Document): View {
  const boxes: string[] = [];
  const round = (n: number) => Math.round(n * 100) / 100;
  const each = (root: Document | ShadowRoot, path: string): void => {
    for (const el of root.querySelectorAll("*")) {
      if (el.localName === "pillion-assist" || el.closest("head, noscript")) continue;
      const r = el.getBoundingClientRect();
      if (r.width || r.height) boxes.push(`${path}${el.localName} ${[r.left, r.top, r.width, r.height].map(round).join(" ")}`);
      if (el.shadowRoot) each(el.shadowRoot, `${path}${el.localName}# `);
      const inner = /^i?frame$/.test(el.localName) ? (el as HTMLIFrameElement).contentDocument : null;
      if (inner) each(inner, `${path}${el.localName}/ `);
    }
  };
  each(d, "");
  const assist = d.querySelector("pillion-assist") as HTMLElement | null;
  const shown = assist?.style.display ?? "";
  assist?.style.setProperty("display", "none", "important");
  const text = d.body?.innerText ?? "";
  if (assist) assist.style.display = shown;
  return { text, boxes };
}

/** Fonts are there, and nothing moves. */
async function still(page: Page, testId = ""): Promise<void> {
  await page.evaluate(async (id) => {
    const each = async (d: Document): Promise<void> => {
      await d.fonts.ready;
      const shown = [...d.images].filter((i) => i.loading !== "lazy" || i.getBoundingClientRect().top < innerHeight);
      await Promise.race([
        Promise.all(shown.map((i) => (i.complete ? i.decode().catch(() => {}) : new Promise((done) => { i.onload = i.onerror = done; })))),
        new Promise((done) => setTimeout(done, 5000)), // one that nobody answers for
      ]);
      for (const f of d.querySelectorAll("iframe")) if (f.contentDocument) await each(f.contentDocument);
    };
    await each(id ? (document.querySelector(`[data-testid=${id}]`) as HTMLIFrameElement).contentDocument! : document);
  }, testId);
}

async function shotOf(user: Page): Promise<Buffer> {
  const shown = (value: string) =>
    user.evaluate((v) => (document.querySelector("pillion-assist") as HTMLElement | null)?.style.setProperty("visibility", v, "important"), value);
  const parts = (value: string) =>
    user.evaluate((v) => [...(document.querySelector("pillion-assist")?.shadowRoot?.children ?? [])].forEach((c) => ((c as HTMLElement).style.visibility = v)), value);
  await shown("hidden");
  await parts("hidden");
  const shot = await user.screenshot({ animations: "disabled" });
  await parts("");
  await shown("");
  return shot;
}

export class Moments {
  readonly list: Moment[] = [];

  constructor(private readonly user: Page, private readonly agent: Page) {}

  /** Remembers the page as it is, once the mirror has it. The gateway's clock is this machine's. */
  async take(name: string): Promise<void> {
    for (let before = ""; ; ) { // a wheel's scrolling takes a while
      const now = (await linesOf(this.user)).join("\n");
      if (now === before) break;
      before = now;
      await this.user.waitForTimeout(300);
    }
    await sameAsMirror(this.user, this.agent).catch((e: Error) => { throw new Error(`after “${name}”: ${e.message}`); });
    await still(this.user);
    const at = Date.now() + 50;
    const lines = await linesOf(this.user);
    const shot = await shotOf(this.user);
    const view = await this.user.evaluate(`(${viewOf.toString()})(document)`) as View;
    expect(await linesOf(this.user), `“${name}” did not hold still`).toEqual(lines);
    this.list.push({ name, at, shot, lines, ...view });
    await this.user.waitForTimeout(150);
  }

  /** Seeks to every moment: tree, text, boxes and picture are those of then. Returns the shares of pixels that differ. */
  async same(viewer: Page, start: number, most = 0.01, testId = "page"): Promise<number[]> {
    const shares: number[] = [];
    for (const m of this.list) {
      await viewer.evaluate((ms) => window.pillionPlayer!.seek(ms), m.at - start);
      await waitSame(async () => m.lines, () => linesIn(viewer, testId)).catch((e: Error) => { throw new Error(`replay of “${m.name}”: ${e.message}`); });
      await still(viewer, testId);
      const view = await viewer.evaluate(`(${viewOf.toString()})(document.querySelector("[data-testid=${testId}]").contentDocument)`) as View;
      expect(withoutAddresses(view.boxes), `boxes at “${m.name}”`).toEqual(m.boxes);
      expect(view.text, `text at “${m.name}”`).toBe(m.text);
      shares.push(difference(m.shot, await pictureIn(viewer, testId)));
      expect(shares.at(-1), `picture at “${m.name}”`).toBeLessThanOrEqual(most);
    }
    return shares;
  }
}

/** The frame alone, unscaled: without marks, and at the window's corner as the page was at its own. */
async function pictureIn(viewer: Page, testId: string): Promise<Buffer> {
  const frame = viewer.getByTestId(testId);
  await frame.evaluate((el) => {
    for (const [name, value] of [["position", "fixed"], ["left", "0"], ["top", "0"], ["transform", "none"], ["z-index", "9999"]]) el.parentElement!.style.setProperty(name!, value!, "important");
    (el.nextElementSibling as HTMLElement).style.visibility = "hidden";
  });
  const shot = await frameShot(viewer, testId);
  await frame.evaluate((el) => {
    for (const name of ["position", "left", "top", "transform", "z-index"]) el.parentElement!.style.removeProperty(name);
    (el.nextElementSibling as HTMLElement).style.visibility = "";
    dispatchEvent(new Event("resize"));
  });
  return shot;
}

/** Everything that a viewer's window asks for, over the browser's own protocol. */
export class Requests {
  readonly urls: string[] = [];
  private readonly answers: { url: string; type: string; tag: string; status: number; body: Promise<Buffer | undefined> }[] = [];

  static async of(page: Page): Promise<Requests> {
    const r = new Requests();
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    session.on("Network.requestWillBeSent", (e) => r.urls.push(e.request.url));
    page.on("response", (a) => {
      if (!new URL(a.url()).pathname.startsWith("/archive/")) return;
      const h = a.headers();
      r.answers.push({ url: a.url(), type: h["content-type"] ?? "", tag: h["etag"] ?? "", status: a.status(), body: a.body().catch(() => undefined) });
    });
    return r;
  }

  /** What was asked of anybody but the console. */
  outside(console: string): string[] {
    return this.urls.filter((u) => !u.startsWith(console + "/") && !/^(data|blob|about):/.test(u));
  }

  /** Assets that the archive did not have. */
  get missed(): string[] {
    return this.answers.filter((a) => a.status >= 400).map((a) => a.url);
  }

  /** Checks each asset against what the site sent under its path; returns how many there were. */
  async match(sent: (path: string) => ReadonlySet<string> | undefined): Promise<number> {
    const seen = new Set<string>();
    for (const a of this.answers) {
      if (a.status !== 200) continue;
      const u = new URL(a.url);
      const path = "/" + u.pathname.split("/").slice(6).join("/") + u.search;
      const hashes = sent(path);
      expect(hashes, `${path} was never sent`).toBeDefined();
      // A style sheet is served with its links led to the archive: its tag names the bytes as they were.
      expect([...hashes!], path).toContain(a.tag.replaceAll('"', ""));
      const body = await a.body;
      if (body && !a.type.startsWith("text/css")) expect([...hashes!], path).toContain(hashOf(body));
      seen.add(path);
    }
    return seen.size;
  }
}

export async function startOf(viewer: Page): Promise<number> {
  return viewer.evaluate(async () => {
    const r = await fetch(location.pathname.replace("/replay/", "/api/sessions/") + "/recording");
    return Date.parse(((await r.json()) as { start: string }).start);
  });
}
