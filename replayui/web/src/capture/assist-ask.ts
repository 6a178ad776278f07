import type { Level } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import type { Marks } from "./assist-marks.ts";
import type { Say, Word } from "./assist-words.ts";
import { button, h } from "./element.ts";
import type { Question } from "./hand.ts";

export const LEVELS: Level[] = ["view", "point", "propose", "act"];
/** The gateway waits 30 s; an answer takes its time to get there. */
const ANSWER_S = 28;
/** Kinds of fields in which the browser helps to put in another value. */
const HELPED = /^(date|time|month|week|datetime-local|number|color|range|email|tel|url)$/;

/** Who would like to see the page. */
export interface Joining { participant: number; name: string; role?: string | undefined; org?: string | undefined; first?: boolean | undefined }

/** What the element does for its questions. */
export interface Asker {
  say: Say;
  /** tells a screen reader */
  tell(text: string): void;
  /** takes a card away, and the focus with it to where it belongs */
  close(card: HTMLElement): void;
  /** leads to a question */
  jumpKey: string;
  stopKey: string;
}

/** The questions to the user that are open, one below the other. */
export class Asks {
  readonly box = h("div", { class: "stack asks" });
  readonly #asker: Asker;
  readonly #marks: Marks;
  #open = new Map<number, { card: HTMLElement; q: Question; timer: number }>();
  #joining = new Map<number, HTMLElement>();

  constructor(asker: Asker, marks: Marks) {
    this.#asker = asker;
    this.#marks = marks;
  }

  /** Whether somebody may see the page. The first one is given a level, of those up to `most`. */
  consent({ participant, name, role, org, first }: Joining, chosen: Level, most: Level, answer: (allow: boolean, level: Level) => void): HTMLElement {
    const { say, stopKey } = this.#asker;
    const title = say(first ? "help" : "watch", { name });
    const who = [/^(agent|supervisor|administrator)$/.test(role ?? "") ? say(role as Word) : "", org].filter(Boolean).join(" · ");
    const done = (allow: boolean) => () => {
      const level = card.querySelector<HTMLInputElement>("[name=level]:checked")?.value ?? chosen;
      this.seen(participant);
      answer(allow, level as Level);
    };
    const levels = LEVELS.slice(0, LEVELS.indexOf(most) + 1);
    const radio = (value: Level) => {
      const el = h("input", { type: "radio", name: "level", value });
      el.checked = value === chosen;
      return h("label", {}, el, say(value));
    };
    const card = this.#card("alertdialog", title, "consent", "",
      ...(who ? [h("p", { class: "who" }, who)] : []),
      h("p", {}, say("sees", { name })),
      ...(first ? [h("fieldset", {}, h("legend", {}, say("may", { name })), ...levels.map(radio)), h("p", {}, say("change", { key: stopKey }))] : []),
      this.#answers(done(false), done(true)),
    );
    this.seen(participant);
    this.#joining.set(participant, card);
    this.box.append(card);
    this.#asker.tell(title + (first ? "" : ". " + say("jump", { key: this.#asker.jumpKey })));
    return card;
  }

  /** A person was answered about, here or in another tab, or has left. */
  seen(participant: number): void {
    const card = this.#joining.get(participant);
    this.#joining.delete(participant);
    if (card) this.#asker.close(card);
  }

  /** Whether an agent may do something. */
  ask(q: Question): Promise<{ allow: boolean; value?: string }> {
    return new Promise((resolve) => {
      const { say, tell, jumpKey } = this.#asker;
      const title = sentence(say, q);
      const field = q.editable ? editor(q) : undefined;
      const done = (allow: boolean) => {
        this.withdraw(q.id);
        resolve(field && allow ? { allow, value: chosen(field) } : { allow });
      };
      const left = h("span", {});
      const card = this.#card("dialog", title, "confirm", "esc",
        h("form", { novalidate: "", submit: (e) => {
          e.preventDefault();
          done(true);
        } }, ...values(say, q, field), this.#answers(() => done(false), undefined, h("span", { class: "left", "aria-hidden": "true" }, left, h("kbd", {}, jumpKey)))),
      );
      card.dataset["request"] = String(q.id);
      this.withdraw(q.id);
      const open = { card, q, timer: 0 };
      this.#open.set(q.id, open);
      if (q.el) this.#marks.outline(q, "asked", q.el, q.who);
      this.box.append(card);
      const until = dom.now() + ANSWER_S * 1000;
      const tick = () => {
        const seconds = Math.ceil((until - dom.now()) / 1000);
        if (seconds <= 0) return this.withdraw(q.id); // no answer
        left.textContent = say("left", { seconds: String(seconds) });
        open.timer = dom.later(tick, 1000);
      };
      tick();
      tell(`${title}. ${say("jump", { key: jumpKey })}`);
    });
  }

  withdraw(id: number): void {
    const open = this.#open.get(id);
    if (!open) return;
    dom.cancel(open.timer);
    this.#open.delete(id);
    this.#marks.drop(open.q);
    this.#asker.close(open.card);
  }

  clear(): void {
    for (const id of this.#open.keys()) this.withdraw(id);
    for (const participant of this.#joining.keys()) this.seen(participant);
  }

  #card(role: string, title: string, data: string, esc: string, ...content: HTMLElement[]): HTMLElement {
    const card = h("section", { class: "card", role, "aria-label": title, "data-role": data }, h("h2", { tabindex: "-1" }, title), ...content);
    if (esc) card.dataset[esc] = "";
    return card;
  }

  /** Without an act of its own, yes sends the form around it. */
  #answers(no: () => void, yes?: () => void, ...more: HTMLElement[]): HTMLElement {
    const { say } = this.#asker;
    return h("div", { class: "row" }, ...more,
      button("plain", "deny", say("no"), no),
      h("button", { type: yes ? "button" : "submit", class: "primary", "data-action": "allow", ...(yes && { click: yes }) }, say("allow")),
    );
  }
}

function sentence(say: Say, { who, action, what, to, leads }: Question): string {
  const word = leads === "link" || leads === "form" ? leads : (action as Word);
  return say("would", { name: who, act: say(word, { what: what ? say("named", { what }) : say("this"), to: to ?? "" }) });
}

/** The value as it is and as it would be. */
function values(say: Say, { action, from, to }: Question, field?: HTMLElement): HTMLElement[] {
  if (to === undefined || action === "key") return [];
  const shown = (text: string) => h("span", { class: "value" }, text || say("nothing"));
  const old = h("div", {}, h("b", {}, say("old")), shown(from ?? ""));
  return [old, field ? h("label", {}, h("b", {}, say("new")), field) : h("div", {}, h("b", {}, say("new")), shown(to))];
}

type Editor = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** The field in which the user may put another value, or choose otherwise. */
function editor({ el, from = "", to = "", value }: Question): Editor {
  const props = { "data-role": "edit", autocomplete: "off" };
  if (value !== undefined) {
    const { options, multiple } = el as HTMLSelectElement;
    return h("select", { ...props, ...(multiple && { multiple: "" }) }, ...[...options].map((o, i) => {
      const option = h("option", { value: String(i) }, o.text);
      option.disabled = dom.matches(o, ":disabled,optgroup:disabled *");
      option.selected = value.split(",").includes(String(i));
      return option;
    }));
  }
  const long = el && dom.localName(el) !== "input" || /\n/.test(from + to);
  const field = h(long ? "textarea" : "input", { ...props, ...(long && { rows: "3" }) });
  const type = (el as HTMLInputElement | null)?.type;
  if (!long && type && HELPED.test(type)) (field as HTMLInputElement).type = type;
  field.value = to;
  return field;
}

/** What a request has as its value: of a list, which of its options. */
function chosen(field: Editor): string {
  return "selectedOptions" in field ? [...field.selectedOptions].map((o) => o.value).join() : field.value;
}
