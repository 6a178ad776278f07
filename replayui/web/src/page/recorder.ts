import { Cause, VERSION } from "../protocol/format.ts";
import { Animations } from "./animations.ts";
import { Batches } from "./batches.ts";
import { Changes } from "./changes.ts";
import { Digests } from "./digest.ts";
import { Forms, type Emit } from "./forms.ts";
import { Interactions } from "./interactions.ts";
import { Masks, type MaskPolicy, type Remembered } from "./masks.ts";
import * as dom from "./natives.ts";
import { Sheets } from "./sheets.ts";
import type { Seen } from "./states.ts";
import { Tree, type Roots, type Serialiser } from "./tree.ts";
import { Views } from "./views.ts";
import { Writer } from "./writer.ts";

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
const TICK_MS = 100;
const SLOW_TICKS = 10; // frames, canvases and the like: every second
const DIGEST_TICKS = 50; // every five seconds
const POLL_MS = 2; // of a tick, for what is read in turn
const ANIMATION_TICKS = 3;
const POLLED_CONTROLS = 500;
const RESTING_TICKS = 30; // without a change the page is at rest: it is asked less
const DIGEST_RESTING_TICKS = 600;
const POLLED_BETWEEN = 50;
const HIDDEN_FLUSH_MS = 250;
// Where much changes, telling rests for four times as long as it took: the page has its frames, and what changes again is told once.
const REST_TIMES = 4;
const REST_FROM_MS = 2;
const MAX_REST_MS = 100;

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
  #digests: Digests;
  #batches: Batches;
  #changes: Changes;
  #writing: { w: Writer; serialiser: Serialiser; rest?: Generator<void> } | undefined;
  #running = false;
  #scheduled = false;
  #pan = false;
  #timer = 0;
  #ticks = 0;
  /** until when telling rests */
  #rested = 0;

  constructor(win: Window & typeof globalThis, kept: Kept, sink: Sink, excluded: (n: Node) => boolean, policy?: MaskPolicy) {
    this.#win = win;
    this.#kept = kept;
    this.#sink = sink;
    this.#batches = new Batches((payload) => sink.batch(payload));
    this.#masks = new Masks(win, kept, policy);
    this.#masks.scan(win.document); // for the title, which comes first
    this.tree = new Tree(kept.roots, excluded, {
      entered: (root) => this.#enter(root),
      element: (el, name, popover) => this.#element(el, name, popover),
      left: (n) => this.#left(n),
    }, this.#masks);
    this.forms = new Forms(this.tree);
    this.#sheets = new Sheets((n) => this.tree.id(n), kept);
    this.#views = new Views(win, this.tree, kept, () => {
      if (!this.ready || this.#changes.half) return undefined;
      this.schedule();
      return this.emitter(Cause.Page);
    });
    this.#animations = new Animations(this.tree);
    this.#digests = new Digests(this.tree, this.forms);
    this.#changes = new Changes(win.document, {
      kept, masks: this.#masks, tree: this.tree, forms: this.forms, sheets: this.#sheets, views: this.#views, batches: this.#batches,
    }, () => this.schedule());
    this.#interactions = new Interactions(win.document, this, this.#views, excluded, this.heard);
  }

  /** Time since the page's origin, in units of 100 µs, as batches tell it. */
  now(): number {
    return this.#batches.now();
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
    this.#changes.stop();
    for (const root of this.#changes.roots) this.#interactions.detach(root);
    this.#win.visualViewport?.removeEventListener("scroll", this.#panned);
    dom.cancel(this.#timer);
  }

  #goOn = (): void => {
    if (!this.#running || !this.#writing) return;
    const { w, serialiser } = this.#writing;
    this.#changes.suspect();
    const deadline = dom.now() + SLICE_MS;
    if (!this.#writing.rest) {
      if (!serialiser.step(deadline)) return void dom.turn(this.#goOn);
      this.#changes.compare(serialiser.strangers);
      this.#writing.rest = this.#stateEvents(w);
    }
    while (!this.#writing.rest.next().done) if (dom.now() > deadline) return void dom.turn(this.#goOn);
    this.#writing = undefined;
    this.#batches.told = this.now();
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
    yield* this.#sheets.look(this.#changes.roots, () => emit, true);
    for (let n = 0; n <= this.forms.size; n += POLLED_CONTROLS) {
      this.forms.poll(POLLED_CONTROLS, emit);
      yield;
    }
    yield* this.#views.state(this.#changes.roots, this.#changes.news.splice(0), emit);
    this.#animations.look(this.#changes.roots, emit, true);
    w.uint(events.length);
    for (let i = 0; i < events.length; i++) {
      events[i]!();
      if (i % 256 === 255) yield;
    }
  }

  /** Does something of a confirmed request's: what changes by it is attributed to it. */
  byRequest(act: () => void): void {
    this.drain();
    this.#batches.cause = Cause.Request;
    try {
      act();
    } finally {
      this.drain();
      this.forms.poll(POLLED_CONTROLS, this.emitter(Cause.Request));
      this.#batches.cause = Cause.Page;
      this.schedule();
    }
  }

  /** Who brings an event about: a trusted one is the user's. */
  causeOf(e: Event): Cause {
    return this.#batches.cause === Cause.Request ? Cause.Request : e.isTrusted ? Cause.User : Cause.Page;
  }

  /** An Emit into the open batch. */
  emitter(cause: Cause): Emit {
    return this.#batches.emitter(cause);
  }

  /** Whether the page's state is out and events may follow. */
  get ready(): boolean {
    return this.#running && !this.#writing;
  }

  schedule(): void {
    this.#still = 0;
    if (this.#scheduled || !this.ready) return;
    this.#scheduled = true;
    const rest = this.#rested - dom.now();
    if (this.#win.document.hidden) dom.later(this.#flush, HIDDEN_FLUSH_MS);
    else if (rest > 0) dom.later(() => dom.nextFrame(this.#flush), rest);
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
    const began = dom.now();
    this.#batches.drawn = frame ?? 0;
    // In a turn of its own: what came since the frame waits for the next, where what changed again is told once.
    const whole = this.drain(began + SLICE_MS, true, frame !== undefined || !this.#changes.half);
    if (whole || !this.#changes.half) this.#interactions.flush();
    if (whole) {
      if (this.#pan) this.#views.offset(this.emitter(Cause.Page));
      this.#pan = false;
      this.forms.poll(POLLED_BETWEEN, this.emitter(Cause.Page));
      this.#views.page(this.emitter(Cause.Page));
    }
    this.#batches.send();
    this.#batches.drawn = 0;
    const ended = dom.now();
    if (ended - began > REST_FROM_MS) this.#rested = ended + Math.min((ended - began) * REST_TIMES, MAX_REST_MS);
    if (whole) return;
    if (!this.#changes.half) return this.schedule();
    // What is left is told after the frame: its layout is done then.
    this.#scheduled = true;
    dom.turn(this.#flush);
  };

  /** Sends what there is now: what follows must come after it. */
  flushNow(): void {
    if (!this.ready) return;
    this.drain();
    this.#batches.send();
  }

  /** What nothing tells of is asked in turn, and cheap things more often. */
  #tick = (): void => {
    if (!this.ready) return;
    this.#timer = dom.later(this.#tick, TICK_MS); // first, whatever goes wrong below
    if (!this.drain(dom.now() + SLICE_MS)) {
      this.#batches.send();
      return this.schedule();
    }
    this.#ticks++;
    const emit = this.emitter(Cause.Page);
    const resting = ++this.#still > RESTING_TICKS;
    this.forms.poll(resting ? POLLED_BETWEEN : POLLED_CONTROLS, emit);
    this.#views.page(emit);
    this.#views.places(this.#changes.documents(), emit);
    this.#views.rescrolled(emit);
    this.#interactions.rehover();
    this.#sheets.changed(emit);
    for (const el of this.#kept.stated) this.#views.states.tell(el, emit);
    this.#kept.stated.clear();
    if (this.#animations.busy || this.#ticks % ANIMATION_TICKS === 0) this.#animations.look(this.#changes.roots, emit);
    if (this.#ticks % SLOW_TICKS === 0) {
      for (const d of this.#changes.documents()) this.#interactions.attach(d); // document.open takes listeners away
      if (this.#masks.ruled) this.tree.veil.suspect(this.#masks.rescan(this.#changes.roots).filter((el) => this.tree.id(el)));
      this.#changes.askFrames((el) => this.frameLoaded(el));
      this.#views.slow(emit);
      this.#views.offset(emit);
    }
    this.#inTurn(emit);
    this.#batches.send();
  };

  /** ticks since something happened or changed */
  #still = 0;
  /** the tick of the last digest; the first comes with the first tick */
  #compared = -DIGEST_RESTING_TICKS;
  #looking: Generator<void> | undefined;

  /** What takes long on large pages: style sheets, then the digest, some of it in each tick. */
  #inTurn(emit: Emit): void {
    const deadline = dom.now() + POLL_MS;
    if (this.#ticks % SLOW_TICKS === 5) this.#looking ??= this.#sheets.look(this.#changes.roots, () => this.emitter(Cause.Page));
    while (this.#looking && dom.now() < deadline) if (this.#looking.next().done) this.#looking = undefined;
    const stale = this.#ticks - this.#compared >= (this.#still < DIGEST_TICKS ? DIGEST_TICKS : DIGEST_RESTING_TICKS);
    if (stale && this.#digests.begin()) this.#compared = this.#ticks;
    // Of the page as it was told: nothing may be waiting.
    if (this.tree.veil.pending.size || !this.#changes.settled) return;
    while (this.#digests.under && dom.now() < deadline) this.#digests.part(emit);
  }

  // What the tree tells.

  #enter(root: Document | ShadowRoot): void {
    this.#changes.enter(root);
    this.#interactions.attach(root);
  }

  #element(el: Element, name: string, popover: boolean): void {
    if (!this.#views.add(el, name, popover)) return;
    this.#changes.element(el);
    this.forms.add(el);
  }

  #left(n: Node): void {
    this.forms.drop(n);
    this.#views.drop(n);
    this.#animations.drop(n);
    this.#sheets.forget(n);
    if (this.#changes.left(n)) this.#interactions.detach(n as Document);
  }

  // What changed in the tree.

  /**
   * Writes all changes of the tree up to now: what comes after may rely on them.
   * With a deadline some may be left for the next time, and nothing else may be
   * told before: false then. `pause` leaves what needs the layout for later;
   * without `begin`, what is half told is told, and nothing that came meanwhile.
   */
  drain(deadline = Infinity, pause = false, begin = true): boolean {
    return this.ready && this.#changes.drain(deadline, pause, begin);
  }

  /** Whether nobody else may see what is in a node, or act on it, as the page is now. */
  isMasked(n: Node): boolean {
    this.drain();
    return this.tree.veil.masked(n);
  }

  /** Called when a frame has, or may have, another document: they come without telling the one they are in. */
  frameLoaded(el: Element): void {
    if (!this.ready || !this.tree.id(el)) return;
    this.#changes.frameLoaded(el);
    this.schedule();
  }
}
