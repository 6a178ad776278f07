import { Kind, Op, QUIRKS, type PageEvent, type PageNode, type PageState } from "../protocol/format.ts";
import { Looks, Nodes } from "./mirror-looks.ts";
import { clear, doctypeMarkup, isEmptyStandard, isFrame, makeElement, makeRoom, makeText, open, removeAttribute, setAttribute, STANDARD } from "./mirror-nodes.ts";
import { keepDrawn } from "./mirror-views.ts";
import * as dom from "./natives.ts";
import { decodeState } from "./reader.ts";

export { MirrorError, type Shown } from "./mirror-looks.ts";

/** The state of a page with nothing in it (events/FORMAT.md). */
const EMPTY = new TextEncoder().encode(
  "\x01\0\0\0\0\x64\0\0" + // version, nothing hidden, no size, a zoom of 100 %, the title "", which is string 1
    "\x05\0\0\x01\x01\x02" + // a document with two children
    "\x04\0\0\x04html\x01\x01" + // its doctype, whose name is string 2
    "\x01\0\x02\0\x02\x01\0\0\x04head\0\0\x01\0\0\x04body\0\0" + // html, with head and body in it
    "\0", // no events
);

/**
 * Builds a page in an iframe with exactly sandbox="allow-same-origin" and
 * applies its events. URLs have to lead to the archive already.
 */
export class Mirror {
  private readonly nodes = new Nodes();
  private readonly looks = new Looks(this.nodes, () => this.document);
  readonly shown = this.looks.shown;
  /** documents that are no longer as their frame came with them */
  private readonly filled = new WeakSet<Document>();
  private readonly heard = new WeakSet<Document | ShadowRoot>();

  /** told of each file of the page's that is there, or is not; set by who shows it */
  file: (el: Element, there: boolean) => void = () => {};
  /** told of each document and shadow root before anything is in it; set by who shows it */
  opened: (root: Document | ShadowRoot) => void = () => {};

  /** changed is called after a state or event that may have moved something. */
  constructor(private readonly frame: HTMLIFrameElement, private readonly changed: () => void = () => {}) {}

  /**
   * Shows a page with nothing in it, once the frame is there: its window's script context,
   * the viewer's own sheets and the code that decodes and builds are not waited for by the first page.
   */
  prepare(): void {
    this.show(decodeState(EMPTY));
    this.filled.delete(this.document);
  }

  node(id: number): Node | undefined {
    return this.nodes.node(id);
  }

  id(n: Node | null | undefined): number {
    return this.nodes.id(n);
  }

  get document(): Document {
    return this.frame.contentDocument!;
  }

  /** Shows a page state in place of what was there. */
  show(s: Omit<PageState, "events"> & { events: Iterable<PageEvent> }): void {
    this.nodes.clear();
    this.looks.clear();
    Object.assign(this.shown, {
      width: s.width, height: s.height, title: s.title, pointer: undefined, focus: 0, caret: undefined, zoom: s.zoom / 100, offset: { x: 0, y: 0 },
    });
    this.keepFocus(() => {
      this.fill(this.document, s.document);
      for (const e of s.events) this.apply(e);
      this.looks.styled();
    });
    this.changed();
  }

  /** Dialogs and selections take the focus into the frame: the viewer's own stays where it is. */
  private keepFocus(act: () => void): void {
    const around = this.frame.ownerDocument;
    const had = around.activeElement as HTMLElement | null;
    try {
      act();
    } finally {
      if (around.activeElement === this.frame && had !== this.frame) had && had !== around.body ? had.focus({ preventScroll: true }) : this.frame.blur();
    }
  }

  /** Makes a document of the viewer's show a page's. */
  private fill(d: Document, n: PageNode): void {
    // Opened again, so that the doctype chooses the mode; the policy stays.
    const type = n.children?.find((c) => c.kind === Kind.Doctype);
    const quirks = ((n.flags ?? 0) & QUIRKS) !== 0;
    const markup = type ? doctypeMarkup(type) : quirks ? "<html>" : STANDARD;
    if (markup === STANDARD && !this.filled.has(d) && isEmptyStandard(d)) clear(d);
    else this.open(d, markup);
    this.filled.add(d);
    // A doctype that a script put there, or a document without one in srcdoc.
    if (quirks !== (d.compatMode === "BackCompat")) this.open(d, quirks ? "<html>" : STANDARD);
    this.nodes.roots.add(d);
    this.nodes.enter(n.id, d);
    this.looks.enter(d);
    if (n.id === 1) this.shown.url = n.text ?? "";
    this.hear(d);
    for (const c of n.children ?? []) {
      try {
        this.build(c, d, null);
      } catch (e) {
        if (!(e instanceof DOMException)) throw e; // a second root, or text beside it
      }
    }
  }

  private open(d: Document, markup: string): void {
    open(d, markup);
    this.heard.delete(d);
  }

  /** Builds a node and its subtree in its place. */
  private build(n: PageNode, parent: Node, before: Node | null): void {
    const d = parent.nodeType === 9 ? (parent as Document) : parent.ownerDocument!;
    const frames: [Element, PageNode][] = [];
    const made = this.make(n, d, frames);
    if (parent.nodeType === 9) before = makeRoom(d, made, before);
    dom.insertBefore(parent, made, before);
    // A frame has a document once it is in one itself.
    for (const [el, inner] of frames) this.inFrame(el, inner);
  }

  /** Makes a node and its subtree, apart from the page: to put it in at once is half the work. */
  private make(n: PageNode, d: Document, frames: [Element, PageNode][]): Node {
    if (n.kind !== Kind.Element) {
      const made = makeText(n, d);
      this.nodes.enter(n.id, made);
      return made;
    }
    const el = makeElement(n, d);
    this.nodes.enter(n.id, el);
    if (n.shadow) this.shadow(el, n.shadow);
    if (n.children) for (const c of n.children) dom.appendChild(el, this.make(c, d, frames));
    if (n.frame) frames.push([el, n.frame]);
    return el;
  }

  private shadow(host: Element, n: PageNode): void {
    let root: ShadowRoot;
    try {
      // Closed ones are open to us: what can be seen is the same.
      root = host.shadowRoot ?? host.attachShadow({ mode: "open", slotAssignment: (n.flags ?? 0) & 4 ? "manual" : "named" });
    } catch {
      return;
    }
    root.replaceChildren();
    this.nodes.roots.add(root);
    this.nodes.enter(n.id, root);
    this.looks.enter(root);
    this.hear(root);
    for (const c of n.children ?? []) this.build(c, root, null);
  }

  private inFrame(el: Element, n: PageNode): void {
    const d = (el as HTMLIFrameElement).contentDocument;
    if (d) this.fill(d, n);
  }

  private forget(n: Node): void {
    this.looks.forget(this.nodes.drop(n));
    for (const c of dom.childNodes(n)) this.forget(c);
    if (n.nodeType !== 1) return;
    const el = n as Element;
    this.looks.drop(el);
    const root = dom.shadowRoot(el);
    if (root) this.forget(root);
    const inner = isFrame(el) ? (el as HTMLIFrameElement).contentDocument : null;
    if (inner) this.forget(inner);
  }

  private hear(root: Document | ShadowRoot): void {
    if (this.heard.has(root)) return;
    this.heard.add(root);
    root.addEventListener("load", (e) => this.loaded(e.target as Node), true);
    root.addEventListener("error", (e) => this.file(e.target as Element, false), true);
    this.opened(root);
  }

  private loaded(n: Node): void {
    this.file(n as Element, true);
    this.looks.loaded(n);
    this.changed();
  }

  /** Scrolls everything (in a node) to where the page has it: layout may have been another. */
  restoreScrolls(within?: Node): void {
    this.looks.restoreScrolls(within);
  }

  /** Applies events in order. */
  applyAll(events: Iterable<PageEvent>): void {
    this.keepFocus(() => {
      for (const e of events) this.apply(e);
      this.looks.styled();
    });
    this.changed();
  }

  private apply(e: PageEvent): void {
    const [id, other, before] = e.ids ?? [];
    switch (e.op) {
      case Op.Remove: {
        const n = this.nodes.need(id);
        const parent = dom.parentNode(n);
        if (parent) dom.removeChild(parent, n);
        this.looks.rewritten(parent);
        this.forget(n);
        break;
      }
      case Op.Insert:
        this.build(e.node!, this.nodes.need(id), other ? this.nodes.need(other) : null);
        this.looks.rewritten(this.nodes.need(id));
        break;
      case Op.Move:
        this.move(this.nodes.need(id), this.nodes.need(other), before ? this.nodes.need(before) : null);
        break;
      case Op.Attr:
        setAttribute(this.nodes.need(id) as Element, e.name!, e.text!);
        keepDrawn(this.nodes.need(id) as Element);
        break;
      case Op.AttrGone:
        removeAttribute(this.nodes.need(id) as Element, e.name!);
        keepDrawn(this.nodes.need(id) as Element);
        break;
      case Op.Text:
        this.looks.rewritten(dom.parentNode(this.nodes.need(id)));
        (this.nodes.need(id) as CharacterData).data = e.text!;
        break;
      case Op.Splice:
        this.looks.rewritten(dom.parentNode(this.nodes.need(id)));
        (this.nodes.need(id) as CharacterData).replaceData(e.n![0]!, e.n![1]!, e.text!);
        break;
      case Op.Shadow:
        this.shadow(this.nodes.need(id) as Element, e.node!);
        break;
      case Op.Frame:
        this.frameEvent(this.nodes.need(id) as Element, e.node);
        break;
      case Op.Document: {
        const d = this.nodes.need(e.node!.id) as Document;
        this.forget(d);
        this.fill(d, e.node!);
        break;
      }
      default:
        this.looks.apply(e, id ?? 0);
    }
  }

  private frameEvent(el: Element, n: PageNode | undefined): void {
    const d = (el as HTMLIFrameElement).contentDocument;
    if (!d) return;
    this.forget(d);
    if (n) this.fill(d, n);
    else d.replaceChildren();
  }

  /** A frame that is moved starts empty again: what was in it moves along. */
  private move(n: Node, parent: Node, before: Node | null): void {
    const frames = n.nodeType === 1 ? [n as Element, ...(n as Element).querySelectorAll("iframe, frame")].filter(isFrame) : [];
    const kept = frames.map((f) => {
      const d = (f as HTMLIFrameElement).contentDocument;
      return { f, d, id: this.id(d), quirks: d?.compatMode === "BackCompat", content: d ? [...d.childNodes] : [] };
    });
    dom.insertBefore(parent, n, before);
    this.restoreScrolls(n);
    for (const { f, d, id, quirks, content } of kept) {
      const now = (f as HTMLIFrameElement).contentDocument;
      if (!id || !now || now === d) continue;
      this.open(now, quirks ? "<html>" : STANDARD);
      for (const c of content) now.appendChild(c);
      this.nodes.set(id, now);
      this.hear(now);
    }
  }
}
