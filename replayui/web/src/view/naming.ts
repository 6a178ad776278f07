// What a person would call an element: the same tries as the gateway's own
// (events/label.go), so that console and recording speak of the same thing.

const SHORT = 60;

const KINDS: Record<string, string> = {
  input: "field", textarea: "text field", select: "list", a: "link", button: "button", img: "picture", canvas: "drawing area", iframe: "frame",
};

/** The name of a node, without quotes. */
export function nameOf(n: Node | undefined): string {
  if (!n) return "something";
  const el = (n.nodeType === 1 ? n : n.parentElement) as HTMLInputElement | null;
  if (!el || el.localName === "body" || el === el.ownerDocument.documentElement) return "the page";
  for (const text of tries(el)) {
    const name = clean(text());
    if (name) return name;
  }
  return KINDS[el.localName] ?? el.localName;
}

function tries(el: HTMLInputElement): (() => string)[] {
  const at = (name: string) => () => el.getAttribute(name) ?? "";
  const list = [() => textsOf(el, at("aria-labelledby")()), at("aria-label"), () => words(el.labels?.[0])];
  const control = /^(input|select|textarea)$/.test(el.localName);
  if (el.localName === "input" && /^(submit|button|reset)$/.test(el.type)) list.push(() => el.value);
  else if (control && /^(checkbox|radio)$/.test(el.type)) list.push(() => following(el), () => cellBefore(el));
  else if (control) list.push(() => preceding(el), () => cellBefore(el));
  else if (!el.isContentEditable) list.push(() => words(el));
  return [...list, at("alt"), at("title"), at("placeholder"), at("name"), () => el.querySelector("img[alt]")?.getAttribute("alt") ?? ""];
}

function clean(text: string): string {
  const s = text.replace(/\s+/g, " ").trim().replace(/:$/, "").replace(/\*$/, "").trim().replace(/:$/, "");
  return s.length > SHORT ? s.slice(0, SHORT - 1) + "…" : s;
}

function textsOf(el: Element, ids: string): string {
  const root = el.getRootNode() as Document | ShadowRoot;
  return ids.split(/\s+/).map((id) => (id ? words(root.getElementById(id)) : "")).join(" ");
}

/** A subtree's text; what is in controls and styles is no text. */
function words(n: Node | null | undefined): string {
  if (!n) return "";
  if (n.nodeType === 3) return (n as Text).data + " ";
  if (/^(style|select|textarea)$/.test((n as Element).localName ?? "")) return "";
  return [...n.childNodes].map(words).join("");
}

/** The text right after a control. */
function following(el: Element): string {
  for (let n = el.nextSibling; n; n = n.nextSibling) {
    if (words(n).trim()) return words(n);
    if (n.nodeType === 1) return "";
  }
  return "";
}

/** The text right before a control, on its own line. */
function preceding(el: Element): string {
  for (let n = el.previousSibling; n; n = n.previousSibling) {
    if (n.nodeType === 3 && words(n).trim()) return words(n);
    if (n.nodeType === 1) return /^(b|span|strong|font)$/.test((n as Element).localName) ? words(n) : "";
  }
  return "";
}

/** The text of the table cell before the one that a control is in. */
function cellBefore(el: Element): string {
  const cell = el.closest("td, th");
  return cell?.previousElementSibling?.matches("td, th") ? words(cell.previousElementSibling) : "";
}
