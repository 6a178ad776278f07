import * as dom from "../page/natives.ts";
import type { Settings } from "./settings.ts";
import STYLE from "./trigger.css";

const WORDS: Record<string, [need: string, failed: string]> = {
  en: ["Need help?", "Help is not available just now"],
  de: ["Brauchen Sie Hilfe?", "Hilfe ist gerade nicht verfügbar"],
  fr: ["Besoin d’aide ?", "L’aide n’est pas disponible pour le moment"],
};
const PLACE_MS = 1000;

/** Our element on a page nobody shares: a button to ask for help, or the site's own. */
export class Trigger {
  readonly host = document.createElement("pillion-assist");
  readonly root = this.host.attachShadow({ mode: "open" });
  #button = document.createElement("button");
  #words: [string, string];

  constructor(settings: Settings, language: string, ask: () => void) {
    this.#words = WORDS[language] ?? WORDS["en"]!;
    const own = settings.words?.[language];
    this.#words = [own?.["need"] ?? this.#words[0], own?.["unavailable"] ?? this.#words[1]];
    const b = this.#button;
    b.type = "button";
    b.dataset["action"] = "request";
    b.addEventListener("click", ask);
    // What is typed and clicked here is not the page's business.
    for (const name of ["keydown", "keyup", "keypress", "click", "mousedown", "pointerdown", "focusin"]) {
      this.host.addEventListener(name, (e) => e.stopPropagation());
    }
    const { trigger } = settings;
    if (trigger) {
      document.addEventListener("click", (e) => {
        if (this.#idle && (e.target as Element).closest?.(trigger)) {
          e.preventDefault();
          ask();
        }
      }, true);
    }
    this.#own = trigger;
    this.idle();
    this.#stay();
  }

  #own: string | undefined;
  #idle = true;

  /** Nobody shares this page. */
  idle(): void {
    this.#idle = true;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE); // constructed: a page's policy on styles does not reach it
    this.root.adoptedStyleSheets = [sheet];
    this.#button.disabled = false;
    this.#button.textContent = this.#words[0];
    this.root.replaceChildren(...(this.#own && document.querySelector(this.#own) ? [] : [this.#button]));
  }

  get isIdle(): boolean {
    return this.#idle;
  }

  /** The session's part is being fetched. */
  busy(): void {
    this.#idle = false;
    this.#button.disabled = true;
  }

  failed(): void {
    this.idle();
    this.#button.textContent = this.#words[1];
  }

  /** document.open and scripts may throw the element out. */
  #stay(): void {
    const at = document.documentElement;
    if (at && this.host.parentNode !== at) at.append(this.host);
    dom.later(() => this.#stay(), PLACE_MS);
  }
}
