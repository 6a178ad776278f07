import { Cause, Op, VERSION } from "../protocol/format.ts";
import { Animations } from "./animations.ts";
import { splice, staying } from "./diff.ts";
import { digestPart } from "./digest.ts";
import { Forms, type Emit } from "./forms.ts";
import { Interactions } from "./interactions.ts";
import { Masks, type MaskPolicy, type Remembered } from "./masks.ts";
import * as dom from "./natives.ts";
import { Region } from "./region.ts";
import { Sheets } from "./sheets.ts";
import type { Seen } from "./states.ts";
import { isFrame, isGone, readable, Tree, type Roots, type Serialiser } from "./tree.ts";
import { Views } from "./views.ts";
import { BatchWriter, Writer } from "./writer.ts";

/** What the capture script kept since before the page's own scripts. */
export interface Kept extends Remembered, Seen {
  roots: Roots;
  /** sheets whose rules a script changed, or may have */
  touched: WeakSet<CSSStyleSheet>;
  /** those of them that changed since the last look: not all, where nobody looks */
  recent: CSSStyleSheet[];
  /** sheets whose rules a script had in its hands */
  reached: WeakSet<CSSStyleSheet>;
  /** hosts that got a shadow root since the last look */
  hosts: Element[];
  /** links of style sheets that were disabled or enabled */
  switched: WeakSet<Element>;
  /** elements whose own states changed since the last look */
  stated: Set<Element>;
}

/** Where payloads go. */
export interface Sink {
  state(payload: Uint8Array): void;
  batch(payload: Uint8Array): void;
}

const SLICE_MS = 8;
const UNIT = 160; // 16 ms, in which batches tell how far they are apart: it is 1 of nearly all
const TICK_MS = 100;
const SLOW_TICKS = 10; // frames, canvases and the like: every second
const DIGEST_TICKS = 50; // every five seconds
const DIGEST_NODES = 400;
const POLL_MS = 2; // of a tick, for what is read in turn
const ANIMATION_TICKS = 3;
const POLLED_CONTROLS = 500;
const RESTING_TICKS = 30; // without a change the page is at rest: it is asked less
const DIGEST_RESTING_TICKS = 600;
const POLLED_BETWEEN = 50;
const MAX_BATCH = 256 << 10; // sent where more is to come
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
  #animations: Animations;
  #observer: MutationObserver;
  #batch: BatchWriter | undefined;
  #writing: { w: Writer; serialiser: Serialiser; rest?: Generator<void> } | undefined;
  #running = false;
  #scheduled = false;
  #pan = false;
  #timer = 0;
  /** the time of the last batch, as told */
  #told = 0;
  /** the time of the frame that is being told: frames are apart by nearly the same */
  #drawn = 0;
  #ticks = 0;
  #cause: Cause = Cause.Page;
  #roots = new Set<Document | ShadowRoot>();
  #modes = new Map<Document, string>();
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
    this.#sheets = new Sheets((n) => this.tree.id(n), kept);
    this.#views = new Views(win, this.tree, kept, () => {
      if (!this.ready || this.#work) return undefined;
      this.schedule();
      return this.emitter(Cause.Page);
    });
    this.#animations = new Animations(this.tree);
    this.#interactions = new Interactions(win.document, this, this.#views, excluded, this.heard);
  }

  /** Time since the page's origin, in units of 100 µs: to a frame, that is small when compressed. */
  now(): number {
    return Math.max(this.#told, Math.round(((this.#drawn || dom.now()) * 10) / UNIT) * UNIT);
  }

  /** Whether a node of the page's own document is masked, by itself or those around it. */
  hides(n: Node): boolean {
    return this.#masks.of(n) !== 0;
  }

  /** Takes the page's state, in slices, and goes on from there. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    const w = new Writer();
    const win = this.#win;
    win.visualViewport?.addEventListener("scroll", this.#panned);
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
    this.#win.visualViewport?.removeEventListener("scroll", this.#panned);
    dom.cancel(this.#timer);
  }

  #goOn = (): void => {
    if (!this.#running || !this.#writing) return;
    const { w, serialiser } = this.#writing;
    this.#suspect();
    const deadline = dom.now() + SLICE_MS;
    if (!this.#writing.rest) {
      if (!serialiser.step(deadline)) return void dom.turn(this.#goOn);
      for (const parent of serialiser.strangers) this.#dirty.set(parent, null);
      this.#writing.rest = this.#stateEvents(w);
    }
    while (!this.#writing.rest.next().done) if (dom.now() > deadline) return void dom.turn(this.#goOn);
    this.#writing = undefined;
    this.#told = this.now();
    this.#sink.state(w.bytes());
    this.#timer = dom.later(this.#tick, TICK_MS);
    this.schedule();
  };

  /** What markup does not hold, with rests between. */
  *#stateEvents(w: Writer): Generator<void> {
    const events: (() => void)[] = [];
    const emit: Emit = (op, body) => {
      events.push(() => {
        w.u8(op);
        body(w);
      });
    };
    yield* this.#sheets.look(this.#roots, () => emit, true);
    for (let n = 0; n <= this.forms.size; n += POLLED_CONTROLS) {
      this.forms.poll(POLLED_CONTROLS, emit);
      yield;
    }
    yield* this.#views.state(this.#roots, this.#news.splice(0), emit);
    this.#animations.look(this.#roots, emit, true);
    w.uint(events.length);
    for (let i = 0; i < events.length; i++) {
      events[i]!();
      if (i % 256 === 255) yield;
    }
  }

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
      const now = this.now();
      if (!this.#batch) {
        this.#batch = new BatchWriter(now, (now - this.#told) / UNIT);
        this.#told = now;
      }
      this.#batch.event(op, cause, now);
      body(this.#batch);
    };
  }

  /** Whether the page's state is out and events may follow. */
  get ready(): boolean {
    return this.#running && !this.#writing;
  }

  schedule(): void {
    this.#still = 0;
    if (this.#scheduled || !this.ready) return;
    this.#scheduled = true;
    if (this.#win.document.hidden) dom.later(this.#flush, HIDDEN_FLUSH_MS);
    else dom.nextFrame(this.#flush);
  }

  /** What is seen of a page that was zoomed by touch is another part of it. */
  #panned = (): void => {
    this.#pan = true;
    this.schedule();
  };

  #flush = (frame?: number): void => {
    this.#scheduled = false;
    if (!this.ready) return;
    this.#drawn = frame ?? 0;
    if (this.drain(dom.now() + SLICE_MS, true)) {
      this.#interactions.flush();
      if (this.#pan) this.#views.offset(this.emitter(Cause.Page));
      this.#pan = false;
      this.forms.poll(POLLED_BETWEEN, this.emitter(Cause.Page));
      this.#views.page(this.emitter(Cause.Page));
    } else {
      // What is left is told after the frame: its layout is done then.
      this.#scheduled = true;
      dom.turn(this.#flush);
    }
    this.#send();
    this.#drawn = 0;
  };

  /** Sends what there is now: what follows must come after it. */
  flushNow(): void {
    if (!this.ready) return;
    this.drain();
    this.#send();
  }

  #send(): void {
    if (!this.#batch?.count || this.#within) return;
    const payload = this.#batch.bytes();
    this.#batch = undefined;
    this.#sink.batch(payload);
  }

  /** What nothing tells of is asked in turn, and cheap things more often. */
  #tick = (): void => {
    if (!this.ready) return;
    this.#timer = dom.later(this.#tick, TICK_MS); // first, whatever goes wrong below
    if (!this.drain(dom.now() + SLICE_MS)) {
      this.#send();
      return this.schedule();
    }
    this.#ticks++;
    const emit = this.emitter(Cause.Page);
    const resting = ++this.#still > RESTING_TICKS;
    this.forms.poll(resting ? POLLED_BETWEEN : POLLED_CONTROLS, emit);
    this.#views.page(emit);
    this.#views.places(this.#modes.keys(), emit);
    this.#views.rescrolled(emit);
    this.#interactions.rehover();
    this.#sheets.changed(emit);
    for (const el of this.#kept.stated) this.#views.states.tell(el, emit);
    this.#kept.stated.clear();
    if (this.#animations.busy || this.#ticks % ANIMATION_TICKS === 0) this.#animations.look(this.#roots, emit);
    if (this.#ticks % SLOW_TICKS === 0) {
      for (const d of this.#modes.keys()) this.#interactions.attach(d); // document.open takes listeners away
      if (this.#masks.ruled) this.tree.veil.suspect(this.#masks.rescan(this.#roots).filter((el) => this.tree.id(el)));
      for (const [el, before] of this.#frames) if (readable(el) !== before) this.frameLoaded(el);
      this.#views.slow(emit);
      this.#views.offset(emit);
    }
    this.#inTurn(emit);
    this.#send();
  };

  /** ticks since something happened or changed */
  #still = 0;
  /** the tick of the last digest; the first comes with the first tick */
  #compared = -DIGEST_RESTING_TICKS;
  #looking: Generator<void> | undefined;
  #digesting: Iterator<Node> | undefined;
  #digested = 0;

  /** What takes long on large pages: style sheets, then the digest, some of it in each tick. */
  #inTurn(emit: Emit): void {
    const deadline = dom.now() + POLL_MS;
    if (this.#ticks % SLOW_TICKS === 5) this.#looking ??= this.#sheets.look(this.#roots, () => this.emitter(Cause.Page));
    while (this.#looking && dom.now() < deadline) if (this.#looking.next().done) this.#looking = undefined;
    const stale = this.#ticks - this.#compared >= (this.#still < DIGEST_TICKS ? DIGEST_TICKS : DIGEST_RESTING_TICKS);
    if (stale && !this.#digesting) {
      this.#compared = this.#ticks;
      this.#digesting = this.tree.all()[Symbol.iterator]();
      this.#digested = 1;
    }
    // Of the page as it was told: nothing may be waiting.
    if (this.tree.veil.pending.size || this.#due.size) return;
    while (this.#digesting && dom.now() < deadline) this.#digest(this.#digesting, emit);
  }

  /** Each part is taken at once, of all changes told: it is right whatever changes between two. */
  #digest(nodes: Iterator<Node>, emit: Emit): void {
    const part: Node[] = [];
    let next: IteratorResult<Node> | undefined;
    while (part.length < DIGEST_NODES && !(next = nodes.next()).done) part.push(next.value);
    const first = this.#digested;
    const after = (this.#digested = next?.done ? this.tree.next : this.tree.id(part.at(-1)) + 1);
    if (next?.done) this.#digesting = undefined;
    const value = digestPart(part, this.tree, this.forms);
    emit(Op.DigestPart, (w) => {
      w.uint(first);
      w.uint(after);
      w.uint(value);
    });
  }

  // What the tree tells.

  #enter(root: Document | ShadowRoot): void {
    this.#roots.add(root);
    this.#news.push(root);
    this.#masks.scan(root);
    if (dom.nodeType(root) === 9) this.#modes.set(root as Document, modeOf(root as Document));
    this.#observer.observe(root, { childList: true, attributes: true, characterData: true, characterDataOldValue: true, subtree: true });
    this.#interactions.attach(root);
  }

  #element(el: Element): void {
    if (this.#views.add(el)) this.#news.push(el);
    else return;
    this.forms.add(el);
    if (isFrame(el)) this.#frames.set(el, readable(el));
  }

  #left(n: Node): void {
    this.forms.drop(n);
    this.#views.drop(n);
    this.#animations.drop(n);
    this.#sheets.forget(n);
    this.#modes.delete(n as Document);
    this.#frames.delete(n as Element);
    if (this.#roots.delete(n as Document)) this.#interactions.detach(n as Document);
  }

  // What changed in the tree.

  #mutations: MutationRecord[] = [];
  #texts = new Map<CharacterData, string>();
  #attributes = new Map<Element, Set<string>>();
  /** parents whose children changed, and where, as far as known */
  #dirty = new Map<Node, Region | null>();
  /** frames whose documents are others */
  #due = new Set<Element>();
  /** changes half told, and whether it is a subtree that is */
  #work: Generator<boolean | void> | undefined;
  #within = false;
  #deadline = Infinity;
  /** whether what changed may have been told already, with something around it */
  #ahead = true;

  /**
   * Writes all changes of the tree up to now: what comes after may rely on them.
   * With a deadline some may be left for the next time, and nothing else may be
   * told before: false then. `pause` leaves what needs the layout for later.
   */
  drain(deadline = Infinity, pause = false): boolean {
    if (!this.ready) return false;
    this.#deadline = deadline;
    for (let again = true; again; ) {
      again = this.#work !== undefined; // what came meanwhile is next
      if (again) this.#suspect();
      this.#work ??= this.#changes();
      for (let step = this.#work.next(); !step.done; step = this.#work.next()) {
        if (this.#batch && this.#batch.length > MAX_BATCH) this.#send();
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
    this.#suspect();
    const list = this.#mutations;
    this.#mutations = [];
    this.#looked = 0;
    const emit: Emit = (op, body) => this.emitter(this.#cause)(op, body);
    const retold = this.#retell(emit);
    // What changed while something was written may be in it already: no parts then.
    const ahead = this.#ahead;
    this.#ahead = false;
    for (const m of list) {
      if (!this.tree.id(m.target)) continue;
      if (m.type === "childList") {
        if (!this.#dirty.has(m.target)) this.#dirty.set(m.target, new Region());
        this.#dirty.get(m.target)?.add(m);
      } else if (m.type === "characterData") {
        if (!this.#texts.has(m.target as CharacterData)) this.#texts.set(m.target as CharacterData, ahead ? "" : (m.oldValue ?? ""));
      } else {
        const names = this.#attributes.get(m.target as Element);
        const name = qualified(m);
        if (names) names.add(name);
        else this.#attributes.set(m.target as Element, new Set([name]));
      }
    }
    const hosts = this.#kept.hosts.splice(0);
    if (list.length) this.#views.places(this.#modes.keys(), emit);
    this.#values(emit);
    for (const el of this.#due) yield* this.#frame(el, emit);
    this.#due.clear();
    for (const host of hosts) yield* this.#shadow(host, emit);
    const moved = this.#dirty.size > 0;
    yield* this.#structure(emit);
    if (moved || this.#news.length) {
      yield true;
      yield* this.#rest(emit);
      this.#views.rescrolled(emit);
    }
    if (!retold) return;
    this.#views.focus(emit);
    this.#views.selection(this.#win.document, emit);
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
      if (parent) this.#dirty.set(parent, null);
      const now = dom.parentNode(n);
      if (now) this.#dirty.set(now, null);
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
    if (!id) return;
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
    if (!id) return;
    if (name === "disabled" && dom.localName(el) === "link") this.#kept.switched.add(el);
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

  *#shadow(host: Element, emit: Emit): Generator<void> {
    const root = this.tree.shadow(host);
    if (!this.tree.id(host) || !root || this.tree.id(root)) return;
    yield* this.#inner(Op.Shadow, host, root, emit);
  }

  /** A shadow root or frame document that is new on a known element. */
  *#inner(op: Op, host: Element, root: Document | ShadowRoot, emit: Emit): Generator<void> {
    const kept = this.tree.inner(host).filter((n) => dom.nodeType(n) !== dom.nodeType(root));
    this.tree.setInner(host, [...kept, root]);
    emit(op, (w) => w.uint(this.tree.id(host)));
    yield* this.#subtree(root, host);
  }

  /** documents, shadow roots and elements just written of which there is more to tell than markup holds */
  #news: Node[] = [];

  /** Writes a subtree of new nodes, the last of an event's body. */
  *#subtree(n: Node, parent: Node | undefined): Generator<void> {
    const w = this.#batch!;
    w.last = 0;
    const s = this.tree.serialise(n, parent, w);
    this.#within = true;
    while (!s.step(this.#deadline)) yield;
    this.#within = false;
    for (const p of s.strangers) this.#dirty.set(p, null);
  }

  /** What markup does not hold, of nodes just written. */
  *#rest(emit: Emit): Generator<void> {
    const list = this.#news;
    this.#news = [];
    for (const [i, n] of list.entries()) {
      if (!this.tree.id(n)) continue;
      if (dom.nodeType(n) === 1) {
        this.forms.check(n as Element, emit);
        this.#views.fresh(n as Element, emit, false);
      } else if (this.#roots.has(n as Document)) {
        this.#sheets.check(n as Document, emit);
        yield* this.#views.survey(n as Document, emit);
        if (dom.nodeType(n) === 9) this.#views.freshDocument(n as Document, emit);
      }
      if (i % 32 === 31) yield;
    }
  }

  /** Called when a frame has, or may have, another document: they come without telling the one they are in. */
  frameLoaded(el: Element): void {
    if (!this.ready || !this.tree.id(el)) return;
    this.#due.add(el);
    this.schedule();
  }

  *#frame(el: Element, emit: Emit): Generator<void> {
    const before = this.#frames.get(el) ?? null;
    const now = readable(el);
    if (now === before || !this.tree.id(el)) return;
    this.#frames.set(el, now);
    if (before) this.tree.forget(before);
    if (now) return yield* this.#inner(Op.Frame, el, now, emit);
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
  *#structure(emit: Emit): Generator<void> {
    const lost = new Set<Node>();
    while (this.#dirty.size) {
      const list = [...this.#dirty].filter(([n]) => this.tree.id(n) && dom.isConnected(n));
      const parents = list.map(([n, where]) => ({ n, where, depth: depth(n) })).sort((a, b) => a.depth - b.depth);
      this.#dirty.clear();
      for (const { n, where } of parents) {
        if (this.tree.id(n) && !(yield* this.#rewritten(n, emit))) yield* this.#reorder(n, where, lost, emit);
        yield;
      }
    }
    // The inner ones first: with an outer one the gateway forgets all within it.
    const order = [...lost].map((n) => ({ n, depth: this.#knownDepth(n) })).sort((a, b) => b.depth - a.depth);
    for (const { n } of order) {
      const id = this.tree.id(n);
      if (!id) continue;
      emit(Op.Remove, (w) => w.uint(id));
      this.tree.forget(n);
      yield;
    }
  }

  /** A document that was opened again may have another mode: told as a whole. */
  *#rewritten(n: Node, emit: Emit): Generator<void, boolean> {
    const d = n as Document;
    if (dom.nodeType(n) !== 9 || this.#modes.get(d) === modeOf(d) || !dom.firstChild(d)) return false;
    for (const c of this.tree.known(d) ?? []) this.tree.forget(c);
    emit(Op.Document, () => {});
    yield* this.#subtree(d, this.tree.parent(d));
    return true;
  }

  #knownDepth(n: Node): number {
    let d = 0;
    for (let x: Node | undefined = n; x; x = this.tree.parent(x)) d++;
    return d;
  }

  *#reorder(parent: Node, where: Region | null, lost: Set<Node>, emit: Emit): Generator<void> {
    const known = this.tree.known(parent) ?? [];
    const bounds = where?.in(known);
    const part = bounds && this.tree.between(parent, known[bounds[0] - 1], known[bounds[1]]);
    const [from, to] = part ? bounds : [0, known.length];
    const was = part ? known.slice(from, to) : known;
    const now = part ?? this.tree.children(parent);
    const index = new Map(was.map((n, i) => [n, i]));
    const stay = staying(now.map((n) => (this.tree.parent(n) === parent ? (index.get(n) ?? -1) : -1)));
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
    this.tree.setPart(parent, from, to, now);
    const here = new Set(now);
    for (const n of was) if (!here.has(n) && this.tree.parent(n) === parent) lost.add(n);
  }

  *#place(n: Node, parent: Node, before: Node | undefined, emit: Emit): Generator<void> {
    const id = this.tree.id(n);
    emit(id ? Op.Move : Op.Insert, (w) => {
      if (id) w.uint(id);
      w.uint(this.tree.id(parent));
      w.uint(this.tree.id(before));
    });
    if (!id) yield* this.#subtree(n, parent);
  }
}

/** What chose a document's mode. */
function modeOf(d: Document): string {
  const t = d.doctype;
  return [d.compatMode, t?.publicId, t?.systemId].join();
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
