// A viewer's page is never hovered, focused or full screen itself: elements that
// the user's page has so are marked, and rules that ask are led to the marks.

import * as dom from "./natives.ts";

export const MARK = "pillion-is";

const ASKED =
  /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|(?<!:):(hover|active|focus-visible|focus-within|focus|target|fullscreen|-webkit-full-screen|user-invalid|user-valid|autofill|-webkit-autofill)(?![\w\\\u0080-\uffff-])|:state\(\s*([\w-]+)\s*\)/gi;
const ANY = /:(?:hover|active|focus|target|full|-webkit-|user-|auto|state\()/i;

/** A selector that asks for marks where it asked for what a viewer's page is not. */
export function markedSelector(s: string): string {
  if (!ANY.test(s)) return s;
  return s.replace(ASKED, (whole, name?: string, custom?: string) => {
    if (custom) return `[${MARK}~="state(${custom})"]`;
    return name ? `[${MARK}~="${name.toLowerCase().replace("-webkit-full-screen", "fullscreen").replace("-webkit-", "")}"]` : whole;
  });
}

/** Leads the rules of a sheet, and those within them, to the marks. */
export function markRules(rules: CSSRuleList): void {
  for (const rule of rules) {
    const { selectorText, styleSheet, cssRules } = rule as CSSStyleRule & CSSImportRule;
    if (selectorText) {
      const marked = markedSelector(selectorText);
      if (marked !== selectorText) (rule as CSSStyleRule).selectorText = marked;
    }
    if (styleSheet) markSheet(styleSheet);
    if (cssRules?.length) markRules(cssRules);
  }
}

export function markSheet(sheet: CSSStyleSheet): void {
  try {
    markRules(sheet.cssRules);
  } catch {
    // another site's, or not there yet
  }
}

/** An element and what is around it, over slots, shadow roots and frames. */
function* around(el: Element | null): Generator<Element> {
  for (let n: Node | null = el; n; ) {
    if (n.nodeType === 1) yield n as Element;
    const up: Node | null = (n as Element).assignedSlot ?? dom.parentNode(n);
    n = up ?? (n as ShadowRoot).host ?? ((n as Document).defaultView?.frameElement as Element | null) ?? null;
  }
}

/** The marks on a page's elements. */
export class Marks {
  #on = new Map<string, Set<Element>>();
  #states = new WeakMap<Element, string[]>();

  clear(): void {
    this.#on.clear();
    this.#states = new WeakMap();
  }

  /** The pointer is over an element, or a button is held on it. */
  pointed(name: "hover" | "active", el: Element | null): void {
    const list = new Set(around(el));
    for (const x of [...list]) {
      const control = (x as HTMLLabelElement).control;
      if (dom.localName(x) === "label" && control) list.add(control);
    }
    this.#only(name, list);
  }

  focused(el: Element | null): void {
    const list = [...around(el)];
    this.#only("focus", new Set(list.filter((x) => x === el || /^i?frame$/.test(dom.localName(x)))));
    this.#only("focus-within", new Set(list));
  }

  /** What an element is in by itself: names from a closed list, and states of its own. */
  states(el: Element, names: string[]): void {
    for (const name of this.#states.get(el) ?? []) this.#set(el, name, false);
    this.#states.set(el, names);
    for (const name of names) this.#set(el, name, true);
  }

  #only(name: string, now: Set<Element>): void {
    for (const el of this.#on.get(name) ?? []) if (!now.has(el)) this.#set(el, name, false);
    for (const el of now) this.#set(el, name, true);
    this.#on.set(name, now);
  }

  #set(el: Element, name: string, on: boolean): void {
    const before = dom.getAttribute(el, MARK) ?? "";
    const words = new Set(before.split(" ").filter(Boolean));
    if (on) words.add(name);
    else words.delete(name);
    const now = [...words].join(" ");
    if (now === before) return;
    if (now) dom.setAttribute(el, MARK, now);
    else dom.removeAttribute(el, MARK);
  }
}
