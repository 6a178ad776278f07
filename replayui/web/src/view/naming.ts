const SHORT = 60;

/** What a person would call an element. */
export function nameOf(n: Node | undefined): string {
  if (!n) return "something";
  if (n.nodeType === 9) return "the page";
  const el = (n.nodeType === 1 ? n : n.parentElement) as HTMLInputElement | null;
  if (!el) return "something";
  if (el === el.ownerDocument.documentElement || el.localName === "body") return "the page";
  return named(el) || KINDS[el.localName] || el.localName;
}

const KINDS: Record<string, string> = {
  input: "field", textarea: "text field", select: "list", a: "link", button: "button", img: "picture", summary: "summary", canvas: "drawing area", iframe: "frame",
};

function named(el: HTMLInputElement): string {
  const at = (name: string) => el.getAttribute(name) ?? "";
  const by = at("aria-labelledby").split(/\s+/).map((id) => (id && el.ownerDocument.getElementById(id)?.textContent) || "").join(" ");
  const button = el.localName === "input" && /^(submit|reset|button)$/.test(el.type) ? el.value : "";
  const field = /^(input|textarea|select)$/.test(el.localName);
  const own = field || el.isContentEditable ? "" : (el.textContent ?? "");
  for (const text of [by, at("aria-label"), labelText(el), button, own, at("placeholder"), at("alt"), at("title"), field ? at("name") : ""]) {
    const clean = text.replace(/\s+/g, " ").trim();
    if (clean) return clean.length > SHORT ? clean.slice(0, SHORT - 1) + "…" : clean;
  }
  return "";
}

/** The words of a control's label, without those of the control. */
function labelText(el: HTMLInputElement): string {
  const label = el.labels?.[0];
  if (!label) return "";
  const inside = label.contains(el) && el.localName === "select" ? (el.textContent ?? "") : "";
  return (label.textContent ?? "").replace(inside, "");
}
