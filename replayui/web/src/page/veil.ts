import { address, way } from "./addresses.ts";
import { attribute, isRules } from "./attributes.ts";
import { withoutCards } from "./cards.ts";
import { HARD, INHERITED, MASKED_MARK, OWN, SHOWN_MARK, TEXT, type Masks } from "./masks.ts";
import * as dom from "./natives.ts";
import { masked } from "./secrets.ts";
import type { Writer } from "./writer.ts";

/**
 * What lies over a page on its way to viewers: how each node was masked when it
 * was told, and so what may be told of it. The Tree enters and forgets nodes.
 */
export class Veil {
  readonly masks: Masks;
  /** the parent under which the gateway knows a node */
  readonly #parent: (n: Node) => Node | undefined;
  #told = new Map<Node, number>();
  #now = new Map<Node, number>();
  /** elements that are masked otherwise than was told: they have to be told anew */
  readonly pending = new Set<Node>();
  #begun = false;

  constructor(masks: Masks, parent: (n: Node) => Node | undefined) {
    this.masks = masks;
    this.#parent = parent;
  }

  /** A node is being told for the first time. */
  enter(n: Node, parent: Node | undefined, type: number, name: string): void {
    this.#begun = true;
    const level = this.#entering(n, parent, type, name);
    if (level) this.#told.set(n, level);
  }

  #entering(n: Node, parent: Node | undefined, type: number, name: string): number {
    if (!parent) return this.masks.level(n, this.masks.base, type, name);
    // It may have left the parent under which it is told: what it holds now is for where it is, or will be.
    if (type !== 9 && type !== 11 && dom.parentNode(n) !== parent) return dom.isConnected(n) ? this.#present(n) : HARD;
    return this.masks.level(n, this.pending.size ? this.#present(parent) : this.told(parent), type, name);
  }

  leave(n: Node): void {
    this.#told.delete(n);
    this.pending.delete(n);
  }

  /** How a node was masked when it was told. */
  told(n: Node): number {
    return this.#told.get(n) ?? 0;
  }

  /** How a node is masked as the page is now; nodes may have moved since they were told. */
  #present(n: Node): number {
    const known = this.#now.get(n);
    if (known !== undefined) return known;
    const parent = dom.parentNode(n) ?? (n as ShadowRoot).host ?? this.#parent(n);
    const level = this.masks.level(n, parent ? this.#present(parent) : this.masks.base);
    this.#now.set(n, level);
    return level;
  }

  /** Whether even how a node is scrolled and pointed at stays here. */
  closed(n: Node): boolean {
    return (this.told(n) & HARD) > 0 || (this.masked(n) && /^(?:input|textarea)$/.test(dom.localName(n as Element)));
  }

  /** Whether nobody else may see what is in a node, or act on it. */
  masked(n: Node): boolean {
    return this.#told.has(n) || (this.pending.size > 0 && this.#present(n) > 0);
  }

  /** The outermost element around a node that nobody may see into; undefined where there is none. */
  outermost(n: Node): Element | undefined {
    let out: Node | undefined;
    for (let x: Node | undefined = n; x && this.told(x) & HARD; x = this.#parent(x)) if (dom.nodeType(x) === 1) out = x;
    return out as Element | undefined;
  }

  /** Looks at nodes that may be masked otherwise than was told. */
  suspect(nodes: Iterable<Node>): void {
    this.#now.clear();
    for (const n of nodes) if (this.#present(n) !== this.told(n)) this.pending.add(n);
  }

  /** The page is at another path: what was masked stays so, whatever the rules are now. */
  hold(top: Document): void {
    for (const n of this.#told.keys()) if (n !== top) this.masks.hold(n);
    if (this.masks.base) this.#told.set(top, this.masks.base);
    else this.#told.delete(top);
  }

  /** A text has become another: whether it had been held, and is free with that. */
  release(n: Node): boolean {
    if (this.told(n) !== OWN) return false;
    this.masks.release(n);
    return this.#told.delete(n);
  }

  // What is told of a node.

  text(n: CharacterData, data = dom.data(n)): string {
    if (this.#told.size && this.#told.has(n)) return isRules(n) ? data : masked(data);
    const out = withoutCards(data);
    return out === data || isRules(n) ? data : out;
  }

  attribute(el: Element, name: string, value: string): string | null {
    return attribute(el, name, value, this.told(el), this.masks.names);
  }

  url(d: Document, url: string): string {
    return this.told(d) ? way(url) : address(url, this.masks.names);
  }

  title(d: Document): string {
    const free = this.#begun && !this.#told.size && !this.masks.ruled;
    return !free && titles(d).some((el) => this.masks.of(el)) ? masked(d.title) : withoutCards(d.title);
  }

  /** Returns the names of all of them. */
  writeAttributes(el: Element, w: Writer): string[] {
    const level = this.told(el);
    const pairs: string[] = [];
    // Attributes as nodes cost more than their names: the browser has to make each.
    const names = dom.attributeNames(el);
    for (const name of names) {
      const told = attribute(el, name, dom.getAttribute(el, name) ?? foreign(el, name), level, this.masks.names);
      if (told !== null) pairs.push(name, told);
    }
    const mark = this.#mark(el, level);
    if (mark) pairs.push(mark, "");
    w.uint(pairs.length / 2);
    for (const s of pairs) w.str(s);
    return names;
  }

  /** The outermost of masked elements are marked, and of those shown within; of those held, each in which there is no other. */
  #mark(el: Element, level: number): string | undefined {
    if (level === OWN) return dom.childNodes(el).some((c) => dom.nodeType(c) === 1) ? undefined : MASKED_MARK;
    const parent = this.#parent(el);
    const above = this.#told.size && parent ? this.told(parent) & INHERITED : 0;
    if (!level) return above ? SHOWN_MARK : undefined;
    const page = above && dom.nodeType(parent!) === 9 && !this.#parent(parent!);
    return !above || page || (above === TEXT && level & HARD) ? MASKED_MARK : undefined;
  }
}

/** An attribute of HTML whose name a script gave in capitals is not found by it. */
function foreign(el: Element, name: string): string {
  for (const a of dom.attributes(el)) if (a.name === name) return a.value;
  return "";
}

/** The elements that may be a document's title; nearly always they are where they belong. */
function titles(d: Document): Element[] {
  const within = (list: Node[], name: string) => list.flatMap(dom.childNodes).filter((n) => dom.nodeType(n) === 1 && dom.localName(n as Element) === name);
  const list = within(within(within([d], "html"), "head"), "title");
  return (list.length ? list : [...dom.inDocument(d, "title")]) as Element[];
}
