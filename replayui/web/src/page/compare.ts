// Compares a user's page with its mirror, node by node with form state: for
// tests, which run describePage in both pages and compare the lines.

import * as dom from "./natives.ts";

const GONE = /^(script|noscript|base|object|embed|applet|portal|fencedframe)$/;
/** Attributes that lead to files, or that a viewer has otherwise. */
const OTHERWISE = /^(src|srcset|href|xlink:href|poster|background|action|formaction|data|style|imagesrcset|cite|longdesc|ping|manifest|autofocus|autoplay|loading|srcdoc|http-equiv|nonce|integrity|crossorigin|sandbox|allow|csp|open|rel)$|^on/i;
const PRIVATE = /\bcc-|one-time-code|-password/;
const SECRET = /^(password|file|hidden)$/;

/** The closed shadow roots that the capture script saw, where it runs. */
function closedRoots(): WeakMap<Element, ShadowRoot> | undefined {
  return (globalThis as { [key: symbol]: { roots: WeakMap<Element, ShadowRoot> } | undefined })[Symbol.for("pillion.kept")]?.roots;
}

/** One line per node: depth, name, attributes, text, and what a control holds. */
export function describePage(root: Document): string[] {
  const lines: string[] = [];
  const visit = (n: Node, depth: number): void => {
    const pad = " ".repeat(depth);
    if (dom.nodeType(n) === 3 || dom.nodeType(n) === 4) lines.push(pad + JSON.stringify((n as Text).data));
    if (dom.nodeType(n) === 8) lines.push(pad + "<!--" + (n as Comment).data);
    if (dom.nodeType(n) === 10) lines.push(pad + "doctype " + (n as DocumentType).name);
    if (dom.nodeType(n) === 9) lines.push(pad + "document " + (n as Document).compatMode);
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
        if (inner && dom.firstChild(inner)) visit(inner, depth + 1);
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
    .filter((a) => !OTHERWISE.test(a.name) && !(secret && a.name === "value"))
    .map((a) => ` ${a.name}=${JSON.stringify(a.value)}`)
    .sort()
    .join("");
}

function state(el: Element): string {
  const c = el as HTMLInputElement;
  if (dom.localName(el) === "dialog") return ` open=${(el as HTMLDialogElement).open}`;
  if (dom.localName(el) === "select") return ` selected=${[...(el as HTMLSelectElement).options].flatMap((o, i) => (o.selected ? [i] : [])).join()}`;
  if (dom.localName(el) === "textarea") return ` value=${JSON.stringify(c.value)}`;
  if (dom.localName(el) !== "input") return "";
  if (SECRET.test(c.type) || PRIVATE.test(dom.getAttribute(el, "autocomplete") ?? "")) return "";
  return /^(checkbox|radio)$/.test(c.type) ? ` checked=${c.checked}${c.indeterminate}` : ` value=${JSON.stringify(c.value)}`;
}
