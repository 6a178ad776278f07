// Compares a user's page with its mirror, node by node with form state: for
// tests, which run describePage and looksOf in both pages and compare the lines.

import * as dom from "./natives.ts";

const GONE = /^(script|noscript|base|object|embed|applet|portal|fencedframe)$/;
/** Attributes that lead to files, or that a viewer has otherwise. */
const OTHERWISE = /^(src|srcset|href|xlink:href|poster|background|action|formaction|data|style|imagesrcset|cite|longdesc|ping|manifest|autofocus|autoplay|loading|srcdoc|http-equiv|nonce|integrity|crossorigin|sandbox|allow|csp|rel)$|^on|^pillion-/i;
const PRIVATE = /\bcc-|one-time-code|-password/;
const SECRET = /^(password|file|hidden)$/;

/** The closed shadow roots that the capture script saw, where it runs. */
function closedRoots(): WeakMap<Element, ShadowRoot> | undefined {
  return (globalThis as { [key: symbol]: { roots: WeakMap<Element, ShadowRoot> } | undefined })[Symbol.for("pillion.kept")]?.roots;
}

/** What looksOf compares of an element: enough to tell one look from another. */
const LOOKS = [
  "display", "visibility", "position", "float", "width", "height", "margin-top", "margin-left", "padding-top", "padding-left", "color",
  "background-color", "background-image", "border-top-width", "border-top-style", "border-left-color", "font-family", "font-size", "font-weight",
  "font-style", "line-height", "text-align", "text-decoration-line", "opacity", "transform", "overflow-x", "z-index", "box-shadow", "list-style-type",
];

/** A viewer's own document in the place of a frame that it cannot show. */
const standsIn = (d: Document) => d.documentElement?.hasAttribute("pillion-placeholder") ?? false;

/** Computed styles of elements in all the page, at most so many of them, evenly chosen. */
export function looksOf(root: Document, most: number): string[] {
  const all: Element[] = [];
  const visit = (n: Node): void => {
    if (dom.nodeType(n) === 1) {
      const el = n as Element;
      if (dom.localName(el) === "pillion-assist" || gone(el)) return;
      all.push(el);
      const inner = /^i?frame$/.test(dom.localName(el)) ? dom.documentIn(el) : null;
      const shadow = dom.shadowRoot(el) ?? closedRoots()?.get(el);
      if (shadow) visit(shadow);
      if (inner && !standsIn(inner)) visit(inner);
    }
    for (const c of dom.childNodes(n)) visit(c);
  };
  visit(root);
  const every = Math.max(1, all.length / most);
  const lines: string[] = [];
  for (let i = 0; i < all.length; i += every) lines.push(look(all[Math.floor(i)]!));
  return lines;
}

function look(el: Element): string {
  const style = (pseudo?: string) => el.ownerDocument.defaultView!.getComputedStyle(el, pseudo);
  const own = style();
  const parts = LOOKS.map((name) => `${name}:${own.getPropertyValue(name)}`);
  for (const pseudo of ["::before", "::after"]) parts.push(pseudo + style(pseudo).content + style(pseudo).color);
  return `${dom.localName(el)}#${dom.getAttribute(el, "id") ?? ""} ${parts.join("; ")}`;
}

/** One line per node: depth, name, attributes, text, and what a control holds. */
export function describePage(root: Document): string[] {
  const lines: string[] = [];
  const visit = (n: Node, depth: number): void => {
    const pad = " ".repeat(depth);
    if (dom.nodeType(n) === 3 || dom.nodeType(n) === 4) lines.push(pad + JSON.stringify((n as Text).data));
    if (dom.nodeType(n) === 8) lines.push(pad + "<!--" + (n as Comment).data);
    if (dom.nodeType(n) === 10) lines.push(pad + "doctype " + (n as DocumentType).name);
    if (dom.nodeType(n) === 9) lines.push(pad + "document " + (n as Document).compatMode + scrolled((n as Document).scrollingElement));
    if (dom.nodeType(n) === 1) {
      const el = n as Element;
      if (dom.localName(el) === "pillion-assist") return;
      if (gone(el)) {
        lines.push(pad + "gone " + (dom.localName(el) === "pillion-gone" ? dom.getAttribute(el, "tag") : dom.localName(el).toLowerCase()));
        return;
      }
      lines.push(pad + dom.localName(el) + attributes(el) + state(el));
      const root = dom.shadowRoot(el) ?? closedRoots()?.get(el);
      if (root) {
        lines.push(pad + " #shadow");
        for (const c of dom.childNodes(root)) visit(c, depth + 2);
      }
      if (/^i?frame$/.test(dom.localName(el))) {
        const inner = dom.documentIn(el);
        if (inner && dom.firstChild(inner) && !standsIn(inner)) visit(inner, depth + 1);
        return;
      }
    }
    for (const c of dom.childNodes(n)) visit(c, depth + 1);
  };
  visit(root, 0);
  return lines;
}

function gone(el: Element): boolean {
  return dom.localName(el) === "pillion-gone" || GONE.test(dom.localName(el).toLowerCase()) || (dom.localName(el) === "meta" && dom.hasAttribute(el, "http-equiv"));
}

function attributes(el: Element): string {
  const secret = dom.localName(el) === "input" && SECRET.test(dom.getAttribute(el, "type") ?? "");
  return [...dom.attributes(el)]
    .filter((a) => !OTHERWISE.test(a.name) && !(secret && a.name === "value") && !(a.name === "open" && dom.localName(el) === "dialog"))
    .map((a) => ` ${a.name}=${JSON.stringify(a.value)}`)
    .sort()
    .join("");
}

/** Where something is scrolled to; the document says it for its root. */
function scrolled(el: Element | null): string {
  if (!el) return "";
  const at = [dom.scrollLeft(el), dom.scrollTop(el)].map(Math.round);
  return at[0] || at[1] ? ` at=${at.join()}` : "";
}

function state(el: Element): string {
  const own = el === el.ownerDocument.scrollingElement ? "" : scrolled(el);
  return own + layer(el) + played(el) + control(el);
}

function layer(el: Element): string {
  if (dom.localName(el) === "dialog") return ` open=${(el as HTMLDialogElement).open}${dom.matches(el, ":modal") ? " modal" : ""}`;
  return dom.hasAttribute(el, "popover") ? ` shown=${dom.matches(el, ":popover-open")}` : "";
}

/** A playing one is elsewhere a moment later; a viewer has no sound. */
function played(el: Element): string {
  if (!/^(video|audio)$/.test(dom.localName(el))) return "";
  const m = el as HTMLMediaElement;
  return ` volume=${m.volume.toFixed(2)} rate=${m.playbackRate}` + (m.paused ? ` paused at ${m.currentTime.toFixed(1)}` : " playing");
}

function control(el: Element): string {
  const c = el as HTMLInputElement;
  if (dom.localName(el) === "select") return ` selected=${[...(el as HTMLSelectElement).options].flatMap((o, i) => (o.selected ? [i] : [])).join()}`;
  if (dom.localName(el) === "textarea") return ` value=${JSON.stringify(c.value)}${valid(c)}`;
  if (dom.localName(el) !== "input") return "";
  if (SECRET.test(c.type) || PRIVATE.test(dom.getAttribute(el, "autocomplete") ?? "")) return "";
  return (/^(checkbox|radio)$/.test(c.type) ? ` checked=${c.checked}${c.indeterminate}` : ` value=${JSON.stringify(c.value)}`) + valid(c);
}

const valid = (c: HTMLInputElement) => (dom.matches(c, ":invalid") ? " invalid" : "");
