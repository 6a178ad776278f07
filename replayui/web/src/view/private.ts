// The masks that never leave the user's browser, as a viewer meets them.

/** What stands for a masked value (page/masks of the capture script). */
const MASK = /^•{8}$/;

/** The element around which something is masked; undefined where nothing is. */
export function maskedAround(el: Element | null | undefined): Element | undefined {
  for (let at = el; at; at = at.parentElement ?? ((at.getRootNode() as ShadowRoot).host as Element | undefined)) if (isMasked(at)) return at;
  return undefined;
}

function isMasked(el: Element): boolean {
  if (el.hasAttribute("pillion-masked")) return true;
  if (el.localName !== "input" && el.localName !== "textarea") return false;
  const { type, value } = el as HTMLInputElement;
  return type === "password" || type === "file" || MASK.test(value) || /\bcc-|one-time-code|-password/.test(el.getAttribute("autocomplete") ?? "");
}

/** All masked elements of a document, its frames and shadow roots; what lies within one is part of it. */
export function maskedIn(root: Document | ShadowRoot | Element): Element[] {
  const found: Element[] = [];
  for (const el of root.children) {
    if (isMasked(el)) {
      if ((el as HTMLInputElement).type !== "hidden") found.push(el);
      continue;
    }
    const inner = el.localName === "iframe" || el.localName === "frame" ? (el as HTMLIFrameElement).contentDocument : el.shadowRoot;
    if (inner) found.push(...maskedIn(inner));
    found.push(...maskedIn(el));
  }
  return found;
}
