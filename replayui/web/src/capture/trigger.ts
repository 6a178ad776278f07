import * as dom from "../page/natives.ts";
import type { Settings } from "./settings.ts";
import STYLE from "./trigger.css";

type Words = Record<string, string>;

const WORDS: Record<string, Words> = {
  en: { need: "Need help?", unavailable: "Help is not available just now" },
  de: { need: "Brauchen Sie Hilfe?", unavailable: "Hilfe ist gerade nicht verfügbar" },
  fr: { need: "Besoin d’aide ?", unavailable: "L’aide n’est pas disponible pour le moment" },
};
const STAY_MS = 1000;
/** What tells a page of keys and clicks, and may call its shortcuts. The session's part adds what else there is. */
const EVENTS = ["keydown", "keyup", "keypress", "click"];
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
  #words: Words = {};
  #idle = true;
  #timer = 0;

  /** Before the page's own scripts: listeners are called in the order in which they came. */
  constructor(settings: Settings, ask: () => void) {
    this.#settings = settings;
    this.#ask = ask;
    this.listen(EVENTS);
  }

  /** Appears, in a language, where the page's markup is there. */
  start(language: string): void {
    const { words, style } = this.#settings;
    this.#words = { ...WORDS[language], ...words?.[language] };
    const b = this.#button;
    this.box.className = "at";
    this.root.append(this.box);
    b.type = "button";
    b.className = "ask";
    b.lang = language;
    b.dataset["action"] = "request";
    this.#sheet.replaceSync(STYLE + (style ?? ""));
    this.idle();
  }

  /** Nobody shares this page. */
  idle(): void {
    this.#idle = true;
    this.#button.textContent = this.#words["need"]!;
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
    this.#button.textContent = this.#words["unavailable"]!;
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
    (this.#button.hidden ? document.querySelector<HTMLElement>(this.#settings.trigger!) : this.#button)?.focus();
  }

  /** Takes the events of our element from the page. */
  listen(names: string[]): void {
    for (const name of names) addEventListener(name, this.#event, true);
  }

  /** document.open and scripts may throw the element out, and listeners with it. */
  #stay = (): void => {
    dom.cancel(this.#timer);
    this.#timer = dom.later(this.#stay, STAY_MS);
    this.listen(EVENTS);
    if (!this.host.isConnected) document.documentElement?.append(this.host);
    if (this.#settings.trigger) this.#announce(this.#settings.trigger);
  };

  /** The site's own elements are reached by keyboard, and say that they open something. */
  #announce(own: string): void {
    try {
      const list = document.querySelectorAll<HTMLElement>(own);
      this.#button.hidden = !!list[0];
      for (const el of list) {
        el.ariaHasPopup ??= "dialog";
        if (el.matches(NATIVE)) continue;
        el.role ??= "button";
        if (el.tabIndex < 0) el.tabIndex = 0;
      }
    } catch {
      delete this.#settings.trigger; // no selector that this browser knows: our own button stays
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
    const el = ours ? null : this.#settings.trigger && (e.target as Element).closest?.(this.#settings.trigger);
    const press = e.type === "click" || (el && e.type === "keydown" && /^(Enter| )$/.test((e as KeyboardEvent).key) && !el.matches(NATIVE));
    if (!press || !(ours || el)) return;
    if (el) e.preventDefault();
    this.#ask();
  };
}
