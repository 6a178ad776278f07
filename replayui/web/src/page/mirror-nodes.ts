// What a viewer's nodes are made of: attributes that do nothing there, documents of the right mode.

import { HTML_NS, Kind, type PageNode } from "../protocol/format.ts";
import { keepDrawn } from "./mirror-views.ts";
import * as dom from "./natives.ts";

const ACTING = "autofocus|autoplay|loading|srcdoc|http-equiv|ping|nonce|integrity|crossorigin|sandbox|allow|csp";
/** Attributes that would act in a viewer, or that its own rules stand in for. */
const SKIPPED = new RegExp(`^(?:${ACTING})$|^on|^pillion-(?:is|placeholder)$`, "i");
/** Those, and attributes that need a further look. */
const SPECIAL = new RegExp(`^(?:${ACTING}|src|rel|open|style)$|^on|^pillion-|^xlink:|^xml:`, "i");
/** Names of elements of HTML that are made without a further look. */
const COMMON = /^(?!(?:canvas|i?frame|pillion-gone)$)[a-z][a-z0-9-]*$/;

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

/** The doctype of a page in standards mode. */
export const STANDARD = "<!DOCTYPE html>";

/** Opened again, a document has the mode that its markup chooses; the policy stays. */
export function open(d: Document, markup: string): void {
  d.open();
  d.write(markup);
  d.close();
  clear(d);
}

export function clear(d: Document): void {
  while (d.firstChild) d.firstChild.remove();
}

/** Whether a document that its frame came with has the mode of standards, nothing in it, and no place it was scrolled to. */
export function isEmptyStandard(d: Document): boolean {
  const type = d.doctype;
  return !!type && type.name === "html" && !type.publicId && !type.systemId && !d.body?.firstChild && d.readyState === "complete";
}

export function isFrame(el: Element): boolean {
  return (dom.localName(el) === "iframe" || dom.localName(el) === "frame") && dom.namespaceURI(el) === HTML_NS;
}

/**
 * A picture that the user's browser loads when it comes near: which source it shows
 * is told when it is there (Op.Current). A viewer's browser would load it at once, since nothing
 * is lazy where no script runs (HTML 2.5.7), and a page without it is laid out otherwise.
 */
function isLazy(attrs: readonly string[]): boolean {
  for (let i = 0; i < attrs.length; i += 2) if (attrs[i] === "loading") return attrs[i + 1]!.toLowerCase() === "lazy";
  return false;
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

const isPlain = named((name) => !SPECIAL.test(name));
const isCommon = named((name) => COMMON.test(name));

/** What stands for a node that is no element. */
export function makeText(n: PageNode, d: Document): Node {
  if (n.kind === Kind.Comment) return d.createComment(n.text ?? "");
  if (n.kind === Kind.Doctype) return d.implementation.createDocumentType(n.name || "html", n.text ?? "", n.base ?? "");
  return d.createTextNode(n.text ?? "");
}

/** An element with its attributes. */
export function makeElement(n: PageNode, d: Document): Element {
  const { name = "", attrs = [] } = n;
  const common = !n.ns && isCommon(name);
  const el = common ? d.createElement(name) : makeNamed(n.ns || HTML_NS, name, d);
  const lazy = name === "img" && isLazy(attrs);
  for (let i = 0; i < attrs.length; i += 2) {
    const key = attrs[i]!;
    if (!lazy || (key !== "src" && key !== "srcset")) setAttribute(el, key, attrs[i + 1]!);
  }
  if (common) return el;
  if (name === "canvas") keepDrawn(el);
  else if (isFrame(el)) dom.setAttribute(el, "sandbox", "allow-same-origin");
  else if (name === "pillion-gone") dom.setAttribute(el, "style", "display:none");
  return el;
}

/** An element of any namespace, whose name may be one that only a parser can give. */
function makeNamed(ns: string, name: string, d: Document): Element {
  try {
    return ns !== HTML_NS || !/^[a-z][a-z0-9-]*$/.test(name) ? d.createElementNS(ns, name) : d.createElement(name);
  } catch {
    return d.createElement("pillion-unknown");
  }
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
