import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { cramped, pillion, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";
import { startWiki, type Wiki } from "./wiki.ts";

const shots = process.env["SHOTS"];
let wiki: Wiki, gateway: Gateway, browser: Browser, desk: Page, agent: Page;
const ids: string[] = [];

beforeAll(async () => {
  wiki = await startWiki();
  gateway = await startGateway(["serve", "--upstream", wiki.origin]);
  for (const [name, role] of [["Ann", "agent"], ["Adam", "administrator"]] as const) {
    await pillion(["account", "add", name, "--role", role, "--data", gateway.data], "pass-word\n");
  }
  browser = await startBrowser();
  agent = await signIn(await browser.newContext(), gateway, "Ann", "pass-word");
  for (const page of ["wiki:welcome", "wiki:syntax", "wiki:dokuwiki"]) {
    const user = await (await browser.newContext()).newPage();
    await user.goto(`${gateway.site}/doku.php?id=${page}`);
    await agent.goto(gateway.console);
    ids.push(await share(user, agent));
    await user.locator("pillion-assist [data-action=end]").click();
    await user.context().close();
  }
  desk = await signIn(await browser.newContext({ viewport: { width: 1200, height: 900 } }), gateway, "Adam", "pass-word");
  await desk.getByTestId("keep").nth(2).waitFor();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  await wiki?.program.end();
});

const row = (id: string) => desk.getByTestId("session-row").filter({ has: desk.locator(`[href$="${id}"]`) });

async function look(name: string): Promise<void> {
  const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  expect(await desk.evaluate(`${axe}; axe.run(document).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")))`)).toEqual([]);
  if (shots) await desk.screenshot({ path: `${shots}/keeping-${name}.png`, fullPage: true });
}

it("an administrator holds a recording, and nobody deletes it then", async () => {
  await row(ids[1]!).getByTestId("keep").click();
  const dialog = row(ids[1]!).getByRole("dialog");
  expect(await dialog.getByTestId("delete").isEnabled()).toBe(false);
  await dialog.getByTestId("keep-reason").fill("case 7");
  await look("dialog");
  for (const width of [768, 400]) expect(await cramped(desk, width)).toEqual([]);
  await desk.setViewportSize({ width: 1200, height: 900 });
  await dialog.getByTestId("hold").click();
  await row(ids[1]!).getByText("held", { exact: true }).waitFor();
  await row(ids[1]!).getByTestId("keep").click();
  expect(await dialog.getByTestId("delete").count()).toBe(0);
  expect(await dialog.textContent()).toContain("by Adam: case 7");
  await look("held");
  await desk.keyboard.press("Escape");
  const { status, output } = await pillion(["archive", "delete", ids[1]!, "--reason", "no", "--data", gateway.data]);
  expect([status, output]).toEqual([1, expect.stringContaining("under a legal hold")]);
});

it("deletes another for good, and says so", async () => {
  const storage = () => desk.getByTestId("storage").textContent();
  const before = await storage();
  await row(ids[0]!).getByTestId("keep").click();
  const dialog = row(ids[0]!).getByRole("dialog");
  await dialog.getByTestId("keep-reason").fill("the user asked for it");
  await dialog.getByTestId("delete").click();
  await row(ids[0]!).waitFor({ state: "detached" });
  await desk.getByText("1 recording was deleted").click();
  expect(await desk.getByTestId("deletion").textContent()).toMatch(/Adam.*the user asked for it/);
  expect(await storage()).not.toBe(before);
  await look("deleted");
  const reply = await desk.goto(`${gateway.console}/api/sessions/${ids[0]}/recording`);
  expect(reply!.status()).toBe(404);
});

it("the archive is in order afterwards, as the operator sees it", async () => {
  const check = await pillion(["archive", "check", "--contents", "--data", gateway.data]);
  expect([check.status, check.output]).toEqual([0, expect.stringContaining("The archive of 2 recordings is in order.")]);
  const report = await pillion(["archive", "report", "--data", gateway.data]);
  expect(report.output).toMatch(/main\s+2\s+1\s/);
});
