import { it } from "vitest";
import { startBrowser } from "./stage.ts";
import { startFront, watch } from "./world-stage.ts";
import { World } from "./world.ts";
it("x", async () => {
  const world = await World.start(); const front = await startFront(world); const browser = await startBrowser();
  const context = await browser.newContext(); const trouble = watch(context, [front.help, front.store]);
  const page = await context.newPage();
  page.on("framenavigated", (f) => console.log("nav", f.url()));
  context.on("request", (r) => console.log(r.method(), r.url(), r.resourceType()));
  context.on("requestfailed", (r) => console.log("FAILED", r.url(), r.failure()?.errorText));
  await page.goto(front.help + "/"); await page.locator("#teaser").waitFor();
  await page.frameLocator("iframe").getByText("Claims").click();
  await page.waitForTimeout(5000);
  console.log(page.url(), trouble, world.refused, world.strangers);
  for (const path of ["/claim/start", "/claim/form.html", "/"]) {
    const r = await fetch(front.gateway.site + path, { redirect: "manual", headers: { accept: "text/html" } }).catch(e => e);
    console.log(path, r.status, [...r.headers], (await r.text()).slice(0, 300));
  }
  console.log(front.gateway.program.output);
  await browser.close(); await front.gateway.program.end(); await world.end();
});
