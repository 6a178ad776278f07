// What a viewer's nodes are made of: attributes that do nothing there, documents of the right mode.

import { HTML_NS, Kind, type PageNode } from "../protocol/format.ts";
import { keepDrawn } from "./mirror-views.ts";
import * as dom from "./natives.ts";

/** Attributes that would act in a viewer, or that its own rules stand in for. */
const SKIPPED = /^(autofocus|autoplay|loading|srcdoc|http-equiv|ping|nonce|integrity|crossorigin|sandbox|allow|csp)$|^on|^pillion-(is|placeholder)$/i;

/**
 * A document has one root and one doctype: the old one goes from the tree before
 * the new one comes, and is forgotten when its removal is told.
 */
export function makeRoom(d: Document, made: Node, before: Node | null): Node | null {
  const old = made.nodeType === 1 ? d.documentElement : made.nodeType === 10 ? d.doctype : null;
  if (!old) return before;
  const next = before === old ? old.nextSibling : before;
  old.remove();
  return next;
}

/** Opened again, a document has the mode that its markup chooses; the policy stays. */
export function open(d: Document, markup: string): void {
  d.open();
  d.write(markup);
  d.close();
  while (d.firstChild) d.firstChild.remove();
}

export function isFrame(el: Element): boolean {
  return (dom.localName(el) === "iframe" || dom.localName(el) === "frame") && dom.namespaceURI(el) === HTML_NS;
}

/**
 * A picture that the user's browser loads when it comes near: which source it shows
 * is told when it is there (Op.Current). A viewer's browser would load it at once, since nothing
 * is lazy where no script runs (HTML 2.5.7), and a page without it is laid out otherwise.
 */
function isLazy(n: PageNode): boolean {
  return !!n.attrs?.some(([name, value]) => name === "loading" && value.toLowerCase() === "lazy");
}

export function doctypeMarkup(n: PageNode): string {
  const clean = (s: string | undefined) => (s ?? "").replace(/[">]/g, "");
  const ids = n.text ? ` PUBLIC "${clean(n.text)}"${n.base ? ` "${clean(n.base)}"` : ""}` : n.base ? ` SYSTEM "${clean(n.base)}"` : "";
  return `<!DOCTYPE ${clean(n.name) || "html"}${ids}>`;
}

/** Its own event says how a dialog is open. */
const isOpenOfDialog = (el: Element, name: string) => name === "open" && dom.localName(el) === "dialog";

export function setValue(n: Node, value: string): void {
  const c = n as HTMLInputElement;
  if (c.type === "file" || c.value === value) return;
  c.value = value;
}

const MAX_NAMES = 1000;

/** A test of names, whose answers are kept: most come again and again. */
function named(test: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    let is = known.get(name);
    if (is !== undefined) return is;
    is = test(name);
    if (known.size < MAX_NAMES) known.set(name, is);
    return is;
  };
}

/** Whether a name of an attribute is one that needs no further look. */
const isPlain = named((name) => !SKIPPED.test(name) && !/^(src|rel|open|style)$|^xlink:|^xml:/.test(name));
/** The same of an element of HTML. */
const isCommon = named((name) => /^[a-z][a-z0-9-]*$/.test(name) && !/^(canvas|i?frame|img|pillion-gone)$/.test(name));

/** What stands for a node that is no element. */
export function makeText(n: PageNode, d: Document): Node {
  if (n.kind === Kind.Comment) return d.createComment(n.text ?? "");
  if (n.kind === Kind.Doctype) return d.implementation.createDocumentType(n.name || "html", n.text ?? "", n.base ?? "");
  return d.createTextNode(n.text ?? "");
}

/** An element with its attributes. */
export function makeElement(n: PageNode, d: Document): Element {
  const name = n.name ?? "";
  let el: Element;
  if (!n.ns && isCommon(name)) {
    el = d.createElement(name);
    if (n.attrs) for (const [key, value] of n.attrs) setAttribute(el, key, value);
    return el;
  }
  try {
    el = n.ns || !/^[a-z][a-z0-9-]*$/.test(name) ? d.createElementNS(n.ns || HTML_NS, name) : d.createElement(name);
  } catch {
    el = d.createElement("pillion-unknown"); // a name that only a parser can give
  }
  const lazy = name === "img" && isLazy(n);
  for (const [key, value] of n.attrs ?? []) if (!lazy || (key !== "src" && key !== "srcset")) setAttribute(el, key, value);
  if (name === "canvas") keepDrawn(el);
  else if (isFrame(el)) dom.setAttribute(el, "sandbox", "allow-same-origin");
  else if (name === "pillion-gone") dom.setAttribute(el, "style", "display:none");
  return el;
}

export function setAttribute(el: Element, name: string, value: string): void {
  try {
    if (isPlain(name)) return dom.setAttribute(el, name, value);
  } catch {
    return parsedAttribute(el, name, value);
  }
  if (SKIPPED.test(name)) return;
  const of = dom.localName(el);
  if ((of === "iframe" || of === "frame") && name === "src") return;
  if (of === "link" && name === "rel") value = value.replace(/\b(preload|prefetch|modulepreload|preconnect|dns-prefetch|prerender|manifest|import)\b/gi, "");
  if (isOpenOfDialog(el, name)) return;
  if (name === "style" && of === "pillion-gone") return;
  try {
    if (/^xlink:/.test(name)) el.setAttributeNS("http://www.w3.org/1999/xlink", name, value);
    else if (/^xml:/.test(name)) el.setAttributeNS("http://www.w3.org/XML/1998/namespace", name, value);
    else dom.setAttribute(el, name, value);
  } catch {
    parsedAttribute(el, name, value);
  }
}

/** Names that only a parser can give, "@click" for one. */
function parsedAttribute(el: Element, name: string, value: string): void {
  if (/[\s"'<>/=\0]/.test(name)) return;
  const t = el.ownerDocument.createElement("template");
  t.innerHTML = `<i ${name}></i>`;
  const a = t.content.firstElementChild?.attributes[0];
  if (!a) return;
  const own = a.cloneNode() as Attr;
  own.value = value;
  el.setAttributeNode(own);
}


export function removeAttribute(el: Element, name: string): void {
  if (!SKIPPED.test(name) && !isOpenOfDialog(el, name)) dom.removeAttribute(el, name);
}
