import * as dom from "./natives.ts";

/** More records than this of one parent are not looked at one by one. */
const MAX_RECORDS = 24;

/**
 * Where among its children a parent was changed: what lies before the first and
 * after the last of its records is in place. A list of 20,000 that grows at its
 * end is not read again for each line.
 */
export class Region {
  #before = new Set<Node | null>();
  #after = new Set<Node | null>();
  #added = new Set<Node>();
  #count = 0;

  add(m: MutationRecord): void {
    if (++this.#count > MAX_RECORDS) return;
    this.#before.add(m.previousSibling);
    this.#after.add(m.nextSibling);
    for (const n of m.addedNodes) this.#added.add(n);
  }

  /** The bounds in the list as it was known; null where it has to be read as a whole. */
  in(was: readonly Node[]): [from: number, to: number] | null {
    if (this.#count > MAX_RECORDS) return null;
    let [from, to] = [was.length, 0];
    for (const n of this.#before) {
      const i = n ? was.lastIndexOf(n) : -1;
      if (n && i < 0 && !this.#added.has(n)) return null;
      if (!n || i >= 0) from = Math.min(from, i + 1);
    }
    for (const n of this.#after) {
      const i = n ? was.lastIndexOf(n) : was.length;
      if (n && i < 0 && !this.#added.has(n)) return null;
      if (i >= 0) to = Math.max(to, i);
    }
    return from <= to ? [from, to] : null;
  }
}

/** What is between two children of a node now; null where they are not its children in this order. */
export function between(parent: Node, before: Node | undefined, after: Node | undefined, counts: (n: Node) => boolean): Node[] | null {
  if (before && dom.parentNode(before) !== parent) return null;
  const list: Node[] = [];
  let c = before ? dom.nextSibling(before) : dom.firstChild(parent);
  for (; c && c !== after; c = dom.nextSibling(c)) if (counts(c)) list.push(c);
  return (c ?? undefined) === after ? list : null;
}
