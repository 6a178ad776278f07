import * as dom from "../page/natives.ts";
import type { Settings } from "./settings.ts";
import STYLE from "./trigger.css";

const WORDS: Record<string, [need: string, unavailable: string]> = {
  en: ["Need help?", "Help is not available just now"],
  de: ["Brauchen Sie Hilfe?", "Hilfe ist gerade nicht verfügbar"],
  fr: ["Besoin d’aide ?", "L’aide n’est pas disponible pour le moment"],
};
const STAY_MS = 1000;
/** What can tell a page of what is done in our element. */
const EVENTS =
  "keydown keyup keypress beforeinput input compositionstart compositionupdate compositionend copy cut paste click dblclick contextmenu " +
  "mousedown mouseup pointerdown pointerup focus blur focusin focusout";
/** What a keyboard reaches and presses by itself. */
const NATIVE = "a[href],button,input,summary";

/** Our element on a page: a button to ask for help, or the site's own, until the session's part takes over. */
export class Trigger {
  readonly host = document.createElement("pillion-assist");
  readonly root = this.host.attachShadow({ mode: "open" });
  /** all that is shown: what covers the rest of the page */
  readonly box = document.createElement("div");
  /** what the session's part does with events in our element, and with keys anywhere */
  heard: ((e: Event, ours: boolean) => void) | undefined;
  readonly #settings: Settings;
  readonly #ask: () => void;
  readonly #sheet = new CSSStyleSheet(); // constructed: a page's policy on styles does not reach it
  readonly #button = document.createElement("button");
  #words: readonly [need: string, unavailable: string] = ["", ""];
  #own = "";
  #idle = true;
  #timer = 0;

  /** Before the page's own scripts: listeners are called in the order in which they came. */
  constructor(settings: Settings, ask: () => void) {
    this.#settings = settings;
    this.#ask = ask;
    this.#listen();
  }

  /** Appears, in a language, where the page's markup is there. */
  start(language: string): void {
    const { words, trigger = "", style = "" } = this.#settings;
    this.#own = trigger;
    const own = words?.[language];
    const [need, unavailable] = WORDS[language]!;
    this.#words = [own?.["need"] ?? need, own?.["unavailable"] ?? unavailable];
    const b = this.#button;
    this.box.className = "at";
    this.root.append(this.box);
    b.type = "button";
    b.className = "ask";
    b.lang = language;
    b.dataset["action"] = "request";
    this.#sheet.replaceSync(STYLE + style);
    this.idle();
  }

  /** Nobody shares this page. */
  idle(): void {
    this.#idle = true;
    this.#button.textContent = this.#words[0];
    this.root.adoptedStyleSheets = [this.#sheet];
    this.box.replaceChildren(this.#button);
    this.#stay();
  }

  get isIdle(): boolean {
    return this.#idle;
  }

  /** The session's part is being fetched. */
  busy(): void {
    this.#idle = false;
    if (!this.root.activeElement) this.box.replaceChildren();
  }

  failed(): void {
    this.idle();
    this.#button.textContent = this.#words[1];
  }

  /** The session's part shows what it has in place of the button. */
  show(sheet: CSSStyleSheet, content: Node): void {
    this.#idle = false;
    this.root.adoptedStyleSheets = [this.#sheet, sheet];
    this.box.replaceChildren(content);
    this.#stay();
  }

  /** Puts the focus where help is asked for. */
  focus(): void {
    (this.#button.hidden ? document.querySelector<HTMLElement>(this.#own) : this.#button)?.focus();
  }

  #listen(): void {
    for (const name of EVENTS.split(" ")) addEventListener(name, this.#event, true);
  }

  /** document.open and scripts may throw the element out, and listeners with it. */
  #stay = (): void => {
    dom.cancel(this.#timer);
    this.#timer = dom.later(this.#stay, STAY_MS);
    this.#listen();
    if (this.#own) this.#announce();
    if (!this.host.isConnected) document.documentElement?.append(this.host);
  };

  /** The site's own elements are reached by keyboard, and say that they open something. */
  #announce(): void {
    try {
      const list = document.querySelectorAll<HTMLElement>(this.#own);
      this.#button.hidden = list.length > 0;
      for (const el of list) {
        el.ariaHasPopup ??= "dialog";
        if (el.matches(NATIVE)) continue;
        el.role ??= "button";
        if (el.tabIndex < 0) el.tabIndex = 0;
      }
    } catch {
      this.#own = ""; // no selector that this browser knows: our own button stays
    }
  }

  /** What is typed and clicked in our element is not the page's business. */
  #event = (e: Event): void => {
    const ours = e.target === this.host;
    if (ours) e.stopImmediatePropagation();
    if (!this.#idle) {
      if (ours || /^key(down|up)/.test(e.type)) this.heard?.(e, ours);
      return;
    }
    const el = ours ? null : this.#own && (e.target as Element).closest?.(this.#own);
    const press = e.type === "click" || (el && e.type === "keydown" && /^(Enter| )$/.test((e as KeyboardEvent).key) && !el.matches(NATIVE));
    if (!press || !(ours || el)) return;
    if (el) e.preventDefault();
    this.#ask();
  };
}
