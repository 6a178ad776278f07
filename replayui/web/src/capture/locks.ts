/** The user's number among the participants; agents have the ones after it. */
export const USER = 1;

/** An element that nothing is done in is free again after this long. */
export const LEASE_MS = 10_000;

/**
 * Who is busy with which element (docs/LOCKS.md). An element has one holder or
 * none, and the user holds one element at a time: the one they are in. Each
 * change is told as it happens, a release before what takes its place.
 */
export class Locks {
  readonly #now: () => number;
  readonly #told: (node: number, held: boolean, by: number) => void;
  #held = new Map<number, { by: number; until: number }>();

  constructor(now: () => number, told: (node: number, held: boolean, by: number) => void) {
    this.#now = now;
    this.#told = told;
  }

  /** Who holds an element; 0 nobody. */
  holder(node: number): number {
    return this.#held.get(node)?.by ?? 0;
  }

  /** The element that the user is in; 0 none. */
  get users(): number {
    for (const [node, l] of this.#held) if (l.by === USER) return node;
    return 0;
  }

  get any(): boolean {
    return this.#held.size > 0;
  }

  /** The user does something in an element. It is theirs, unless an agent's change is under way in it. */
  touch(node: number): void {
    const l = this.#held.get(node);
    if (l && l.by !== USER) return;
    if (l) {
      l.until = this.#now() + LEASE_MS;
      return;
    }
    this.moved();
    this.#take(node, USER, this.#now() + LEASE_MS);
  }

  /** The user is elsewhere now, or says that the element is free. */
  moved(): void {
    const node = this.users;
    if (node) this.release(node, USER);
  }

  /** Takes an element for an agent's change; false where another holds it. */
  take(node: number, by: number): boolean {
    if (this.#held.has(node)) return false;
    this.#take(node, by, Infinity);
    return true;
  }

  #take(node: number, by: number, until: number): void {
    this.#held.set(node, { by, until });
    this.#told(node, true, by);
  }

  release(node: number, by: number): void {
    if (this.holder(node) !== by) return;
    this.#held.delete(node);
    this.#told(node, false, by);
  }

  /** Ends the leases that nothing was done in. */
  tick(): void {
    for (const [node, l] of this.#held) if (l.until <= this.#now()) this.release(node, l.by);
  }

  /** Forgets all, untold: a page state voids what came before it. */
  clear(): void {
    this.#held.clear();
  }
}
