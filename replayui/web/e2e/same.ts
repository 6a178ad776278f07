// Whether a viewer's page looks as the user's does: computed styles and pictures.
import { expect } from "vitest";
import type { Page } from "playwright-core";
import { comparer, difference, frameShot, sameAsMirror, waitSame, withoutAddresses } from "./stage.ts";

const SAMPLED = 300;

/** Computed styles of elements of a user's page, evenly chosen. */
export async function looksOf(page: Page, most = SAMPLED): Promise<string[]> {
  return withoutAddresses(await page.evaluate(`(() => { ${await comparer()}; return pillionCompare.looksOf(document, ${most}) })()`));
}

/** The same of what a viewer's frame shows. */
export async function looksIn(viewer: Page, testId: string, most = SAMPLED): Promise<string[]> {
  return withoutAddresses(await viewer.evaluate(`(() => { ${await comparer()}; return pillionCompare.looksOf(document.querySelector('[data-testid=${testId}]').contentDocument, ${most}) })()`));
}

/** Waits until tree and computed styles of the mirror are those of the page. */
export async function sameLooks(user: Page, viewer: Page, testId = "mirror"): Promise<void> {
  if (testId === "mirror") await sameAsMirror(user, viewer);
  await waitSame(() => looksOf(user), () => looksIn(viewer, testId));
}

/** A picture of the user's window as it is now, without what we added. */
export async function pictureOf(user: Page): Promise<Buffer> {
  const shown = (value: string) =>
    user.evaluate((v) => {
      const own = document.querySelector("pillion-assist") as HTMLElement | null;
      own?.style.setProperty("visibility", v, "important");
      for (const part of own?.shadowRoot?.children ?? []) (part as HTMLElement).style.visibility = v;
    }, value);
  await shown("hidden");
  const shot = await user.screenshot();
  await shown("");
  return shot;
}

/** A picture of a viewer's frame without the marks above it. The viewer has to have room for it unscaled. */
export async function pictureIn(viewer: Page, testId: string): Promise<Buffer> {
  const frame = viewer.getByTestId(testId);
  const scale = await frame.evaluate((el) => el.getBoundingClientRect().width / (el as HTMLElement).offsetWidth);
  if (scale !== 1) throw new Error(`the page is shown at ${scale}: give the viewer a larger window`);
  const marks = (value: string) => frame.evaluate((el, v) => ((el.nextElementSibling as HTMLElement).style.visibility = v), value);
  await marks("hidden");
  const shot = await frameShot(viewer, testId);
  await marks("");
  return shot;
}

/** Waits until a viewer's picture is the user's, but for a share of the pixels. */
export async function samePicture(user: Page, viewer: Page, testId = "mirror", share = 0.001): Promise<void> {
  await expect.poll(async () => difference(await pictureOf(user), await pictureIn(viewer, testId)), { timeout: 10_000 }).toBeLessThan(share);
}
