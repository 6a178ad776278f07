import type { Drawing, Level, Person, PointerAt } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import STYLE from "./assist.css";
import { Asks, LEVELS, type Joining } from "./assist-ask.ts";
import { Bar, type Shared } from "./assist-bar.ts";
import { Marks } from "./assist-marks.ts";
import { sayer, type Word } from "./assist-words.ts";
import { button, clicked, h, smaller } from "./element.ts";
import type { Asking, Question } from "./hand.ts";
import type { Tools } from "./session.ts";

/** What the user can do here. */
export interface Choices {
  request(): void;
  /** begins with the code that an agent read out */
  use(code: string): void;
  end(): void;
  consent(participant: number, allow: boolean, level: Level): void;
  level(level: Level): void;
  /** the user left the element of the page that they were in */
  unlock(): void;
}

const ENDS: Record<string, [Word, Word]> = {
  user: ["over", "nobody"],
  agent: ["over", "nobody"],
  refused: ["refused", "unseen"],
  expired: ["past", "again"],
  large: ["large", "elsewhere"],
  timeout: ["broken", "again"],
  gone: ["over", "again"],
};
/** What else could tell the page of what is typed and clicked here. */
const EVENTS = "beforeinput input compositionstart compositionupdate compositionend copy cut paste dblclick contextmenu mousedown mouseup pointerdown pointerup focus blur focusin focusout".split(" ");
const TOLD_MS = 10_000;
const STAY_MS = 1000;

/** The element on the user's page: asks for help, shows the code, asks for consent, says who is there. */
export class Assist implements Asking {
  readonly #tools: Tools;
  readonly #choices: Choices;
  readonly #say;
  readonly #most: Level;
  readonly #stopKey: string;
  readonly #sheet = new CSSStyleSheet();
  readonly #marks = new Marks();
  readonly #asks: Asks;
  readonly #main = h("div", { class: "stack" });
  readonly #live = h("div", { class: "sr", role: "status", "aria-live": "polite" });
  readonly #all: HTMLElement;
  /** where the focus was on the page */
  #back: HTMLElement | null = null;
  #code = "";
  #shared = false;
  #timer = 0;
  #full: Element | null = null;
  readonly #bar: Bar;
  readonly #now: Shared = { people: [], control: 0, level: "view", former: undefined, lost: false, held: false };

  /** Takes over the element of the first part. */
  constructor(tools: Tools, choices: Choices) {
    const { settings, language, trigger } = tools;
    this.#tools = tools;
    this.#choices = choices;
    this.#say = sayer(settings.words?.[language]);
    this.#most = settings.most ?? "act";
    this.#stopKey = settings.stopKey ?? "F8";
    this.#asks = new Asks({
      say: this.#say,
      tell: (text) => this.#tell(text),
      close: (card) => this.#close(card),
      jumpKey: "Shift+" + this.#stopKey,
      stopKey: this.#stopKey,
    }, this.#marks);
    this.#bar = new Bar(this.#say, this.#now, this.#stopKey, LEVELS.slice(0, LEVELS.indexOf(this.#most) + 1), {
      colour: (name) => this.#marks.colour(name),
      level: (level) => this.#grant(level),
      pause: () => (this.#now.former ? this.#grant(this.#now.former) : this.#stop()),
      end: choices.end,
      free: choices.unlock,
    });
    this.#sheet.replaceSync(STYLE);
    this.#all = h("div", { lang: language }, this.#marks.layer, h("div", { class: "stack" }, this.#asks.box, this.#main), this.#live);
    trigger.heard = this.#heard;
  }

  // The focus, keys, and what is told.

  #heard = (e: Event, ours: boolean): void => {
    if (/^key(down|up)/.test(e.type)) this.#key(e as KeyboardEvent);
    if (!ours) return;
    const at = e.composedPath()[0] as HTMLElement;
    if (e.type === "click") clicked(e);
    // Who clicks a button goes on typing where they were.
    if (e.type === "mousedown" && at.closest("button")) e.preventDefault();
    if (e.type === "focusin") this.#back = ((e as FocusEvent).relatedTarget as HTMLElement | null) ?? this.#back;
    if (e.type === "keydown" && (e as KeyboardEvent).key === "Escape") at.closest("[data-esc]")?.querySelector<HTMLElement>(".plain")?.click();
  };

  /** One key stops agents at once, wherever the focus is. It never lets them go on: who presses it twice means it. */
  #key = (e: KeyboardEvent): void => {
    if (!this.#shared || e.key !== this.#stopKey || e.ctrlKey || e.altKey || e.metaKey) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    if (e.type !== "keydown") return;
    if (e.shiftKey) this.#jump();
    else this.#stop();
  };

  /** While there is something to show, nothing of the page covers it or makes it inert, and the key works wherever the focus is. */
  #stay = (): void => {
    dom.cancel(this.#timer);
    if (!this.#all.isConnected) return;
    this.#timer = dom.later(this.#stay, STAY_MS);
    const { host, box } = this.#tools.trigger;
    const modal = [...document.querySelectorAll("dialog:modal")].pop() ?? document.documentElement;
    if (host.parentNode !== modal) modal.append(host);
    if (document.fullscreenElement !== this.#full) box.popover = null;
    this.#full = document.fullscreenElement;
    box.popover = "manual";
    if (!box.matches(":popover-open")) box.showPopover();
    this.#tools.trigger.listen(EVENTS);
    // Keys that are pressed in frames do not come to this window.
    const within = (w: Window): void => {
      for (let i = 0; i < w.length; i++) {
        try {
          w[i]!.addEventListener("keydown", this.#key, true);
          within(w[i]!);
        } catch {
          // another site's
        }
      }
    };
    within(window);
  };

  /** To the first question, or back. */
  #jump(): void {
    const { root } = this.#tools.trigger;
    if (root.activeElement) this.#return();
    else this.#all.querySelector<HTMLElement>("h2, select")?.focus();
  }

  #return(): void {
    if (this.#back?.isConnected) this.#back.focus({ preventScroll: true });
    else (this.#tools.trigger.root.activeElement as HTMLElement | null)?.blur();
  }

  #close(card: HTMLElement): void {
    const inside = card.contains(this.#tools.trigger.root.activeElement);
    const next = card.nextElementSibling ?? card.previousElementSibling;
    if (inside && !next) this.#return();
    card.remove();
    if (inside) next?.querySelector("h2")?.focus();
  }

  /** Each thing told is added, so that none takes another's place. */
  #tell(text: string): void {
    const p = h("p", {}, text);
    dom.later(() => this.#live.append(p), 100); // after what is around it
    dom.later(() => p.remove(), TOLD_MS);
  }

  #appear(): void {
    if (!this.#all.isConnected) this.#tools.trigger.show(this.#sheet, this.#all);
    this.#stay();
  }

  #show(...children: HTMLElement[]): void {
    const inside = this.#main.contains(this.#tools.trigger.root.activeElement);
    this.#appear();
    this.#main.replaceChildren(...children);
    if (inside) this.#focus();
  }

  #focus(): void {
    this.#main.querySelector<HTMLElement>("h2")?.focus();
  }

  /** Shows a panel in place of what there was, and leads to it. */
  #panel(title: string, ...content: HTMLElement[]): void {
    const { root } = this.#tools.trigger;
    const had = root.activeElement;
    this.#show(h("section", { class: "card", role: "dialog", "aria-label": title }, h("h2", { tabindex: "-1" }, title), ...content));
    if (had) this.#focus();
  }

  // Before anybody sees the page.

  idle(): void {
    const inside = this.#tools.trigger.root.activeElement;
    this.#clear();
    this.#main.replaceChildren();
    const { host, box } = this.#tools.trigger;
    box.popover = null;
    document.documentElement.append(host);
    this.#tools.trigger.idle();
    if (inside) this.#tools.trigger.focus();
  }

  #clear(): void {
    this.#asks.clear();
    this.#marks.clear();
    this.#shared = false;
    this.#code = "";
    Object.assign(this.#now, { level: "view", former: undefined, lost: false, held: false });
  }

  working(): void {
    this.#panel(this.#say("moment"));
    this.#focus();
  }

  /** Shows the code; seconds is how long it lives. */
  code(code: string, seconds: number, focus: boolean): void {
    if (code === this.#code) return;
    this.#code = code;
    const say = this.#say;
    const until = new Date(Date.now() + seconds * 1000);
    const { language } = this.#tools;
    const region = navigator.languages.find((l) => l.startsWith(language)) ?? language;
    const spoken = say("code", { code: code.replace(/\d(?=\d)/g, "$& ") });
    this.#panel(
      say("read"),
      h("output", { class: "code", "data-role": "code", "aria-label": spoken }, code),
      h("ul", {}, ...(["asked", "hidden", "anytime"] as const).map((w) => h("li", {}, say(w)))),
      h("p", {}, say("until", { time: until.toLocaleTimeString(region, { hour: "numeric", minute: "2-digit" }) })),
      h("div", { class: "row" }, button("plain", "end", say("cancel"), () => this.#choices.end())),
      button("link", "have-code", say("have"), () => {
        this.#choices.end();
        this.enter();
      }),
      smaller(say("details")),
    );
    if (focus) this.#focus();
    this.#tell(spoken);
  }

  /** Takes a code that an agent reads out; `problem` says what was wrong with the one before. */
  enter(problem?: Word, code = ""): void {
    const say = this.#say;
    const field = h("input", { "data-role": "code-input", inputmode: "numeric", autocomplete: "off", maxlength: "20", "aria-describedby": "problem" });
    const wrong = h("p", { class: "wrong", id: "problem", role: "alert" });
    const complain = (word?: Word) => {
      wrong.textContent = word ? say(word) : "";
      field.ariaInvalid = String(!!word);
    };
    field.value = code.replace(/\d{4}(?=\d)/g, "$& ");
    const use = (e: Event): void => {
      e.preventDefault();
      const digits = field.value.replace(/\D/g, "");
      if (digits.length === 12) return this.#choices.use(digits);
      complain("digits");
      field.focus();
    };
    this.#panel(say("have"), h("form", { novalidate: "", submit: use },
      h("label", {}, say("digits"), field), wrong,
      h("div", { class: "row" },
        button("plain", "close", say("cancel"), () => this.idle()),
        h("button", { class: "primary", "data-action": "use-code" }, say("next")),
      ),
    ));
    this.#main.firstElementChild!.setAttribute("data-esc", "");
    if (problem) dom.later(() => complain(problem), 100);
    field.focus();
  }

  /** Asks whether somebody may see the page. */
  consent(m: Joining): void {
    this.#appear();
    if (m.first) this.#show();
    const level = least(this.#tools.settings.level ?? "propose", this.#most);
    const card = this.#asks.consent(m, m.first ? level : this.#now.level, this.#most, (allow, chosen) => {
      if (m.first && allow) this.level = chosen;
      this.#choices.consent(m.participant, allow, chosen);
    });
    if (m.first && !typing()) card.querySelector("h2")!.focus();
  }

  // While the page is shared.

  /** Who is there, and who acts. */
  sharing(people: Person[] = this.#now.people, control = this.#now.control): void {
    for (const p of people) this.#asks.seen(p.participant);
    Object.assign(this.#now, { people, control });
    this.#bar.update();
    if (this.#shared) return;
    this.#shared = true;
    this.#show(this.#bar.el);
    const names = new Intl.ListFormat(this.#tools.language).format(people.map((p) => p.name));
    this.#tell(this.#say("here", { names, key: this.#stopKey }));
  }

  /** What the user granted; the gateway may know it from another page. */
  set level(level: Level) {
    if (level !== this.#now.level) this.#now.former = undefined;
    this.#now.level = level;
    if (level === "view") this.#marks.clear();
    this.#bar.update();
  }

  #grant(level: Level, former?: Level): void {
    this.level = level;
    this.#now.former = former;
    this.#choices.level(level);
    this.#bar.update();
  }

  #stop(): void {
    if (this.#now.level !== "view") this.#grant("view", this.#now.level);
    this.#tell(this.#say("paused"));
  }

  connection(up: boolean): void {
    if (this.#now.lost === !up) return;
    this.#now.lost = !up;
    this.#bar.update();
    if (!up) this.#tell(this.#say("lost"));
  }

  ask(q: Question): Promise<{ allow: boolean; value?: string }> {
    return this.#asks.ask(q);
  }

  withdraw(id: number): void {
    this.#asks.withdraw(id);
  }

  locked(el: HTMLElement, name: string | null): void {
    if (name === null) this.#marks.drop(el);
    else this.#marks.outline(el, "lock", el, name, name);
  }

  held(on: boolean): void {
    this.#now.held = on;
    this.#bar.update();
  }

  point(from: number, name: string, el: Element | null, p: PointerAt): void {
    if (this.#now.level !== "view") this.#marks.point(from, name, el, p);
  }

  draw(from: number, name: string, el: Element, d: Drawing): void {
    if (this.#now.level !== "view") this.#marks.draw(from, name, el, d);
  }

  gone(participant: number): void {
    this.#marks.clear(participant);
    this.#asks.seen(participant);
  }

  // When it is over.

  ended(reason: string): void {
    this.#clear();
    const [title, text] = ENDS[reason] ?? ENDS["gone"]!;
    this.#over(title, text);
  }

  failed(): void {
    this.#over("unavailable", "again");
  }

  #over(title: Word, text: Word): void {
    const say = this.#say;
    this.#panel(say(title), h("p", {}, say(text)), h("div", { class: "row" },
      button("plain", "close", say("close"), () => this.idle()),
      button("primary", "request", say("request"), () => this.#choices.request()),
    ));
    this.#main.firstElementChild!.setAttribute("data-esc", "");
    this.#tell(`${say(title)}. ${say(text)}`);
  }
}

const least = (a: Level, b: Level): Level => LEVELS[Math.min(LEVELS.indexOf(a), LEVELS.indexOf(b))]!;

/** Whether the user is typing on the page. */
function typing(): boolean {
  const el = document.activeElement as HTMLElement | null;
  return !!el && (el.isContentEditable || /^(textarea|select|iframe)$/.test(el.localName) || (el.localName === "input" && !/^(button|submit|reset|checkbox|radio|image)$/.test((el as HTMLInputElement).type)));
}
