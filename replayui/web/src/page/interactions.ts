import { Cause, Op } from "../protocol/format.ts";
import * as dom from "./natives.ts";
import { current } from "./pictures.ts";
import type { Recorder } from "./recorder.ts";
import { isFrame } from "./tree.ts";
import type { Views } from "./views.ts";

type Root = Document | ShadowRoot;

const CLICKS: Record<string, number> = { click: 0, dblclick: 1, contextmenu: 2, pointerdown: 3, pointerup: 4 };
const OPTIONS = { capture: true, passive: true };

/** What the user does, told by events. */
export class Interactions {
  readonly #top: Document;
  readonly #recorder: Recorder;
  readonly #views: Views;
  readonly #excluded: (n: Node) => boolean;
  readonly #handlers: Record<string, (e: Event) => void>;
  /** what else is to be heard in every document and shadow root of the page */
  readonly #heard: Record<string, (e: Event) => void>;
  #at: { x: number; y: number; id: number; el: Element | undefined } | undefined;
  /** where the pointer was told to be, and how far it went there */
  #told: { x: number; y: number; dx: number; dy: number } | undefined;
  /** what is under the pointer: 0 nothing, -1 not known yet */
  #hover = -1;
  #scrolls = new Map<Node, Cause>();

  constructor(top: Document, recorder: Recorder, views: Views, excluded: (n: Node) => boolean, heard: Record<string, (e: Event) => void>) {
    this.#top = top;
    this.#heard = heard;
    this.#recorder = recorder;
    this.#views = views;
    this.#excluded = excluded;
    const click = (e: Event) => this.#click(e as MouseEvent);
    const media = (e: Event) => this.#on(e, (el, emit) => this.#views.played(el, emit));
    const state = (e: Event) => this.#on(e, (el, emit) => this.#views.states.tell(el, emit));
    const up = (e: Event) => this.#on(e, (_, emit) => emit(Op.Active, (w) => w.uint(0)));
    this.#handlers = {
      input: (e) => this.#control(e),
      change: (e) => this.#control(e),
      reset: (e) => this.#reset(e.target as Element),
      invalid: state, fullscreenchange: state,
      slotchange: (e) => this.#on(e, (el, emit) => this.#views.assigned(el, emit)),
      submit: (e) => this.#on(e, (el, emit) => emit(Op.Submit, (w) => w.uint(this.#recorder.tree.id(el)))),
      click, dblclick: click, contextmenu: click,
      pointerdown: (e) => {
        click(e);
        this.#on(e, (el, emit) => emit(Op.Active, (w) => w.uint(this.#recorder.tree.id(this.#recorder.tree.veil.outermost(el) ?? el))));
      },
      pointerup: (e) => {
        click(e);
        up(e);
      },
      pointercancel: up,
      pointermove: (e) => this.#move(e as PointerEvent),
      pointerover: (e) => this.#move(e as PointerEvent), // what comes under a pointer at rest
      mouseover: (e) => this.#move(e as PointerEvent),
      pointerout: (e) => !(e as PointerEvent).relatedTarget && this.#move(e as PointerEvent, true),
      keydown: (e) => this.#key(e as KeyboardEvent),
      focusin: () => this.#focus(),
      focusout: () => this.#focus(),
      selectionchange: (e) => this.#select(e),
      scroll: (e) => this.#scroll(e),
      toggle: (e) => this.#on(e, (el, emit) => dom.hasAttribute(el, "popover") && this.#views.popover(el, emit)),
      load: (e) => this.#load(e),
      play: media, pause: media, seeked: media, ratechange: media, volumechange: media,
    };
  }

  attach(root: Root): void {
    for (const list of [this.#handlers, this.#heard]) for (const name in list) root.addEventListener(name, list[name]!, OPTIONS);
  }

  detach(root: Root): void {
    for (const list of [this.#handlers, this.#heard]) for (const name in list) root.removeEventListener(name, list[name]!, OPTIONS);
  }

  /** Where an event happened, null within what is ours, or was seen in an inner root. */
  #target(e: Event): Element | null {
    if (!this.#recorder.ready) return null;
    const path = e.composedPath();
    const n = path[0] as Node | undefined;
    if (!n || typeof (n as Node).nodeType !== "number" || path.some((x) => this.#excluded(x as Node))) return null;
    // An event that crosses shadow roots is heard in each: the outermost listener counts.
    if (dom.nodeType(e.currentTarget as Node) === 11 && e.composed) return null;
    return (dom.nodeType(n) === 1 ? n : dom.nodeType(n) === 9 ? (n as Document).documentElement : dom.parentNode(n)) as Element | null;
  }

  /** Runs with everything before the event told, if the gateway knows its target. */
  #on(e: Event, tell: (el: Element, emit: ReturnType<Recorder["emitter"]>) => void): void {
    const el = this.#target(e);
    if (!el) return;
    this.#recorder.drain();
    if (this.#recorder.tree.id(el)) tell(el, this.#recorder.emitter(this.#recorder.causeOf(e)));
    this.#recorder.schedule();
  }

  #control(e: Event): void {
    this.#on(e, (el, emit) => {
      this.#recorder.forms.check(el, emit);
      this.#views.caret(el, emit);
      this.#views.states.tell(el, emit);
    });
  }

  /** The event comes before the controls are reset. */
  #reset(form: Element): void {
    dom.later(() => {
      if (!this.#recorder.ready) return;
      this.#recorder.drain();
      for (const el of dom.querySelectorAll(form, "input,textarea,select")) this.#recorder.forms.check(el, this.#recorder.emitter(Cause.Page));
      this.#recorder.schedule();
    }, 0);
  }

  #load(e: Event): void {
    const el = e.target as Element;
    if (dom.nodeType(el) !== 1) return;
    if (isFrame(el)) this.#recorder.frameLoaded(el);
    if (dom.localName(el) === "img" && (dom.hasAttribute(el, "loading") || dom.hasAttribute(el, "srcset") || dom.matches(el, "picture > img"))) {
      this.#on(e, (img, emit) => current(img, this.#recorder.tree, emit));
    }
  }

  /**
   * A place in the top window's viewport, and the node at it. In what is masked
   * that is its middle: on a pad of numbers the place would tell which.
   */
  #place(e: MouseEvent, el: Element): [x: number, y: number, id: number] {
    let [x, y] = [e.clientX, e.clientY];
    const outermost = this.#recorder.tree.veil.outermost(el);
    if (outermost) {
      const box = outermost.getBoundingClientRect();
      [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      el = outermost;
    }
    let win = el.ownerDocument.defaultView;
    for (let frame = win?.frameElement; frame; frame = win?.frameElement) {
      const box = frame.getBoundingClientRect();
      x += box.left + frame.clientLeft;
      y += box.top + frame.clientTop;
      win = frame.ownerDocument.defaultView;
    }
    return [x, y, this.#recorder.tree.id(el)];
  }

  #click(e: MouseEvent): void {
    this.#on(e, (el, emit) => {
      this.#flushPointer();
      const [x, y, id] = this.#place(e, el);
      emit(Op.Click, (w) => {
        w.uint(id);
        w.uint(e.type === "click" && (e as PointerEvent).pointerType === "touch" ? 5 : CLICKS[e.type]!);
        w.uint(Math.max(0, e.button));
        w.sint(x);
        w.sint(y);
      });
    });
  }

  #move(e: PointerEvent, out = false): void {
    const el = this.#target(e);
    if (!el) return;
    const [x, y, id] = this.#place(e, el);
    this.#at = { x, y, id: out ? 0 : id, el: out ? undefined : el };
    this.#recorder.schedule();
  }

  #flushPointer(): void {
    const at = this.#at;
    if (!at) return;
    this.#at = undefined;
    const emit = this.#recorder.emitter(Cause.User);
    const { tree } = this.#recorder;
    // What has just come under the pointer may have had no number yet.
    const id = at.el && !at.id ? tree.id(tree.veil.outermost(at.el) ?? at.el) : tree.node(at.id) ? at.id : 0;
    const before = this.#told;
    const [x, y] = [Math.round(at.x), Math.round(at.y)];
    if (!before) {
      this.#told = { x, y, dx: 0, dy: 0 };
      emit(Op.Pointer, (w) => {
        w.sint(x);
        w.sint(y);
        w.uint(id);
      });
    } else if (x !== before.x || y !== before.y) {
      const now = (this.#told = { x, y, dx: x - before.x, dy: y - before.y });
      emit(Op.PointerBy, (w) => {
        w.sint(now.dx - before.dx);
        w.sint(now.dy - before.dy);
      });
    }
    if (id === this.#hover) return;
    this.#hover = id;
    emit(Op.Hover, (w) => w.uint(id));
  }

  /** What moves under a pointer at rest, or is there from the start, is not told by an event. */
  rehover(): void {
    const at = this.#recorder.tree.node(this.#hover) as Element | undefined;
    if (!this.#hover || (at && dom.matches(at, ":hover"))) return;
    let under: Element | undefined;
    for (let root: Document | ShadowRoot | null = this.#top; root; ) {
      const list: NodeListOf<Element> = root.querySelectorAll(":hover");
      const last: Element | undefined = list[list.length - 1];
      if (!last || this.#excluded(last)) break;
      under = last;
      root = (this.#recorder.tree.inner(last)[0] as ShadowRoot | undefined) ?? null;
    }
    this.#hover = this.#recorder.tree.id((under && this.#recorder.tree.veil.outermost(under)) ?? under);
    const id = this.#hover;
    if (id || at) this.#recorder.emitter(Cause.Page)(Op.Hover, (w) => w.uint(id));
  }

  /** Tells what is told once per frame. */
  flush(): void {
    this.#flushPointer();
    for (const [n, cause] of this.#scrolls) this.#views.scrolled(n, this.#recorder.emitter(cause));
    this.#scrolls.clear();
  }

  #key(e: KeyboardEvent): void {
    const shortcut = e.ctrlKey || e.altKey || e.metaKey;
    if (!e.key || (e.key.length === 1 && !shortcut) || /^(Shift|Control|Alt|Meta|AltGraph|Dead|Unidentified|Process)$/.test(e.key)) return;
    if (shortcut && e.getModifierState("AltGraph")) return; // a printed character
    this.#on(e, (el, emit) =>
      !this.#recorder.tree.veil.masked(el) && emit(Op.Key, (w) => {
        w.uint(this.#recorder.tree.id(el));
        w.str(e.key);
        w.uint((e.shiftKey ? 1 : 0) | (e.ctrlKey ? 2 : 0) | (e.altKey ? 4 : 0) | (e.metaKey ? 8 : 0));
      }),
    );
  }

  #focusAsked = false;

  /** Focus leaves before it arrives: what counts is where it is afterwards. */
  #focus(): void {
    if (this.#focusAsked || !this.#recorder.ready) return;
    this.#focusAsked = true;
    queueMicrotask(() => {
      this.#focusAsked = false;
      if (!this.#recorder.ready) return;
      this.#recorder.drain();
      this.#views.focus(this.#recorder.emitter(Cause.User));
      this.#recorder.schedule();
    });
  }

  #select(e: Event): void {
    if (!this.#recorder.ready) return;
    this.#recorder.drain();
    const emit = this.#recorder.emitter(Cause.User);
    const at = e.target as Node; // a field, whether it has the focus or not, or a document
    const el = dom.nodeType(at) === 1 ? (at as Element) : this.#views.focused();
    if (el && /^(input|textarea)$/.test(dom.localName(el))) this.#views.caret(el, emit);
    else if (dom.nodeType(at) === 9) this.#views.selection(at as Document, emit);
    this.#recorder.schedule();
  }

  #scroll(e: Event): void {
    const n = e.target as Node;
    if (this.#excluded(n)) return;
    this.#views.moved(n);
    if (!this.#recorder.tree.id(n)) return; // told with it
    this.#scrolls.set(n, this.#recorder.causeOf(e));
    this.#recorder.schedule();
  }
}
