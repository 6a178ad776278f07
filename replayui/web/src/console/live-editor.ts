import type { Action } from "../protocol/format.ts";
import type { Box } from "../view/geometry.ts";
import { nameOf } from "../view/naming.ts";
import type { Stage } from "../view/stage.ts";
import { groupsOf, rowsOf, valueOf } from "./options.ts";

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** What the editor sends. */
export type Send = (node: number, action: Action, value?: string) => void;

const COPIED = ["font", "letterSpacing", "color", "textAlign", "direction", "paddingTop", "paddingRight", "paddingBottom", "paddingLeft", "borderRadius", "lineHeight"] as const;
const LIMITS = ["min", "max", "step", "maxlength", "placeholder", "inputmode", "dir", "lang"];
/** Where a list answers to what is typed, it is told after a pause. */
const PAUSE_MS = 500;
const ANSWERS = "[role=combobox], [aria-autocomplete], [type=search]";
const LEAST = { width: 70, height: 24 };
const GAP = 10;

/** An editor in the place of a field of the mirror, which looks like the field. */
export class Editor {
  private box: HTMLElement | undefined;
  private field: Field | undefined;
  private node = 0;
  private told = "";
  private pause = 0;

  constructor(private readonly stage: Stage, private readonly send: Send, private readonly live: () => boolean) {
    stage.onPlaced(() => this.place());
  }

  get open(): boolean {
    return !!this.box;
  }

  /** Closes without sending. */
  close(back = false): void {
    clearTimeout(this.pause);
    const box = this.box;
    this.box = this.field = undefined;
    box?.remove();
    if (back) this.stage.overlay.focus();
  }

  /** Opens on a field; false where it has no place on the page. */
  edit(el: HTMLElement, select = true): boolean {
    const id = this.stage.mirror.id(el);
    const many = el.localName !== "input";
    const field = document.createElement(many ? "textarea" : "input") as HTMLInputElement;
    const from = el as HTMLInputElement;
    if (!many) field.type = from.type || "text";
    for (const name of LIMITS) if (el.hasAttribute(name)) field.setAttribute(name, el.getAttribute(name)!);
    if (!many && from.multiple) field.multiple = true;
    field.value = this.told = el.isContentEditable ? el.innerText.replace(/\n$/, "") : from.value;
    if (!this.put(el, id, field, many ? "Ctrl+Enter sends" : "Enter sends")) return false;
    this.choices(from, field);
    const mouse = field.type === "range" || field.type === "color";
    field.addEventListener("keydown", (e) => {
      if (e.key !== "Enter" || (many && !e.ctrlKey && !e.metaKey)) return;
      e.preventDefault();
      this.commit(true);
    });
    field.addEventListener("input", () => this.typed(el, field));
    if (mouse) this.byMouse(field);
    field.focus();
    if (select) field.select?.();
    if (field.type === "color") openPicker(field);
    return true;
  }

  /** Opens a native list: it stands open, since the mirror's own cannot. */
  choose(el: HTMLSelectElement): boolean {
    const list = document.createElement("select");
    const groups = groupsOf(el);
    for (const g of groups) {
      const into = g.heading ? list.appendChild(Object.assign(document.createElement("optgroup"), { label: g.heading })) : list;
      for (const o of g.options) into.append(Object.assign(new Option(o.text, String(o.index), false, o.selected), { disabled: o.disabled, hidden: o.hidden }));
    }
    list.multiple = el.multiple;
    if (el.multiple) for (const g of groups) for (const o of g.options) for (const mine of list.options) if (mine.value === String(o.index)) mine.selected = o.selected;
    list.size = rowsOf(groups);
    this.told = valueOf(list);
    if (!this.put(el, this.stage.mirror.id(el), list, el.multiple ? "Click or Space chooses, Enter sends" : "Enter sends")) return false;
    if (el.multiple) oneByOne(list);
    let byKey = false; // arrows go through the list, and choose nothing yet
    list.addEventListener("keydown", (e) => {
      byKey = true;
      if (e.key === "Enter") this.commit(true);
    });
    for (const name of ["keyup", "pointerdown"]) list.addEventListener(name, () => (byKey = false));
    list.addEventListener("change", () => !byKey && !list.multiple && this.commit(true));
    list.addEventListener("click", (e) => !list.multiple && (e.target as Element).localName === "option" && this.commit(true));
    list.focus();
    return true;
  }

  private put(el: HTMLElement, id: number, field: Field, hint: string): boolean {
    this.close();
    const at = id ? this.stage.box(id) : undefined;
    if (!at) return false;
    const box = document.createElement("div");
    box.className = "editing";
    field.className = "editor";
    field.dataset["testid"] = "editor";
    field.setAttribute("aria-label", `New value of “${nameOf(el)}”`);
    const style = getComputedStyle(el);
    for (const name of COPIED) field.style[name] = style[name];
    if (!/rgba\(.*, 0\)|transparent/.test(style.backgroundColor)) field.style.backgroundColor = style.backgroundColor;
    box.append(field, this.hint(id, hint));
    box.addEventListener("keydown", (e) => {
      e.stopPropagation();
      if (e.key === "Escape") this.close(true);
    });
    box.addEventListener("focusout", (e) => {
      if (!box.contains(e.relatedTarget as Node | null)) this.commit(false);
    });
    for (const name of ["click", "dblclick", "pointerdown", "pointermove", "wheel"]) box.addEventListener(name, (e) => e.stopPropagation());
    this.stage.overlay.append(box);
    Object.assign(this, { box, field, node: id });
    this.place(at);
    return true;
  }

  private hint(id: number, words: string): HTMLElement {
    const line = document.createElement("div");
    line.className = "editing-hint";
    const button = (label: string, does: () => void) => {
      const b = Object.assign(document.createElement("button"), { type: "button", textContent: label });
      b.addEventListener("pointerdown", (e) => e.preventDefault()); // the field keeps the focus
      b.addEventListener("click", does);
      return b;
    };
    const click = button("Click it", () => {
      this.close(true);
      this.send(id, "click");
    });
    click.title = "Clicks the field instead, for lists and calendars of the site’s own";
    const keys = document.createElement("span");
    keys.className = "keys";
    keys.textContent = `${words} · Esc leaves`;
    line.append(keys, button("Send", () => this.commit(true)), click);
    return line;
  }

  /** Puts the editor where its field is now. */
  private place(at: Box | undefined = this.box && this.stage.box(this.node)): void {
    if (!this.box || !this.field) return;
    if (!at) return this.close(true);
    const list = this.field.localName === "select";
    const width = Math.max(at.width, LEAST.width);
    const height = Math.max(at.height, LEAST.height);
    Object.assign(this.field.style, { width: list ? "" : `${width}px`, height: list ? "" : `${height}px`, minWidth: `${width}px` });
    const page = this.stage.mirror.shown;
    const hint = this.box.querySelector<HTMLElement>(".editing-hint")!;
    this.box.classList.toggle("wide", at.left + this.field.offsetWidth + hint.offsetWidth + GAP < page.width);
    const needed = this.box.offsetHeight;
    const start = list ? at.top + at.height : at.top;
    const fits = start + needed <= page.height || start < needed;
    this.box.style.left = `${Math.max(0, Math.min(at.left, page.width - this.box.offsetWidth))}px`;
    this.box.style.top = `${fits ? start : (list ? at.top : at.top + at.height) - needed}px`;
    this.box.classList.toggle("above", !fits);
  }

  /** Sends what was changed, and closes. */
  private commit(back: boolean): void {
    const field = this.field;
    if (!field) return;
    if (field.localName === "input" && field.validity.badInput) {
      if (back) return this.complain();
      return this.close();
    }
    const id = this.node;
    const value = field.localName === "select" ? valueOf(field as HTMLSelectElement) : field.value;
    this.close(back);
    if (value !== this.told) this.send(id, field.localName === "select" ? "select" : "fill", value);
  }

  private complain(): void {
    this.box?.classList.add("wrong-value");
    this.box?.querySelector(".editing-hint")?.firstChild?.replaceWith("The field does not take this · Esc leaves");
  }

  private typed(el: Element, field: HTMLInputElement): void {
    clearTimeout(this.pause);
    if (!this.live() || !el.matches(ANSWERS)) return;
    const id = this.node;
    this.pause = window.setTimeout(() => {
      if (this.field !== field || field.value === this.told) return;
      this.told = field.value;
      this.send(id, "fill", field.value);
    }, PAUSE_MS);
  }

  /** What is chosen by mouse is sent when it is let go. */
  private byMouse(field: HTMLInputElement): void {
    let byKey = false;
    field.addEventListener("keydown", () => (byKey = true));
    field.addEventListener("keyup", () => (byKey = false));
    field.addEventListener("change", () => !byKey && this.commit(true));
    field.addEventListener("input", () => (field.title = field.value));
  }

  /** What the field proposes. */
  private choices(from: HTMLInputElement, field: HTMLInputElement): void {
    if (!from.list?.options.length) return;
    const list = document.createElement("datalist");
    list.id = "editor-choices";
    for (const o of from.list.options) list.append(new Option(o.label, o.value));
    this.box!.append(list);
    field.setAttribute("list", list.id);
  }
}

/** A click chooses one more, as fingers expect. */
function oneByOne(list: HTMLSelectElement): void {
  list.addEventListener("mousedown", (e) => {
    const o = e.target as HTMLOptionElement;
    if (o.localName !== "option" || o.disabled) return;
    e.preventDefault();
    const top = list.scrollTop;
    o.selected = !o.selected;
    list.scrollTop = top;
    list.focus();
  });
}

function openPicker(field: HTMLInputElement): void {
  try {
    field.showPicker();
  } catch {
    // not by a person's hand, or not in this browser: the field opens it itself
  }
}
