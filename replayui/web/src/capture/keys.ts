import * as dom from "../page/natives.ts";
import { disabled, FOCUSABLE, focused, group, implied, nearest, typed, visible, type ShadowOf } from "./around.ts";
import type { Cursor } from "./cursor.ts";
import type { Led } from "./leaving.ts";
import { erase, insert, key, place, type Doing } from "./typing.ts";

/** The closed set of keys (events/FORMAT.md). */
const KEYS = /^(Enter|Escape|(Shift\+)?Tab|Space|Backspace|Delete|Home|End|Page(Up|Down)|Arrow(Up|Down|Left|Right))$/;
const PRESSED = "button,summary,input[type=submit],input[type=button],input[type=reset],input[type=image],input[type=color]";

type Control = HTMLInputElement;

/** Presses a key, and does what a browser does by it where the page does not object: it does nothing for keys that are not the user's. */
export async function press({ el, value, cursor, allowed, step }: Doing): Promise<boolean | Led> {
  if (!KEYS.test(value)) return false;
  let ask = false;
  const shift = value.startsWith("Shift");
  const k = value === "Space" ? " " : value.replace("Shift+", "");
  step(() => {
    let at: HTMLElement = el;
    if (dom.matches(el, FOCUSABLE)) cursor.into(el);
    else if (!nearest(el, FOCUSABLE, cursor.shadow)) at = (focused(cursor.shadow) ?? el) as HTMLElement;
    const typing = typed(at) && !(at as Control).readOnly;
    let plain = key(at, "keydown", k, shift);
    if (plain && (k === "Enter" || k === " ")) plain = key(at, "keypress", k);
    // Only a yes of the user's sends a form.
    ask = plain && k === "Enter" && !allowed && !!implied(at);
    if (plain && !ask && !(k === " " && !typing)) effect(at, k, shift, typing, cursor);
    // Tab lets go of its key where it has led.
    const up = key(k === "Tab" ? ((focused(cursor.shadow) ?? at) as HTMLElement) : at, "keyup", k, shift);
    if (plain && up && k === " " && !typing) space(at, cursor);
  });
  return ask ? { as: "form", go: () => submit(el, cursor) } : true;
}

function effect(at: HTMLElement, k: string, shift: boolean, typing: boolean, cursor: Cursor): void {
  switch (k) {
    case "Tab":
      return tab(at, shift, cursor);
    case "Escape":
      return escape(at);
    case "Enter":
      return enter(at, typing, cursor);
    case " ":
      insert(at, " ");
      return at.isContentEditable ? undefined : cursor.edited(at);
    case "Backspace":
    case "Delete":
      if (!typing) return;
      erase(at, k === "Backspace");
      return at.isContentEditable ? undefined : cursor.edited(at);
  }
  if (!steps(at as Control, k, cursor) && !(typing && moves(at as Control, k))) scroll(at, k, cursor.shadow);
}

function clicked(el: Element): void {
  dom.dispatch(el, dom.event(el, "PointerEvent", "click", { bubbles: true, cancelable: true, composed: true, detail: 0, view: dom.ownerDocument(el)!.defaultView } as PointerEventInit));
}

function enter(at: HTMLElement, typing: boolean, cursor: Cursor): void {
  const pressed = nearest(at, "a[href],area[href]," + PRESSED, cursor.shadow);
  if (pressed && !at.isContentEditable) return clicked(pressed);
  if (typing && dom.localName(at) !== "input") {
    insert(at, "\n");
    return at.isContentEditable ? undefined : cursor.edited(at);
  }
  submit(at, cursor);
}

/** Sends the form of a field, by the button that Enter presses. */
function submit(at: HTMLElement, cursor: Cursor): void {
  cursor.settle(at);
  const by = implied(at);
  if (!by) return;
  if (dom.localName(by) === "form") (by as HTMLFormElement).requestSubmit();
  else clicked(by);
}

function space(at: HTMLElement, cursor: Cursor): void {
  const pressed = nearest(at, PRESSED + ",input[type=checkbox],input[type=radio]", cursor.shadow);
  if (pressed) clicked(pressed);
  else scroll(at, "PageDown", cursor.shadow);
}

function escape(at: HTMLElement): void {
  const doc = dom.ownerDocument(at)!;
  const shown = [...doc.querySelectorAll<HTMLElement>("[popover]:not([popover=manual]):popover-open")].pop();
  if (shown) return shown.hidePopover();
  const dialog = [...doc.querySelectorAll<HTMLDialogElement>("dialog:modal")].pop();
  if (!dialog || dom.getAttribute(dialog, "closedby") === "none") return;
  if (dialog.requestClose) dialog.requestClose();
  else if (dom.dispatch(dialog, dom.event(dialog, "Event", "cancel", { cancelable: true }))) dialog.close();
}

/** What steps through the values of a control; false where a key does not. */
function steps(c: Control, k: string, cursor: Cursor): boolean {
  const rtl = getComputedStyle(c).direction === "rtl";
  const forth = k === "ArrowDown" || k === (rtl ? "ArrowLeft" : "ArrowRight");
  const back = k === "ArrowUp" || k === (rtl ? "ArrowRight" : "ArrowLeft");
  if (dom.localName(c) === "select") return chooses(c as unknown as HTMLSelectElement, k, forth, back);
  if (dom.localName(c) !== "input" || c.readOnly) return false;
  if (c.type === "radio" && (forth || back)) {
    const list = group(c).filter((r) => !disabled(r, cursor.shadow));
    const next = list[(list.indexOf(c) + (forth ? 1 : -1) + list.length) % list.length];
    if (next && next !== c) {
      cursor.into(next);
      clicked(next);
    }
    return true;
  }
  const range = c.type === "range";
  if (!range && (c.type !== "number" || !k.match(/Up$|Down$/) || k.startsWith("Page"))) return false;
  const was = c.value;
  const [low, high] = [Number(c.min || 0), Number(c.max || 100)];
  // A slider goes up to the right and upwards, by a tenth of its way with the page keys.
  const up = k === "ArrowUp" || k === "PageUp" || (range && k === (rtl ? "ArrowLeft" : "ArrowRight"));
  if (range && (k === "Home" || k === "End")) dom.setValue(c, String(k === "Home" ? low : high));
  else if (/Arrow|Page/.test(k)) {
    const by = k.startsWith("Page") ? Math.max(1, Math.round((high - low) / 10 / (Number(c.step) || 1))) : 1;
    // Steps go past a framework's watch on the control, as its value does.
    const proto = (dom.ownerDocument(c)!.defaultView as Window & typeof globalThis).HTMLInputElement.prototype;
    (up ? proto.stepUp : proto.stepDown).call(c, by);
  } else return false;
  if (c.value !== was) told(c);
  return true;
}

function told(el: Element): void {
  dom.dispatch(el, dom.event(el, "Event", "input", { bubbles: true, composed: true }));
  dom.dispatch(el, dom.event(el, "Event", "change", { bubbles: true }));
}

function chooses(s: HTMLSelectElement, k: string, forth: boolean, back: boolean): boolean {
  const list = [...s.options].filter((o) => !dom.matches(o, ":disabled,optgroup:disabled *") && !o.hidden);
  const now = list.findIndex((o) => o.selected);
  const next = forth ? now + 1 : back ? Math.max(0, now - 1) : k === "Home" || k === "PageUp" ? 0 : k === "End" || k === "PageDown" ? list.length - 1 : -1;
  if (next < 0) return false;
  const o = list[Math.min(next, list.length - 1)];
  if (!o || o.selected) return true;
  if (s.multiple) for (const x of s.options) dom.setSelected(x, false);
  dom.setSelected(o, true);
  told(s);
  return true;
}

/** Moves the typing cursor. */
function moves(f: Control, k: string): boolean {
  const left = /Left$|Home$/.test(k);
  if (!left && !/Right$|End$/.test(k)) return k.startsWith("Arrow");
  if (f.isContentEditable) {
    dom.ownerDocument(f)!.getSelection()?.modify("move", left ? "backward" : "forward", k.startsWith("Arrow") ? "character" : "lineboundary");
    return true;
  }
  const [from, to] = place(f);
  const at = k === "Home" ? 0 : k === "End" ? f.value.length : from !== to ? (left ? from : to) : left ? Math.max(0, from - 1) : from + 1;
  try {
    f.setSelectionRange(at, at);
  } catch {
    // a field without a typing cursor
  }
  return true;
}

const LINE = 40;

function scroll(at: HTMLElement, k: string, shadow: ShadowOf): void {
  const across = /Left$|Right$/.test(k);
  const sign = /Up$|Left$|Home$/.test(k) ? -1 : 1;
  const doc = dom.ownerDocument(at)!;
  let box: Element = doc.scrollingElement ?? doc.documentElement;
  for (let x = nearest(at, "*", shadow); x && x !== box && x !== doc.body; x = x.parentElement) {
    const style = getComputedStyle(x);
    const room = across ? x.scrollWidth > x.clientWidth : x.scrollHeight > x.clientHeight;
    if (room && /auto|scroll/.test(across ? style.overflowX : style.overflowY)) {
      box = x;
      break;
    }
  }
  const page = (across ? box.clientWidth : box.clientHeight) * 0.9;
  const by = sign * (k.startsWith("Arrow") ? LINE : k.startsWith("Page") ? page : 1e7);
  dom.scrollTo(box, { left: box.scrollLeft + (across ? by : 0), top: box.scrollTop + (across ? 0 : by), behavior: "instant" });
}

/** Moves the focus to the next element, or the one before. */
function tab(at: HTMLElement, back: boolean, cursor: Cursor): void {
  const list = order(document, cursor.shadow).filter((el) => el === at || !cursor.masked(el));
  const i = list.indexOf(at);
  const next = i < 0 ? near(list, at, back) : list[(i + (back ? -1 : 1) + list.length) % list.length];
  if (!next) return;
  cursor.into(next, true);
  if (/^(input|textarea)$/.test(dom.localName(next)) && typed(next)) (next as HTMLInputElement).select();
}

/** From an element that is in no order, the next one in the document. */
function near(list: HTMLElement[], at: HTMLElement, back: boolean): HTMLElement | undefined {
  const side = back ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING;
  if (at === document.body) return list[back ? list.length - 1 : 0];
  const there = list.filter((x) => at.compareDocumentPosition(x) & side);
  return there[back ? there.length - 1 : 0] ?? list[back ? list.length - 1 : 0];
}

/**
 * What Tab goes through, in its order: positive tab indices first, the rest as
 * it stands. Shadow roots, slots and frames are orders of their own within that.
 */
function order(scope: Document | ShadowRoot | Element, shadow: ShadowOf): HTMLElement[] {
  const found: { index: number; list: HTMLElement[] }[] = [];
  const walk = (n: Node): void => {
    for (const c of dom.childNodes(n)) if (dom.nodeType(c) === 1) visit(c as HTMLElement);
  };
  const visit = (el: HTMLElement): void => {
    const name = dom.localName(el);
    if (name === "pillion-assist" || dom.hasAttribute(el, "inert")) return;
    const index = dom.hasAttribute(el, "tabindex") ? el.tabIndex : 0; // a rich text says −1 and is gone through
    const root = shadow(el);
    const inner = root ?? (/^i?frame$/.test(name) ? dom.documentIn(el) : null);
    const own = !/^i?frame$/.test(name) && dom.matches(el, FOCUSABLE) && index >= 0 && !root?.delegatesFocus && !disabled(el, shadow) && visible(el) && chosen(el);
    const list = own ? [el] : [];
    if (inner && index >= 0) list.push(...order(inner, shadow));
    if (name === "slot") for (const a of (el as HTMLSlotElement).assignedElements()) list.push(...within(a as HTMLElement));
    if (list.length) found.push({ index: Math.max(0, index), list });
    if (!root) walk(el);
  };
  const within = (el: HTMLElement): HTMLElement[] => {
    const from = found.length;
    visit(el);
    return found.splice(from).flatMap((f) => f.list);
  };
  walk(scope);
  const rank = (i: number) => i || Infinity;
  return found.map((f, i) => ({ f, i })).sort((a, b) => (rank(a.f.index) === rank(b.f.index) ? a.i - b.i : rank(a.f.index) - rank(b.f.index))).flatMap(({ f }) => f.list);
}

/** Of a group of radio buttons only the one that is on is gone through; the first where none is. */
function chosen(el: HTMLElement): boolean {
  const r = el as HTMLInputElement;
  if (dom.localName(r) !== "input" || r.type !== "radio" || r.checked) return true;
  const list = group(r);
  return !list.some((x) => x.checked) && list[0] === r;
}

