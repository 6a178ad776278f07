import { Kind, Op } from "../protocol/format.ts";
import { ticks, type Emit, type Forms } from "./forms.ts";
import * as dom from "./natives.ts";
import { elementName, kindOf, type Tree } from "./tree.ts";

const encoder = new TextEncoder();

const PART = 400; // nodes

/** Digests of all nodes, a part at a time. */
export class Digests {
  readonly #tree: Tree;
  readonly #forms: Forms;
  #nodes: Iterator<Node> | undefined;
  #from = 0;

  constructor(tree: Tree, forms: Forms) {
    this.#tree = tree;
    this.#forms = forms;
  }

  /** Begins with the first node, unless a round is under way; whether it did. */
  begin(): boolean {
    if (this.#nodes) return false;
    this.#nodes = this.#tree.all()[Symbol.iterator]();
    this.#from = 1;
    return true;
  }

  get under(): boolean {
    return this.#nodes !== undefined;
  }

  /** Each part is taken at once, of all changes told: it is right whatever changes between two. */
  part(emit: Emit): void {
    const nodes = this.#nodes!;
    const part: Node[] = [];
    let next: IteratorResult<Node> | undefined;
    while (part.length < PART && !(next = nodes.next()).done) part.push(next.value);
    const first = this.#from;
    const after = (this.#from = next?.done ? this.#tree.next : this.#tree.id(part.at(-1)) + 1);
    if (next?.done) this.#nodes = undefined;
    const value = digestPart(part, this.#tree, this.#forms);
    emit(Op.DigestPart, (w) => {
      w.uint(first);
      w.uint(after);
      w.uint(value);
    });
  }
}

/** FNV-1a over nodes as they are (FORMAT.md, DigestPart). */
export function digestPart(nodes: Iterable<Node>, tree: Tree, forms: Forms): number {
  let h = 0x811c9dc5;
  const byte = (b: number) => {
    h = Math.imul(h ^ b, 0x01000193);
  };
  const text = (s: string) => {
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c > 0x7f) {
        for (const b of encoder.encode(s.slice(i))) byte(b);
        return;
      }
      byte(c);
    }
  };
  const number = (id: number) => {
    byte(id & 255);
    byte((id >> 8) & 255);
    byte((id >> 16) & 255);
    byte(id >>> 24);
  };
  for (const n of nodes) {
    number(tree.id(n));
    const kind = kindOf(n);
    byte(kind);
    if (kind === Kind.Element) text(elementName(n as Element));
    if (kind === Kind.Text) text(tree.veil.text(n as Text));
    const known = forms.known(n);
    if (known !== undefined && dom.localName(n as Element) !== "select") {
      if (ticks(n)) byte(Number(known));
      else text(known);
    }
    const inner = tree.inner(n);
    for (const type of [11, 9]) for (const x of inner) if (dom.nodeType(x) === type) number(tree.id(x));
    for (const c of tree.children(n)) number(tree.id(c));
  }
  return h >>> 0;
}
