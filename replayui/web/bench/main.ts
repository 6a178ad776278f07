// Capture and mirror, ours beside its peers, in one run.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { version } from "./contenders.ts";
import { cells, print, printVerdicts, Report } from "./figures.ts";
import { measureChanges } from "./changes.ts";
import { measureFirefox } from "./firefox.ts";
import { measureHundred } from "./hundred.ts";
import { measureIdle } from "./idle.ts";
import { measureLate } from "./late.ts";
import { measureLive } from "./live.ts";
import { measureMinute } from "./minute.ts";
import { measureRebuild } from "./rebuild.ts";
import { measureSeek } from "./seek.ts";
import { measureSizes } from "./sizes.ts";
import { startStand, type Stand } from "./stand.ts";
import { measureState } from "./state.ts";

const HOW = `Ours beside rrweb, Sentry's fork of it and OpenReplay's tracker, all on the same pages in the same browsers, in turn; figures are medians, of five rounds where they are quick to take. CPU is that of the page's main thread by the kernel's clock for threads (CDP, \`threadTicks\`), so that what else runs on the machine counts little. Only ratios within this run mean anything.`;

/** The report as bench/capture.go reads it. */
function handedOn(r: Report): object {
  const tables = r.tables.map((t) => {
    const [Head, ...Rows] = cells(t);
    return { Title: t.title, How: t.how, Head, Rows };
  });
  const Verdicts = r.verdicts.map((v) => ({ Figure: v.figure, Limit: v.limit, Least: v.least ?? false, Got: v.got }));
  return { How: HOW, Versions: r.versions, Tables: tables, Verdicts };
}

/** rounds: how often a figure is taken that is not slow. */
const themes: Record<string, (stand: Stand, report: Report, rounds: number) => Promise<void>> = {
  sizes: (_, report) => measureSizes(report),
  state: measureState,
  idle: measureIdle,
  rebuild: measureRebuild,
  changes: measureChanges,
  live: measureLive,
  late: measureLate,
  seek: measureSeek,
  minute: measureMinute,
  firefox: measureFirefox,
  hundred: measureHundred,
};

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, json: { type: "string", default: "" }, quick: { type: "boolean", default: false } },
});
const only = values.only.split(",").filter(Boolean);
for (const name of only) if (!themes[name]) throw new Error(`--only ${name}: there are ${Object.keys(themes).join(", ")}`);

const stand = await startStand();
const report = new Report();
report.versions.push(`Chromium ${stand.browser.version()}`, ...["rrweb", "@sentry-internal/rrweb", "@openreplay/tracker"].map(version));
try {
  for (const [name, measure] of Object.entries(themes)) {
    if (only.length && !only.includes(name)) continue;
    const [began, before] = [Date.now(), report.tables.length];
    await measure(stand, report, values.quick ? 1 : 5);
    report.tables.slice(before).forEach(print);
    console.log(`  (${name}: ${((Date.now() - began) / 1000).toFixed(0)} s)`);
  }
} finally {
  await stand.close();
}
printVerdicts(report.verdicts);
if (values.json) writeFileSync(values.json, JSON.stringify(handedOn(report), null, 1));
process.exit(0); // sockets of browsers that were closed may still be open
