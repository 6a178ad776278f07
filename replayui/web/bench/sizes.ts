// What a page loads to be recorded, minified and in brotli 11.
import { readFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { brotli, PEER, packageScript, web } from "./contenders.ts";
import type { Report } from "./figures.ts";

export async function measureSizes(report: Report): Promise<void> {
  const dist = web + "../dist/";
  const cells: Record<string, number> = {};
  const parts: [string, number][] = [];
  for (const file of readdirSync(dist).filter((f) => /^(capture|session|act|files)[.\w-]*\.js$/.test(f)).sort()) parts.push([file, brotli(await readFile(dist + file)) / 1000]);
  const first = parts.find(([f]) => f === "capture.js")?.[1] ?? NaN;
  const sessions = parts.filter(([f]) => f.startsWith("session")).map(([, kb]) => kb);
  const later = parts.filter(([f]) => f === "act.js" || f === "files.js").reduce((all, [, kb]) => all + kb, 0);
  cells["ours"] = first + (sessions.length ? Math.max(...sessions) : 0);
  cells[PEER] = brotli(await packageScript(`import { record } from "rrweb"; globalThis.record = record`)) / 1000;
  cells["sentry"] = brotli(await packageScript(`import { record } from "@sentry-internal/rrweb"; globalThis.record = record`)) / 1000;
  cells["openreplay"] = brotli(await packageScript(`import T from "@openreplay/tracker"; globalThis.T = T`)) / 1000;
  const t = report.table("Capture script", "Minified, brotli 11. Ours holds connection, consent and the agent's hand beside the recorder; where it is in parts, the first is on every page, a session adds one of its own, and what performs agents' acts comes with the first of them, and what looks after files with the first record. The peers' by esbuild, of what records alone.");
  t.rows.push({ what: "all that a recorded page loads", unit: "KB", cells });
  const alone = `import { keep } from "../src/capture/kept.ts"; import { Recorder } from "../src/page/recorder.ts"; globalThis.record = [keep, Recorder]`;
  t.rows.push({ what: "what records alone", unit: "KB", cells: { ...cells, ours: brotli(await packageScript(alone)) / 1000 } });
  for (const [file, kb] of parts) t.rows.push({ what: file, unit: "KB", cells: { ours: kb } });
  report.atMost("capture script with everything, brotli KB", 15, cells["ours"] + later);
}
