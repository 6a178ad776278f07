import { Op } from "../protocol/format.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";

/** Larger sheets are read again only when a patched method told of a change. */
const POLLED_RULES = 1000;
const MAX_DELTAS = 20;

type Root = Document | ShadowRoot;

/** Style sheets that a script changed: their rules are not what their markup says. */
export class Sheets {
  readonly #id: (n: Node) => number;
  readonly #touched: Set<CSSStyleSheet>;
  #sent = new WeakMap<Node, string[]>();
  #marks = new WeakMap<CSSStyleSheet, string>();
  #numbers = new WeakMap<CSSStyleSheet, number>();
  #adopted = new WeakMap<Root, string>();
  #last = 0;

  /** touched holds sheets whose insertRule or deleteRule was called since they were read. */
  constructor(id: (n: Node) => number, touched: Set<CSSStyleSheet>) {
    this.#id = id;
    this.#touched = touched;
  }

  forget(n: Node): void {
    this.#sent.delete(n);
    this.#adopted.delete(n as Root);
    this.#marks.delete((n as HTMLStyleElement).sheet!); // it may be told anew while it is in its place
  }

  /** Reads the sheets of a document or shadow root. */
  check(root: Root, emit: Emit): void {
    for (const sheet of root.styleSheets) this.#owned(sheet, emit);
    this.#checkAdopted(root, emit);
  }

  #owned(sheet: CSSStyleSheet, emit: Emit): void {
    const owner = sheet.ownerNode;
    const id = owner ? this.#id(owner) : 0;
    if (!owner || !id) return;
    const rules = rulesOf(sheet);
    if (!rules) return;
    const touched = this.#touched.delete(sheet);
    const before = this.#marks.get(sheet);
    if (!touched && before !== undefined && rules.length > POLLED_RULES) return;
    const lines = sheet.disabled ? [] : texts(rules);
    const mark = lines.length + " " + hash(lines);
    if (mark === before) return;
    this.#marks.set(sheet, mark);
    if (before === undefined && !touched && !sheet.disabled && !differsFromMarkup(owner, lines)) return;
    const known = this.#sent.get(owner);
    this.#sent.set(owner, lines);
    if (known && this.#deltas(id, known, lines, emit)) return;
    emit(Op.Rules, (w) => {
      w.uint(id);
      w.uint(lines.length);
      for (const line of lines) w.str(line);
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

  #checkAdopted(root: Root, emit: Emit): void {
    const list = root.adoptedStyleSheets;
    if (!list || (!list.length && !this.#adopted.has(root))) return;
    const numbers = Array.from(list, (s) => this.#constructedSheet(s, emit));
    const key = numbers.join();
    if (this.#adopted.get(root) === key) return;
    this.#adopted.set(root, key);
    const id = this.#id(root);
    emit(Op.Adopted, (w) => {
      w.uint(id);
      w.uint(numbers.length);
      for (const n of numbers) w.uint(n);
    });
  }

  #constructedSheet(sheet: CSSStyleSheet, emit: Emit): number {
    let number = this.#numbers.get(sheet);
    if (!number) this.#numbers.set(sheet, (number = ++this.#last));
    const lines = sheet.disabled ? [] : texts(rulesOf(sheet) ?? []);
    const mark = lines.length + " " + hash(lines);
    if (this.#marks.get(sheet) !== mark) {
      this.#marks.set(sheet, mark);
      const n = number;
      emit(Op.Sheet, (w) => {
        w.uint(n);
        w.uint(lines.length);
        for (const line of lines) w.str(line);
      });
    }
    return number;
  }
}

/** The rules of a sheet, null where they may not be read. */
function rulesOf(sheet: CSSStyleSheet): CSSRuleList | null {
  try {
    return sheet.cssRules;
  } catch {
    return null;
  }
}

function texts(rules: ArrayLike<CSSRule>): string[] {
  return Array.from(rules, (r) => r.cssText);
}

function hash(lines: string[]): number {
  let h = 0x811c9dc5;
  for (const s of lines) for (let i = 0; i < s.length; i++) h = Math.imul(h ^ s.charCodeAt(i), 0x01000193);
  return h;
}

/** Whether a style element's rules are others than its text has; a link's file is not read again. */
function differsFromMarkup(owner: Node, lines: string[]): boolean {
  if (dom.localName(owner as Element) !== "style") return false;
  const text = owner.textContent ?? "";
  if (text.length > 200_000 || /@import/i.test(text)) return false;
  try {
    const fresh = new CSSStyleSheet();
    fresh.replaceSync(text);
    return texts(fresh.cssRules).join("\n") !== lines.join("\n");
  } catch {
    return false;
  }
}
