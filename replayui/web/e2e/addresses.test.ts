import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HardStage } from "./hard-stage.ts";
import { Moments, Requests, startOf } from "./moments.ts";
import { pillion, startBrowser } from "./stage.ts";

// Every way in which a page names a file: led to the archive in a replay, and to the file itself in an exported page.

const picture = (colour: string, size = 30) => ({
  type: "image/svg+xml",
  body: `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"><style>rect { fill: ${colour} }</style><rect width="${size}" height="${size}"/></svg>`,
});
const inline = encodeURIComponent(picture("purple").body);

const PAGE = `<!DOCTYPE html><title>Addresses</title><base href="/base/"><link rel=stylesheet href="/css/main.css">
<style id=own>#styled { width: 40px; height: 40px; background: url(own.svg) }</style>
<p class=first>text</p><p class=second>text</p><div class=set></div><div id=styled></div><div id=ruled></div><div id=adopted></div>
<img srcset="/one.svg 1x, /two.svg 2x"><picture><source srcset="/wide.svg" media="(min-width: 1px)"><img src="/never.svg"></picture>
<img src="rel.svg"><img src="data:image/svg+xml,${inline}"><input type=image src="/button.svg">
<svg width=40 height=40><use href="/sprite.svg#icon"/></svg>
<svg width=40 height=40><defs><linearGradient id=g><stop stop-color=teal /></linearGradient></defs><style>.in { fill: url(#g) }</style><rect class=in width=40 height=40 mask="url(/mask.svg#m)"/><image href="/image.svg" x=20 width=20 height=20 /></svg>
<table background="/table.svg"><tr><td>cell</table><video poster="/poster.svg" width=40 height=40></video><div id=more></div>`;

/** Less than any one of the pictures has. */
const LITTLE = 0.0002;
const div = "width: 40px; height: 40px; background:";
let stage: HardStage;
let moments: Moments;

beforeAll(async () => {
  stage = await HardStage.open({
    "/": PAGE,
    "/css/main.css": { type: "text/css", body: `@import "sub/one.css"; @import url('two.css') screen; .set { ${div} image-set("../set.svg" 1x, url(../set2.svg) 2x) } #ruled { width: 40px; height: 40px }` },
    "/css/sub/one.css": { type: "text/css", body: `@import "deep.css"; @import "one.css"; .first { border: 3px solid navy; list-style: url("../../never-used.svg") }` },
    "/css/sub/deep.css": { type: "text/css", body: `.first { padding: 9px; background: url(../../deep.svg) }` },
    "/css/two.css": { type: "text/css", body: `.second { background: u\\72l("../two-bg.svg"); color: green }` },
    "/sprite.svg": { type: "image/svg+xml", body: `<svg xmlns="http://www.w3.org/2000/svg"><symbol id="icon" viewBox="0 0 10 10"><circle cx="5" cy="5" r="5" fill="crimson"/></symbol></svg>` },
    "/mask.svg": { type: "image/svg+xml", body: `<svg xmlns="http://www.w3.org/2000/svg"><mask id="m"><rect width="20" height="40" fill="white"/></mask></svg>` },
    ...Object.fromEntries(["one", "two", "wide", "button", "image", "table", "poster", "set", "set2", "deep", "two-bg", "base/own", "base/rel", "base/adopted", "css/ruled", "other/later", "other/spliced"]
      .map((name, i) => [`/${name}.svg`, picture(["teal", "navy", "olive", "red", "orange", "brown"][i % 6]!, 20 + i)])),
  });
});

afterAll(async () => {
  await stage?.end();
});

it("is recorded", async () => {
  moments = new Moments(stage.user, stage.agent);
  await stage.visit("/");
  await moments.take("as it came");
  await stage.step("changed", () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`#adopted { width: 40px; height: 40px; background: url(adopted.svg) }`);
    document.adoptedStyleSheets = [sheet];
    document.styleSheets[0]!.insertRule(`#ruled { background: url(ruled.svg) }`, document.styleSheets[0]!.cssRules.length);
  });
  // Sheets of scripts are looked at now and then.
  await expect.poll(() => stage.style("#adopted", "width")).toBe("40px");
  await moments.take("rules were added");
  await stage.step("base", () => {
    document.querySelector("base")!.href = "/other/";
    const img = document.createElement("img");
    img.src = "later.svg";
    document.getElementById("more")!.append(img);
    const text = document.getElementById("own")!.firstChild as Text;
    text.replaceData(text.data.indexOf("own.svg"), 7, "spliced.svg");
  });
  await moments.take("the base is another, and a sheet was changed in part");
});

it("is the same picture in the replay", async () => {
  expect(await stage.replayed()).toEqual([]);
  const requests = await Requests.of(stage.agent);
  await stage.agent.reload();
  await stage.agent.getByTestId("event-row").first().waitFor();
  await moments.same(stage.agent, await startOf(stage.agent), LITTLE);
  expect(requests.outside(stage.gateway.console)).toEqual([]);
  expect(requests.missed.filter((u) => !u.endsWith("/never-used.svg"))).toEqual([]); // of a list that is none: the user had none either
  expect(await stage.agent.getByTestId("blocked").count()).toBe(0);
});

it("is the same picture in one file", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "pillion-addresses-")), "page.html");
  const start = await startOf(stage.agent);
  expect(await pillion(["export", stage.session, "-o", file, "--data", stage.gateway.data])).toMatchObject({ status: 0 });
  const browser = await startBrowser();
  try {
    const viewer = await (await browser.newContext({ viewport: { width: 1500, height: 1000 }, offline: true })).newPage();
    const requests = await Requests.of(viewer);
    await viewer.goto(pathToFileURL(file).href);
    await viewer.getByTestId("event-row").first().waitFor();
    await moments.same(viewer, start, LITTLE);
    expect(requests.urls.filter((u) => !/^(data|blob|about|file):/.test(u))).toEqual([]);
    expect(await viewer.getByTestId("blocked").count()).toBe(0);
  } finally {
    await browser.close();
  }
});
