import { HTML_NS } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import { FOCUSABLE, focused, nearest, outward, typed, type Place, type ShadowOf } from "./around.ts";

/**
 * Where the agents' hand is on the page: what it is over and what it types
 * into. It takes the browser's focus only where the user is not typing: then
 * the page is told of a focus that the browser does not have.
 */
export class Cursor {
  readonly shadow: ShadowOf;
  /** whether an element is hidden from agents */
  readonly masked: (el: Element) => boolean;
  #over: Element | null = null;
  #in: Element | null = null;
  #edited = new WeakSet<Element>();
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
    this.shadow = place.shadow;
    this.masked = place.masked;
  }

  /** Fires an event as a mouse does, in the middle of an element. Tells whether the page lets it have its effect. */
  mouse(el: Element, name: string, more: PointerEventInit = {}): boolean {
    const box = el.getBoundingClientRect();
    const bubbles = !/(enter|leave)$/.test(name);
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const pointer = /^pointer|^click$/.test(name);
    return dom.dispatch(el, dom.event(el, pointer ? "PointerEvent" : "MouseEvent", name, {
      bubbles, cancelable: bubbles, composed: true, view: dom.ownerDocument(el)!.defaultView, clientX: x, clientY: y,
      ...(pointer && { pointerId: 1, pointerType: "mouse", isPrimary: true }), ...more,
    } as PointerEventInit));
  }

  /** Moves onto an element, off the one before. */
  over(el: Element): void {
    const was = this.#over && dom.isConnected(this.#over) ? this.#over : null;
    if (was !== el) {
      const [from, to] = [was ? [...outward(was, this.shadow)] : [], [...outward(el, this.shadow)]];
      if (was) for (const kind of ["pointer", "mouse"]) {
        this.mouse(was, kind + "out", { relatedTarget: el });
        for (const x of from) if (!to.includes(x)) this.mouse(x, kind + "leave", { relatedTarget: el });
      }
      for (const kind of ["pointer", "mouse"]) {
        this.mouse(el, kind + "over", { relatedTarget: was });
        for (const x of to.reverse()) if (!from.includes(x)) this.mouse(x, kind + "enter", { relatedTarget: was });
        to.reverse();
      }
      this.#over = el;
    }
    this.mouse(el, "pointermove");
    this.mouse(el, "mousemove");
  }

  /** Whether the user types in another element, or answers a question: their focus is left to them. */
  quiet(el: Element): boolean {
    const at = focused(this.shadow);
    return at !== el && !!at && (dom.localName(at) === "pillion-assist" || (at === this.#place.users && typed(at)));
  }

  /** Puts the focus into an element, or lets the page believe so while the user types elsewhere; `really` takes it even then. */
  into(el: Element, really = false): void {
    const before = this.#in && dom.isConnected(this.#in) ? this.#in : null;
    const at = focused(this.shadow);
    if (at === el || (before === el && !really)) return;
    if (before) {
      this.#tell(before, "blur", el);
      this.#in = null;
    }
    if (!really && this.quiet(el)) {
      this.#in = el;
      this.#tell(el, "focus", before);
      return;
    }
    // In a window that is not in front the browser moves the focus, and tells nobody.
    let told = false;
    const heard = () => (told = true);
    el.addEventListener("focus", heard, true);
    if (dom.namespaceURI(el) === HTML_NS) dom.focus(el, { preventScroll: true });
    else (el as SVGElement).focus?.({ preventScroll: true });
    el.removeEventListener("focus", heard, true);
    if (told || focused(this.shadow) !== el) return;
    if (at) this.#tell(at, "blur", el);
    this.#tell(el, "focus", at);
  }

  /** Puts the focus where a press of the mouse on an element does. */
  pressed(el: Element): void {
    const to = nearest(el, FOCUSABLE, this.shadow);
    if (to && !dom.matches(to, ":disabled")) return this.into(to);
    const at = focused(this.shadow) as HTMLElement | null;
    if (!this.quiet(el) && at && at !== at.ownerDocument.body) at.blur?.();
  }

  #tell(el: Element, name: "focus" | "blur", relatedTarget: Element | null): void {
    for (const n of [name, name === "focus" ? "focusin" : "focusout"]) {
      dom.dispatch(el, dom.event(el, "FocusEvent", n, { bubbles: n !== name, composed: true, relatedTarget } as FocusEventInit));
    }
  }

  /** An element was edited by keys: the page hears of a change when it is left. */
  edited(el: Element): void {
    if (this.#edited.has(el)) return;
    this.#edited.add(el);
    el.addEventListener("blur", () => this.settle(el), { once: true, capture: true });
  }

  settle(el: Element): void {
    if (this.#edited.delete(el)) this.changed(el);
  }

  changed(el: Element): void {
    dom.dispatch(el, dom.event(el, "Event", "change", { bubbles: true }));
  }

  /** Presses, lets go and clicks, as a mouse does. */
  click(el: Element, detail = 1): void {
    this.over(el);
    const down = { button: 0, buttons: 1, detail };
    // A page that takes the pointer's event gets no mouse's one.
    const plain = this.mouse(el, "pointerdown", down);
    if (!plain || this.mouse(el, "mousedown", down)) this.pressed(el);
    this.mouse(el, "pointerup", { detail });
    if (plain) this.mouse(el, "mouseup", { detail });
    if (dom.isConnected(el)) this.mouse(el, "click", { detail });
  }
}
