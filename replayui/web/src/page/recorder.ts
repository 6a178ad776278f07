import { Cause, Op, VERSION } from "../protocol/format.ts";
import { splice, staying } from "./diff.ts";
import { digest } from "./digest.ts";
import { Forms, type Emit } from "./forms.ts";
import { Interactions } from "./interactions.ts";
import { Masks, type MaskPolicy, type Remembered } from "./masks.ts";
import * as dom from "./natives.ts";
import { Sheets } from "./sheets.ts";
import { isFrame, isGone, readable, Tree, type Roots, type Serialiser } from "./tree.ts";
import { Views } from "./views.ts";
import { BatchWriter, Writer } from "./writer.ts";

/** What the capture script kept since before the page's own scripts. */
export interface Kept extends Remembered {
  roots: Roots;
  /** sheets whose rules were changed by their methods */
  touched: Set<CSSStyleSheet>;
  /** hosts that got a shadow root since the last look */
  hosts: Element[];
}

/** Where payloads go. */
export interface Sink {
  state(payload: Uint8Array): void;
  batch(payload: Uint8Array): void;
}

const SLICE_MS = 8;
const TICK_MS = 100;
const SLOW_TICKS = 10; // sheets, frames, canvases: every second
const DIGEST_TICKS = 50; // every five seconds
const MAX_DIGEST_NODES = 20_000;
const POLLED_CONTROLS = 500;
const HIDDEN_FLUSH_MS = 250;

/** Records a page: its state once, then what changes, a batch per frame. */
export class Recorder {
  readonly #win: Window & typeof globalThis;
  readonly #kept: Kept;
  readonly #sink: Sink;
  readonly #masks: Masks;
  readonly tree: Tree;
  readonly forms: Forms;
  /** who else hears what happens in the page's documents and shadow roots, by the event's name; set before it starts */
  readonly heard: Record<string, (e: Event) => void> = {};
  #sheets: Sheets;
  #views: Views;
  #interactions: Interactions;
  #observer: MutationObserver;
  #batch: BatchWriter | undefined;
  #writing: { w: Writer; serialiser: Serialiser } | undefined;
  #running = false;
  #scheduled = false;
  #timer = 0;
  #ticks = 0;
  #cause: Cause = Cause.Page;
  #roots = new Set<Document | ShadowRoot>();
  #frames = new Map<Element, Document | null>();

  constructor(win: Window & typeof globalThis, kept: Kept, sink: Sink, excluded: (n: Node) => boolean, policy?: MaskPolicy) {
    this.#win = win;
    this.#kept = kept;
    this.#sink = sink;
    this.#observer = new MutationObserver((list) => {
      this.#mutations.push(...list);
      this.schedule();
    });
    this.#masks = new Masks(win, kept, policy);
    this.#masks.scan(win.document); // for the title, which comes first
    this.tree = new Tree(kept.roots, excluded, {
      entered: (root) => this.#enter(root),
      element: (el) => this.#element(el),
      left: (n) => this.#left(n),
    }, this.#masks);
    this.forms = new Forms(this.tree);
    this.#sheets = new Sheets((n) => this.tree.id(n), kept.touched);
    this.#views = new Views(win, this.tree);
    this.#interactions = new Interactions(this, this.#views, excluded, this.heard);
  }

  /** Time since the page's origin, in units of 100 µs. */
  now(): number {
    return Math.round(dom.now() * 10);
  }

  /** Takes the page's state, in slices, and goes on from there. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    const w = new Writer();
    const win = this.#win;
    w.u8(VERSION);
    w.uint(win.document.hidden ? 1 : 0);
    for (const v of this.#views.viewport()) w.uint(v);
    w.str(this.tree.veil.title(win.document));
    this.#writing = { w, serialiser: this.tree.serialise(win.document, undefined, w) };
    this.#goOn();
  }

  /** Ends recording; the page is as before. */
  stop(): void {
    this.#running = false;
    this.#observer.disconnect();
    for (const root of this.#roots) this.#interactions.detach(root);
    dom.cancel(this.#timer);
  }

  #goOn = (): void => {
    if (!this.#running || !this.#writing) return;
    const { w, serialiser } = this.#writing;
    this.#suspect();
    if (!serialiser.step(dom.now() + SLICE_MS)) {
      dom.later(this.#goOn, 0);
      return;
    }
    for (const parent of serialiser.strangers) this.#dirty.add(parent);
    const events: (() => void)[] = [];
    const emit: Emit = (op, body) => {
      events.push(() => {
        w.u8(op);
        body(w);
      });
    };
    for (const root of this.#roots) this.#sheets.check(root, emit);
    this.forms.poll(Infinity, emit);
    this.#views.state(this.#roots, emit);
    w.uint(events.length);
    for (const write of events) write();
    this.#writing = undefined;
    this.#sink.state(w.bytes());
    this.#timer = dom.later(this.#tick, TICK_MS);
    this.schedule();
  };

  /** Does something of a confirmed request's: what changes by it is attributed to it. */
  byRequest(act: () => void): void {
    this.drain();
    this.#cause = Cause.Request;
    try {
      act();
    } finally {
      this.drain();
      this.forms.poll(POLLED_CONTROLS, this.emitter(Cause.Request));
      this.#cause = Cause.Page;
      this.schedule();
    }
  }

  /** Who brings an event about: a trusted one is the user's. */
  causeOf(e: Event): Cause {
    return this.#cause === Cause.Request ? Cause.Request : e.isTrusted ? Cause.User : Cause.Page;
  }

  /** An Emit into the open batch. */
  emitter(cause: Cause): Emit {
    return (op, body) => {
      this.#batch ??= new BatchWriter(this.now());
      this.#batch.event(op, cause, this.now());
      body(this.#batch);
    };
  }

  /** Whether the page's state is out and events may follow. */
  get ready(): boolean {
    return this.#running && !this.#writing;
  }

  schedule(): void {
    if (this.#scheduled || !this.ready) return;
    this.#scheduled = true;
    if (this.#win.document.hidden) dom.later(this.#flush, HIDDEN_FLUSH_MS);
    else dom.nextFrame(this.#flush);
  }

  #flush = (): void => {
    this.#scheduled = false;
    if (!this.ready) return;
    this.drain();
    this.#interactions.flush();
    this.forms.poll(POLLED_CONTROLS, this.emitter(Cause.Page));
    this.#views.page(this.emitter(Cause.Page));
    this.#send();
  };

  /** Sends what there is now: what follows must come after it. */
  flushNow(): void {
    if (!this.ready) return;
    this.drain();
    this.#send();
  }

  #send(): void {
    if (!this.#batch?.count) return;
    const payload = this.#batch.bytes();
    this.#batch = undefined;
    this.#sink.batch(payload);
  }

  /** What nothing tells of is asked in turn, and cheap things more often. */
  #tick = (): void => {
    if (!this.ready) return;
    this.#ticks++;
    const emit = this.emitter(Cause.Page);
    this.drain();
    this.forms.poll(POLLED_CONTROLS, emit);
    this.#views.page(emit);
    if (this.#ticks % SLOW_TICKS === 0) {
      for (const root of this.#roots) {
        this.#interactions.attach(root); // document.open takes listeners away
        this.#sheets.check(root, emit);
      }
      if (this.#masks.ruled) this.tree.veil.suspect(this.#masks.rescan(this.#roots).filter((el) => this.tree.id(el)));
      this.#checkFrames();
      this.#views.slow(emit);
    }
    if (this.#ticks % DIGEST_TICKS === 0 && this.tree.size() < MAX_DIGEST_NODES) this.#digest();
    this.#send();
    this.#timer = dom.later(this.#tick, TICK_MS);
  };

  #digest(): void {
    this.drain();
    const value = digest(this.#win.document, this.tree, this.forms);
    this.emitter(Cause.Page)(Op.Digest, (w) => w.uint(value));
  }

  // What the tree tells.

  #enter(root: Document | ShadowRoot): void {
    this.#roots.add(root);
    this.#masks.scan(root);
    this.#observer.observe(root, { childList: true, attributes: true, characterData: true, characterDataOldValue: true, subtree: true });
    this.#interactions.attach(root);
  }

  #element(el: Element): void {
    this.forms.add(el);
    this.#views.add(el);
    if (isFrame(el)) this.#frames.set(el, readable(el));
  }

  #left(n: Node): void {
    this.forms.drop(n);
    this.#views.drop(n);
    this.#sheets.forget(n);
    this.#frames.delete(n as Element);
    if (this.#roots.delete(n as Document)) this.#interactions.detach(n as Document);
  }

  // What changed in the tree.

  #mutations: MutationRecord[] = [];
  #dirty = new Set<Node>();
  #first = true;

  /** Writes all changes of the tree up to now: what comes after may rely on them. */
  drain(): void {
    if (!this.ready) return;
    this.#suspect();
    const list = this.#mutations;
    this.#mutations = [];
    this.#looked = 0;
    const emit = this.emitter(this.#cause);
    const retold = this.#retell(emit);
    const attributes = new Map<Element, Set<string>>();
    const texts = new Map<CharacterData, string>();
    for (const m of list) {
      if (!this.tree.id(m.target)) continue;
      if (m.type === "childList") this.#dirty.add(m.target);
      else if (m.type === "characterData") {
        if (!texts.has(m.target as CharacterData)) texts.set(m.target as CharacterData, m.oldValue ?? "");
      } else {
        const names = attributes.get(m.target as Element);
        const name = qualified(m);
        if (names) names.add(name);
        else attributes.set(m.target as Element, new Set([name]));
      }
    }
    const hosts = this.#kept.hosts.splice(0);
    // What changed while the state was written may be in it already: no parts then.
    for (const [n, old] of texts) this.#text(n, this.#first ? "" : old, emit);
    this.#first = false;
    for (const [el, names] of attributes) for (const name of names) this.#attribute(el, name, emit);
    for (const host of hosts) this.#shadow(host, emit);
    this.#structure(emit);
    if (!retold) return;
    this.#views.focus(emit);
    this.#views.selection(this.#win.document, emit);
  }

  #looked = 0;

  /** Looks at what changed since the last time for what is masked otherwise now than it was told. */
  #suspect(): void {
    this.#mutations.push(...this.#observer.takeRecords());
    const { veil } = this.tree;
    const suspects: Node[] = [];
    const top = this.#win.document;
    const moved = this.#masks.moved();
    if (moved) {
      veil.hold(top);
      suspects.push(...(this.tree.known(top) ?? []).filter((n) => dom.nodeType(n) !== 10));
    }
    for (; this.#looked < this.#mutations.length; this.#looked++) {
      const m = this.#mutations[this.#looked]!;
      if (m.type === "attributes" && Masks.changedBy(m.attributeName!)) suspects.push(m.target);
      if (m.type === "childList") for (const n of m.removedNodes) if (dom.isConnected(n)) suspects.push(n);
    }
    if (moved || (this.#masks.ruled && this.#mutations.length)) suspects.push(...this.#masks.rescan(this.#roots));
    veil.suspect(suspects.filter((n) => this.tree.id(n)));
  }

  /** What is masked otherwise than it was told goes, and is told as new where it is. */
  #retell(emit: Emit): boolean {
    const { pending } = this.tree.veil;
    const any = pending.size > 0;
    for (const n of pending) {
      const parent = this.tree.parent(n);
      emit(Op.Remove, (w) => w.uint(this.tree.id(n)));
      this.tree.forget(n);
      if (parent) this.#dirty.add(parent);
      const now = dom.parentNode(n);
      if (now) this.#dirty.add(now);
    }
    return any;
  }

  /** Whether nobody else may see what is in a node, or act on it, as the page is now. */
  isMasked(n: Node): boolean {
    this.drain();
    return this.tree.veil.masked(n);
  }

  #text(n: CharacterData, old: string, emit: Emit): void {
    const id = this.tree.id(n);
    const { veil } = this.tree;
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
    const id = this.tree.id(el);
    const raw = dom.getAttribute(el, name);
    const told = isGone(el) ? null : this.tree.veil.attribute(el, name, raw ?? "");
    if (told === null) return;
    const value = raw === null ? null : told;
    emit(value === null ? Op.AttrGone : Op.Attr, (w) => {
      w.uint(id);
      w.str(name);
      if (value !== null) w.str(value);
    });
    this.#views.attribute(el, name, emit);
  }

  #shadow(host: Element, emit: Emit): void {
    const root = this.tree.shadow(host);
    if (!this.tree.id(host) || !root || this.tree.id(root)) return;
    this.#inner(Op.Shadow, host, root, emit);
  }

  /** A shadow root or frame document that is new on a known element. */
  #inner(op: Op, host: Element, root: Document | ShadowRoot, emit: Emit): void {
    const kept = this.tree.inner(host).filter((n) => dom.nodeType(n) !== dom.nodeType(root));
    emit(op, (w) => {
      w.uint(this.tree.id(host));
      this.#subtree(root, host, w);
    });
    this.tree.setInner(host, [...kept, root]);
    this.#rest(root, emit);
  }

  /** Writes a subtree of new nodes at once. */
  #subtree(n: Node, parent: Node, w: Writer): void {
    w.last = 0;
    const s = this.tree.serialise(n, parent, w);
    s.step(Infinity);
    for (const p of s.strangers) this.#dirty.add(p);
  }

  /** What markup does not hold, of nodes just written. */
  #rest(root: Node, emit: Emit): void {
    const stack = [root];
    for (let n = stack.pop(); n; n = stack.pop()) {
      if (dom.nodeType(n) === 1) {
        this.forms.check(n as Element, emit);
        this.#views.fresh(n as Element, emit);
      } else if (this.#roots.has(n as Document)) {
        this.#sheets.check(n as Document, emit);
      }
      stack.push(...(this.tree.known(n) ?? []), ...this.tree.inner(n));
    }
  }

  /** Frames get new documents without telling the document they are in. */
  #checkFrames(): void {
    const emit = this.emitter(Cause.Page);
    for (const [el, before] of this.#frames) this.#checkFrame(el, before, emit);
  }

  /** Called when a frame has loaded. */
  frameLoaded(el: Element): void {
    if (!this.ready || !this.tree.id(el)) return;
    this.drain();
    this.#checkFrame(el, this.#frames.get(el) ?? null, this.emitter(Cause.Page));
    this.schedule();
  }

  #checkFrame(el: Element, before: Document | null, emit: Emit): void {
    const now = readable(el);
    if (now === before) return;
    this.#frames.set(el, now);
    if (before) this.tree.forget(before);
    if (now) {
      this.#inner(Op.Frame, el, now, emit);
      return;
    }
    this.tree.setInner(el, this.tree.inner(el).filter((n) => dom.nodeType(n) !== 9));
    emit(Op.Frame, (w) => {
      w.uint(this.tree.id(el));
      w.u8(0);
    });
  }

  /**
   * Brings the gateway's tree from what it knows to what is there: parents from
   * the top down, so that no move leads into itself; within a parent from the
   * last child to the first, so that the sibling after is in its place already;
   * what is gone at the end, when all that moved out of it has moved.
   */
  #structure(emit: Emit): void {
    const lost = new Set<Node>();
    while (this.#dirty.size) {
      const list = [...this.#dirty].filter((n) => this.tree.id(n) && dom.isConnected(n));
      const parents = list.map((n) => ({ n, depth: depth(n) })).sort((a, b) => a.depth - b.depth);
      this.#dirty.clear();
      for (const { n } of parents) if (this.tree.id(n)) this.#reorder(n, lost, emit);
    }
    // The inner ones first: with an outer one the gateway forgets all within it.
    const order = [...lost].map((n) => ({ n, depth: this.#knownDepth(n) })).sort((a, b) => b.depth - a.depth);
    for (const { n } of order) {
      const id = this.tree.id(n);
      if (!id) continue;
      const parent = this.tree.parent(n);
      if (parent && this.tree.known(parent)?.includes(n)) continue; // it came back
      emit(Op.Remove, (w) => w.uint(id));
      this.tree.forget(n);
    }
  }

  #knownDepth(n: Node): number {
    let d = 0;
    for (let x: Node | undefined = n; x; x = this.tree.parent(x)) d++;
    return d;
  }

  #reorder(parent: Node, lost: Set<Node>, emit: Emit): void {
    const was = this.tree.known(parent) ?? [];
    const now = this.tree.children(parent);
    const index = new Map(was.map((n, i) => [n, i]));
    const stay = staying(now.map((n) => (this.tree.parent(n) === parent ? (index.get(n) ?? -1) : -1)));
    for (let i = now.length - 1; i >= 0; i--) if (!stay.has(i)) this.#place(now[i]!, parent, now[i + 1], emit);
    this.tree.setKnown(parent, now);
    const here = new Set(now);
    for (const n of was) if (!here.has(n) && this.tree.parent(n) === parent) lost.add(n);
  }

  #place(n: Node, parent: Node, before: Node | undefined, emit: Emit): void {
    const id = this.tree.id(n);
    emit(id ? Op.Move : Op.Insert, (w) => {
      if (id) w.uint(id);
      w.uint(this.tree.id(parent));
      w.uint(this.tree.id(before));
      if (!id) this.#subtree(n, parent, w);
    });
    if (!id) this.#rest(n, emit);
  }
}

function qualified(m: MutationRecord): string {
  if (!m.attributeNamespace) return m.attributeName!;
  for (const a of dom.attributes(m.target as Element)) {
    if (a.localName === m.attributeName && a.namespaceURI === m.attributeNamespace) return a.name;
  }
  return (m.attributeNamespace.endsWith("xlink") ? "xlink:" : "") + m.attributeName;
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
