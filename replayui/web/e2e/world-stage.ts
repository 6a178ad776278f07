import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { freePort, startGateway, type Gateway } from "./stage.ts";
import type { World } from "./world.ts";

/** The gateway in front of both sites of a world, each by a name of its own. */
export interface Front { gateway: Gateway; help: string; store: string }

export async function startFront(world: World): Promise<Front> {
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const port = (origin: string) => new URL(origin).port;
  const site = (name: string, origin: string) => `
  - hosts: [${name}:${ports[0]}]
    upstream: [http://127.0.0.1:${port(origin)}]
    host: ${new URL(origin).host}
    assets: ["${new URL(world.cdn.origin).host}"]`;
  const config = join(mkdtempSync(join(tmpdir(), "pillion-world-")), "pillion.yaml");
  writeFileSync(config, `sites:${site("help.localhost", world.legacy.origin)}${site("store.localhost", world.shop.origin)}\n`);
  const gateway = await startGateway(["serve", "--config", config], undefined, ports.map((p) => `127.0.0.1:${p}`));
  return { gateway, help: `http://help.localhost:${ports[0]}`, store: `http://store.localhost:${ports[0]}` };
}

/** Notes what a browser asks of others than it should, and what its console says. */
export function watch(context: BrowserContext, origins: string[]): string[] {
  const trouble: string[] = [];
  context.on("request", (r) => /^https?:/.test(r.url()) && !origins.includes(new URL(r.url()).origin) && trouble.push(`asked ${r.url()}`));
  context.on("response", (r) => r.status() >= 400 && trouble.push(`${r.status()} ${r.url()}`));
  context.on("console", (m) => /error|warning/.test(m.type()) && trouble.push(`console: ${m.text()} (${m.location().url})`));
  context.on("weberror", (e) => trouble.push(`error: ${e.error().message}`));
  return trouble;
}

/** Pictures in a document that have not loaded. */
export async function emptyPictures(page: Page, selector = ""): Promise<string[]> {
  return page.evaluate((s) => {
    const doc = s ? document.querySelector<HTMLIFrameElement>(s)!.contentDocument! : document;
    const all = [doc, ...[...doc.querySelectorAll("iframe")].map((f) => f.contentDocument)].flatMap((d) => [...(d?.images ?? [])]);
    return all.filter((i) => !i.complete || !i.naturalWidth).map((i) => i.src);
  }, selector);
}
