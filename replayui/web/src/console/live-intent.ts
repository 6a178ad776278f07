import { maskedAround } from "../view/private.ts";

/** What a click on an element of the mirror comes to. */
export type Intent =
  | { kind: "private"; el: Element }
  | { kind: "edit"; el: HTMLElement }
  | { kind: "choose"; el: HTMLSelectElement }
  | { kind: "tick"; el: HTMLInputElement; action: "check" | "uncheck" }
  | { kind: "click"; el: Element; plain: boolean };

const TEXT = /^(text|search|tel|url|email|number|date|time|month|week|datetime-local|color|range|)$/;
const CAN_ACT = "a[href], button, input, select, textarea, summary, label, area[href], [onclick], [role=button], [role=link], [role=checkbox], [role=radio], "
  + "[role=tab], [role=option], [role=menuitem], [role=switch], [tabindex], [contenteditable]:not([contenteditable=false])";

/** The nearest element around that matches, out of shadow roots too. */
export function around(el: Element | undefined, selector: string): Element | undefined {
  for (let at = el; at; at = ((at.getRootNode() as ShadowRoot).host as Element | undefined)) {
    const found = at.closest(selector);
    if (found) return found;
  }
  return undefined;
}

/** Acts as a person would: a field is typed into, a box ticked, the rest clicked. */
export function intentOf(hit: Element): Intent {
  const near = around(hit, CAN_ACT);
  const target = labelled(near ?? hit);
  const masked = maskedAround(target) ?? maskedAround(hit);
  if (masked) return { kind: "private", el: masked };
  const input = target as HTMLInputElement;
  const off = target.matches(":disabled") || input.readOnly;
  if (off) return { kind: "click", el: target, plain: false };
  if (target.localName === "select") return { kind: "choose", el: target as HTMLSelectElement };
  if (target.localName === "textarea" || (target.localName === "input" && TEXT.test(input.type))) return { kind: "edit", el: input };
  if ((target as HTMLElement).isContentEditable) return { kind: "edit", el: host(target as HTMLElement) };
  if (target.localName === "input" && /^(checkbox|radio)$/.test(input.type)) {
    return { kind: "tick", el: input, action: input.checked && input.type === "checkbox" ? "uncheck" : "check" };
  }
  return { kind: "click", el: target, plain: !near };
}

/** The control of a label. */
function labelled(el: Element): Element {
  return el.localName === "label" ? ((el as HTMLLabelElement).control ?? el) : el;
}

/** The outermost element that is edited as one. */
function host(el: HTMLElement): HTMLElement {
  let at = el;
  while (at.parentElement?.isContentEditable) at = at.parentElement;
  return at;
}

/** Everything on the page that can be acted on, in its order, in frames and shadow roots too. */
export function controls(root: Document | ShadowRoot): Element[] {
  const found: Element[] = [];
  for (const el of root.querySelectorAll("*")) {
    if (el.matches(CAN_ACT) && el.localName !== "label") found.push(el);
    const inner = /^i?frame$/.test(el.localName) ? (el as HTMLIFrameElement).contentDocument : el.shadowRoot;
    if (inner) found.push(...controls(inner));
  }
  return found;
}

/** The nearest element around a place that can scroll that way, in this document or those around it. */
export function scroller(from: Element | undefined, dx: number, dy: number, top: Document): Element | undefined {
  for (let el: Element | undefined = from; el; el = outer(el, top)) {
    const root = el === el.ownerDocument.scrollingElement;
    const s = getComputedStyle(el);
    if (dy && room(el.scrollTop, el.scrollHeight - el.clientHeight, dy) && (root || /auto|scroll/.test(s.overflowY))) return el;
    if (dx && room(Math.abs(el.scrollLeft), el.scrollWidth - el.clientWidth, dx) && (root || /auto|scroll/.test(s.overflowX))) return el;
  }
  return undefined;
}

const room = (at: number, most: number, by: number) => (by > 0 ? at < most - 1 : at > 0);

function outer(el: Element, top: Document): Element | undefined {
  const up = el.parentElement ?? ((el.getRootNode() as ShadowRoot).host as Element | undefined);
  if (up) return up;
  return el.ownerDocument === top ? undefined : (el.ownerDocument.defaultView?.frameElement ?? undefined);
}
