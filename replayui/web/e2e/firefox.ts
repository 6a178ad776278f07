import { existsSync } from "node:fs";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

const FIREFOX = process.env["FIREFOX"] ?? "/usr/bin/firefox-esr";

/** Debian's Firefox, driven over WebDriver BiDi. */
export async function startFirefox(): Promise<Browser> {
  if (!existsSync(FIREFOX)) throw new Error(`${FIREFOX} is not there: run make packages`);
  return puppeteer.launch({ browser: "firefox", executablePath: FIREFOX, args: ["--width=1400", "--height=1000"] });
}

export async function until(so: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await so()); i++) {
    if (i > 300) throw new Error("it did not come about");
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Presses something in the assistance element, when it is there. */
export async function pressIn(page: Page, selector: string): Promise<void> {
  await until(() => page.evaluate((s) => {
    const el = document.querySelector("pillion-assist")?.shadowRoot?.querySelector<HTMLElement>(s);
    el?.click();
    return !!el;
  }, selector));
}

/** The code that the element shows. */
export async function codeIn(page: Page): Promise<string> {
  const text = () => page.evaluate(() => document.querySelector("pillion-assist")?.shadowRoot?.querySelector("[data-role=code]")?.textContent ?? "");
  await until(async () => /\d{4}/.test(await text()));
  return text();
}
