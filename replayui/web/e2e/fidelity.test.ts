import { afterAll, beforeAll, expect, it } from "vitest";
import { HardStage } from "./hard-stage.ts";
import { offences } from "./stage.ts";

// What a replay is made of, what it lacks, and what was refused: said to whoever relies on it.

const picture = (colour: string) => ({ type: "image/svg+xml", body: `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect width="20" height="20" fill="${colour}"/></svg>` });
let stage: HardStage;

beforeAll(async () => {
  stage = await HardStage.open({
    "/": `<!DOCTYPE html><title>Files</title><link rel=stylesheet href=/a.css><p>text</p><img src=/kept.svg><img src=/gone.svg width=30 height=30>
<img src="ftp://127.0.0.1:1/elsewhere.png" width=30 height=30><svg width=40 height=40><rect width=40 height=40 fill=blue mask="url(/mask.svg#m)" /></svg>`,
    "/a.css": { type: "text/css", body: `@import "b.css"; body { margin: 7px } p { background: image-set("no.png" 1x) }` },
    "/b.css": { type: "text/css", body: `p { color: rgb(1, 2, 3); border-image: url(kept.svg) 1 }` },
    "/kept.svg": picture("teal"),
    "/mask.svg": { type: "image/svg+xml", body: `<svg xmlns="http://www.w3.org/2000/svg"><mask id="m"><rect width="20" height="40" fill="white"/></mask></svg>` },
  });
});

afterAll(async () => {
  await stage?.end();
});

it("shows what is kept, missing and blocked, by keyboard and in words", async () => {
  await stage.visit("/");
  await stage.replayed();
  const { agent } = stage;
  const button = agent.getByTestId("fidelity");
  await expect.poll(() => button.textContent()).toContain("missing");
  await expect.poll(() => agent.getByTestId("blocked").textContent()).toMatch(/[1-9]\d* blocked/);
  await button.focus();
  await agent.keyboard.press("Enter");
  await agent.getByTestId("found-row").first().waitFor();
  const rows = (id: string) => agent.getByTestId(id).allTextContents();
  const kept = (await rows("found-row")).join("\n");
  for (const file of ["/a.css", "/b.css", "/kept.svg", "/mask.svg"]) expect(kept).toContain(file);
  expect(kept).toMatch(/sha256-[0-9a-f]{64}/);
  expect((await rows("missing-row")).join("\n")).toContain("/gone.svg");
  const now = (await agent.getByTestId("fidelity-now").textContent())!;
  expect(now).toContain("ftp");
  expect(now).toContain("/gone.svg");
  expect(now).toContain("/no.png"); // of a style sheet, which no element tells of
  expect(await offences(agent, "[data-testid=fidelity-report]")).toEqual([]);
  await agent.keyboard.press("Escape");
  await expect.poll(() => agent.getByTestId("fidelity-report").isVisible()).toBe(false);
  await expect.poll(() => button.evaluate((el) => el === document.activeElement)).toBe(true);
});

it("looks as it did: the mask of another file is there", async () => {
  const frame = stage.agent.frameLocator("[data-testid=page]");
  expect(await frame.locator("rect").first().getAttribute("mask")).toContain("/archive/");
  expect(await frame.locator("p").evaluate((el) => getComputedStyle(el).color)).toBe("rgb(1, 2, 3)");
});
