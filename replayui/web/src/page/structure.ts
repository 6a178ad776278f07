import { Op } from "../protocol/format.ts";
import { staying } from "./diff.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";
import type { Region } from "./region.ts";
import type { Tree } from "./tree.ts";

/** Writes a subtree of new nodes, the last of an event's body; with rests between. */
export type WriteSubtree = (n: Node, parent: Node | undefined) => Generator<void>;

/** Which nodes are where: tells what moved, came and went. */
export class Structure {
  readonly #tree: Tree;
  readonly #subtree: WriteSubtree;
  /** parents whose children changed, and where, as far as known */
  readonly dirty = new Map<Node, Region | null>();
  /** the page's documents, each with what chose its mode when it was told */
  readonly modes = new Map<Document, string>();

  constructor(tree: Tree, subtree: WriteSubtree) {
    this.#tree = tree;
    this.#subtree = subtree;
  }

  /**
   * Brings the gateway's tree from what it knows to what is there: parents from
   * the top down, so that no move leads into itself; within a parent from the
   * last child to the first, so that the sibling after is in its place already;
   * what is gone at the end, when all that moved out of it has moved.
   */
  *tell(emit: Emit): Generator<void> {
    const lost = new Set<Node>();
    while (this.dirty.size) {
      const list = [...this.dirty].filter(([n]) => this.#tree.id(n) && dom.isConnected(n));
      const parents = list.map(([n, where]) => ({ n, where, depth: depth(n) })).sort((a, b) => a.depth - b.depth);
      this.dirty.clear();
      for (const { n, where } of parents) {
        if (this.#tree.id(n) && !(yield* this.#rewritten(n, emit))) yield* this.#reorder(n, where, lost, emit);
        yield;
      }
    }
    // The inner ones first: with an outer one the gateway forgets all within it.
    const order = [...lost].map((n) => ({ n, depth: this.#knownDepth(n) })).sort((a, b) => b.depth - a.depth);
    for (const { n } of order) {
      const id = this.#tree.id(n);
      if (!id) continue;
      emit(Op.Remove, (w) => w.uint(id));
      this.#tree.forget(n);
      yield;
    }
  }

  /** A document that was opened again may have another mode: told as a whole. */
  *#rewritten(n: Node, emit: Emit): Generator<void, boolean> {
    const d = n as Document;
    if (dom.nodeType(n) !== 9 || this.modes.get(d) === modeOf(d) || !dom.firstChild(d)) return false;
    for (const c of this.#tree.known(d) ?? []) this.#tree.forget(c);
    emit(Op.Document, () => {});
    yield* this.#subtree(d, this.#tree.parent(d));
    return true;
  }

  #knownDepth(n: Node): number {
    let d = 0;
    for (let x: Node | undefined = n; x; x = this.#tree.parent(x)) d++;
    return d;
  }

  *#reorder(parent: Node, where: Region | null, lost: Set<Node>, emit: Emit): Generator<void> {
    const known = this.#tree.known(parent) ?? [];
    const bounds = where?.in(known);
    const part = bounds && this.#tree.between(parent, known[bounds[0] - 1], known[bounds[1]]);
    const [from, to] = part ? bounds : [0, known.length];
    const was = part ? known.slice(from, to) : known;
    const now = part ?? this.#tree.children(parent);
    const index = new Map(was.map((n, i) => [n, i]));
    const stay = staying(now.map((n) => (this.#tree.parent(n) === parent ? (index.get(n) ?? -1) : -1)));
    let before = known[to];
    for (let i = now.length - 1; i >= 0; i--) {
      const n = now[i]!;
      lost.delete(n);
      if (!stay.has(i)) {
        yield* this.#place(n, parent, before, emit);
        yield;
      }
      before = n;
    }
    this.#tree.setPart(parent, from, to, now);
    const here = new Set(now);
    for (const n of was) if (!here.has(n) && this.#tree.parent(n) === parent) lost.add(n);
  }

  *#place(n: Node, parent: Node, before: Node | undefined, emit: Emit): Generator<void> {
    const id = this.#tree.id(n);
    emit(id ? Op.Move : Op.Insert, (w) => {
      if (id) w.uint(id);
      w.uint(this.#tree.id(parent));
      w.uint(this.#tree.id(before));
    });
    if (!id) yield* this.#subtree(n, parent);
  }
}

/** What chose a document's mode. */
export function modeOf(d: Document): string {
  const t = d.doctype;
  return [d.compatMode, t?.publicId, t?.systemId].join();
}

/** How deep a node is, over frames and shadow roots. */
function depth(n: Node): number {
  let d = 0;
  for (let x: Node | null = n; x; d++) {
    const up: Node | null = dom.parentNode(x);
    x = up ?? (x as ShadowRoot).host ?? (x as Document).defaultView?.frameElement ?? null;
  }
  return d;
}
