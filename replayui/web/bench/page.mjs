// Compares our recorder with rrweb's on the same pages in the same browser, and prints ratios.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const bundle = async (contents, name) =>
  (await build({ stdin: { contents, resolveDir: at("."), loader: "ts" }, bundle: true, write: false, format: "iife", globalName: name, minify: true, logLevel: "error" })).outputFiles[0].text;
const scripts = [await bundle(`export * from "./ours.ts"`, "ours"), await bundle(`export { record } from "rrweb"`, "rrweb")];

const table = (rows) =>
  "<!DOCTYPE html><title>t</title><table id=t>" + Array.from({ length: rows }, (_, i) => `<tr class=row><td>${(i * 7919) % rows}</td><td><a href="/plan?id=${i}">Plan ${i}</a></td><td>text</td></tr>`).join("") + "</table>";

/** Runs in the page: time until the whole state is out, and its bytes; then the bytes of sorting the rows. */
async function measure(which) {
  const out = { state: 0, stateBytes: 0, sortBytes: 0 };
  const now = () => performance.now();
  const began = now();
  let bytes = 0;
  let first;
  const done = new Promise((r) => (first = r));
  const size = (v) => (bytes += v instanceof Uint8Array ? v.length : new TextEncoder().encode(JSON.stringify(v)).length);
  let stop;
  if (which === "ours") {
    const recorder = ours.record((b) => { size(b); first(); }, size);
    stop = () => recorder.stop();
  } else {
    stop = rrweb.record({ emit: (e) => { size(e); if (e.type === 2) first(); } });
  }
  await done;
  out.state = now() - began;
  out.stateBytes = bytes;
  bytes = 0;
  const body = document.querySelector("#t tbody");
  [...body.rows].sort((a, b) => a.cells[0].textContent - b.cells[0].textContent).slice(0, 200).forEach((r) => body.append(r));
  await new Promise((r) => setTimeout(r, 1500));
  out.sortBytes = bytes;
  stop();
  return out;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
console.log("page                 measure                        ours        rrweb   ratio (below 1: ours is less)");
for (const rows of [200, 1000, 6000]) {
  const runs = { ours: [], rrweb: [] };
  for (let i = 0; i < 3; i++) {
    for (const which of ["ours", "rrweb"]) {
      const page = await browser.newPage();
      await page.setContent(table(rows));
      for (const s of scripts) await page.evaluate(s + ";globalThis.ours ??= typeof ours === 'undefined' ? undefined : ours;globalThis.rrweb ??= typeof rrweb === 'undefined' ? undefined : rrweb;");
      runs[which].push(await page.evaluate(measure, which));
      await page.close();
    }
  }
  for (const [key, label] of [["state", "time of the page state, ms"], ["stateBytes", "bytes of the page state"], ["sortBytes", "bytes of moving 200 rows"]]) {
    const [a, b] = [median(runs.ours.map((r) => r[key])), median(runs.rrweb.map((r) => r[key]))];
    console.log(`${(rows + " rows").padEnd(20)} ${label.padEnd(28)} ${a.toFixed(key === "state" ? 1 : 0).padStart(8)} ${b.toFixed(key === "state" ? 1 : 0).padStart(12)}   × ${(a / b).toFixed(3)}`);
  }
}
await browser.close();
