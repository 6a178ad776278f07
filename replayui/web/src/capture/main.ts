import { all as natives } from "all-natives";
import * as dom from "../page/natives.ts";
import { keep } from "./kept.ts";
import { marked, onMarked } from "./mark.ts";
import type { Table } from "./origins.ts";
import { route } from "./routes.ts";
import type { Begin, open } from "./session.ts";
import type { Settings } from "./settings.ts";
import { Trigger } from "./trigger.ts";

// The part that is on every page: it starts before the page's own scripts, keeps
// what the session's part needs from before them, and shows how to ask for help.

/** The gateway puts its table of origins and the site's settings in these names' place (replayui/variants.go). */
declare const PILLION_ORIGINS: Table | null;
declare const PILLION_SETTINGS: Settings;

const LANGUAGES = ["en", "de", "fr"];
const RETRY_MS = 2000;

const kept = keep(window, route(window, PILLION_ORIGINS));
if (kept) begin(PILLION_SETTINGS);

function begin(settings: Settings): void {
  const code = handedOver();
  const early = !!code || marked();
  const language = () => {
    const wanted = [document.documentElement.lang, settings.language ?? ""].map((l) => l.toLowerCase().split("-")[0]!);
    return wanted.find((l) => LANGUAGES.includes(l)) ?? "en";
  };
  const part = (): Promise<{ open: typeof open }> => {
    const path = "./parts/" + language() + ".js?v=" + settings.parts; // relative to this script
    return import(path);
  };
  if (early) void part().catch(() => {}); // fetched while the page is parsed
  const start = async (how: Begin): Promise<void> => {
    trigger.busy();
    try {
      (await part()).open({ natives, kept: kept!, settings, trigger, language: language() }, how);
    } catch {
      if (how.how === "resume") dom.later(() => void start(how), RETRY_MS);
      else trigger.failed();
    }
  };
  const trigger = new Trigger(settings, () => void start({ how: "ask" }));
  whenReady(early, () => {
    trigger.start(language());
    // A session that begins in another tab, or while this page was kept for going back to.
    const join = (behind: boolean) => marked() && trigger.isIdle && void start({ how: "resume", behind });
    onMarked(() => join(true));
    addEventListener("pageshow", () => join(false));
    // A link that was put into the address of a page that is open.
    addEventListener("hashchange", () => {
      const late = handedOver();
      if (late && trigger.isIdle) void start({ how: "code", code: late });
    });
    if (code) void start({ how: "code", code });
    else if (marked()) void start({ how: "resume" });
  });
}

/** The code in a link that an agent sent; it is taken out of the address before the page's scripts see it. */
function handedOver(): string | undefined {
  const [, code] = /^#pillion=(\d{12})$/.exec(location.hash) ?? [];
  if (code) history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

/** Waits for the page's markup; a session that is on does not wait for a slow page's end. */
function whenReady(soon: boolean, go: () => void): void {
  let gone = false;
  const once = () => {
    if (!gone) go();
    gone = true;
  };
  if (document.readyState !== "loading") return once();
  document.addEventListener("DOMContentLoaded", once, { once: true });
  if (!soon) return;
  const early = () => (document.body ? once() : gone || dom.nextFrame(early));
  early();
}
