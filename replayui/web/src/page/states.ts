import { Op } from "../protocol/format.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";
import type { Tree } from "./tree.ts";

/** The states of an element's own that scripts keep (ElementInternals). */
export type StatesOf = WeakMap<Element, ElementInternals>;

/** What was noted of a page before anybody recorded it. */
export interface Seen {
  internals: StatesOf;
  /** documents and shadow roots that are heard, and patched, from their beginning */
  heard: WeakSet<Document | ShadowRoot>;
  /** what was scrolled in those */
  scrolled: WeakSet<Node>;
}

const ASKED = ["focus-visible", "user-invalid", "user-valid", "autofill", "target", "fullscreen"];
const ANY = `:is(${ASKED.map((s) => ":" + s).join()})`; // names that a browser does not know do no harm in it
/** Elements that may be in something that is told. */
const TOLD = ANY + ",:invalid";
const POLLED = 60;

/** What selectors ask of elements and markup does not say. */
export class States {
  readonly #tree: Tree;
  readonly #internals: StatesOf;
  #sent = new Map<Element, string>();
  #controls = new Set<Element>();
  #cursor: Iterator<Element> | undefined;

  constructor(tree: Tree, internals: StatesOf) {
    this.#tree = tree;
    this.#internals = internals;
  }

  add(el: Element): void {
    if ("willValidate" in el) this.#controls.add(el);
  }

  drop(n: Node): void {
    this.#controls.delete(n as Element);
    this.#sent.delete(n as Element);
  }

  /** Tells of all elements of a document or shadow root, by asking for those that are in something. */
  survey(root: Document | ShadowRoot, emit: Emit): void {
    for (const el of dom.nodeType(root) === 9 ? dom.inDocument(root, TOLD) : dom.inFragment(root, TOLD)) this.tell(el, emit);
  }

  /** Tells of an element what the gateway does not know yet. */
  tell(el: Element, emit: Emit): void {
    const id = this.#tree.id(el);
    if (!id) return;
    const names = this.#names(el);
    const now = names.join();
    if (now === (this.#sent.get(el) ?? "")) return;
    if (now) this.#sent.set(el, now);
    else this.#sent.delete(el);
    emit(Op.States, (w) => {
      w.uint(id);
      w.uint(names.length);
      for (const s of names) w.str(s);
    });
  }

  #names(el: Element): string[] {
    const names = is(el, ANY) ? ASKED.filter((s) => is(el, ":" + s)) : [];
    if (this.#tree.veil.masked(el)) return names.filter((s) => !/^user|^auto/.test(s));
    const v = (el as HTMLInputElement).validity;
    if (v instanceof Object && !v.valid && (v.customError || v.tooShort || v.tooLong || v.badInput)) names.push("invalid");
    for (const s of this.#internals.get(el)?.states ?? []) names.push(`state(${s})`);
    return names;
  }

  /** Asks those again that were in something, and some of the controls in turn. */
  poll(emit: Emit): void {
    for (const el of this.#sent.keys()) this.tell(el, emit);
    for (let i = 0; i < Math.min(POLLED, this.#controls.size); i++) {
      this.#cursor ??= this.#controls.values();
      const next = this.#cursor.next();
      if (next.done) this.#cursor = undefined;
      else this.tell(next.value, emit);
    }
  }
}

function is(el: Element, selector: string): boolean {
  try {
    return dom.matches(el, selector);
  } catch {
    return false; // a browser that does not know it
  }
}
