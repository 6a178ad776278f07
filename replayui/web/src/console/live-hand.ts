import type { Action, Drawing, Shape } from "../protocol/format.ts";
import { shares } from "../view/geometry.ts";
import { nameOf } from "../view/naming.ts";
import { maskedAround } from "../view/private.ts";
import type { Stage } from "../view/stage.ts";
import { Pen } from "./live-draw.ts";
import { Editor } from "./live-editor.ts";
import { intentOf, scroller } from "./live-intent.ts";
import { Choice, isToggle, keyName, stepOf } from "./live-keys.ts";

export type Mode = "view" | "point" | "control";
export type Tool = "pointer" | Shape;

/** What the agent's hand asks for. */
export interface Asks {
  pointer(p: { node: number; x: number; y: number; vx: number; vy: number; down: boolean }): void;
  draw(d: Drawing): void;
  request(node: number, action: Action, value?: string): void;
  /** something is private: nothing was asked */
  refused(node: number): void;
  /** whether the keys go to the page was changed by the hand */
  keys(on: boolean): void;
  /** what is chosen by keyboard, in words */
  says(words: string): void;
  /** the keyboard leaves the page */
  leave(): void;
}

const POINTER_MS = 50;
const WHEEL_MS = 120;
const HOVER_MS = 200;
/** Further than this, in pixels of the screen, a finger pulls and does not tap. */
const TAP = 10;

/** Turns the agent's mouse, fingers and keys above the mirror into pointers, drawings and requests. */
export class LiveHand {
  mode: Mode = "view";
  tool: Tool = "pointer";
  /** whether the page may be scrolled: in other modes than control, too */
  scrolls = false;
  /** whether changes are made without a question */
  free = false;
  hovers = false;
  keysOn = false;
  private pointed = 0;
  private wheelTimer = 0;
  /** where a finger is that may pull the page */
  private finger: { x: number; y: number; pulls: boolean } | undefined;
  private wheel: { el: Element; id: number; x: number; y: number } | undefined;
  private hoverTimer = 0;
  private hovered = 0;
  private clicked = 0;
  private readonly editor: Editor;
  private readonly pen: Pen;
  private readonly choice: Choice;

  constructor(private readonly stage: Stage, private readonly asks: Asks) {
    this.editor = new Editor(stage, (...a) => asks.request(...a), () => this.free);
    this.pen = new Pen(stage, (d) => asks.draw(d));
    this.choice = new Choice(stage);
    const o = stage.overlay;
    o.tabIndex = 0;
    o.setAttribute("role", "application");
    o.setAttribute("aria-label", "The user’s page");
    o.setAttribute("aria-describedby", "page-keys");
    o.addEventListener("pointermove", (e) => this.move(e));
    o.addEventListener("pointerdown", (e) => this.down(e));
    for (const name of ["pointerup", "pointercancel"]) o.addEventListener(name, () => this.lift());
    o.addEventListener("mousedown", (e) => this.mode === "point" && this.press(e));
    o.addEventListener("click", (e) => this.click(e));
    o.addEventListener("wheel", (e) => this.scroll(e), { passive: false });
    o.addEventListener("keydown", (e) => this.key(e));
    // Elsewhere, keys are not for the page. An editor is in the overlay; another window takes the focus to nothing.
    o.addEventListener("focusout", (e) => e.relatedTarget && !o.contains(e.relatedTarget as Node) && asks.keys(false));
  }

  /** Takes the modes and tools that hold from now on. */
  set(now: { scrolls: boolean; mode: Mode; tool: Tool; free: boolean; hovers: boolean; keysOn: boolean }): void {
    if (now.mode !== this.mode) {
      this.editor.close();
      this.choice.clear();
      this.pen.end();
    }
    Object.assign(this, now);
  }

  /** Another page is on show: what was held is gone. */
  drop(): void {
    this.editor.close();
    this.pen.end();
    this.choice.clear();
    this.clicked = this.hovered = 0;
  }

  private place(e: MouseEvent): [number, number] {
    const r = this.stage.overlay.getBoundingClientRect();
    return [(e.clientX - r.left) / this.stage.scale, (e.clientY - r.top) / this.stage.scale];
  }

  private move(e: PointerEvent): void {
    const [x, y] = this.place(e);
    if (this.pen.down) return this.pen.move(x, y);
    if (this.finger) return this.pull(e);
    if (this.mode === "view") return;
    const el = this.stage.hit(x, y);
    if (this.mode === "control") this.showPrivate(el);
    if (this.hovers && this.mode === "control") this.hoverSoon(el);
    if (performance.now() - this.pointed >= POINTER_MS) this.point(x, y, el, false);
  }

  private down(e: PointerEvent): void {
    if (this.mode === "view" || e.target !== this.stage.overlay || e.button) return;
    const [x, y] = this.place(e);
    if (this.mode === "point" && this.tool !== "pointer") {
      this.stage.overlay.setPointerCapture(e.pointerId);
      this.pen.start(this.tool, x, y);
      return;
    }
    const el = this.stage.hit(x, y);
    const finger = e.pointerType === "touch" && this.mode === "control";
    if (finger && e.isPrimary) {
      this.finger = { x: e.clientX, y: e.clientY, pulls: false };
      this.showPrivate(el);
    }
    this.point(x, y, el, !finger); // what a finger comes to is known when it is lifted
  }

  private lift(): void {
    this.finger = undefined;
    if (this.wheel) this.scrollBy(0, 0, 0);
    this.pen.end();
  }

  /** A finger that goes on scrolls, as a wheel does. */
  private pull(e: PointerEvent): void {
    const f = this.finger!;
    const [dx, dy] = [f.x - e.clientX, f.y - e.clientY];
    f.pulls ||= Math.hypot(dx, dy) > TAP;
    if (!f.pulls || !this.scrolls || !e.isPrimary) return;
    Object.assign(f, { x: e.clientX, y: e.clientY });
    this.roll(e, dx / this.stage.scale, dy / this.stage.scale);
  }

  /** A stroke selects no text and drags nothing: either would end it. */
  private press(e: MouseEvent): void {
    e.preventDefault();
    this.stage.overlay.focus({ preventScroll: true });
  }

  private point(vx: number, vy: number, el: Element | undefined, down: boolean): void {
    this.pointed = performance.now();
    const node = this.stage.mirror.id(el);
    const box = node ? this.stage.box(node) : undefined;
    const [x, y] = box ? shares(box, vx, vy) : [0, 0];
    this.asks.pointer({ node, down, vx: Math.round(vx), vy: Math.round(vy), x, y });
  }

  /** Says of a masked element that it is private, while the mouse is over it. */
  private showPrivate(el: Element | undefined): void {
    const masked = maskedAround(el);
    const id = this.stage.mirror.id(masked);
    if (id) this.stage.marks.outline("private", id, "private", "Private");
    else this.stage.marks.remove("private");
    this.stage.overlay.classList.toggle("not-allowed", !!id);
  }

  private hoverSoon(el: Element | undefined): void {
    const id = this.stage.mirror.id(el);
    if (!id || id === this.hovered || maskedAround(el)) return;
    clearTimeout(this.hoverTimer);
    this.hoverTimer = window.setTimeout(() => {
      this.hovered = id;
      this.asks.request(id, "hover");
    }, HOVER_MS);
  }

  private click(e: MouseEvent): void {
    if (this.mode !== "control" || e.target !== this.stage.overlay) return;
    const at = this.place(e);
    const el = this.stage.hit(...at);
    if ((e as PointerEvent).pointerType === "touch") this.point(...at, el, true);
    if (el) this.act(el, e.detail, true);
  }

  /** Acts on an element as a person would. */
  private act(hit: Element, clicks: number, mouse: boolean): void {
    this.editor.close();
    const intent = intentOf(hit);
    const id = this.stage.mirror.id(intent.el);
    if (!id) return;
    switch (intent.kind) {
      case "private":
        return this.asks.refused(id);
      case "edit":
        return void this.editor.edit(intent.el);
      case "choose":
        return void this.editor.choose(intent.el);
      case "tick":
        this.asks.request(id, intent.action);
        break;
      case "click":
        // Where nothing answers to single clicks, the second of two makes them a double one.
        this.asks.request(id, clicks === 2 && intent.plain ? "doubleclick" : "click");
    }
    this.clicked = id;
    if (mouse) this.asks.keys(true);
  }

  private scroll(e: WheelEvent): void {
    if (e.ctrlKey) return; // the browser's own zoom
    e.preventDefault();
    if (!this.scrolls || this.mode === "view") return;
    const unit = e.deltaMode === 1 ? 16 : 1;
    this.roll(e, e.deltaX * unit, e.deltaY * unit);
  }

  /** Scrolls what is under a place. */
  private roll(e: MouseEvent, dx: number, dy: number): void {
    if (!this.wheel) {
      const el = scroller(this.stage.hit(...this.place(e)), dx, dy, this.stage.mirror.document);
      if (!el) return;
      const root = el === el.ownerDocument.scrollingElement;
      this.wheel = { el, id: this.stage.mirror.id(root ? el.ownerDocument : el), x: el.scrollLeft, y: el.scrollTop };
    }
    this.scrollBy(dx, dy, WHEEL_MS);
  }

  private scrollBy(dx: number, dy: number, wait: number): void {
    const w = this.wheel!;
    w.x = clamp(w.x + dx, w.el.scrollWidth - w.el.clientWidth, getComputedStyle(w.el).direction === "rtl");
    w.y = clamp(w.y + dy, w.el.scrollHeight - w.el.clientHeight);
    clearTimeout(this.wheelTimer);
    this.wheelTimer = window.setTimeout(() => {
      if (!this.finger) this.wheel = undefined; // one that pauses goes on from where it is, not from where the page is by then
      if (w.id) this.asks.request(w.id, "scroll", `${Math.round(w.x)},${Math.round(w.y)}`);
    }, wait);
  }

  /** Scrolls the page by most of a screen. */
  private page(by: 1 | -1): void {
    const d = this.stage.mirror.document;
    const el = d.scrollingElement;
    if (!el) return;
    this.wheel ??= { el, id: this.stage.mirror.id(d), x: el.scrollLeft, y: el.scrollTop };
    this.scrollBy(0, by * this.stage.mirror.shown.height * 0.85, 0);
  }

  private key(e: KeyboardEvent): void {
    if (e.target !== this.stage.overlay) return;
    if (e.key === "F6") {
      e.preventDefault();
      this.asks.keys(false);
      this.asks.leave();
    } else if (this.mode === "control" && isToggle(e)) {
      e.preventDefault();
      this.asks.keys(!this.keysOn);
    } else if (this.mode === "control" && this.keysOn) this.keyForPage(e);
    else if (this.mode !== "view") this.keyForChoice(e);
  }

  /** A key for the user's page; text opens the editor of the field in focus. */
  private keyForPage(e: KeyboardEvent): void {
    const name = keyName(e);
    const focus = this.stage.mirror.shown.focus;
    if (name) {
      e.preventDefault();
      const d = this.stage.mirror.document;
      const node = focus || this.clicked || this.stage.mirror.id(d.body ?? d.documentElement);
      if (node) this.asks.request(node, "key", name);
      return;
    }
    if (e.key.length !== 1 || e.ctrlKey || e.altKey || e.metaKey) return;
    const n = this.stage.mirror.node(focus);
    const intent = n?.nodeType === 1 ? intentOf(n as Element) : undefined;
    if (intent?.kind === "private") this.asks.refused(focus);
    if (intent?.kind === "edit") this.editor.edit(intent.el, false); // the key itself falls into it
  }

  /** Arrows choose a control; Enter acts on it, or highlights it. */
  private keyForChoice(e: KeyboardEvent): void {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const step = stepOf(e.key);
    const el = this.choice.element;
    if (step) {
      const next = this.choice.step(step);
      this.asks.says(next ? nameOf(next) : "There is nothing to choose on this page.");
    } else if ((e.key === "Enter" || e.key === " ") && el) {
      if (this.mode === "control") this.act(el, 1, false);
      else this.pen.highlight(this.choice.at);
    } else if (e.key === "Escape") this.choice.clear();
    else if (this.mode === "control" && (e.key === "PageDown" || e.key === "PageUp")) this.page(e.key === "PageDown" ? 1 : -1);
    else if (this.mode === "control" && /^h$/i.test(e.key) && el) this.asks.request(this.choice.at, "hover");
    else return;
    e.preventDefault();
  }
}

function clamp(v: number, most: number, leftwards = false): number {
  return leftwards ? Math.max(-most, Math.min(v, 0)) : Math.max(0, Math.min(v, most));
}
