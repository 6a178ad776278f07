import { Kind, Op, QUIRKS, type PageEvent, type PageNode, type PageState } from "../protocol/format.ts";
import * as dom from "./natives.ts";
import { Animations } from "./mirror-animations.ts";
import { doctypeMarkup, isFrame, makeElement, makeRoom, makeText, open, removeAttribute, setAttribute, setValue } from "./mirror-nodes.ts";
import { Marks } from "./mirror-marks.ts";
import { adoptSheets, enableSheet, markSheets, replaceRules, useSheet, type SheetUse } from "./mirror-sheets.ts";
import { assignNodes, defineElements, forgetDrawn, keepDrawn, showCanvas, showCurrent, showDialog, showMedia, showPlaceholder, showPopover } from "./mirror-views.ts";

/** Thrown where events do not fit the page shown: a new state is needed. */
export class MirrorError extends Error {}

/** What of a page is not in its document. */
export interface Shown {
  width: number;
  height: number;
  title: string;
  url: string;
  pointer: { x: number; y: number } | undefined;
  focus: number;
  caret: { id: number; start: number; end: number } | undefined;
  /** how far the user zoomed in by touch, and the corner of what is seen then */
  zoom: number;
  offset: { x: number; y: number };
}

const EVENTS_OF_STYLE = new Set(["link", "style"]);

/**
 * Builds a page in an iframe with exactly sandbox="allow-same-origin" and
 * applies its events. URLs have to lead to the archive already.
 */
export class Mirror {
  private nodes = new Map<number, Node>();
  private ids = new WeakMap<Node, number>();
  private scrolls = new Map<number, [number, number]>();
  private rules = new Map<number, string[]>();
  private sheets = new Map<number, string[]>();
  private adopted = new Map<number, number[]>();
  private uses = new Map<number, SheetUse>();
  /** style elements whose text changed after their rules were told */
  private overtaken = new Set<number>();
  private roots = new Set<Document | ShadowRoot>();
  private marks = new Marks();
  private animations = new Animations();
  /** how far the pointer went when it was told last */
  private pace = { x: 0, y: 0 };
  readonly shown: Shown = { width: 0, height: 0, title: "", url: "", pointer: undefined, focus: 0, caret: undefined, zoom: 1, offset: { x: 0, y: 0 } };

  /** told of each file of the page's that is there, or is not; set by who shows it */
  file: (el: Element, there: boolean) => void = () => {};
  /** told of each document and shadow root before anything is in it; set by who shows it */
  opened: (root: Document | ShadowRoot) => void = () => {};

  /** changed is called after a state or event that may have moved something. */
  constructor(private readonly frame: HTMLIFrameElement, private readonly changed: () => void = () => {}) {}

  node(id: number): Node | undefined {
    return this.nodes.get(id);
  }

  id(n: Node | null | undefined): number {
    return (n && this.ids.get(n)) || 0;
  }

  get document(): Document {
    return this.frame.contentDocument!;
  }

  /** Shows a page state in place of what was there. */
  show(s: Omit<PageState, "events"> & { events: Iterable<PageEvent> }): void {
    this.nodes.clear();
    this.ids = new WeakMap();
    this.pace = { x: 0, y: 0 };
    for (const m of [this.scrolls, this.rules, this.sheets, this.adopted, this.uses, this.overtaken, this.roots, this.marks, this.animations]) m.clear();
    Object.assign(this.shown, {
      width: s.width, height: s.height, title: s.title, pointer: undefined, focus: 0, caret: undefined, zoom: s.zoom / 100, offset: { x: 0, y: 0 },
    });
    this.keepFocus(() => {
      this.fill(this.document, s.document);
      for (const e of s.events) this.apply(e);
      this.styled();
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

  /** Sheets may be new: their rules are led to the marks. */
  private styled(): void {
    for (const root of this.roots) markSheets(root);
  }

  /** Makes a document of the viewer's show a page's. */
  private fill(d: Document, n: PageNode): void {
    // Opened again, so that the doctype chooses the mode; the policy stays.
    const type = n.children?.find((c) => c.kind === Kind.Doctype);
    const quirks = ((n.flags ?? 0) & QUIRKS) !== 0;
    open(d, type ? doctypeMarkup(type) : quirks ? "<html>" : "<!DOCTYPE html>");
    // A doctype that a script put there, or a document without one in srcdoc.
    if (quirks !== (d.compatMode === "BackCompat")) open(d, quirks ? "<html>" : "<!DOCTYPE html>");
    this.roots.add(d);
    this.enter(n.id, d);
    adoptSheets(d, [], this.sheets);
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

  private enter(id: number, n: Node): void {
    if (this.nodes.has(id)) throw new MirrorError(`node ${id} is there already`);
    this.nodes.set(id, n);
    this.ids.set(n, id);
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
      this.enter(n.id, made);
      return made;
    }
    const el = makeElement(n, d);
    this.enter(n.id, el);
    if (n.shadow) this.shadow(el, n.shadow);
    if (n.children) for (const c of n.children) dom.insertBefore(el, this.make(c, d, frames), null);
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
    this.roots.add(root);
    this.enter(n.id, root);
    adoptSheets(root, [], this.sheets);
    this.hear(root);
    for (const c of n.children ?? []) this.build(c, root, null);
  }

  private inFrame(el: Element, n: PageNode): void {
    const d = (el as HTMLIFrameElement).contentDocument;
    if (d) this.fill(d, n);
  }

  private forget(n: Node): void {
    const id = this.ids.get(n);
    if (id !== undefined) {
      for (const m of [this.nodes, this.scrolls, this.rules, this.adopted, this.uses, this.overtaken]) m.delete(id);
      this.ids.delete(n);
    }
    this.roots.delete(n as Document);
    for (const c of dom.childNodes(n)) this.forget(c);
    if (n.nodeType !== 1) return;
    const el = n as Element;
    this.animations.drop(el);
    forgetDrawn(el);
    const root = dom.shadowRoot(el);
    if (root) this.forget(root);
    const inner = isFrame(el) ? (el as HTMLIFrameElement).contentDocument : null;
    if (inner) this.forget(inner);
  }

  private hear(root: Document | ShadowRoot): void {
    root.addEventListener("load", (e) => this.loaded(e.target as Node), true);
    root.addEventListener("error", (e) => this.file(e.target as Element, false), true);
    this.opened(root);
  }

  /** A style sheet or picture is there: rules and places that waited for it apply again. */
  private loaded(n: Node): void {
    this.file(n as Element, true);
    const id = this.id(n);
    const lines = this.overtaken.has(id) ? undefined : this.rules.get(id);
    const use = this.uses.get(id);
    if (lines) replaceRules(n, lines);
    if (use) useSheet(n, use);
    const name = (n as Element).localName;
    if (EVENTS_OF_STYLE.has(name)) {
      this.styled();
      this.animations.again();
    }
    if (EVENTS_OF_STYLE.has(name) || name === "img") this.restoreScrolls();
    this.changed();
  }

  /** Scrolls everything (in a node) to where the page has it: layout may have been another. */
  restoreScrolls(within?: Node): void {
    for (const [id, [x, y]] of this.scrolls) {
      const n = this.nodes.get(id);
      if (within && !within.contains(n ?? null)) continue;
      const el = n?.nodeType === 9 ? (n as Document).scrollingElement : (n as Element | undefined);
      el?.scrollTo({ left: x, top: y, behavior: "instant" });
    }
  }

  private need(id: number | undefined): Node {
    const n = this.nodes.get(id ?? 0);
    if (!n) throw new MirrorError(`unknown node ${id}`);
    return n;
  }

  /** Applies events in order. */
  applyAll(events: Iterable<PageEvent>): void {
    this.keepFocus(() => {
      for (const e of events) this.apply(e);
      this.styled();
    });
    this.changed();
  }

  /** The text of a style element changes: its rules are those of the text from now on. */
  private rewritten(n: Node | null): void {
    const id = this.id(n);
    if (id && this.rules.has(id)) this.overtaken.add(id);
  }

  private apply(e: PageEvent): void {
    const [id, other, before] = e.ids ?? [];
    switch (e.op) {
      case Op.Remove: {
        const n = this.need(id);
        const parent = dom.parentNode(n);
        if (parent) dom.removeChild(parent, n);
        this.rewritten(parent);
        this.forget(n);
        break;
      }
      case Op.Insert:
        this.build(e.node!, this.need(id), other ? this.need(other) : null);
        this.rewritten(this.need(id));
        break;
      case Op.Move:
        this.move(this.need(id), this.need(other), before ? this.need(before) : null);
        break;
      case Op.Attr:
        setAttribute(this.need(id) as Element, e.name!, e.text!);
        keepDrawn(this.need(id) as Element);
        break;
      case Op.AttrGone:
        removeAttribute(this.need(id) as Element, e.name!);
        keepDrawn(this.need(id) as Element);
        break;
      case Op.Text:
        this.rewritten(dom.parentNode(this.need(id)));
        (this.need(id) as CharacterData).data = e.text!;
        break;
      case Op.Splice:
        this.rewritten(dom.parentNode(this.need(id)));
        (this.need(id) as CharacterData).replaceData(e.n![0]!, e.n![1]!, e.text!);
        break;
      case Op.Shadow:
        this.shadow(this.need(id) as Element, e.node!);
        break;
      case Op.Frame:
        this.frameEvent(this.need(id) as Element, e.node);
        break;
      case Op.Document: {
        const d = this.need(e.node!.id) as Document;
        this.forget(d);
        this.fill(d, e.node!);
        break;
      }
      default:
        this.applyView(e, id ?? 0);
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
      open(now, quirks ? "<html>" : "<!DOCTYPE html>");
      for (const c of content) now.appendChild(c);
      this.nodes.set(id, now);
      this.ids.set(now, id);
      this.hear(now);
    }
  }

  private applyView(e: PageEvent, id: number): void {
    const s = this.shown;
    const n = e.n ?? [];
    switch (e.op) {
      case Op.Value:
        setValue(this.need(id), e.text!);
        break;
      case Op.Checked: {
        const c = this.need(id) as HTMLInputElement;
        c.checked = (n[0]! & 1) !== 0;
        c.indeterminate = (n[0]! & 2) !== 0;
        break;
      }
      case Op.Selected: {
        const options = (this.need(id) as HTMLSelectElement).options;
        if (!options) break;
        const chosen = new Set(e.nums);
        if (!chosen.size) (this.need(id) as HTMLSelectElement).selectedIndex = -1;
        for (let i = 0; i < options.length; i++) if (options[i]!.selected !== chosen.has(i)) options[i]!.selected = chosen.has(i);
        break;
      }
      case Op.Scroll: {
        this.scrolls.set(id, [n[0]!, n[1]!]);
        const at = this.need(id);
        const el = at.nodeType === 9 ? (at as Document).scrollingElement : (at as Element);
        el?.scrollTo({ left: n[0]!, top: n[1]!, behavior: "instant" });
        break;
      }
      case Op.Viewport:
        s.width = n[0]!;
        s.height = n[1]!;
        s.zoom = n[3]! / 100;
        break;
      case Op.Offset:
        s.offset = { x: n[0]!, y: n[1]! };
        break;
      case Op.Title:
        s.title = e.text!;
        break;
      case Op.Location:
        if (id === 1) s.url = e.name!;
        break;
      case Op.Focus:
        s.focus = id;
        s.caret = undefined;
        this.marks.focused(this.element(id));
        break;
      case Op.Hover:
        this.marks.pointed("hover", this.element(id));
        break;
      case Op.Active:
        this.marks.pointed("active", this.element(id));
        break;
      case Op.States:
        this.states(this.need(id) as Element, e.lines!);
        break;
      case Op.Caret:
        s.caret = { id, start: n[0]!, end: n[1]! };
        break;
      case Op.Pointer:
        s.pointer = { x: n[0]!, y: n[1]! };
        this.pace = { x: 0, y: 0 };
        break;
      case Op.PointerBy:
        this.pace = { x: this.pace.x + n[0]!, y: this.pace.y + n[1]! };
        s.pointer = { x: (s.pointer?.x ?? 0) + this.pace.x, y: (s.pointer?.y ?? 0) + this.pace.y };
        break;
      case Op.Selection:
        this.select(e);
        break;
      case Op.Rules:
      case Op.RuleInsert:
      case Op.RuleDelete:
        this.rule(e, id);
        break;
      case Op.Sheet:
        this.sheets.set(n[0]!, e.lines!);
        for (const [root, list] of this.adopted) if (list.includes(n[0]!)) adoptSheets(this.need(root) as Document, list, this.sheets);
        break;
      case Op.Adopted:
        this.adopted.set(id, e.nums!);
        adoptSheets(this.need(id) as Document, e.nums!, this.sheets);
        break;
      case Op.Dialog:
        showDialog(this.need(id) as HTMLDialogElement, n[0]!);
        break;
      case Op.Popover:
        showPopover(this.need(id) as HTMLElement, n[0] === 1);
        break;
      case Op.Canvas:
        showCanvas(this.need(id) as HTMLCanvasElement, e.name!, e.data!);
        break;
      default:
        if (id) this.applyLook(e, this.need(id));
    }
  }

  private applyLook(e: PageEvent, n: Node): void {
    const el = n as Element;
    switch (e.op) {
      case Op.SheetUse: {
        const use = { disabled: (e.n![0]! & 1) !== 0, enabled: (e.n![0]! & 2) !== 0, media: e.text! };
        if (use.enabled && !this.uses.get(this.id(n))?.enabled) enableSheet(n);
        this.uses.set(this.id(n), use);
        useSheet(n, use);
        break;
      }
      case Op.Media:
        showMedia(n as HTMLMediaElement, e.n![0]!, e.n![1]!, e.n![2]!, e.n![3]!);
        break;
      case Op.Placeholder:
        if (!this.id(dom.documentIn(el))) showPlaceholder(el, e.n![0]!, e.n![1]!, e.text!);
        break;
      case Op.Animations:
        this.animations.show(el, e.lines!);
        break;
      case Op.Assigned:
        assignNodes(n as HTMLSlotElement, e.nums!.map((id) => this.nodes.get(id)));
        break;
      case Op.Defined:
        defineElements(n as Document, e.lines!);
        break;
      case Op.Current:
        showCurrent(n as HTMLImageElement, e.n![0]!, e.text!);
    }
  }

  private element(id: number): Element | null {
    const n = this.nodes.get(id);
    return n?.nodeType === 1 ? (n as Element) : null;
  }

  private states(el: Element, names: string[]): void {
    this.marks.states(el, names.filter((name) => !/\s/.test(name)));
    (el as HTMLInputElement).setCustomValidity?.(names.includes("invalid") ? "invalid" : "");
  }

  private rule(e: PageEvent, id: number): void {
    const owner = this.need(id);
    let lines = e.lines ?? this.rules.get(id);
    if (!lines) throw new MirrorError(`rules of ${id} are not known`);
    if (e.op === Op.RuleInsert) lines = lines.toSpliced(e.n![0]!, 0, e.text!);
    if (e.op === Op.RuleDelete) lines = lines.toSpliced(e.n![0]!, 1);
    this.rules.set(id, lines);
    this.overtaken.delete(id);
    replaceRules(owner, lines);
  }

  private select(e: PageEvent): void {
    const [a, f] = e.ids!;
    const anchor = this.nodes.get(a!);
    const focus = this.nodes.get(f!);
    const d = anchor?.ownerDocument ?? this.document;
    const selection = d.getSelection();
    if (!selection) return;
    try {
      if (anchor && focus) selection.setBaseAndExtent(anchor, e.n![0]!, focus, e.n![1]!);
      else selection.removeAllRanges();
    } catch {
      selection.removeAllRanges(); // an offset past a text that is shown otherwise
    }
  }
}
