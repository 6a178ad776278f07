import { Op } from "../protocol/format.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";
import type { Tree } from "./tree.ts";

const MAX_CANVAS_PIXELS = 4_000_000;
const SLOW_CANVAS_MS = 8;

type Root = Document | ShadowRoot;

/** How the page is seen: size, places scrolled to, what is open, drawn or played. */
export class Views {
  readonly #win: Window;
  readonly #tree: Tree;
  #canvases = new Map<HTMLCanvasElement, { hash: number; wait: number; slow: number }>();
  #media = new Set<HTMLMediaElement>();
  #title = "";
  #size = "";
  #hidden = false;
  #places = new WeakMap<Document, string>();

  constructor(win: Window, tree: Tree) {
    this.#win = win;
    this.#tree = tree;
    this.#title = tree.veil.title(win.document);
    this.#size = this.viewport().join();
    this.#hidden = win.document.hidden;
  }

  viewport(): number[] {
    const { innerWidth, innerHeight, devicePixelRatio, visualViewport } = this.#win;
    return [innerWidth, innerHeight, devicePixelRatio * 100, (visualViewport?.scale ?? 1) * 100];
  }

  add(el: Element): void {
    const name = dom.localName(el);
    if (name === "canvas") this.#canvases.set(el as HTMLCanvasElement, { hash: 0, wait: 0, slow: 0 });
    if (name === "video" || name === "audio") this.#media.add(el as HTMLMediaElement);
  }

  drop(n: Node): void {
    this.#canvases.delete(n as HTMLCanvasElement);
    this.#media.delete(n as HTMLMediaElement);
  }

  /** What a page state needs beside its markup. */
  state(roots: Iterable<Root>, emit: Emit): void {
    for (const root of roots) {
      if (dom.nodeType(root) === 9) {
        this.scrolled(root, emit);
        this.#places.set(root as Document, this.#place(root as Document).join(" "));
      }
      for (const el of root.querySelectorAll("*")) if (this.#tree.id(el)) this.fresh(el, emit);
    }
    this.focus(emit);
    this.selection(this.#win.document, emit);
  }

  /** What an element holds that is new to the gateway. */
  fresh(el: Element, emit: Emit): void {
    if (dom.scrollTop(el) || dom.scrollLeft(el)) this.scrolled(el, emit);
    const name = dom.localName(el);
    if (name === "dialog" && (el as HTMLDialogElement).open) this.dialog(el, emit);
    if (dom.hasAttribute(el, "popover") && dom.matches(el, ":popover-open")) this.popover(el, emit);
    if (name === "canvas") this.#canvas(el as HTMLCanvasElement, emit);
    if (this.#media.has(el as HTMLMediaElement)) this.played(el, emit);
  }

  attribute(el: Element, name: string, emit: Emit): void {
    if (name === "open" && dom.localName(el) === "dialog") this.dialog(el, emit);
  }

  scrolled(n: Node, emit: Emit): void {
    const el = dom.nodeType(n) === 9 ? (n as Document).scrollingElement : (n as Element);
    const id = this.#tree.id(n);
    if (!el || !id || (dom.nodeType(n) === 1 && this.#tree.veil.closed(n))) return;
    const [x, y] = [dom.scrollLeft(el), dom.scrollTop(el)];
    if (dom.nodeType(n) === 1 && n === dom.ownerDocument(n)?.scrollingElement) return; // the document tells
    emit(Op.Scroll, (w) => {
      w.uint(id);
      w.sint(x);
      w.sint(y);
    });
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
    if (id) this.caret(el!, emit);
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
    const place = this.#place(d);
    if (place.join(" ") !== this.#places.get(d)) {
      this.#places.set(d, place.join(" "));
      emit(Op.Location, (w) => {
        w.uint(this.#tree.id(d));
        for (const url of place) w.str(url);
      });
    }
  }

  #place(d: Document): [url: string, base: string] {
    return [this.#tree.veil.url(d, d.URL), this.#tree.veil.url(d, d.baseURI)];
  }

  /** Canvases, which tell of nothing. */
  slow(emit: Emit): void {
    for (const c of this.#canvases.keys()) this.#canvas(c, emit);
  }

  #canvas(c: HTMLCanvasElement, emit: Emit): void {
    const state = this.#canvases.get(c);
    const id = this.#tree.id(c);
    if (!state || !id || !c.width || !c.height || c.width * c.height > MAX_CANVAS_PIXELS || this.#tree.veil.masked(c) || state.wait-- > 0) return;
    const began = dom.now();
    let url: string;
    try {
      url = c.toDataURL("image/png");
    } catch {
      return; // drawn with another site's pixels
    }
    state.wait = dom.now() - began > SLOW_CANVAS_MS ? (state.slow = Math.min(60, state.slow * 2 + 4)) : 0;
    let hash = 1;
    for (let i = 0; i < url.length; i++) hash = Math.imul(hash ^ url.charCodeAt(i), 0x01000193);
    if (hash === state.hash) return;
    state.hash = hash;
    const binary = atob(url.slice(url.indexOf(",") + 1));
    emit(Op.Canvas, (w) => {
      w.uint(id);
      w.str("image/png");
      w.blob(Uint8Array.from(binary, (ch) => ch.charCodeAt(0)));
    });
  }
}
