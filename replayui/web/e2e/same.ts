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

/** A picture of a viewer's frame, unscaled and without the marks above it. The viewer's window has to be as large. */
export async function pictureIn(viewer: Page, testId: string): Promise<Buffer> {
  const frame = viewer.getByTestId(testId);
  await frame.evaluate((el) => {
    const sheet = el.parentElement!;
    for (const [name, value] of [["position", "fixed"], ["left", "0"], ["top", "0"], ["transform", "none"], ["z-index", "9999"]]) sheet.style.setProperty(name!, value!, "important");
    (el.nextElementSibling as HTMLElement).style.visibility = "hidden";
  });
  const shot = await frameShot(viewer, testId);
  await frame.evaluate((el) => {
    for (const name of ["position", "left", "top", "transform", "z-index"]) el.parentElement!.style.removeProperty(name);
    (el.nextElementSibling as HTMLElement).style.visibility = "";
    dispatchEvent(new Event("resize"));
  });
  return shot;
}

/** Waits until a viewer's picture is the user's, but for a share of the pixels. */
export async function samePicture(user: Page, viewer: Page, testId = "mirror", share = 0.001): Promise<void> {
  await expect.poll(async () => difference(await pictureOf(user), await pictureIn(viewer, testId)), { timeout: 10_000 }).toBeLessThan(share);
}
