import type { Kept } from "../page/recorder.ts";
import { marked } from "./mark.ts";
import { patch } from "./patch.ts";

const KEY = Symbol.for("pillion.kept");
/** More hosts and sheets than this wait only when nobody records: then they are not needed. */
const MAX_HOSTS = 1000;

/**
 * Runs before the page's own scripts: sees shadow roots being attached, closed
 * ones too, and rules being inserted. Frames of the same site share with the
 * page around them; null means that one of those does the recording. `attached` is
 * told of each new shadow root.
 */
export function keep(win: Window & typeof globalThis, attached?: (root: ShadowRoot) => void): Kept | null {
  const shared = ofParent(win);
  const kept: Kept = shared ?? {
    roots: new WeakMap(), touched: new WeakSet(), recent: [], reached: new WeakSet(), hosts: [], secrets: new WeakSet(), switched: new WeakSet(),
    internals: new WeakMap(), stated: new Set(), heard: new WeakSet(), scrolled: new WeakSet(),
  };
  if ((win as never)[KEY]) return null;
  Object.defineProperty(win, KEY, { value: kept });
  const watch = hearing(kept);
  watch(win.document);
  patch(win.Element.prototype, "attachShadow", () => {}, (root: ShadowRoot, host: Element) => {
    kept.roots.set(host, root);
    watch(root);
    attached?.(root);
    if (kept.hosts.length < MAX_HOSTS) kept.hosts.push(host);
  });
  keepRules(win, kept);
  patch(win.HTMLLinkElement.prototype, "disabled", (_, link) => kept.switched.add(link));
  keepStates(win, kept);
  // What WebGL drew is gone after a frame, where it is not asked to stay: only in a session.
  if (marked()) {
    patch(win.HTMLCanvasElement.prototype, "getContext", (args) => {
      if (/webgl/i.test(String(args[0]))) args[1] = { ...(args[1] as object | undefined), preserveDrawingBuffer: true };
    });
  }
  return shared ? null : kept;
}

/** Sees rules being changed, or reached for in order to be. */
function keepRules(win: Window & typeof globalThis, { touched, recent, reached }: Kept): void {
  const touch = (of: CSSStyleSheet) => {
    if (!touched.has(of) && recent.push(of) > MAX_HOSTS) recent.shift();
    touched.add(of);
    reached.add(of);
  };
  const sheet = win.CSSStyleSheet.prototype;
  for (const name of ["insertRule", "deleteRule", "addRule", "removeRule", "replace", "replaceSync"]) patch(sheet, name, (_, self) => touch(self));
  for (const name of ["cssRules", "rules"]) patch(sheet, name, (_, self) => reached.add(self), undefined, "get");
  const within = (_: unknown, rule: CSSRule) => rule.parentStyleSheet && touch(rule.parentStyleSheet);
  for (const of of [win.CSSGroupingRule, win.CSSStyleRule, win.CSSKeyframesRule]) {
    for (const name of ["insertRule", "deleteRule", "appendRule", "selectorText"]) patch(of?.prototype, name, within);
  }
  for (const of of [win.CSSStyleRule, win.CSSKeyframeRule, win.CSSFontFaceRule]) patch(of?.prototype, "style", within, undefined, "get");
}

/** Sees the states that custom elements give themselves. */
function keepStates(win: Window & typeof globalThis, kept: Kept): void {
  const of = new WeakMap<object, Element>();
  patch(win.HTMLElement.prototype, "attachInternals", () => {}, (internals: ElementInternals, el: Element) => {
    kept.internals.set(el, internals);
    if (internals.states) of.set(internals.states, el);
  });
  const changed = (_: unknown, states: object) => of.has(states) && kept.stated.size < MAX_HOSTS && kept.stated.add(of.get(states)!);
  for (const name of ["add", "delete", "clear"]) patch((win as { CustomStateSet?: { prototype: object } }).CustomStateSet?.prototype, name, changed);
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
 * them: by their types when they change, and by what happens in them. And what
 * was scrolled.
 */
function hearing({ secrets, heard, scrolled }: Kept): (root: Document | ShadowRoot) => void {
  const note = (type: unknown, el: unknown) => /^password$/i.test(type as string) && secrets.add(el as Element);
  const observer = new MutationObserver((list) => {
    for (const m of list) note(m.oldValue, m.target);
  });
  const hear = (e: Event) => {
    const el = e.composedPath()[0] as HTMLInputElement;
    note(el.type, el);
  };
  const moved = (e: Event) => scrolled.add(e.target as Node);
  const listen = (root: EventTarget) => {
    for (const name of ["input", "focusin"]) root.addEventListener(name, hear, true);
    root.addEventListener("scroll", moved, { capture: true, passive: true });
  };
  // document.open takes the listeners away, and all that is in the document.
  const opened = new MutationObserver((list) => {
    for (const m of list) listen(m.target);
  });
  return (root) => {
    heard.add(root);
    observer.observe(root, { attributeFilter: ["type"], attributeOldValue: true, subtree: true });
    if (root.nodeType === 9) opened.observe(root, { childList: true });
    listen(root);
  };
}
