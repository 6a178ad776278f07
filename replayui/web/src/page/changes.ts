import { Op } from "../protocol/format.ts";
import type { Batches } from "./batches.ts";
import { splice } from "./diff.ts";
import type { Emit, Forms } from "./forms.ts";
import { Masks } from "./masks.ts";
import * as dom from "./natives.ts";
import type { Kept } from "./recorder.ts";
import { Region } from "./region.ts";
import type { Sheets } from "./sheets.ts";
import { modeOf, Structure } from "./structure.ts";
import { isFrame, isGone, readable, type Tree } from "./tree.ts";
import type { Views } from "./views.ts";

/** What tells its part of a change. */
export interface Tellers {
  kept: Kept;
  masks: Masks;
  tree: Tree;
  forms: Forms;
  sheets: Sheets;
  views: Views;
  batches: Batches;
}

/** What changed in the tree since it was told, and the telling of it. */
export class Changes {
  readonly #top: Document;
  readonly #t: Tellers;
  readonly #observer: MutationObserver;
  readonly #structure: Structure;
  /** the page's documents and shadow roots */
  readonly roots = new Set<Document | ShadowRoot>();
  #frames = new Map<Element, Document | null>();
  /** documents, shadow roots and elements just written of which there is more to tell than markup holds */
  readonly news: Node[] = [];
  #mutations: MutationRecord[] = [];
  #texts = new Map<CharacterData, string>();
  #attributes = new Map<Element, Set<string>>();
  /** frames whose documents are others */
  #due = new Set<Element>();
  /** changes half told */
  #work: Generator<boolean | void> | undefined;
  #deadline = Infinity;
  /** whether what changed may have been told already, with something around it */
  #ahead = true;

  /** schedule is called where something changed. */
  constructor(top: Document, t: Tellers, schedule: () => void) {
    this.#top = top;
    this.#t = t;
    this.#structure = new Structure(t.tree, (n, parent) => this.#subtree(n, parent));
    this.#observer = new MutationObserver((list) => {
      this.#mutations.push(...list);
      schedule();
    });
  }

  stop(): void {
    this.#observer.disconnect();
  }

  /** Whether some of what changed is told, and some is not. */
  get half(): boolean {
    return this.#work !== undefined;
  }

  /** Whether all frames are told with the documents that they have. */
  get settled(): boolean {
    return !this.#due.size;
  }

  /** The page's documents. */
  documents(): Iterable<Document> {
    return this.#structure.modes.keys();
  }

  /** Has all children of these parents compared: some are written elsewhere. */
  compare(parents: readonly Node[]): void {
    for (const p of parents) this.#structure.dirty.set(p, null);
  }

  // What the tree tells.

  enter(root: Document | ShadowRoot): void {
    this.roots.add(root);
    this.news.push(root);
    this.#t.masks.scan(root);
    if (dom.nodeType(root) === 9) this.#structure.modes.set(root as Document, modeOf(root as Document));
    this.#observer.observe(root, { childList: true, attributes: true, characterData: true, characterDataOldValue: true, subtree: true });
  }

  /** An element that is more than its markup. */
  element(el: Element): void {
    this.news.push(el);
    if (isFrame(el)) this.#frames.set(el, readable(el));
  }

  /** True for a document or shadow root. */
  left(n: Node): boolean {
    this.#structure.modes.delete(n as Document);
    this.#frames.delete(n as Element);
    return this.roots.delete(n as Document);
  }

  /** Asks all frames whether they have other documents: they come without telling the one they are in. */
  askFrames(load: (el: Element) => void): void {
    for (const [el, before] of this.#frames) if (readable(el) !== before) load(el);
  }

  frameLoaded(el: Element): void {
    this.#due.add(el);
  }

  /**
   * Writes all changes of the tree up to now: what comes after may rely on them.
   * With a deadline some may be left for the next time, and nothing else may be
   * told before: false then. `pause` leaves what needs the layout for later;
   * without `begin`, what is half told is told, and nothing that came meanwhile.
   */
  drain(deadline: number, pause: boolean, begin: boolean): boolean {
    this.#deadline = deadline;
    for (let again = true; again; ) {
      again = this.#work !== undefined; // what came meanwhile is next
      if (again || !begin) this.suspect();
      if (!again && !begin && this.#mutations.length) return false;
      this.#work ??= this.#changes();
      for (let step = this.#work.next(); !step.done; step = this.#work.next()) {
        this.#t.batches.sendLarge();
        if (!(step.value && pause) && dom.now() <= deadline) continue;
        this.#ahead = true;
        return false;
      }
      this.#work = undefined;
      if (!this.#texts.size && !this.#attributes.size) continue;
      if (dom.now() > deadline) return false;
      again = true;
    }
    return true;
  }

  /** Tells what changed; true before what needs the layout. */
  *#changes(): Generator<boolean | void> {
    this.suspect();
    const list = this.#mutations;
    this.#mutations = [];
    this.#looked = 0;
    const emit: Emit = (op, body) => this.#t.batches.emitter(this.#t.batches.cause)(op, body);
    const retold = this.#retell(emit);
    // What changed while something was written may be in it already: no parts then.
    const ahead = this.#ahead;
    this.#ahead = false;
    for (const m of list) {
      if (!this.#t.tree.id(m.target)) continue;
      if (m.type === "childList") {
        if (!this.#structure.dirty.has(m.target)) this.#structure.dirty.set(m.target, new Region());
        this.#structure.dirty.get(m.target)?.add(m);
      } else if (m.type === "characterData") {
        if (!this.#texts.has(m.target as CharacterData)) this.#texts.set(m.target as CharacterData, ahead ? "" : (m.oldValue ?? ""));
      } else {
        const names = this.#attributes.get(m.target as Element);
        const name = qualified(m);
        if (names) names.add(name);
        else this.#attributes.set(m.target as Element, new Set([name]));
      }
    }
    const hosts = this.#t.kept.hosts.splice(0);
    if (list.length) this.#t.views.places(this.#structure.modes.keys(), emit);
    this.#values(emit);
    for (const el of this.#due) yield* this.#frame(el, emit);
    this.#due.clear();
    for (const host of hosts) yield* this.#shadow(host, emit);
    const moved = this.#structure.dirty.size > 0;
    yield* this.#structure.tell(emit);
    if (moved || this.news.length) {
      yield true;
      yield* this.#rest(emit);
      this.#t.views.rescrolled(emit);
    }
    if (!retold) return;
    this.#t.views.focus(emit);
    this.#t.views.selection(this.#top, emit);
  }

  /**
   * Texts and attributes. What is left at the deadline waits for the next turn:
   * it may be masked by then.
   */
  #values(emit: Emit): void {
    let i = 0;
    const late = () => ++i % 32 === 0 && dom.now() > this.#deadline;
    for (const [n, old] of this.#texts) {
      if (late()) return;
      this.#texts.delete(n);
      this.#text(n, old, emit);
    }
    for (const [el, names] of this.#attributes) {
      if (late()) return;
      this.#attributes.delete(el);
      for (const name of names) this.#attribute(el, name, emit);
    }
  }

  #looked = 0;

  /** Looks at what changed since the last time for what is masked otherwise now than it was told. */
  suspect(): void {
    this.#mutations.push(...this.#observer.takeRecords());
    const { veil } = this.#t.tree;
    const suspects: Node[] = [];
    const top = this.#top;
    const moved = this.#t.masks.moved();
    if (moved) {
      veil.hold(top);
      suspects.push(...(this.#t.tree.known(top) ?? []).filter((n) => dom.nodeType(n) !== 10));
    }
    this.#t.masks.follow(this.#mutations.slice(this.#looked));
    for (; this.#looked < this.#mutations.length; this.#looked++) {
      const m = this.#mutations[this.#looked]!;
      if (m.type === "attributes" && Masks.changedBy(m.attributeName!)) suspects.push(m.target);
      if (m.type === "childList") for (const n of m.removedNodes) if (dom.isConnected(n)) suspects.push(n);
    }
    if (moved || (this.#t.masks.ruled && this.#mutations.length)) suspects.push(...this.#t.masks.rescan(this.roots));
    veil.suspect(suspects.filter((n) => this.#t.tree.id(n)));
  }

  /** What is masked otherwise than it was told goes, and is told as new where it is. */
  #retell(emit: Emit): boolean {
    const { pending } = this.#t.tree.veil;
    const any = pending.size > 0;
    for (const n of pending) {
      const parent = this.#t.tree.parent(n);
      emit(Op.Remove, (w) => w.uint(this.#t.tree.id(n)));
      this.#t.tree.forget(n);
      if (parent) this.#structure.dirty.set(parent, null);
      const now = dom.parentNode(n);
      if (now) this.#structure.dirty.set(now, null);
    }
    return any;
  }

  #text(n: CharacterData, old: string, emit: Emit): void {
    const id = this.#t.tree.id(n);
    if (!id) return;
    const { veil } = this.#t.tree;
    if (veil.release(n)) old = "";
    const now = veil.text(n);
    old = veil.text(n, old);
    if (now === old && now) return;
    const part = splice(old, now);
    emit(part ? Op.Splice : Op.Text, (w) => {
      w.uint(id);
      if (part) {
        w.uint(part.start);
        w.uint(part.deleted);
      }
      w.str(part ? part.inserted : now);
    });
  }

  #attribute(el: Element, name: string, emit: Emit): void {
    const id = this.#t.tree.id(el);
    if (!id) return;
    if (name === "disabled" && dom.localName(el) === "link") this.#t.kept.switched.add(el);
    const raw = dom.getAttribute(el, name);
    const told = isGone(el) ? null : this.#t.tree.veil.attribute(el, name, raw ?? "");
    if (told === null) return;
    const value = raw === null ? null : told;
    emit(value === null ? Op.AttrGone : Op.Attr, (w) => {
      w.uint(id);
      w.str(name);
      if (value !== null) w.str(value);
    });
    this.#t.views.attribute(el, name, emit);
  }

  *#shadow(host: Element, emit: Emit): Generator<void> {
    const root = this.#t.tree.shadow(host);
    if (!this.#t.tree.id(host) || !root || this.#t.tree.id(root)) return;
    yield* this.#inner(Op.Shadow, host, root, emit);
  }

  /** A shadow root or frame document that is new on a known element. */
  *#inner(op: Op, host: Element, root: Document | ShadowRoot, emit: Emit): Generator<void> {
    const kept = this.#t.tree.inner(host).filter((n) => dom.nodeType(n) !== dom.nodeType(root));
    this.#t.tree.setInner(host, [...kept, root]);
    emit(op, (w) => w.uint(this.#t.tree.id(host)));
    yield* this.#subtree(root, host);
  }

  /** Writes a subtree of new nodes, the last of an event's body. */
  *#subtree(n: Node, parent: Node | undefined): Generator<void> {
    const s = this.#t.tree.serialise(n, parent, this.#t.batches.enter());
    while (!s.step(this.#deadline)) yield;
    this.#t.batches.within = false;
    for (const p of s.strangers) this.#structure.dirty.set(p, null);
  }

  /** What markup does not hold, of nodes just written. */
  *#rest(emit: Emit): Generator<void> {
    const list = this.news.splice(0);
    for (const [i, n] of list.entries()) {
      if (!this.#t.tree.id(n)) continue;
      if (dom.nodeType(n) === 1) {
        this.#t.forms.check(n as Element, emit);
        this.#t.views.fresh(n as Element, emit, false);
      } else if (this.roots.has(n as Document)) {
        this.#t.sheets.check(n as Document, emit);
        yield* this.#t.views.survey(n as Document, emit);
        if (dom.nodeType(n) === 9) this.#t.views.freshDocument(n as Document, emit);
      }
      if (i % 32 === 31) yield;
    }
  }

  *#frame(el: Element, emit: Emit): Generator<void> {
    const before = this.#frames.get(el) ?? null;
    const now = readable(el);
    if (now === before || !this.#t.tree.id(el)) return;
    this.#frames.set(el, now);
    if (before) this.#t.tree.forget(before);
    if (now) return yield* this.#inner(Op.Frame, el, now, emit);
    this.#t.tree.setInner(el, this.#t.tree.inner(el).filter((n) => dom.nodeType(n) !== 9));
    emit(Op.Frame, (w) => {
      w.uint(this.#t.tree.id(el));
      w.u8(0);
    });
  }
}

function qualified(m: MutationRecord): string {
  if (!m.attributeNamespace) return m.attributeName!;
  for (const a of dom.attributes(m.target as Element)) {
    if (a.localName === m.attributeName && a.namespaceURI === m.attributeNamespace) return a.name;
  }
  return (m.attributeNamespace.endsWith("xlink") ? "xlink:" : "") + m.attributeName;
}
