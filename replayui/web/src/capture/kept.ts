import type { Kept } from "../page/recorder.ts";

const KEY = Symbol.for("pillion.kept");
/** More hosts than this wait only when nobody records: then they are not needed. */
const MAX_HOSTS = 1000;

/**
 * Runs before the page's own scripts: sees shadow roots being attached, closed
 * ones too, and rules being inserted. Frames of the same site share with the
 * page around them; null means that one of those does the recording.
 */
export function keep(win: Window & typeof globalThis): Kept | null {
  const shared = ofParent(win);
  const kept: Kept = shared ?? { roots: new WeakMap(), touched: new Set(), hosts: [] };
  if ((win as never)[KEY]) return null;
  Object.defineProperty(win, KEY, { value: kept });
  const attach = win.Element.prototype.attachShadow;
  win.Element.prototype.attachShadow = function attachShadow(this: Element, init: ShadowRootInit) {
    const root = attach.call(this, init);
    kept.roots.set(this, root);
    if (kept.hosts.length < MAX_HOSTS) kept.hosts.push(this);
    return root;
  };
  const rules = win.CSSStyleSheet.prototype;
  for (const name of ["insertRule", "deleteRule"] as const) {
    const original = rules[name] as (...args: unknown[]) => never;
    rules[name] = function (this: CSSStyleSheet, ...args: unknown[]) {
      kept.touched.add(this);
      return original.apply(this, args);
    } as never;
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
