import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { decompress } from "fzstd";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { decodeRecords } from "../src/page/reader.ts";
import { Writer } from "../src/page/writer.ts";
import { partName, segmentName, type Index, type Top } from "../src/offline/manifest.ts";
import { forgedState } from "./forged.ts";
import { startFirefox, until } from "./firefox.ts";
import { freePort, pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// A recording that was made to harm whoever opens it, in an exported file: what a gateway
// filters out is in it again. Nothing of it may run, and nobody may be asked for anything.

const dir = mkdtempSync(join(tmpdir(), "pillion-hostile-"));
const file = join(dir, "forged.html");
const asked: string[] = [];
let evil: Server;
let at = "";
let gateway: Gateway;
let browser: Browser;

/** A zstd frame that holds bytes as they are (RFC 8878). */
function stored(content: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0xa0; // one segment, its size in four bytes
  head.writeUInt32LE(content.length, 5);
  const blocks: Buffer[] = [head];
  for (let from = 0; from < content.length; from += 100_000) {
    const piece = content.subarray(from, from + 100_000);
    const block = Buffer.alloc(3);
    block.writeUIntLE((piece.length << 3) | (from + piece.length >= content.length ? 1 : 0), 0, 3);
    blocks.push(block, Buffer.from(piece));
  }
  return Buffer.concat(blocks);
}

/** An exported file with a page state more at the end of its first segment, and without its keyframes. */
function forged(html: string): string {
  const part = (name: string) => new RegExp(`(data-part="${name}">)([^<]*)`);
  const read = (name: string) => Buffer.from(part(name).exec(html)![2]!, "base64");
  const put = (name: string, b: Buffer) => (html = html.replace(part(name), (_, before: string) => before + b.toString("base64")));
  const opened = (name: string) => decompress(read(partName(name)));
  const shut = (name: string, content: Uint8Array) => put(partName(name), stored(content));
  const [text] = read("top").toString().split("\n");
  const top = JSON.parse(text!) as Top;
  const last = top.segments.length - 1;
  const segment = opened(segmentName(last));
  const before = decodeRecords(segment).at(-1)!;
  const record = new Writer();
  for (const v of [before.offset + 1, before.time + 1000, 1, 1, 99, 1]) record.uint(v);
  const bytes = Buffer.concat([Buffer.from(record.bytes()), Buffer.from(forgedState(at))]);
  const length = new Writer();
  length.uint(bytes.length);
  shut(segmentName(last), Buffer.concat([segment, Buffer.from(length.bytes()), bytes]));
  const index = JSON.parse(Buffer.from(opened("index")).toString()) as Index;
  index.keyframes = [];
  index.session.title = `</script><script>window.pwned = 1</script><img src=${at}/title onerror="window.pwned = 1">`;
  shut("index", Buffer.from(JSON.stringify(index)));
  top.records++;
  Object.assign(top.segments[last]!, { to: before.offset + 1, t1: top.duration + 10 });
  top.duration += 10;
  put("top", Buffer.from(JSON.stringify(top) + "\nAAAA\n"));
  return html;
}

beforeAll(async () => {
  evil = createServer((req, res) => {
    asked.push(req.url ?? "");
    res.setHeader("access-control-allow-origin", "*").end("pwned = 1");
  });
  await new Promise<void>((done) => evil.listen(0, "127.0.0.1", done));
  at = `http://127.0.0.1:${(evil.address() as { port: number }).port}`;
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  evil?.close();
});

it("is made of a real export", async () => {
  gateway = await startGateway(["demo", "--site", `127.0.0.1:${await freePort()}`]);
  const user = await (await browser.newContext()).newPage();
  const agent = await signIn(await browser.newContext(), gateway, "Ann Agent", "pillion-demo");
  await user.goto(gateway.site + "/");
  const session = await share(user, agent);
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  await expect.poll(async () => ((await (await agent.request.get(`${gateway.console}/api/sessions/${session}`)).json()) as { state: string }).state, { timeout: 60_000 }).toBe("sealed");
  await gateway.program.end();
  const good = join(dir, "good.html");
  expect((await pillion(["export", session, "-o", good, "--data", gateway.data])).status).toBe(0);
  writeFileSync(file, forged(readFileSync(good, "utf8")));
});

/** Both browsers' drivers have as much of a page as is needed here. */
interface Driven { evaluate<T>(f: () => T | Promise<T>): Promise<T> }

async function nothingHappens(viewer: Driven): Promise<void> {
  await until(() => viewer.evaluate(() => document.querySelector("[data-testid=proof]")?.getAttribute("data-outcome") === "wrong"));
  await viewer.evaluate(() => window.pillionPlayer!.seek(window.pillionPlayer!.duration));
  const found = await viewer.evaluate(async () => {
    const d = (document.querySelector("[data-testid=page]") as HTMLIFrameElement).contentDocument!;
    const link = d.querySelector<HTMLElement>("#bad-link")!;
    link.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    link.click();
    for (const b of d.querySelectorAll("button")) b.click();
    await new Promise((done) => setTimeout(done, 1500));
    const again = (document.querySelector("[data-testid=page]") as HTMLIFrameElement).contentDocument;
    return {
      pwned: (window as unknown as { pwned?: number }).pwned, forged: !!again?.querySelector("#forged"), hovered: !!again?.querySelector("[pillion-is~=hover]"),
      bad: [...(again?.querySelectorAll("script,base,object,embed,[onerror],[onload],[onclick],[srcdoc],[http-equiv],[href^=javascript]") ?? [])].map((el) => el.outerHTML.slice(0, 100)),
    };
  });
  expect(found).toEqual({ pwned: undefined, forged: true, hovered: true, bad: [] });
  expect(asked).toEqual([]);
}

it("runs nothing and asks nobody in Chromium", async () => {
  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(pathToFileURL(file).href);
  await nothingHappens(viewer as Page);
  expect(await viewer.getByTestId("blocked").textContent()).toMatch(/[1-9]\d* blocked/);
  await viewer.close();
});

it("runs nothing and asks nobody in Firefox", async () => {
  const firefox = await startFirefox();
  try {
    const viewer = await firefox.newPage();
    await viewer.goto(pathToFileURL(file).href);
    await nothingHappens(viewer as Driven);
  } finally {
    await firefox.close();
  }
});

it("is held back by the policy alone", async () => {
  // Without the sandbox and the mirror's rules, as if both had failed.
  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(pathToFileURL(file).href);
  await viewer.getByTestId("event-row").first().waitFor();
  const ran = await viewer.evaluate(async (at) => {
    const frame = document.createElement("iframe");
    document.body.append(frame);
    const d = frame.contentDocument!;
    d.open();
    d.write(`<script>parent.pwned = 1</scr` + `ipt><img src="${at}/img" onerror="parent.pwned = 1"><link rel=stylesheet href="${at}/sheet"><iframe src="${at}/frame"></iframe><a id=a href="javascript:parent.pwned = 1">x</a><video src="${at}/video"></video><object data="${at}/object"></object><base href="${at}/"><form action="${at}/form"><button>go</button></form>`);
    d.close();
    d.getElementById("a")!.click();
    d.querySelector("button")!.click();
    await fetch(`${at}/fetch`).catch(() => {});
    await new Promise((done) => setTimeout(done, 1500));
    return (window as unknown as { pwned?: number }).pwned;
  }, at);
  expect(ran).toBeUndefined();
  expect(asked).toEqual([]);
  await viewer.close();
});
