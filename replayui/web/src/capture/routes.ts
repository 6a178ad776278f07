import * as dom from "../page/natives.ts";
import { Origins, type Mapping, type Table } from "./origins.ts";
import { patch, type Before } from "./patch.ts";

const KEY = Symbol.for("pillion.routes");
const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;

/** What elements load, by attribute. Scripts are apart: a third party's stay where they are. */
const LOADED: Record<string, string> = {
  img: "src srcset", source: "src srcset", video: "src poster", audio: "src", track: "src", link: "href imagesrcset",
  iframe: "src", frame: "src", object: "data", embed: "src", input: "src", body: "background", table: "background",
  td: "background", th: "background", image: "href xlink:href", use: "href xlink:href", feImage: "href xlink:href",
};
const OBSERVED = Object.keys(LOADED) + ',style,[style*="url("]';

/**
 * Routes what scripts load, connect to and follow at run time. What is set may
 * read back as the gateway's URL (`img.src` does): to tell the authored one as
 * well, every getter and attribute would have to be replaced. Not reached:
 * import(), service workers, meta refresh and base elements made by script, what
 * a worker asks for, forms that post from a shadow root, and frames that a
 * script makes without a document of the site's. A navigation that no element
 * brings about is known by what its URL resolved to: in a third party's frame,
 * one to the page's own origin counts as one to that party's root.
 *
 * Returns what watches the markup in a new shadow root; nothing is touched and
 * nothing returned where there is no table, or another run was here before.
 */
export function route(win: Window & typeof globalThis, table: Table | null): ((root: Node) => void) | undefined {
  if (!table || KEY in win) return;
  defineProperty(win, KEY, { value: true });
  const { document, location } = win;
  const origins = new Origins(table, location.origin, () => dom.baseURI(document));
  const { load } = origins;
  calls(win, origins);
  const maps = properties(document, origins);
  const named = (i: number): Before => (args, self) => {
    put(args, i + 1, maps.get(dom.localName(self) + " " + String(args[i]).toLowerCase()));
  };
  patch(win.Element.prototype, "setAttribute", named(0));
  patch(win.Element.prototype, "setAttributeNS", named(1));
  patch(win.SVGAnimatedString.prototype, "baseVal", (args) => put(args, 0, load));
  follow(win, origins);
  return markup(win, origins, maps);
}

/** Maps an argument that is a string, or an object that stands for its href. Trusted types stay as they are. */
function put(args: unknown[], i: number, map: Mapping | undefined): void {
  const v = args[i];
  const text = typeof v === "string" ? v : (v as { href?: unknown } | null | undefined)?.href;
  if (!map || typeof text !== "string") return;
  const to = map(text);
  if (to !== text) args[i] = to;
}

/** What asks, opens and connects by its arguments. */
function calls(win: Window & typeof globalThis, { link, load, css }: Origins): void {
  const method = (of: object, names: string, i: number, map: Mapping) => {
    for (const name of names.split(" ")) patch(of, name, (args) => put(args, i, map));
  };
  method(win, "open", 0, link);
  method(win, "fetch", 0, load); // a Request was mapped when it was made
  method(win.XMLHttpRequest.prototype, "open", 1, load);
  method(win.Navigator.prototype, "sendBeacon", 0, link);
  method(win.History.prototype, "pushState replaceState", 2, link); // with another origin they throw
  method(win.CSSStyleSheet.prototype, "insertRule replace replaceSync", 0, css);
  const made = (names: string, i: number, map: Mapping) => {
    method(win, names, i, map);
    for (const name of names.split(" ")) {
      const f = (win as never as Record<string, { prototype: object } | undefined>)[name];
      if (f) defineProperty(f.prototype, "constructor", { value: f, configurable: true, writable: true });
    }
  };
  made("Request", 0, load);
  made("EventSource WebSocket Worker SharedWorker", 0, link);
  made("FontFace", 1, css);
  method(win, "Audio", 0, load); // shares its prototype with the audio element
}

/** Patches the properties that elements load by; returns what maps which attribute. */
function properties(document: Document, { link, load, srcset }: Origins): Map<string, Mapping> {
  const maps = new Map<string, Mapping>();
  const property = (tag: string, name: string, map: Mapping) => {
    maps.set(tag + " " + name, map);
    const own = name === "imagesrcset" ? "imageSrcset" : name;
    let of: object | null = document.createElement(tag);
    while (of && !getOwnPropertyDescriptor(of, own)) of = getPrototypeOf(of);
    if (tag !== "audio") patch(of, own, (args) => put(args, 0, map)); // it has video's
  };
  for (const tag in LOADED) for (const name of LOADED[tag]!.split(" ")) property(tag, name, name.endsWith("srcset") ? srcset : load);
  property("script", "src", link);
  return maps;
}

/**
 * Links and forms keep what the page wrote: they lend the gateway's address
 * while the event is under way, since what follows an event reads it at once.
 */
function follow(win: Window & typeof globalThis, { link, lead }: Origins): void {
  let decided: string | null = null; // where to, by what the page wrote
  const lend = (el: Element, name: string) => {
    const was = dom.getAttribute(el, name);
    const to = was && link(was);
    decided = to || decided;
    if (!to || to === was) return;
    dom.setAttribute(el, name, to);
    dom.later(() => {
      if (dom.getAttribute(el, name) === to) dom.setAttribute(el, name, was);
    }, 0);
  };
  patch(win.HTMLFormElement.prototype, "submit", (_, form) => lend(form, "action"));
  const clicked = (e: Event) => {
    const a = e.composedPath().find((n) => /^(a|area)$/.test((n as Element).localName));
    for (const name of a ? ["href", "xlink:href"] : []) lend(a as Element, name);
  };
  const submitted = (e: Event) => {
    lend(e.target as Element, "action");
    const { submitter } = e as SubmitEvent;
    if (submitter) lend(submitter, "formaction");
  };
  const listen = win.addEventListener.bind(win);
  const listenAll = () => {
    listen("click", clicked, true);
    listen("auxclick", clicked, true);
    listen("submit", submitted, true);
  };
  listenAll();
  // document.open takes listeners away, and leaves observers.
  new MutationObserver(listenAll).observe(win.document, { childList: true });
  const { location } = win;
  win.navigation?.addEventListener("navigate", (e) => {
    const { url } = e.destination;
    // What an element leads to was decided when it was clicked, by what is written in it.
    const to = (e.sourceElement || url === decided ? link : lead)(url);
    if (to === url || !e.cancelable || e.formData || e.downloadRequest !== null) return;
    e.preventDefault();
    decided = to;
    location[e.navigationType === "replace" ? "replace" : "assign"](to);
  });
}

/**
 * Mends what came by markup. By innerHTML and its like at once: Chromium asks for
 * images when the script is through, and then by the mended URL; for frames and
 * style sheets it may have asked by then. By document.write or cloning when an
 * observer hears of it: the first request for an image may be out as well. A
 * background is fetched when styles are computed, which is later: so style
 * attributes need no patches of the declarations' many properties.
 */
function markup(win: Window & typeof globalThis, { css }: Origins, maps: Map<string, Mapping>): (root: Node) => void {
  const mend = (el: Element) => {
    const tag = dom.localName(el);
    for (const name of LOADED[tag]?.split(" ") ?? []) {
      const was = dom.getAttribute(el, name);
      const to = was && maps.get(tag + " " + name)!(was);
      if (to !== was) dom.setAttribute(el, name, to!);
    }
    const style = dom.getAttribute(el, "style") ?? "";
    const text = tag === "style" ? el.textContent! : "";
    // By cssText: a policy on styles may forbid the attribute.
    if (css(style) !== style) (el as HTMLElement).style.cssText = css(style);
    if (css(text) !== text) el.textContent = css(text);
  };
  const mendAll = (list: MutationRecord[]) => {
    try {
      const added = new Set<Node>();
      for (const m of list) {
        const at = m.target as Element;
        if (m.type === "attributes" || (dom.nodeType(at) === 1 && dom.localName(at) === "style")) mend(at);
        for (const n of m.addedNodes) if (dom.nodeType(n) === 1) added.add(n);
      }
      for (const n of added) {
        mend(n as Element);
        // Within what was added too, it is seen from there.
        if (!added.has(dom.parentNode(n)!)) for (const el of dom.querySelectorAll(n as Element, OBSERVED)) mend(el);
      }
    } catch {
      // the page goes on as it is
    }
  };
  const observer = new MutationObserver(mendAll);
  const watch = (root: Node) => observer.observe(root, { childList: true, subtree: true, attributeFilter: ["style"] });
  watch(win.document);
  for (const name of ["innerHTML", "outerHTML", "insertAdjacentHTML"]) {
    for (const of of [win.Element, win.ShadowRoot]) {
      patch(of.prototype, name, (_, n) => dom.isConnected(n) || watch(dom.parentNode(n) || n), () => mendAll(observer.takeRecords()));
    }
  }
  return watch;
}
