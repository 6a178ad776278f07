import { FLAG_FRAME, FLAG_MATHML, FLAG_SHADOW, FLAG_SVG, HTML_NS, Kind, MATHML_NS, QUIRKS, SVG_NS, XML } from "../protocol/format.ts";
import type { Masks } from "./masks.ts";
import * as dom from "./natives.ts";
import { between } from "./region.ts";
import { Veil } from "./veil.ts";
import type { Writer } from "./writer.ts";

/** Shadow roots by host, closed ones too: filled by the patch of attachShadow. */
export type Roots = WeakMap<Element, ShadowRoot>;

const GONE = /^(script|noscript|base|object|embed|applet|portal|fencedframe)$/;
const FRAME = /^i?frame$/;
const MAX_SORTS = 1000;

/** What an element is by its name: most names come again and again. */
const enum Sort { Plain, Gone, Frame, Meta }
const sorts = new Map<string, Sort>();

function sortOf(name: string): Sort {
  let sort = sorts.get(name);
  if (sort !== undefined) return sort;
  const lower = name.toLowerCase();
  sort = GONE.test(lower) ? Sort.Gone : lower === "meta" ? Sort.Meta : FRAME.test(name) ? Sort.Frame : Sort.Plain;
  if (sorts.size < MAX_SORTS) sorts.set(name, sort);
  return sort;
}

export function isFrame(el: Element): boolean {
  return sortOf(dom.localName(el)) === Sort.Frame;
}

/** Elements that may not reach a viewer stand as <pillion-gone>. */
export function isGone(el: Element, sort = sortOf(dom.localName(el))): boolean {
  return sort === Sort.Gone || (sort === Sort.Meta && dom.hasAttribute(el, "http-equiv"));
}

export const GONE_NAME = "pillion-gone";

export function kindOf(n: Node, type = dom.nodeType(n)): number {
  switch (type) {
    case 1: return Kind.Element;
    case 3: return Kind.Text;
    case 4: return Kind.CDATA;
    case 8: return Kind.Comment;
    case 9: return Kind.Document;
    case 10: return Kind.Doctype;
    case 11: return Kind.Shadow;
  }
  return 0;
}

export function elementName(el: Element): string {
  return isGone(el) ? GONE_NAME : fullName(el);
}

function fullName(el: Element, name = dom.localName(el)): string {
  const prefix = dom.prefix(el);
  return prefix ? prefix + ":" + name : name;
}

function documentFlags(d: Document): number {
  return (d.compatMode === "BackCompat" ? QUIRKS : 0) | (d.contentType === "text/html" ? 0 : XML);
}

/** What the gateway knows of a node, or will when it is written. */
interface Known {
  n: Node;
  /** 0 until it is written */
  id: number;
  /** the parent under which it is known, or claimed to be written */
  up: Node | undefined;
  kids: Node[] | undefined;
  /** shadow root and frame document */
  inner: readonly Node[];
  /** written, but for its children */
  open: boolean;
  /** an element none of whose children are told */
  bare: boolean;
  /** as Node.nodeType says it */
  type: number;
}

const NONE: readonly Node[] = [];

/** Told of what has to be observed or forgotten. */
export interface TreeObserver {
  /** a document or shadow root is part of the page now */
  entered(root: Document | ShadowRoot): void;
  /** an element was written for the first time, of a local name; whether it may be a popover */
  element(el: Element, name: string, popover: boolean): void;
  left(n: Node): void;
}

/**
 * The page's tree as the gateway knows it: node ids, and for each node the
 * children that were written last.
 */
export class Tree {
  readonly #roots: Roots;
  readonly #excluded: (n: Node) => boolean;
  readonly #observer: TreeObserver;
  readonly veil: Veil;
  #of = new Map<Node, Known>();
  #nodes = new Map<number, Node>();
  #next = 1;

  constructor(roots: Roots, excluded: (n: Node) => boolean, observer: TreeObserver, masks: Masks) {
    this.#roots = roots;
    this.veil = new Veil(masks, (n) => this.parent(n));
    this.#excluded = excluded;
    this.#observer = observer;
  }

  /** A node's id, 0 for one that the gateway does not know. */
  id(n: Node | null | undefined): number {
    return (n && this.#of.get(n)?.id) || 0;
  }

  node(id: number): Node | undefined {
    return this.#nodes.get(id);
  }

  known(n: Node): readonly Node[] | undefined {
    return this.#of.get(n)?.kids;
  }

  /** The parent under which the gateway knows a node. */
  parent(n: Node): Node | undefined {
    return this.#of.get(n)?.up;
  }

  size(): number {
    return this.#nodes.size;
  }

  /** All known nodes, in the order of their ids. */
  all(): Iterable<Node> {
    return this.#nodes.values();
  }

  /** The id that the next new node gets. */
  get next(): number {
    return this.#next;
  }

  shadow(el: Element): ShadowRoot | null {
    return this.#roots.get(el) ?? dom.shadowRoot(el);
  }

  /** The children as a viewer has them. */
  children(n: Node): Node[] {
    const list: Node[] = [];
    if (dom.nodeType(n) === 1 && (isGone(n as Element) || isFrame(n as Element))) return list;
    for (let c = dom.firstChild(n); c; c = dom.nextSibling(c)) if (kindOf(c) && !this.#excluded(c)) list.push(c);
    return list;
  }

  /** Those between two children that a viewer has; null where they are not in this order, or no bounds help. */
  between(n: Node, before: Node | undefined, after: Node | undefined): Node[] | null {
    if (dom.nodeType(n) === 1 && (isGone(n as Element) || isFrame(n as Element))) return null;
    return between(n, before, after, (c) => kindOf(c) > 0 && !this.#excluded(c));
  }

  #entry(n: Node): Known {
    return this.#of.get(n) ?? this.#made(n, dom.nodeType(n));
  }

  #made(n: Node, type: number): Known {
    const known = { n, id: 0, up: undefined, kids: undefined, inner: NONE, open: false, bare: false, type };
    this.#of.set(n, known);
    return known;
  }

  /** A node that is to be written under a parent. */
  claim(n: Node, parent: Node | undefined): Known {
    const known = this.#entry(n);
    if (parent) known.up = parent;
    known.open = false;
    return known;
  }

  /** Forgets a subtree, as the gateway does. */
  forget(n: Node): void {
    const stack = [n];
    for (let x = stack.pop(); x; x = stack.pop()) {
      const known = this.#of.get(x);
      if (!known?.id) continue;
      for (const c of known.kids ?? NONE) if (this.parent(c) === x) stack.push(c);
      for (const inner of known.inner) stack.push(inner);
      this.#of.delete(x);
      this.#nodes.delete(known.id);
      this.veil.leave(x);
      this.#observer.left(x);
    }
  }

  /** Shadow root and frame document under which the gateway knows an element. */
  inner(n: Node): readonly Node[] {
    return this.#of.get(n)?.inner ?? NONE;
  }

  setInner(n: Node, list: Node[]): void {
    this.#entry(n).inner = list;
  }

  #setKnown(n: Node, list: Node[]): void {
    this.#entry(n).kids = list;
    for (const c of list) this.#entry(c).up = n;
  }

  /** Puts some of a node's known children in the place of others. */
  setPart(n: Node, from: number, to: number, list: Node[]): void {
    const known = this.#of.get(n)?.kids;
    if (!known || (from === 0 && to === known.length) || list.length > 10_000) return this.#setKnown(n, [...(known?.slice(0, from) ?? []), ...list, ...(known?.slice(to) ?? [])]);
    known.splice(from, to - from, ...list);
    for (const c of list) this.#entry(c).up = n;
  }

  /** Starts writing a subtree of new nodes. */
  serialise(root: Node, parent: Node | undefined, w: Writer): Serialiser {
    return new Serialiser(this, root, parent, w);
  }

  /** For Serialiser alone: writes a node's own part and says what comes after. */
  write(known: Known, w: Writer, stack: Known[]): void {
    const { n, type } = known;
    const id = (known.id ||= this.#next++); // a document that was opened again keeps its own
    this.#nodes.set(id, n);
    const name = type === 1 ? dom.localName(n as Element) : "";
    this.veil.enter(n, known.up, type, name);
    switch (type) {
      case 1:
        return this.#writeElement(n as Element, name, known, w, stack);
      case 3:
      case 4:
      case 8:
        w.u8(kindOf(n, type));
        w.nodeId(id);
        return w.str(this.veil.text(n as CharacterData));
      case 10: {
        const t = n as DocumentType;
        w.u8(Kind.Doctype);
        w.nodeId(id);
        w.str(t.name);
        w.str(t.publicId);
        return w.str(t.systemId);
      }
      case 9: {
        const d = n as Document;
        w.u8(Kind.Document);
        w.nodeId(id);
        w.uint(documentFlags(d));
        w.str(this.veil.url(d, d.URL));
        w.str(this.veil.url(d, d.baseURI));
        break;
      }
      default: {
        const s = n as ShadowRoot;
        w.u8(Kind.Shadow);
        w.nodeId(id);
        w.uint((s.mode === "closed" ? 1 : 0) | (s.delegatesFocus ? 2 : 0) | (s.slotAssignment === "manual" ? 4 : 0));
      }
    }
    this.#observer.entered(n as Document | ShadowRoot);
    known.open = true;
    stack.push(known);
  }

  #writeElement(el: Element, name: string, known: Known, w: Writer, stack: Known[]): void {
    const sort = sortOf(name);
    const gone = isGone(el, sort);
    const ns = gone ? HTML_NS : (dom.namespaceURI(el) ?? "");
    const flag = ns === HTML_NS ? 0 : ns === SVG_NS ? FLAG_SVG : ns === MATHML_NS ? FLAG_MATHML : FLAG_SVG | FLAG_MATHML;
    const shadow = gone ? null : this.shadow(el);
    const frame = sort === Sort.Frame ? readable(el) : null;
    w.u8(Kind.Element | flag | (shadow ? FLAG_SHADOW : 0) | (frame ? FLAG_FRAME : 0));
    w.nodeId(known.id);
    if (flag === (FLAG_SVG | FLAG_MATHML)) w.str(ns);
    w.str(gone ? GONE_NAME : fullName(el, name));
    let popover = false;
    if (gone) {
      w.uint(1);
      w.str("tag");
      w.str(name.toLowerCase());
    } else {
      popover = this.veil.writeAttributes(el, w).includes("popover");
    }
    this.#observer.element(el, name, popover);
    known.open = true;
    known.bare = gone || sort === Sort.Frame;
    stack.push(known);
    known.inner = NONE;
    if (frame) {
      known.inner = [frame];
      stack.push(this.claim(frame, el));
    }
    if (shadow) {
      known.inner = [shadow, ...known.inner];
      stack.push(this.claim(shadow, el));
    }
  }

  /**
   * For Serialiser alone: claims those of a node's children that are new. Others
   * are written elsewhere: they were moved between two slices; false where there are any.
   */
  writeChildren(known: Known, w: Writer, stack: Known[]): boolean {
    const { n } = known;
    known.open = false;
    const fresh: Node[] = [];
    let whole = true;
    for (let c = known.bare ? null : dom.lastChild(n); c; c = dom.previousSibling(c)) {
      const type = dom.nodeType(c);
      if (!kindOf(c, type) || this.#excluded(c)) continue;
      const was = this.#of.get(c);
      if (was?.id || was?.up) {
        whole = false;
        continue;
      }
      const claimed = was ?? this.#made(c, type);
      claimed.up = n;
      claimed.open = false;
      fresh.push(c);
      stack.push(claimed);
    }
    known.kids = fresh.reverse();
    w.uint(fresh.length);
    return whole;
  }
}

/** The document of a frame, where there is one to show. */
export function readable(frame: Element): Document | null {
  const d = dom.documentIn(frame);
  return d && dom.firstChild(d) ? d : null;
}

/**
 * Writes a subtree of new nodes, in slices: between them the page may go on.
 * Known nodes within it are left out; `strangers` are the parents that have any.
 */
export class Serialiser {
  readonly #tree: Tree;
  readonly #w: Writer;
  #stack: Known[];
  readonly strangers: Node[] = [];

  constructor(tree: Tree, root: Node, parent: Node | undefined, w: Writer) {
    this.#tree = tree;
    this.#w = w;
    this.#stack = [tree.claim(root, parent)];
  }

  /** Goes on until the deadline (ms of the page's clock); true when all is written. */
  step(deadline: number): boolean {
    for (let n = 0; this.#stack.length; n++) {
      if (n % 64 === 63 && dom.now() > deadline) return false;
      const next = this.#stack.pop()!;
      if (!next.open) this.#tree.write(next, this.#w, this.#stack);
      else if (!this.#tree.writeChildren(next, this.#w, this.#stack)) this.strangers.push(next.n);
    }
    return true;
  }
}
