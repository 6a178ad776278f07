import { Op } from "../protocol/format.ts";
import { Canvases } from "./canvases.ts";
import type { Emit } from "./forms.ts";
import { withoutCards } from "./cards.ts";
import * as dom from "./natives.ts";
import { States, type Seen } from "./states.ts";
import { current } from "./pictures.ts";
import { isFrame, type Tree } from "./tree.ts";

type Root = Document | ShadowRoot;

const MEDIA_TICKS = 5;
const SURVEYED_BETWEEN = 64;

/** Elements that hold more than their markup says, by their names. */
const RICH = /^(?:canvas|video|audio|slot|img|dialog|object|embed|i?frame|input|textarea|select|button|fieldset|output)$|-/;
const NO_FIELD = /^(?:checkbox|radio|submit|reset|button|image|hidden|file|range|color)$/;
const MAX_NAMES = 1000;
const rich = new Map<string, boolean>();

function isRich(name: string): boolean {
  let is = rich.get(name);
  if (is === undefined) {
    is = RICH.test(name);
    if (rich.size < MAX_NAMES) rich.set(name, is);
  }
  return is;
}

/** How the page is seen: size, places scrolled to, what is open or played. */
export class Views {
  readonly #win: Window;
  readonly #tree: Tree;
  readonly states: States;
  readonly canvases: Canvases;
  #media = new Set<HTMLMediaElement>();
  /** where the gateway knows something to be scrolled to, but for the start */
  #scrolls = new Map<Node, string>();
  #undefined = new Map<Document, Set<string>>();
  #defined = new Map<Document, string[]>();
  #stands = new Map<Element, string>();
  #caret = "";
  #title = "";
  #size = "";
  #offset = "0,0";
  #hidden = false;
  #slows = 0;
  #places = new WeakMap<Document, string>();
  readonly #seen: Seen;
  #surveyed = new WeakSet<Root>();

  constructor(win: Window, tree: Tree, seen: Seen, late: () => Emit | undefined) {
    this.#win = win;
    this.#tree = tree;
    this.#seen = seen;
    this.states = new States(tree, seen.internals);
    this.canvases = new Canvases(tree, late);
    this.#title = tree.veil.title(win.document);
    this.#size = this.viewport().join();
    this.#hidden = win.document.hidden;
  }

  viewport(): number[] {
    const { innerWidth, innerHeight, devicePixelRatio, visualViewport } = this.#win;
    return [innerWidth, innerHeight, devicePixelRatio * 100, (visualViewport?.scale ?? 1) * 100];
  }

  /** Whether there may be more to tell of an element than its markup. */
  add(el: Element, name: string, popover: boolean): boolean {
    if (!isRich(name)) return popover || this.#seen.scrolled.has(el);
    if (name === "canvas") this.canvases.add(el as HTMLCanvasElement);
    if (name === "video" || name === "audio") this.#media.add(el as HTMLMediaElement);
    if (/^(object|embed)$/.test(name) || isFrame(el)) this.#stands.set(el, "");
    this.states.add(el);
    if (!name.includes("-")) return true;
    const d = dom.ownerDocument(el)!;
    const names = this.#undefined.get(d);
    if (names) names.add(name);
    else this.#undefined.set(d, new Set([name]));
    return true;
  }

  drop(n: Node): void {
    this.canvases.drop(n);
    this.states.drop(n);
    for (const m of [this.#media, this.#scrolls, this.#stands, this.#undefined, this.#defined]) (m as Map<unknown, unknown>).delete(n);
  }

  /** What a page state needs beside its markup, of elements that may have it, a few at a time. */
  *state(roots: Iterable<Root>, list: Iterable<Node>, emit: Emit): Generator<void> {
    for (const root of roots) yield* this.survey(root, emit);
    let n = 0;
    for (const el of list) {
      if (n++ % 64 === 63) yield;
      if (dom.nodeType(el) === 1 && this.#tree.id(el)) this.fresh(el as Element, emit);
    }
    for (const root of roots) {
      yield;
      if (dom.nodeType(root) === 9) this.freshDocument(root as Document, emit);
      else this.states.survey(root, emit);
    }
    this.#layers(emit);
    this.focus(emit);
    this.offset(emit);
  }

  /**
   * Finds what is scrolled in a document or shadow root where that was not heard
   * from its beginning. To ask an element is to wait for the layout.
   */
  *survey(root: Root, emit: Emit): Generator<void> {
    if (this.#seen.heard.has(root) || this.#surveyed.has(root)) return;
    this.#surveyed.add(root);
    let n = 0;
    for (const el of dom.nodeType(root) === 9 ? dom.inDocument(root, "*") : dom.inFragment(root, "*")) {
      if (++n % SURVEYED_BETWEEN === 0) yield;
      if (dom.scrollTop(el) || dom.scrollLeft(el)) this.scrolled(el, emit);
    }
  }

  /** Something was scrolled that may not be known yet. */
  moved(n: Node): void {
    this.#seen.scrolled.add(n);
  }

  /** Open dialogs and popovers, the one on top last: nothing else tells their order. */
  #layers(emit: Emit): void {
    const list = this.#open.splice(0);
    const hit = (el: Element) => {
      const box = el.getBoundingClientRect();
      return el.contains(dom.ownerDocument(el)!.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)) ? 1 : 0;
    };
    for (const { el } of list.map((el) => ({ el, on: hit(el) })).sort((a, b) => a.on - b.on)) {
      if (dom.localName(el) === "dialog") this.dialog(el, emit);
      else this.popover(el, emit);
    }
  }

  #open: Element[] = [];

  freshDocument(d: Document, emit: Emit): void {
    if (this.#places.get(d) === undefined) this.#places.set(d, this.#place(d).join(" "));
    const at = d.scrollingElement;
    if (at && (dom.scrollTop(at) || dom.scrollLeft(at))) this.scrolled(d, emit);
    if (this.#undefined.has(d)) this.#define(d, emit);
    this.states.survey(d, emit);
    if (d.getSelection()?.anchorNode) this.selection(d, emit);
  }

  /** What an element holds that is new to the gateway; what is open comes with the page's state in its own order. */
  fresh(el: Element, emit: Emit, whole = true): void {
    const name = dom.localName(el);
    // What a field is scrolled to by itself no event tells.
    if ((this.#seen.scrolled.has(el) || isField(el, name)) && (dom.scrollTop(el) || dom.scrollLeft(el))) this.scrolled(el, emit);
    if ((name === "dialog" && (el as HTMLDialogElement).open) || (dom.hasAttribute(el, "popover") && dom.matches(el, ":popover-open"))) {
      this.#open.push(el);
      if (!whole) this.#layers(emit);
    }
    if (name === "canvas") this.canvases.look(el as HTMLCanvasElement);
    else if (name === "slot") this.assigned(el, emit);
    else if (name === "img") current(el, this.#tree, emit);
    if (this.#media.has(el as HTMLMediaElement)) this.played(el, emit);
    if (this.#stands.has(el)) this.#stand(el, emit);
    if (name.includes("-")) this.states.tell(el, emit);
  }

  /** The nodes of a slot that scripts assign. */
  assigned(el: Element, emit: Emit): void {
    const slot = el as HTMLSlotElement;
    if (!slot.assignedNodes || (slot.getRootNode() as ShadowRoot).slotAssignment !== "manual") return;
    const ids = slot.assignedNodes().map((n) => this.#tree.id(n)).filter(Boolean);
    this.#list(Op.Assigned, slot, ids, emit);
  }

  #list(op: Op, n: Node, numbers: number[], emit: Emit): void {
    const id = this.#tree.id(n);
    if (!id) return;
    emit(op, (w) => {
      w.uint(id);
      w.uint(numbers.length);
      for (const v of numbers) w.uint(v);
    });
  }

  /** What stands for a frame that cannot be read, or for a plug-in. */
  #stand(el: Element, emit: Emit): void {
    const frame = isFrame(el);
    let [width, height, label] = [0, 0, ""];
    if (frame) label = dom.documentIn(el) || this.#tree.veil.masked(el) ? "" : hostOf((el as HTMLIFrameElement).src);
    else {
      const box = el as HTMLElement;
      [width, height] = [box.offsetWidth, box.offsetHeight];
      if (width && height && !this.#tree.veil.masked(el)) label = withoutCards(dom.getAttribute(el, "title") ?? "") || (dom.getAttribute(el, "type") ?? dom.localName(el));
    }
    const id = this.#tree.id(el);
    const now = width && height || label ? [width, height, label].join() : "";
    if (!id || now === this.#stands.get(el)) return;
    this.#stands.set(el, now);
    emit(Op.Placeholder, (w) => {
      w.uint(id);
      w.uint(width);
      w.uint(height);
      w.str(label);
    });
  }

  /** Custom elements that have been defined. */
  #define(d: Document, emit: Emit): void {
    const registry = d.defaultView?.customElements;
    const names = this.#undefined.get(d);
    const list = this.#defined.get(d) ?? [];
    const before = list.length;
    for (const name of names ?? []) {
      if (list.includes(name)) names!.delete(name);
      else if (registry?.get(name)) list.push(name);
    }
    const id = this.#tree.id(d);
    if (!id || list.length === before) return;
    this.#defined.set(d, list);
    emit(Op.Defined, (w) => {
      w.uint(id);
      w.uint(list.length);
      for (const s of list) w.str(s);
    });
  }

  attribute(el: Element, name: string, emit: Emit): void {
    if (name === "open" && dom.localName(el) === "dialog") this.dialog(el, emit);
  }

  scrolled(n: Node, emit: Emit): void {
    const el = dom.nodeType(n) === 9 ? (n as Document).scrollingElement : (n as Element);
    const id = this.#tree.id(n);
    if (!el || !id || (dom.nodeType(n) === 1 && this.#tree.veil.closed(n))) return;
    if (dom.nodeType(n) === 1 && n === dom.ownerDocument(n)?.scrollingElement) return; // the document tells
    const [x, y] = [dom.scrollLeft(el), dom.scrollTop(el)];
    if (x || y) this.#scrolls.set(n, x + " " + y);
    else this.#scrolls.delete(n);
    emit(Op.Scroll, (w) => {
      w.uint(id);
      w.sint(x);
      w.sint(y);
    });
  }

  /** What is built anew, or moved, starts at its beginning again, and no event says so. */
  rescrolled(emit: Emit): void {
    for (const [n, before] of this.#scrolls) {
      const el = dom.nodeType(n) === 9 ? (n as Document).scrollingElement : (n as Element);
      if (el && dom.scrollLeft(el) + " " + dom.scrollTop(el) !== before) this.scrolled(n, emit);
    }
  }

  dialog(el: Element, emit: Emit): void {
    const open = (el as HTMLDialogElement).open;
    this.#flag(Op.Dialog, el, open ? (dom.matches(el, ":modal") ? 2 : 1) : 0, emit);
  }

  popover(el: Element, emit: Emit): void {
    this.#flag(Op.Popover, el, dom.matches(el, ":popover-open") ? 1 : 0, emit);
  }

  #flag(op: Op, el: Element, v: number, emit: Emit): void {
    const id = this.#tree.id(el);
    if (!id) return;
    emit(op, (w) => {
      w.uint(id);
      w.uint(v);
    });
  }

  played(el: Element, emit: Emit): void {
    const m = el as HTMLMediaElement;
    const id = this.#tree.id(m);
    if (!id || this.#tree.veil.masked(m)) return;
    emit(Op.Media, (w) => {
      w.uint(id);
      w.uint((m.paused ? 1 : 0) | (m.muted ? 2 : 0));
      w.uint(m.currentTime * 1000);
      w.uint(m.volume * 100);
      w.uint(m.playbackRate * 100);
    });
  }

  /** The element that has the focus, within frames and shadow roots. */
  focused(): Element | null {
    let at: Element | null = this.#win.document.activeElement;
    for (;;) {
      const inner: Element | null | undefined = at && (this.#tree.shadow(at)?.activeElement ?? (this.#tree.inner(at)[0] ? dom.documentIn(at)?.activeElement : null));
      if (!inner || !this.#tree.id(inner)) return at;
      at = inner;
    }
  }

  focus(emit: Emit): void {
    const el = this.focused();
    const id = el && el !== el.ownerDocument.body ? this.#tree.id(el) : 0;
    emit(Op.Focus, (w) => w.uint(id));
    this.#caret = "";
    if (!id) return;
    this.caret(el!, emit);
    this.states.tell(el!, emit);
  }

  /** The typing cursor of a control. */
  caret(el: Element, emit: Emit): void {
    const c = el as HTMLInputElement;
    const id = this.#tree.id(el);
    let start: number | null | undefined;
    try {
      start = c.selectionStart;
    } catch {
      return; // a control without text
    }
    if (!id || typeof start !== "number" || this.#tree.veil.masked(el)) return;
    const at = [id, start, c.selectionEnd, c.selectionDirection].join();
    if (at === this.#caret) return; // both typing and the selection tell
    this.#caret = at;
    const direction = c.selectionDirection === "forward" ? 1 : c.selectionDirection === "backward" ? 2 : 0;
    emit(Op.Caret, (w) => {
      w.uint(id);
      w.uint(start);
      w.uint(c.selectionEnd ?? start);
      w.uint(direction);
    });
  }

  selection(d: Document, emit: Emit): void {
    const s = d.getSelection();
    const end = (n: Node | null | undefined) => (n && !this.#tree.veil.masked(n) ? this.#tree.id(n) : 0);
    const a = end(s?.anchorNode);
    const f = end(s?.focusNode);
    emit(Op.Selection, (w) => {
      w.uint(a && f ? a : 0);
      w.uint(a && f ? s!.anchorOffset : 0);
      w.uint(a && f ? f : 0);
      w.uint(a && f ? s!.focusOffset : 0);
    });
  }

  /** Title, size, visibility and addresses, where they changed. */
  page(emit: Emit): void {
    const d = this.#win.document;
    const title = this.#tree.veil.title(d);
    if (title !== this.#title) {
      this.#title = title;
      emit(Op.Title, (w) => w.str(this.#title));
    }
    const size = this.viewport();
    if (size.join() !== this.#size) {
      this.#size = size.join();
      emit(Op.Viewport, (w) => {
        for (const v of size) w.uint(v);
      });
    }
    if (d.hidden !== this.#hidden) {
      this.#hidden = d.hidden;
      emit(Op.Hidden, (w) => w.uint(this.#hidden ? 1 : 0));
    }
  }

  /** Where the visible part of a page that was zoomed by touch is. To ask is to wait for the layout. */
  offset(emit: Emit): void {
    const { offsetLeft = 0, offsetTop = 0 } = this.#win.visualViewport ?? {};
    const now = Math.round(offsetLeft) + "," + Math.round(offsetTop);
    if (now === this.#offset) return;
    this.#offset = now;
    emit(Op.Offset, (w) => {
      w.sint(offsetLeft);
      w.sint(offsetTop);
    });
  }

  /** Addresses and bases of documents: what comes after is relative to them. */
  places(documents: Iterable<Document>, emit: Emit): void {
    for (const d of documents) {
      const id = this.#tree.id(d);
      const place = this.#place(d);
      const before = this.#places.get(d);
      if (!id || place.join(" ") === before) continue;
      this.#places.set(d, place.join(" "));
      if (before === undefined) continue;
      emit(Op.Location, (w) => {
        w.uint(id);
        for (const url of place) w.str(url);
      });
      const target = d.querySelector(":target");
      if (target) this.states.tell(target, emit);
    }
  }

  #place(d: Document): [url: string, base: string] {
    return [this.#tree.veil.url(d, d.URL), this.#tree.veil.url(d, d.baseURI)];
  }

  /** What tells of nothing. */
  slow(emit: Emit): void {
    this.canvases.all();
    this.states.poll(emit);
    for (const d of this.#undefined.keys()) this.#define(d, emit);
    for (const el of this.#stands.keys()) this.#stand(el, emit);
    if (++this.#slows % MEDIA_TICKS === 0) for (const m of this.#media) if (!m.paused) this.played(m, emit);
  }
}

function isField(el: Element, name: string): boolean {
  return name === "textarea" || name === "select" || (name === "input" && !NO_FIELD.test((el as HTMLInputElement).type));
}

function hostOf(url: string): string {
  try {
    const u = new URL(url);
    return u.host || u.protocol;
  } catch {
    return "frame";
  }
}
