import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { Host } from "./origins-stage.ts";
import { pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";
import { tile } from "./world.ts";

// Files that the user sends to the site and gets from it are events of the session.

const PAGE = `<!DOCTYPE html><title>Files</title>
<form id=form action=/upload method=post enctype=multipart/form-data target=sink><input name=note value=x><input type=file name=scan id=scan multiple><button>Send</button></form>
<div data-pillion-mask><input type=file id=secret></div>
<div id=drop style="width: 200px; height: 50px">Drop here</div>
<iframe name=sink></iframe>
<a id=report href="/report">Report</a> <a id=save href="/picture.png" download="mine.png">Picture</a> <a id=paper href="/paper.pdf" target=_blank>Paper</a>
<script>
const send = (file) => { const d = new FormData(); d.append("f", file); return fetch("/upload", { method: "POST", body: d }); };
document.querySelector("#secret").addEventListener("change", (e) => send(e.target.files[0]));
const drop = document.querySelector("#drop");
drop.addEventListener("dragover", (e) => e.preventDefault());
drop.addEventListener("drop", (e) => { e.preventDefault(); for (const f of e.dataTransfer.files) send(f); });
</script>`;
const REPORT = "a;b\n1;2\n".repeat(1000);
const PAPER = "%PDF-1.4\n%%EOF\n";

let site: Host;
let gateway: Gateway;
let browser: Browser;
const hash = (b: string | Buffer) => createHash("sha256").update(b).digest("hex");

beforeAll(async () => {
  site = await Host.start("localhost", (req, res) => {
    if (req.method === "POST") {
      req.resume().on("end", () => res.end("thanks"));
      return;
    }
    if (req.url === "/report") res.writeHead(200, { "content-type": "text/csv", "content-disposition": `attachment; filename="report 7.csv"` }).end(REPORT);
    else if (req.url === "/picture.png") res.writeHead(200, { "content-type": "image/png" }).end(tile("picture"));
    else if (req.url === "/paper.pdf") res.writeHead(200, { "content-type": "application/pdf" }).end(PAPER);
    else res.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  });
  gateway = await startGateway(["serve", "--upstream", site.origin]);
  for (const [name, role] of [["Ann", "agent"], ["Otto", "auditor"]] as const) {
    expect((await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n")).status).toBe(0);
  }
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  await site?.end();
});

/** Drops a file on an element, as a person would. */
async function dropFile(page: Page, at: string, name: string, content: string): Promise<void> {
  await page.locator(at).evaluate((el, [name, content]) => {
    const t = new DataTransfer();
    t.items.add(new File([content!], name!, { type: "text/plain" }));
    for (const type of ["dragenter", "dragover", "drop"]) el.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, composed: true, dataTransfer: t }));
  }, [name, content]);
}

it("files that are sent and got are told of with name, size and hash, and never with what they hold", async () => {
  const user = await (await browser.newContext({ viewport: { width: 1100, height: 760 }, acceptDownloads: true })).newPage();
  await user.goto(gateway.site + "/");
  await user.locator("#scan").setInputFiles({ name: "before.txt", mimeType: "text/plain", buffer: Buffer.from("before the session") });
  await user.locator("#form button").click(); // nobody sees this one
  const agent = await signIn(await browser.newContext({ viewport: { width: 1440, height: 900 } }), gateway, "Ann", "pass-word");
  const session = await share(user, agent);
  const large = Buffer.alloc(3_000_000, "CONTENT OF THE SCAN ");
  await user.locator("#scan").setInputFiles([
    { name: "scan of Ann.pdf", mimeType: "application/pdf", buffer: large }, { name: "b.txt", mimeType: "text/plain", buffer: Buffer.from("second") },
  ]);
  await user.locator("#form button").click();
  await user.locator("#secret").setInputFiles({ name: "diagnosis.txt", mimeType: "text/plain", buffer: Buffer.from("the diagnosis") });
  await dropFile(user, "#drop", "dropped.txt", "dropped text");
  for (const id of ["report", "save"]) {
    const download = user.waitForEvent("download");
    await user.locator("#" + id).click();
    await (await download).path();
  }
  await user.locator("#paper").click();
  await expect.poll(() => site.asked).toContain("GET /paper.pdf");
  await user.waitForTimeout(1500);
  await user.bringToFront();
  await user.locator("pillion-assist [data-action=end]").click();
  const auditor = await signIn(await browser.newContext(), gateway, "Otto", "pass-word");
  const at = `${gateway.console}/api/sessions/${session}`;
  await expect.poll(async () => (await auditor.request.get(`${at}/recording`)).status(), { timeout: 30_000 }).toBe(200);
  const { events } = (await (await auditor.request.get(`${at}/events?type=upload,download`)).json()) as { events: { type: string; label: string; by: string }[] };
  expect(events.map((e) => `${e.by} ${e.label}`).sort()).toEqual([
    `user got the file “paper.pdf” (${PAPER.length} bytes)`,
    `user got the file “picture.png” (${tile("picture").length} bytes)`,
    "user got the file “report 7.csv” (8.0 KB)",
    "user sent the file “b.txt” (6 bytes)",
    "user sent the file “dropped.txt” (12 bytes)",
    "user sent the file “scan of Ann.pdf” (3.0 MB)",
    "user sent the file “••••••••” (13 bytes)",
  ]);
  // The records bear the hashes; nothing holds a content or the masked name.
  let segments = "";
  const { segments: list } = (await (await auditor.request.get(`${at}/recording`)).json()) as { segments: { n: number }[] };
  for (const { n } of list) segments += (await (await auditor.request.get(`${at}/segments/${n}`)).body()).toString("latin1");
  for (const content of [large, "second", "the diagnosis", "dropped text", REPORT, tile("picture"), PAPER]) expect(segments).toContain(hash(content));
  const walk = (dir: string): string[] => readdirSync(dir).flatMap((name) => (statSync(join(dir, name)).isDirectory() ? walk(join(dir, name)) : [join(dir, name)]));
  for (const file of walk(gateway.data)) {
    const b = readFileSync(file);
    for (const secret of ["CONTENT OF THE SCAN", "the diagnosis", "diagnosis.txt", "before.txt"]) expect(b.includes(secret), `${file} holds ${secret}`).toBe(false);
  }
  expect(gateway.program.output.split("\n").filter((line) => /level=(WARN|ERROR)/.test(line))).toEqual([]);
});
