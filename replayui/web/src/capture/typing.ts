import * as dom from "../page/natives.ts";
import { editor, focused } from "./around.ts";
import type { Cursor } from "./cursor.ts";
import type { Led } from "./leaving.ts";

/** An act under way. */
export interface Doing {
  el: HTMLElement;
  value: string;
  cursor: Cursor;
  /** the user was asked, and said yes */
  allowed: boolean;
  /** what the first part of it led to: that was what the question was about */
  led: Led | undefined;
  /** does a part of it: what changes by that is the request's */
  step(part: () => void): void;
  /** whether it is to go on */
  goes(): boolean;
}

type Field = HTMLInputElement | HTMLTextAreaElement;

/** Characters that are typed one by one: autocomplete lists and input masks listen to keys. What comes before them is put in at once. */
const TYPED = 40;
/** Fields whose value is not text that grows by characters. */
const WHOLE = /^(number|date|month|week|time|datetime-local|color|range)$/;
const NOT_TEXT = /^(checkbox|radio|submit|reset|button|image|file|hidden)$/;

const CODES: Record<string, [string, number]> = {
  Enter: ["Enter", 13], Escape: ["Escape", 27], Tab: ["Tab", 9], " ": ["Space", 32], Backspace: ["Backspace", 8], Delete: ["Delete", 46],
  Home: ["Home", 36], End: ["End", 35], PageUp: ["PageUp", 33], PageDown: ["PageDown", 34],
  ArrowUp: ["ArrowUp", 38], ArrowDown: ["ArrowDown", 40], ArrowLeft: ["ArrowLeft", 37], ArrowRight: ["ArrowRight", 39],
};

/** Fires a key's event; tells whether the page lets it have its effect. */
export function key(el: Element, name: "keydown" | "keypress" | "keyup", k: string, shiftKey = false): boolean {
  const upper = k.toUpperCase();
  const [code, number] = CODES[k] ?? [/^[A-Z]$/.test(upper) ? "Key" + upper : /^\d$/.test(k) ? "Digit" + k : "", upper.length === 1 ? upper.charCodeAt(0) : 0];
  const charCode = name === "keypress" ? (k.length === 1 ? k.charCodeAt(0) : number) : 0;
  return dom.dispatch(el, dom.event(el, "KeyboardEvent", name, {
    key: k, code, keyCode: charCode || number, charCode, which: charCode || number, shiftKey,
    bubbles: true, cancelable: true, composed: true, view: dom.ownerDocument(el)!.defaultView,
  } as KeyboardEventInit));
}

function input(el: Element, name: "beforeinput" | "input", inputType: string, data: string | null): boolean {
  return dom.dispatch(el, dom.event(el, "InputEvent", name, { bubbles: true, composed: true, cancelable: name === "beforeinput", inputType, data } as InputEventInit));
}

/** Puts a value into a field and tells the page, unless the page would rather not. */
function put(el: Field, value: string, inputType: string, data: string | null, at?: number): void {
  if (!input(el, "beforeinput", inputType, data)) return;
  dom.setValue(el, value);
  if (at !== undefined) caret(el, at);
  input(el, "input", inputType, data);
}

function caret(el: Field, at: number): void {
  try {
    el.setSelectionRange(at, at);
  } catch {
    // a field without a typing cursor
  }
}

/** Where the typing cursor is; at the end in fields that do not tell. */
export function place(el: Field): [number, number] {
  const end = el.value.length;
  return [el.selectionStart ?? end, el.selectionEnd ?? end];
}

/** Puts text where the typing cursor is. */
export function insert(el: HTMLElement, text: string): void {
  if (el.isContentEditable) return void command(el, text === "\n" ? "insertParagraph" : "insertText", text);
  const f = el as Field;
  const [from, to] = place(f);
  if (f.maxLength >= 0 && f.value.length - (to - from) + text.length > f.maxLength) return;
  put(f, f.value.slice(0, from) + text + f.value.slice(to), text === "\n" ? "insertLineBreak" : "insertText", text === "\n" ? null : text, from + text.length);
}

/** Takes away what is selected, or a character before or after the cursor. */
export function erase(el: HTMLElement, back: boolean): void {
  if (el.isContentEditable) return void command(el, back ? "delete" : "forwardDelete");
  const f = el as Field;
  let [from, to] = place(f);
  if (from === to) {
    const text = back ? [...f.value.slice(0, from)].pop() : [...f.value.slice(to)][0];
    if (!text) return;
    if (back) from -= text.length;
    else to += text.length;
  }
  put(f, f.value.slice(0, from) + f.value.slice(to), back ? "deleteContentBackward" : "deleteContentForward", null, from);
}

/** An editing command: rich text editors see it as they see the user's typing. */
export function command(el: Element, name: string, value = ""): boolean {
  return dom.ownerDocument(el)!.execCommand(name, false, value);
}

/** Types a text in the place of what is there. */
export async function fill(d: Doing): Promise<boolean> {
  const { el, value, cursor, step } = d;
  if (editor(el)) return write(d);
  const f = el as Field;
  if (!/^(input|textarea)$/.test(dom.localName(f)) || NOT_TEXT.test(f.type)) return false;
  const before = f.value;
  step(() => cursor.into(f));
  if (WHOLE.test(f.type)) return whole(d, f);
  const text = f.type === "textarea" ? value.replace(/\r\n?/g, "\n") : value.replace(/[\r\n]/g, "");
  const chars = [...(f.maxLength >= 0 ? text.slice(0, f.maxLength) : text)];
  const last = chars.splice(-TYPED);
  step(() => {
    if (last.length) return put(f, chars.join(""), chars.length ? "insertFromPaste" : "deleteContentBackward", null, undefined);
    if (key(f, "keydown", "Backspace")) put(f, "", "deleteContentBackward", null);
    key(f, "keyup", "Backspace");
  });
  for (const ch of last) {
    await dom.soon();
    if (!d.goes() || !dom.isConnected(f)) return false;
    step(() => stroke(f, ch));
  }
  await dom.soon();
  if (!d.goes()) return false;
  step(() => cursor.changed(f));
  return f.value === text || f.value !== before;
}

function stroke(f: Field, ch: string): void {
  const k = ch === "\n" ? "Enter" : ch;
  if (key(f, "keydown", k) && key(f, "keypress", k)) insert(f, ch);
  key(f, "keyup", k);
}

/** Sets a number, date, time or colour, where the browser takes it for one. */
async function whole({ el, value, cursor, step }: Doing, f: Field): Promise<boolean> {
  const before = f.value;
  let taken = true;
  step(() => {
    const last = f.type === "number" ? value.slice(-1) || "Backspace" : "";
    if (last && !(key(f, "keydown", last) && (last === "Backspace" || key(f, "keypress", last)))) return key(f, "keyup", last);
    dom.setValue(f, value);
    taken = value ? !!f.value && (f.type !== "color" || f.value === value.toLowerCase()) : true;
    if (!taken) return dom.setValue(f, before);
    input(f, "input", "insertReplacementText", value);
    if (last) key(f, "keyup", last);
    cursor.changed(el);
    return;
  });
  return taken;
}

/** Replaces a rich text. Editors that keep a model of their own hear of each part as of the user's typing. */
async function write({ el, value, cursor, step, goes }: Doing): Promise<boolean> {
  const plain = (s: string) => s.replace(/\s+/g, "");
  const back = cursor.quiet(el) ? focused(cursor.shadow) : null;
  const inner = back && dom.localName(back) === "pillion-assist" ? dom.shadowRoot(back)?.activeElement : null;
  const replace = () => {
    if (!value) return void command(el, "delete");
    value.replace(/\r\n?/g, "\n").split("\n").forEach((line, i) => {
      if (i) command(el, "insertParagraph");
      if (line || !i) command(el, line ? "insertText" : "delete", line);
    });
  };
  step(() => {
    cursor.into(el, true);
    dom.ownerDocument(el)!.getSelection()?.selectAllChildren(el);
    if (!back) return;
    // Commands work where the focus is. Not a key of the user's may get there.
    replace();
    dom.focus(inner ?? back, { preventScroll: true });
  });
  if (!back) {
    await dom.soon(); // editors learn of the selection a turn later
    if (!goes() || !dom.isConnected(el)) return false;
    step(replace);
  }
  await dom.soon();
  if (!goes()) return false;
  let ok = false;
  step(() => {
    ok = plain(el.textContent ?? "") === plain(value);
    if (!ok && input(el, "beforeinput", "insertReplacementText", value)) {
      el.textContent = value;
      input(el, "input", "insertReplacementText", value);
      ok = true;
    }
    cursor.changed(el);
  });
  return ok;
}
