import type { Browser, BrowserContext, Page } from "playwright-core";
import { difference } from "./stage.ts";

// Two browsers on one site, one directly and one through the gateway: every
// page is to be the same for both.

export interface Visit {
  /** what went wrong, addresses without their origin */
  trouble: string[];
  look: Buffer;
  markup: string;
  /** paths of the same site that the page links to, in its order */
  links: string[];
}

/** Takes out of markup what differs from one answer to the next. */
export type Steady = (markup: string) => string;

export interface Twins { direct: Side; through: Side; end(): Promise<void> }

export async function openTwins(browser: Browser, direct: string, through: string, steady: Steady): Promise<Twins> {
  const side = async (origin: string) => Side.open(browser, origin, direct, steady);
  const [a, b] = [await side(direct), await side(through)];
  return {
    direct: a, through: b,
    end: async () => {
      await a.context.close();
      await b.context.close();
    },
  };
}

/** One of the two browsers; signs in and acts by its context. */
export class Side {
  private constructor(readonly context: BrowserContext, readonly origin: string, private readonly site: string, private readonly steady: Steady) {}

  static async open(browser: Browser, origin: string, site: string, steady: Steady): Promise<Side> {
    return new Side(await browser.newContext({ viewport: { width: 1100, height: 760 } }), origin, site, steady);
  }

  short(text: string): string {
    return text.replaceAll(this.origin, "").replaceAll(this.site, "");
  }

  /** Opens a path in a page of its own; what `act` does there belongs to the visit. */
  async visit(path: string, act: (page: Page) => Promise<void> = async () => {}): Promise<Visit> {
    const page = await this.context.newPage();
    const trouble: string[] = [];
    const note = (text: string) => trouble.push(this.steady(this.short(text)));
    page.on("console", (m) => m.type() === "error" && note("console: " + m.text()));
    page.on("pageerror", (e) => note("error: " + e.message));
    page.on("requestfailed", (r) => note(`failed: ${r.url()} ${r.failure()?.errorText}`));
    page.on("response", (r) => r.status() >= 400 && note(`${r.status()} ${r.url()}`));
    await page.goto(this.origin + path, { waitUntil: "networkidle" });
    await act(page);
    const look = await lookOf(page);
    const links = await page.evaluate(linksOf);
    const markup = await this.markup(path);
    page.removeAllListeners();
    await page.close();
    return { trouble: trouble.sort(), look, markup, links };
  }

  private async markup(path: string): Promise<string> {
    const url = new URL(this.origin + path);
    const { host } = url;
    if (url.hostname.endsWith(".localhost")) url.hostname = "127.0.0.1"; // a name to browsers alone
    const answer = await this.context.request.get(url.href, { headers: { host, "sec-fetch-dest": "document" } });
    const text = (await answer.text()).replace(/<script(?: nonce="[^"]*")? src="[^"]*\/\.pillion\/capture\.js\?v=\w+"(?: nonce="[^"]*")?><\/script>/, "");
    return this.steady(this.short(text));
  }
}

/** A picture without the cursor and without what we added. */
async function lookOf(page: Page): Promise<Buffer> {
  await page.evaluate(() => {
    (document.activeElement as HTMLElement | null)?.blur();
    const own = document.querySelector("pillion-assist")?.shadowRoot?.firstElementChild as HTMLElement | undefined;
    if (own) own.style.visibility = "hidden";
  });
  return page.screenshot();
}

function linksOf(): string[] {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("a[href]")].map((a) => new URL(a.href));
  return links.filter((u) => u.origin === location.origin).map((u) => u.pathname + u.search);
}

/** What differs between two visits, in words; empty where nothing does. */
export function differences(direct: Visit, through: Visit): string[] {
  const found: string[] = [];
  const only = (a: string[], b: string[]) => a.filter((t) => !b.includes(t));
  for (const t of only(through.trouble, direct.trouble)) found.push("trouble through the gateway: " + t);
  for (const t of only(direct.trouble, through.trouble)) found.push("trouble without it only: " + t);
  if (direct.markup !== through.markup) found.push(`markup: ${firstDifference(direct.markup, through.markup)}`);
  const share = difference(direct.look, through.look);
  if (share >= 0.001) found.push(`look: ${(share * 100).toFixed(2)} % of the pixels`);
  return found;
}

function firstDifference(a: string, b: string): string {
  let i = 0;
  while (a[i] === b[i]) i++;
  return `${JSON.stringify(a.slice(Math.max(0, i - 60), i + 60))}, through the gateway ${JSON.stringify(b.slice(Math.max(0, i - 60), i + 60))}`;
}

/** Visits pages breadth first from the start path with both; `follows` chooses among the links. */
export async function crawl(twins: Twins, start: string, most: number, follows: (path: string) => boolean): Promise<{ visited: string[]; found: string[] }> {
  const queue = [start];
  const known = new Set(queue);
  const visited: string[] = [];
  const found: string[] = [];
  for (let path = queue.shift(); path !== undefined && visited.length < most; path = queue.shift()) {
    const [direct, through] = await Promise.all([twins.direct.visit(path), twins.through.visit(path)]);
    visited.push(path);
    found.push(...differences(direct, through).map((d) => `${path}: ${d}`));
    if (direct.links.join("\n") !== through.links.join("\n")) found.push(`${path}: other links`);
    for (const link of direct.links) {
      if (known.has(link) || !follows(link)) continue;
      known.add(link);
      queue.push(link);
    }
  }
  return { visited, found };
}
