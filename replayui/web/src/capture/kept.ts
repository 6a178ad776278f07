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
  const kept: Kept = shared ?? { roots: new WeakMap(), touched: new Set(), hosts: [] };
  if ((win as never)[KEY]) return null;
  Object.defineProperty(win, KEY, { value: kept });
  patch(win.Element.prototype, "attachShadow", () => {}, (root: ShadowRoot, host: Element) => {
    kept.roots.set(host, root);
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
