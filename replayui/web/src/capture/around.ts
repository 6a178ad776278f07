import * as dom from "../page/natives.ts";

/** The shadow root of an element, closed ones too. */
export type ShadowOf = (el: Element) => ShadowRoot | null;

/** The page as the hand finds it. */
export interface Place {
  shadow: ShadowOf;
  /** whether an element is hidden from agents */
  masked: (el: Element) => boolean;
  /** the field that the user went into by themselves */
  users: Element | null;
}

/** The element that has the focus, within frames and shadow roots of the page. */
export function focused(shadow: ShadowOf): Element | null {
  for (let at: Element | null = document.activeElement; at; ) {
    if (dom.localName(at) === "pillion-assist") return at;
    const inner: Element | null | undefined = (shadow(at) ?? (/^i?frame$/.test(dom.localName(at)) ? dom.documentIn(at) : null))?.activeElement;
    if (!inner) return at;
    at = inner;
  }
  return null;
}

const OWN = "a[href],area[href],button,input:not([type=hidden]),select,textarea,summary,iframe,[contenteditable]:not([contenteditable=false]),audio[controls],video[controls]";

/** What can have the focus, by its markup. */
export const FOCUSABLE = OWN + ",[tabindex]";

/** What stands for itself when the user or an agent is in it; not what only scripts give the focus to, such as a heading. */
const CONTROL = OWN + ",[tabindex]:not([tabindex='-1']),option,label,[role=button],[role=checkbox],[role=radio],[role=option],[role=tab],[role=menuitem]";

const TICK = /^(checkbox|radio)$/;

/** The slot that an element is shown in: the browser does not tell of those in closed shadow roots. */
function slot(n: Node, shadow: ShadowOf): Element | null {
  const host = dom.parentNode(n);
  if (!host || dom.nodeType(host) !== 1) return null;
  const root = shadow(host as Element);
  if (!root) return null;
  const name = dom.nodeType(n) === 1 ? (dom.getAttribute(n as Element, "slot") ?? "") : "";
  for (const s of root.querySelectorAll("slot")) if ((dom.getAttribute(s, "name") ?? "") === name) return s;
  return null;
}

/** An element and all that it is shown in, outwards, over shadow roots, and frames where asked. */
export function* outward(el: Element, shadow: ShadowOf, frames = false): Generator<Element> {
  for (let n: Node | null = el; n; ) {
    const type = dom.nodeType(n);
    if (type === 1) yield n as Element;
    if (type === 9) n = frames ? ((n as Document).defaultView?.frameElement ?? null) : null;
    else n = slot(n, shadow) ?? dom.parentNode(n) ?? (n as ShadowRoot).host ?? null;
  }
}

/** The nearest element, from one outwards, that a selector matches. */
export function nearest(el: Element, selector: string, shadow: ShadowOf): HTMLElement | null {
  for (const x of outward(el, shadow)) if (dom.matches(x, selector)) return x as HTMLElement;
  return null;
}

/** The element that is edited as a whole, where one is in a rich text. */
export function editor(el: Element): HTMLElement | null {
  let top: HTMLElement | null = null;
  for (let x: Node | null = el; x && (x as HTMLElement).isContentEditable; x = dom.parentNode(x)) top = x as HTMLElement;
  return top;
}

/** Whether text is typed into an element. */
export function typed(el: Element | null): boolean {
  if (!el) return false;
  return (
    dom.localName(el) === "textarea" ||
    (dom.localName(el) === "input" && !/^(checkbox|radio|submit|reset|button|image|file|color|range|hidden)$/.test((el as HTMLInputElement).type)) ||
    (el as HTMLElement).isContentEditable
  );
}

/** What an act on an element is about: a label's control, the whole of a rich text, else the element itself. */
export function target(el: Element, shadow: ShadowOf): HTMLElement {
  const label = nearest(el, "label", shadow) as HTMLLabelElement | null;
  const inner = label && nearest(el, FOCUSABLE, shadow);
  return (inner ? null : label?.control) ?? editor(el) ?? (el as HTMLElement);
}

/** The radio buttons of which only one is on. */
export function group(el: HTMLInputElement): HTMLInputElement[] {
  const root = el.getRootNode() as Document;
  if (!el.name) return [el];
  return [...root.querySelectorAll<HTMLInputElement>("input[type=radio]")].filter((r) => r.name === el.name && r.form === el.form);
}

/** The one element that stands for a control: its lock is on that. Null where there is no control. */
export function control(el: Element, shadow: ShadowOf): HTMLElement | null {
  const near = nearest(target(el, shadow), CONTROL, shadow);
  const radio = near as HTMLInputElement | null;
  return radio?.type === "radio" && dom.localName(radio) === "input" ? (group(radio)[0] ?? radio) : near;
}

/** Whether a user could not act on an element either. */
export function disabled(el: HTMLElement, shadow: ShadowOf): boolean {
  const doc = dom.ownerDocument(el)!;
  const modals = [...doc.querySelectorAll("dialog:modal")];
  let inModal = !modals.length;
  for (const x of outward(el, shadow, true)) {
    if (dom.matches(x, ":disabled,[inert]")) return true;
    if (modals.includes(x)) inModal = true;
  }
  return !inModal || !rendered(el);
}

export function visible(el: Element | null | undefined): boolean {
  return !!el && (!el.checkVisibility || el.checkVisibility({ visibilityProperty: true }));
}

/** A box that a style sheet hides is ticked by its label. */
function rendered(el: HTMLElement): boolean {
  return visible(el) || dom.localName(el) === "option" || (TICK.test((el as HTMLInputElement).type) && [...((el as HTMLInputElement).labels ?? [])].some(visible));
}

/** The text of an element without that of controls in it: a label may hold a list. */
function textOf(n: Node): string {
  if (dom.nodeType(n) === 3) return dom.data(n as Text);
  return dom.nodeType(n) === 1 && !/^(select|textarea|script|style)$/.test(dom.localName(n as Element)) ? dom.childNodes(n).map(textOf).join("") : "";
}

/** A short name of an element, for the user to read. */
export function nameOf(el: HTMLElement, shadow: ShadowOf): string {
  const c = el as HTMLInputElement;
  const near = nearest(el, "a[href],button,summary,label,[role=button]", shadow);
  for (const text of [dom.getAttribute(el, "aria-label"), c.labels?.[0] && textOf(c.labels[0]), near && textOf(near), near && c.value, dom.getAttribute(el, "placeholder"), dom.getAttribute(el, "title"), c.type === "submit" ? c.value : "", c.name]) {
    const name = typeof text === "string" ? text.replace(/\s+/g, " ").trim() : "";
    if (name) return name.slice(0, 60);
  }
  return "";
}

/**
 * What an act would set off that the user should know of: leaving the page, or
 * sending a form. `implicit`: by Enter in a field, too, if the page lets it.
 */
export function leads(el: HTMLElement, action: string, value: string, shadow: ShadowOf, implicit: boolean): "link" | "form" | "" {
  const presses = /click$/.test(action) || (action === "key" && (value === "Enter" || value === "Space"));
  if (!presses) return "";
  const link = nearest(el, "a[href],area[href]", shadow) as HTMLAnchorElement | null;
  if (link && value !== "Space" && away(link)) return "link";
  const button = nearest(el, "button,input", shadow) as HTMLButtonElement | null;
  if (button?.form && /^(submit|image)$/.test(button.type)) return "form";
  return implicit && value === "Enter" && action === "key" && implied(el) ? "form" : "";
}

function away(link: HTMLAnchorElement): boolean {
  const bare = (url: string) => url.replace(/#.*/s, "");
  const href = typeof link.href === "string" ? link.href : (dom.getAttribute(link, "href") ?? ""); // SVG has an object there
  return !href.includes("#") || bare(href) !== bare(dom.ownerDocument(link)!.URL);
}

const BLOCKS = /^(text|search|url|tel|email|password|date|month|week|time|datetime-local|number)$/;

/**
 * What Enter in a field sends its form by: the form's first submit button, or
 * the form where it has none and no second field (HTML, implicit submission).
 */
export function implied(el: Element): HTMLElement | null {
  const c = el as HTMLInputElement;
  if (dom.localName(el) !== "input" || !c.form || /^(button|reset|submit|image|file|color)$/.test(c.type)) return null;
  const list = [...(c.form.getRootNode() as Document).querySelectorAll<HTMLInputElement>("button,input")].filter((x) => x.form === c.form);
  const button = list.find((x) => /^(submit|image)$/.test(x.type));
  if (button) return dom.matches(button, ":disabled") ? null : button;
  return list.filter((x) => dom.localName(x) === "input" && BLOCKS.test(x.type)).length > 1 ? null : c.form;
}
