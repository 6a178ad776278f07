import * as dom from "../page/natives.ts";
import STYLE from "./assist.css";
import type { Question } from "./hand.ts";
import type { Trigger } from "./trigger.ts";

/** What the user can do here. */
export interface Choices {
  request(): void;
  end(): void;
  consent(participant: number, allow: boolean): void;
  pause(paused: boolean): void;
}

type Child = Node | string;
type Props = Record<string, string | (() => void)>;

/** Builds an element: functions are click handlers, the rest attributes. */
function h(name: string, props: Props, ...children: Child[]): HTMLElement {
  const el = document.createElement(name);
  for (const key in props) {
    const v = props[key]!;
    if (typeof v === "function") el.addEventListener(key, v);
    else el.setAttribute(key, v);
  }
  el.append(...children);
  return el;
}

/** What an agent would like to do, in words. */
function asked(q: Question): string {
  const name = q.what && ` “${q.what}”`;
  if (q.leads === "link") return `follow the link${name}`;
  if (q.leads === "form") return `send the form with${name}`;
  if (q.action === "navigate") return `open ${q.what}`;
  return q.action + (q.action === "back" || q.action === "forward" ? "" : name || " something");
}

const ENDS: Record<string, [string, string]> = {
  user: ["The session is over", "Nobody sees this page any more."],
  agent: ["The session is over", "The agent has left. Nobody sees this page any more."],
  refused: ["Nothing was shared", "You did not allow it. Nobody has seen this page."],
  expired: ["The code has expired", "Codes are good for ten minutes. Ask for a new one when you are ready."],
  large: ["This page cannot be shared", "It is larger than 8 MB. Ask for help again on another page."],
  timeout: ["The connection was lost", "The session has ended. You can ask for help again."],
  gone: ["The session is over", "You can ask for help again."],
};

/** The element on the user's page: asks for help, shows the code, asks for consent. */
export class Assist {
  readonly #choices: Choices;
  readonly #trigger: Trigger;
  readonly #root: ShadowRoot;
  #main = h("div", { class: "stack" });
  #asks = h("div", { class: "stack" });
  #live = h("div", { class: "sr", role: "status", "aria-live": "polite" });
  #pointers = new Map<number, HTMLElement>();
  #timer = 0;
  #paused = false;
  #lost = false;
  #names = "";

  /** Takes over the element of the first part. */
  constructor(trigger: Trigger, choices: Choices) {
    this.#trigger = trigger;
    this.#choices = choices;
    this.#root = trigger.root;
    this.#open();
  }

  #open(): void {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE); // constructed: a page's policy on styles does not reach it
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.replaceChildren(h("div", { class: "stack" }, this.#asks, this.#main), this.#live);
  }

  #show(...children: HTMLElement[]): void {
    dom.cancel(this.#timer);
    this.#main.replaceChildren(...children);
  }

  #say(text: string): void {
    this.#live.textContent = text;
  }

  #focus(): void {
    (this.#main.querySelector("h2, button") as HTMLElement | null)?.focus();
  }

  idle(): void {
    this.#clear();
    this.#show();
    this.#trigger.idle();
  }

  #clear(): void {
    this.#asks.replaceChildren();
    for (const p of this.#pointers.values()) p.remove();
    this.#pointers.clear();
    this.#paused = false;
    this.#lost = false;
  }

  #card(title: string, ...content: HTMLElement[]): HTMLElement {
    return h("section", { class: "card", role: "dialog", "aria-label": title }, h("h2", { tabindex: "-1" }, title), ...content);
  }

  working(): void {
    this.#open();
    this.#show(this.#card("One moment…", h("p", {}, "Getting your code.")));
    this.#focus();
  }

  /** Shows the code; seconds is how long it lives. */
  code(code: string, seconds: number, focus: boolean): void {
    this.#open();
    const left = h("p", {});
    const until = dom.now() + seconds * 1000;
    this.#show(
      this.#card(
        "Read this code to your agent",
        h("output", { class: "code", "data-role": "code", "aria-label": "Code " + code.replace(/\d(?=\d)/g, "$& ") }, code),
        h("ul", {}, h("li", {}, "You are asked before anyone sees this page."), h("li", {}, "Passwords are never shown."), h("li", {}, "You can stop at any time.")),
        left,
        h("div", { class: "row" }, h("button", { type: "button", class: "plain", "data-action": "end", click: () => this.#choices.end() }, "Cancel")),
      ),
    );
    const tick = () => {
      const minutes = Math.max(0, Math.ceil((until - dom.now()) / 60_000));
      left.textContent = minutes ? `Good for ${minutes} more minute${minutes === 1 ? "" : "s"}, and once.` : "The code has expired.";
      this.#timer = dom.later(tick, 5000);
    };
    tick();
    if (focus) this.#focus();
    this.#say("Your code is " + code);
  }

  /** Asks whether an agent may see the page. */
  consent(participant: number, name: string): void {
    const answer = (allow: boolean) => () => {
      this.#asks.replaceChildren();
      this.#choices.consent(participant, allow);
    };
    const title = `${name} would like to help you`;
    const card = h(
      "section",
      { class: "card", role: "alertdialog", "aria-label": title, "data-role": "consent" },
      h("h2", { tabindex: "-1" }, title),
      h("p", {}, `If you allow it, ${name} sees this site as you see it, can point, and can fill in or click for you. The session is recorded.`),
      h("p", {}, "Passwords stay hidden. You can stop at any time."),
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", class: "plain", "data-action": "deny", click: answer(false) }, "No"),
        h("button", { type: "button", class: "primary", "data-action": "allow", click: answer(true) }, "Allow"),
      ),
    );
    this.#show();
    this.#asks.replaceChildren(card);
    (card.querySelector("h2") as HTMLElement).focus();
    this.#say(title);
  }

  #questions = new Map<number, HTMLElement>();

  /** Asks whether an agent may do something. */
  ask(q: Question): Promise<{ allow: boolean; value?: string }> {
    return new Promise((resolve) => {
      const title = `${q.who} would like to ${asked(q)}`;
      const field = h(q.el?.localName === "input" ? "input" : "textarea", { "data-role": "new-value", "aria-label": "New value" }) as HTMLInputElement;
      field.value = q.to ?? "";
      const done = (allow: boolean) => () => {
        this.withdraw(q.id);
        resolve(allow && q.editable ? { allow, value: field.value } : { allow });
      };
      const card = h(
        "section",
        { class: "card", role: "alertdialog", "aria-label": title, "data-role": "confirm", "data-request": String(q.id) },
        h("h2", { tabindex: "-1" }, title),
        ...(q.to === undefined ? [] : [h("p", {}, `“${q.from ?? ""}” → “${q.to}”`)]),
        ...(q.editable ? [field] : []),
        h(
          "div",
          { class: "row" },
          h("button", { type: "button", class: "plain", "data-action": "deny", click: done(false) }, "No"),
          h("button", { type: "button", class: "primary", "data-action": "allow", click: done(true) }, "Allow"),
        ),
      );
      this.#questions.set(q.id, card);
      this.#asks.append(card);
      this.#say(title);
    });
  }

  withdraw(id: number): void {
    this.#questions.get(id)?.remove();
    this.#questions.delete(id);
  }

  #outlines = new Map<HTMLElement, HTMLElement>();

  /** Shows that an agent is busy with an element. */
  locked(el: HTMLElement, name: string | null): void {
    this.#outlines.get(el)?.remove();
    this.#outlines.delete(el);
    if (name === null) return;
    const box = el.getBoundingClientRect();
    const mark = h("div", { class: "lock", "data-role": "lock", "aria-hidden": "true", title: name });
    Object.assign(mark.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
    this.#outlines.set(el, mark);
    this.#root.append(mark);
  }

  /** The session is on. */
  sharing(names: string[]): void {
    this.#open();
    this.#asks.replaceChildren(...this.#questions.values());
    this.#names = names.join(" and ") || "Your agent";
    this.#bar();
    this.#say(`${this.#names} can see this page`);
  }

  #bar(): void {
    const state = this.#lost ? "Reconnecting…" : this.#paused ? `${this.#names} can look, not act` : `${this.#names} sees this page`;
    this.#show(
      h(
        "div",
        { class: "bar" + (this.#paused ? " paused" : "") + (this.#lost ? " lost" : ""), role: "region", "aria-label": "Assistance" },
        h("i", { class: "dot" }),
        h("span", {}, state),
        h("button", { type: "button", class: "quiet", "data-action": "pause", "aria-pressed": String(this.#paused), click: () => this.#pause() }, this.#paused ? "Let act" : "Only look"),
        h("button", { type: "button", class: "stop", "data-action": "end", click: () => this.#choices.end() }, "Stop"),
      ),
    );
  }

  #pause(): void {
    this.#paused = !this.#paused;
    this.#choices.pause(this.#paused);
    this.#bar();
  }

  connection(up: boolean): void {
    this.#lost = !up;
    if (this.#names && this.#main.querySelector(".bar")) this.#bar();
  }

  ended(reason: string): void {
    this.#clear();
    this.#names = "";
    const [title, text] = ENDS[reason] ?? ENDS["gone"]!;
    this.#show(
      this.#card(
        title,
        h("p", {}, text),
        h(
          "div",
          { class: "row" },
          h("button", { type: "button", class: "plain", "data-action": "close", click: () => this.idle() }, "Close"),
          h("button", { type: "button", class: "primary", "data-action": "request", click: () => this.#choices.request() }, "Ask again"),
        ),
      ),
    );
    this.#say(title);
  }

  failed(): void {
    this.#show(
      this.#card(
        "Help is not available just now",
        h("p", {}, "The code could not be fetched. Please try again in a moment."),
        h(
          "div",
          { class: "row" },
          h("button", { type: "button", class: "plain", "data-action": "close", click: () => this.idle() }, "Close"),
          h("button", { type: "button", class: "primary", "data-action": "request", click: () => this.#choices.request() }, "Try again"),
        ),
      ),
    );
  }

  /** Shows where an agent points, in viewport pixels. */
  point(participant: number, name: string, x: number, y: number): void {
    let p = this.#pointers.get(participant);
    if (!p) {
      p = h("div", { class: "pointer", "data-role": "agent-pointer", "aria-hidden": "true" });
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("width", "22");
      svg.setAttribute("height", "24");
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", "M2 1 L2 19 L7 14.5 L10.5 22 L14 20.5 L10.6 13.2 L17.5 13 Z");
      path.setAttribute("fill", "#c2410c");
      path.setAttribute("stroke", "#fff");
      path.setAttribute("stroke-width", "1.5");
      svg.append(path);
      p.append(svg, h("b", {}, name));
      this.#root.append(p);
      this.#pointers.set(participant, p);
    }
    p.style.transform = `translate(${x}px, ${y}px)`;
  }

  gone(participant: number): void {
    this.#pointers.get(participant)?.remove();
    this.#pointers.delete(participant);
  }
}
