// Compares a user's page with its mirror, node by node with form state: for
// tests, which run describePage in both pages and compare the lines.

const GONE = /^(script|noscript|base|object|embed|applet|portal|fencedframe)$/;
/** Attributes that lead to files, or that a viewer has otherwise. */
const OTHERWISE = /^(src|srcset|href|xlink:href|poster|background|action|formaction|data|style|imagesrcset|cite|longdesc|ping|manifest|autofocus|autoplay|loading|srcdoc|http-equiv|nonce|integrity|crossorigin|sandbox|allow|csp|open|rel)$|^on/i;
const SECRET = /^(password|file|hidden)$/;

/** One line per node: depth, name, attributes, text, and what a control holds. */
export function describePage(root: Document): string[] {
  const lines: string[] = [];
  const visit = (n: Node, depth: number): void => {
    const pad = " ".repeat(depth);
    if (n.nodeType === 3 || n.nodeType === 4) lines.push(pad + JSON.stringify((n as Text).data));
    if (n.nodeType === 8) lines.push(pad + "<!--" + (n as Comment).data);
    if (n.nodeType === 10) lines.push(pad + "doctype " + (n as DocumentType).name);
    if (n.nodeType === 9) lines.push(pad + "document " + (n as Document).compatMode);
    if (n.nodeType === 1) {
      const el = n as Element;
      if (el.localName === "pillion-assist") return;
      if (gone(el)) {
        lines.push(pad + "gone " + (el.localName === "pillion-gone" ? el.getAttribute("tag") : el.localName.toLowerCase()));
        return;
      }
      lines.push(pad + el.localName + attributes(el) + state(el));
      if (el.shadowRoot) {
        lines.push(pad + " #shadow");
        for (const c of el.shadowRoot.childNodes) visit(c, depth + 2);
      }
      if (/^i?frame$/.test(el.localName)) {
        const inner = (el as HTMLIFrameElement).contentDocument;
        if (inner?.firstChild) visit(inner, depth + 1);
        return;
      }
    }
    for (const c of n.childNodes) visit(c, depth + 1);
  };
  visit(root, 0);
  return lines;
}

function gone(el: Element): boolean {
  return el.localName === "pillion-gone" || GONE.test(el.localName.toLowerCase()) || (el.localName === "meta" && el.hasAttribute("http-equiv"));
}

function attributes(el: Element): string {
  const secret = el.localName === "input" && SECRET.test(el.getAttribute("type") ?? "");
  return [...el.attributes]
    .filter((a) => !OTHERWISE.test(a.name) && !(secret && a.name === "value"))
    .map((a) => ` ${a.name}=${JSON.stringify(a.value)}`)
    .sort()
    .join("");
}

function state(el: Element): string {
  const c = el as HTMLInputElement;
  if (el.localName === "dialog") return ` open=${(el as HTMLDialogElement).open}`;
  if (el.localName === "select") return ` selected=${[...(el as HTMLSelectElement).options].flatMap((o, i) => (o.selected ? [i] : [])).join()}`;
  if (el.localName === "textarea") return ` value=${JSON.stringify(c.value)}`;
  if (el.localName !== "input") return "";
  if (SECRET.test(c.type)) return "";
  return /^(checkbox|radio)$/.test(c.type) ? ` checked=${c.checked}${c.indeterminate}` : ` value=${JSON.stringify(c.value)}`;
}
