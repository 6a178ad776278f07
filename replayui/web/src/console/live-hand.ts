import type { Action } from "../protocol/format.ts";
import type { Stage } from "../view/stage.ts";

export type Mode = "view" | "point" | "control";

/** What the agent's hand asks for. */
export interface Asks {
  pointer(p: { node: number; x: number; y: number; vx: number; vy: number; down: boolean }): void;
  request(node: number, action: Action, value?: string): void;
}

const POINTER_MS = 50;
const WHEEL_MS = 120;
const TEXT = /^(text|search|tel|url|email|number|password|date|time|month|week|datetime-local|color|range|)$/;
const CAN_ACT = "a[href], button, input, select, textarea, summary, label, area[href], [onclick], [role=button], [tabindex], [contenteditable]";

/** Turns the agent's mouse and keys above the mirror into pointers and requests. */
export class LiveHand {
  mode: Mode = "control";
  private pointed = 0;
  private wheelTimer = 0;
  private wheel: { el: Element; id: number; x: number; y: number } | undefined;
  private editor: HTMLElement | undefined;
  private at = 0;

  constructor(private readonly stage: Stage, private readonly asks: Asks) {
    const o = stage.overlay;
    o.tabIndex = 0;
    o.setAttribute("role", "application");
    o.setAttribute("aria-label", "The user's page. Arrow keys choose a control, Enter acts on it.");
    o.addEventListener("pointermove", (e) => this.move(e, false));
    o.addEventListener("pointerdown", (e) => this.move(e, true));
    o.addEventListener("click", (e) => this.click(e));
    o.addEventListener("wheel", (e) => this.scroll(e), { passive: false });
    o.addEventListener("keydown", (e) => this.key(e));
  }

  private place(e: MouseEvent): [number, number] {
    const r = this.stage.overlay.getBoundingClientRect();
    return [(e.clientX - r.left) / this.stage.scale, (e.clientY - r.top) / this.stage.scale];
  }

  private move(e: PointerEvent, down: boolean): void {
    if (this.mode === "view") return;
    const now = performance.now();
    if (!down && now - this.pointed < POINTER_MS) return;
    this.pointed = now;
    const [vx, vy] = this.place(e);
    const el = this.stage.hit(vx, vy);
    const node = this.stage.mirror.id(el);
    const box = node ? this.stage.box(node) : undefined;
    const share = (v: number, from: number, size: number) => (size ? Math.round(((v - from) / size) * 1e4) / 1e4 : 0);
    this.asks.pointer({
      node, down, vx: Math.round(vx), vy: Math.round(vy),
      x: box ? share(vx, box.left, box.width) : 0, y: box ? share(vy, box.top, box.height) : 0,
    });
  }

  private click(e: MouseEvent): void {
    if (this.mode !== "control" || e.target !== this.stage.overlay) return;
    const [x, y] = this.place(e);
    const el = this.stage.hit(x, y);
    if (el) this.act(el);
  }

  /** Acts on an element as a person would: a field is typed into, a box ticked, the rest clicked. */
  private act(el: Element): void {
    this.close();
    const target = this.labelled(el.closest(CAN_ACT) ?? el);
    const id = this.stage.mirror.id(target);
    if (!id) return;
    const input = target as HTMLInputElement;
    if (target.localName === "select") return this.choose(target as HTMLSelectElement, id);
    if (target.localName === "textarea" || (target.localName === "input" && TEXT.test(input.type))) return this.type(input, id);
    if ((target as HTMLElement).isContentEditable) return this.type(target as HTMLElement, id);
    if (target.localName === "input" && /^(checkbox|radio)$/.test(input.type)) {
      return this.asks.request(id, input.checked && input.type === "checkbox" ? "uncheck" : "check");
    }
    this.asks.request(id, "click");
  }

  /** The control of a label. */
  private labelled(el: Element): Element {
    return el.localName === "label" ? ((el as HTMLLabelElement).control ?? el) : el;
  }

  private edit(el: HTMLElement, id: number, field: HTMLElement): void {
    const box = this.stage.box(id);
    if (!box) return;
    const style = getComputedStyle(el);
    field.className = "editor";
    field.dataset["testid"] = "editor";
    field.setAttribute("aria-label", "New value, sent with Enter");
    Object.assign(field.style, {
      left: `${box.left}px`, top: `${box.top}px`, width: `${Math.max(box.width, 60)}px`, height: `${Math.max(box.height, 22)}px`, font: style.font,
    });
    field.addEventListener("keydown", (e) => {
      e.stopPropagation();
      if (e.key === "Escape") this.close(true);
    });
    this.stage.overlay.append(field);
    this.editor = field;
    field.focus();
  }

  private close(back = false): void {
    const field = this.editor;
    this.editor = undefined;
    field?.remove();
    if (back) this.stage.overlay.focus();
  }

  private type(el: HTMLElement, id: number): void {
    const many = el.localName !== "input";
    const field = document.createElement(many ? "textarea" : "input") as HTMLInputElement;
    const value = el.isContentEditable ? (el.textContent ?? "") : (el as HTMLInputElement).value;
    if (!many) field.type = /^(password|color|range)$/.test((el as HTMLInputElement).type) ? "text" : (el as HTMLInputElement).type || "text";
    field.value = value;
    const send = (back: boolean) => {
      if (this.editor !== field) return;
      this.close(back);
      if (field.value !== value) this.asks.request(id, "fill", field.value);
    };
    field.addEventListener("keydown", (e) => {
      if (e.key === "Enter" && (!many || e.ctrlKey)) send(true);
    });
    field.addEventListener("blur", () => send(false));
    this.edit(el, id, field);
    field.select?.();
  }

  private choose(el: HTMLSelectElement, id: number): void {
    const field = document.createElement("select");
    field.multiple = el.multiple;
    for (const o of el.options) field.add(new Option(o.text, o.value, false, o.selected));
    const before = [...field.options].map((o) => o.selected).join();
    const send = (back: boolean) => {
      if (this.editor !== field) return;
      this.close(back);
      if ([...field.options].map((o) => o.selected).join() === before) return;
      this.asks.request(id, "select", [...field.options].flatMap((o, i) => (o.selected ? [i] : [])).join());
    };
    field.addEventListener("change", () => !field.multiple && send(true));
    field.addEventListener("keydown", (e) => e.key === "Enter" && send(true));
    field.addEventListener("blur", () => send(false));
    this.edit(el, id, field);
  }

  private scroll(e: WheelEvent): void {
    e.preventDefault();
    if (this.mode !== "control") return;
    const [x, y] = this.place(e);
    if (!this.wheel) {
      const el = scrollable(this.stage.hit(x, y), e.deltaX, e.deltaY) ?? this.stage.mirror.document.scrollingElement;
      if (!el) return;
      const root = el === el.ownerDocument.scrollingElement;
      this.wheel = { el, id: this.stage.mirror.id(root ? el.ownerDocument : el), x: el.scrollLeft, y: el.scrollTop };
    }
    const unit = e.deltaMode === 1 ? 16 : 1;
    const { el } = this.wheel;
    this.wheel.x = clamp(this.wheel.x + e.deltaX * unit, el.scrollWidth - el.clientWidth);
    this.wheel.y = clamp(this.wheel.y + e.deltaY * unit, el.scrollHeight - el.clientHeight);
    clearTimeout(this.wheelTimer);
    this.wheelTimer = window.setTimeout(() => {
      const w = this.wheel;
      this.wheel = undefined;
      if (w?.id) this.asks.request(w.id, "scroll", `${Math.round(w.x)},${Math.round(w.y)}`);
    }, WHEEL_MS);
  }

  private key(e: KeyboardEvent): void {
    if (this.mode !== "control" || e.target !== this.stage.overlay) return;
    const step = e.key === "ArrowDown" || e.key === "ArrowRight" ? 1 : e.key === "ArrowUp" || e.key === "ArrowLeft" ? -1 : 0;
    if (!step && e.key !== "Enter") return;
    e.preventDefault();
    const list = [...this.stage.mirror.document.querySelectorAll(CAN_ACT)].filter((el) => this.stage.box(this.stage.mirror.id(el)));
    if (!list.length) return;
    if (e.key === "Enter") {
      const el = this.stage.mirror.node(this.at);
      if (el) this.act(el as Element);
      return;
    }
    const now = list.findIndex((el) => this.stage.mirror.id(el) === this.at);
    const next = list[(now + step + list.length) % list.length]!;
    this.at = this.stage.mirror.id(next);
    this.stage.outline("chosen", this.at, "chosen");
  }
}

function clamp(v: number, most: number): number {
  return Math.max(0, Math.min(v, most));
}

/** The nearest element around a place that can scroll that way. */
function scrollable(from: Element | undefined, dx: number, dy: number): Element | undefined {
  for (let el = from; el; el = el.parentElement ?? undefined) {
    if (el === el.ownerDocument.scrollingElement) return undefined;
    const s = getComputedStyle(el);
    if (dy && el.scrollHeight > el.clientHeight && /auto|scroll/.test(s.overflowY)) return el;
    if (dx && el.scrollWidth > el.clientWidth && /auto|scroll/.test(s.overflowX)) return el;
  }
  return undefined;
}
