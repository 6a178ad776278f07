import { Op } from "../protocol/format.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";
import type { Kept } from "./recorder.ts";

const MAX_DELTAS = 20;
/** Rules read between two looks at the clock. */
const STRIDE = 100;

type Root = Document | ShadowRoot;

/** Sheets that were told of once: whoever records the page next has to tell of them again. */
const changed = new WeakSet<CSSStyleSheet>();

/** Style sheets that a script changed: their rules are not what their markup says. */
export class Sheets {
  readonly #id: (n: Node) => number;
  readonly #kept: Kept;
  #sent = new WeakMap<Node, string[]>();
  #marks = new WeakMap<CSSStyleSheet, string>();
  #uses = new WeakMap<Node, string>();
  #numbers = new WeakMap<CSSStyleSheet, number>();
  #adopted = new WeakMap<Root, string>();
  #last = 0;

  constructor(id: (n: Node) => number, kept: Kept) {
    this.#id = id;
    this.#kept = kept;
  }

  forget(n: Node): void {
    this.#sent.delete(n);
    this.#uses.delete(n);
    this.#adopted.delete(n as Root);
    this.#marks.delete((n as HTMLStyleElement).sheet!); // it may be told anew while it is in its place
  }

  /** Reads the sheets of a document or shadow root at once. */
  check(root: Root, emit: Emit): void {
    for (const _ of this.look([root], () => emit));
  }

  /**
   * Reads sheets, a few rules at a time: many have thousands. Those whose rules no
   * script had in its hands are as their files and markup say; a link's is read
   * once all the same, when the page's state is out, to know what is a change.
   */
  *look(roots: Iterable<Root>, emit: () => Emit, state = false): Generator<void> {
    const seen = new Set<CSSStyleSheet>();
    for (const root of roots) {
      const heard = this.#kept.heard.has(root);
      for (const sheet of root.styleSheets) yield* this.#owned(sheet, emit, heard, state);
      yield* this.#checkAdopted(root, seen, emit, heard);
    }
  }

  /** Whether a sheet is as it was when it was read. */
  #same(sheet: CSSStyleSheet, heard: boolean): boolean {
    return heard && !this.#kept.reached.has(sheet) && !this.#kept.touched.has(sheet);
  }

  /** Reads those that are known to have changed. */
  changed(emit: Emit): void {
    for (const sheet of this.#kept.recent.splice(0)) {
      if (!this.#kept.touched.has(sheet)) continue;
      if (sheet.ownerNode) for (const _ of this.#owned(sheet, () => emit));
      else if (this.#marks.has(sheet)) for (const _ of this.#constructed(sheet, () => emit));
      if (this.#kept.touched.has(sheet)) this.#kept.recent.push(sheet); // it is not in the page yet
    }
  }

  *#owned(sheet: CSSStyleSheet, emit: () => Emit, heard = false, state = false): Generator<void> {
    const owner = sheet.ownerNode;
    const id = owner ? this.#id(owner) : 0;
    if (!owner || !id) return;
    this.#use(sheet, owner as Element, id, emit);
    if (this.#same(sheet, heard) && !this.#sent.has(owner) && (state || this.#marks.has(sheet) || dom.localName(owner as Element) === "style")) return;
    const touched = this.#kept.touched.delete(sheet) || changed.has(sheet);
    const before = this.#marks.get(sheet);
    const mark = yield* markOf(sheet);
    if (mark === before || !mark || this.#id(owner) !== id) return;
    this.#marks.set(sheet, mark);
    const known = this.#sent.get(owner);
    if (before === undefined && !touched && !known && !(yield* differsFromMarkup(owner, mark))) return;
    const lines = texts(rulesOf(sheet)!);
    this.#sent.set(owner, lines);
    changed.add(sheet);
    if (known && this.#deltas(id, known, lines, emit())) return;
    emit()(Op.Rules, (w) => {
      w.uint(id);
      w.uint(lines.length);
      for (const line of lines) w.str(line);
    });
  }

  /** Whether a sheet is in use, and for which media, where its element does not say so. */
  #use(sheet: CSSStyleSheet, owner: Element, id: number, emit: () => Emit): void {
    const media = sheet.media.mediaText;
    const squeezed = (s: string | null) => (s ?? "").replace(/\s+/g, "").toLowerCase();
    const bits = +sheet.disabled | (this.#kept.switched.has(owner) && !dom.hasAttribute(owner, "disabled") ? 2 : 0);
    const now = bits + media;
    const before = this.#uses.get(owner);
    if (now === before || (before === undefined && !bits && squeezed(media) === squeezed(dom.getAttribute(owner, "media")))) return;
    this.#uses.set(owner, now);
    emit()(Op.SheetUse, (w) => {
      w.uint(id);
      w.uint(bits);
      w.str(media);
    });
  }

  #deltas(id: number, from: string[], to: string[], emit: Emit): boolean {
    let start = 0;
    while (start < from.length && start < to.length && from[start] === to[start]) start++;
    let end = 0;
    while (end < from.length - start && end < to.length - start && from[from.length - 1 - end] === to[to.length - 1 - end]) end++;
    const out = from.length - start - end;
    const added = to.length - start - end;
    if (out + added > MAX_DELTAS) return false;
    for (let i = 0; i < out; i++) {
      emit(Op.RuleDelete, (w) => {
        w.uint(id);
        w.uint(start);
      });
    }
    for (let i = 0; i < added; i++) {
      emit(Op.RuleInsert, (w) => {
        w.uint(id);
        w.uint(start + i);
        w.str(to[start + i]!);
      });
    }
    return true;
  }

  *#checkAdopted(root: Root, seen: Set<CSSStyleSheet>, emit: () => Emit, heard: boolean): Generator<void> {
    const list = root.adoptedStyleSheets;
    if (!list || (!list.length && !this.#adopted.has(root))) return;
    for (const sheet of list) {
      // Components share theirs, by the thousand.
      if (seen.has(sheet)) continue;
      seen.add(sheet);
      if (this.#same(sheet, heard) && this.#marks.has(sheet)) continue;
      yield* this.#constructed(sheet, emit);
    }
    const id = this.#id(root);
    const numbers = Array.from(root.adoptedStyleSheets, (s) => this.#numbers.get(s) ?? 0).filter(Boolean);
    const key = numbers.join();
    if (!id || this.#adopted.get(root) === key) return;
    this.#adopted.set(root, key);
    emit()(Op.Adopted, (w) => {
      w.uint(id);
      w.uint(numbers.length);
      for (const n of numbers) w.uint(n);
    });
  }

  *#constructed(sheet: CSSStyleSheet, emit: () => Emit): Generator<void> {
    let number = this.#numbers.get(sheet);
    if (!number) this.#numbers.set(sheet, (number = ++this.#last));
    const n = number;
    this.#kept.touched.delete(sheet);
    const media = sheet.media.mediaText;
    const mark = sheet.disabled ? "off" : media + (yield* markOf(sheet));
    if (this.#marks.get(sheet) === mark) return;
    this.#marks.set(sheet, mark);
    let lines = sheet.disabled ? [] : texts(rulesOf(sheet) ?? []);
    if (media && lines.length) lines = [`@media ${media} {${lines.join("\n")}}`];
    emit()(Op.Sheet, (w) => {
      w.uint(n);
      w.uint(lines.length);
      for (const line of lines) w.str(line);
    });
  }
}

/** The rules of a sheet, null where they may not be read. */
function rulesOf(sheet: CSSStyleSheet): CSSRuleList | null {
  try {
    return dom.cssRules(sheet);
  } catch {
    return null;
  }
}

function texts(rules: ArrayLike<CSSRule>): string[] {
  return Array.from(rules, (r) => r.cssText);
}

/** What tells a sheet's rules from others; empty where they may not be read. */
function* markOf(sheet: CSSStyleSheet): Generator<void, string> {
  const rules = rulesOf(sheet);
  if (!rules) return "";
  let h = 0x811c9dc5;
  for (let i = 0; i < rules.length; i++) {
    if (i % STRIDE === STRIDE - 1) yield;
    const s = rules[i]?.cssText ?? "";
    for (let k = 0; k < s.length; k++) h = Math.imul(h ^ s.charCodeAt(k), 0x01000193);
  }
  return rules.length + " " + h;
}

/** Whether a style element's rules are others than its text has; a link's file is not read again. */
function* differsFromMarkup(owner: Node, mark: string): Generator<void, boolean> {
  if (dom.localName(owner as Element) !== "style") return false;
  const text = owner.textContent ?? "";
  if (text.length > 200_000 || /@import/i.test(text)) return false;
  try {
    const fresh = new CSSStyleSheet();
    fresh.replaceSync(text);
    return (yield* markOf(fresh)) !== mark;
  } catch {
    return false;
  }
}
