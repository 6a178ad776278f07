import type { Kept } from "../page/recorder.ts";
import { patch } from "./patch.ts";

const KEY = Symbol.for("pillion.kept");
/** More hosts than this wait only when nobody records: then they are not needed. */
const MAX_HOSTS = 1000;

/**
 * Runs before the page's own scripts: sees shadow roots being attached, closed
 * ones too, and rules being inserted. Frames of the same site share with the
 * page around them; null means that one of those does the recording. `attached` is
 * told of each new shadow root.
 */
export function keep(win: Window & typeof globalThis, attached?: (root: ShadowRoot) => void): Kept | null {
  const shared = ofParent(win);
  const kept: Kept = shared ?? { roots: new WeakMap(), touched: new Set(), hosts: [], secrets: new WeakSet() };
  if ((win as never)[KEY]) return null;
  Object.defineProperty(win, KEY, { value: kept });
  const watch = passwords(kept.secrets);
  watch(win.document);
  patch(win.Element.prototype, "attachShadow", () => {}, (root: ShadowRoot, host: Element) => {
    kept.roots.set(host, root);
    watch(root);
    attached?.(root);
    if (kept.hosts.length < MAX_HOSTS) kept.hosts.push(host);
  });
  for (const name of ["insertRule", "deleteRule"]) {
    patch(win.CSSStyleSheet.prototype, name, (_, sheet) => kept.touched.add(sheet));
  }
  return shared ? null : kept;
}

function ofParent(win: Window): Kept | null {
  try {
    return win.parent === win ? null : (((win.parent as never)[KEY] as Kept | undefined) ?? null);
  } catch {
    return null; // another site's
  }
}

/**
 * Remembers controls that are a password, or were one before a toggle showed
 * them: by their types when they change, and by what happens in them.
 */
function passwords(secrets: WeakSet<Element>): (root: Document | ShadowRoot) => void {
  const note = (type: unknown, el: unknown) => /^password$/i.test(type as string) && secrets.add(el as Element);
  const observer = new MutationObserver((list) => {
    for (const m of list) note(m.oldValue, m.target);
  });
  const hear = (e: Event) => {
    const el = e.composedPath()[0] as HTMLInputElement;
    note(el.type, el);
  };
  return (root) => {
    observer.observe(root, { attributeFilter: ["type"], attributeOldValue: true, subtree: true });
    for (const name of ["input", "focusin"]) root.addEventListener(name, hear, { capture: true, passive: true });
  };
}
