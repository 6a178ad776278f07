import { Op } from "../protocol/format.ts";
import { withoutCards } from "./cards.ts";
import * as dom from "./natives.ts";
import { hiddenInput, masked } from "./secrets.ts";
import type { Tree } from "./tree.ts";
import type { Writer } from "./writer.ts";

/** Where events go: a batch, or the list at the end of a page state. */
export type Emit = (op: Op, body: (w: Writer) => void) => void;

const BUTTON = /^(submit|reset|button|image|hidden)$/;
const TICK = /^(checkbox|radio)$/;

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** What controls hold beyond their markup. They tell of no change by script: they are asked. */
export class Forms {
  readonly #tree: Tree;
  #controls = new Set<Control>();
  #sent = new WeakMap<Control, string>();
  #cursor: Iterator<Control> | undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  add(el: Element): void {
    if (/^(input|textarea|select)$/.test(dom.localName(el)) && "form" in el) this.#controls.add(el as Control);
  }

  drop(n: Node): void {
    this.#controls.delete(n as Control);
    this.#sent.delete(n as Control);
  }

  get size(): number {
    return this.#controls.size;
  }

  /** What the gateway knows of a control, for the digest: value and ticks. */
  known(n: Node): string | undefined {
    return this.#sent.get(n as Control);
  }

  /** Asks some of the controls, in turn; all of them where there are few. */
  poll(most: number, emit: Emit): void {
    if (this.#controls.size <= most) {
      for (const c of this.#controls) this.check(c, emit);
      return;
    }
    for (let i = 0; i < most; i++) {
      this.#cursor ??= this.#controls.values();
      const next = this.#cursor.next();
      if (next.done) {
        this.#cursor = undefined;
        return;
      }
      this.check(next.value, emit);
    }
  }

  /** Tells of a control what the gateway does not know yet. */
  check(el: Element, emit: Emit): void {
    const c = el as Control;
    const id = this.#tree.id(c);
    if (!id || !this.#controls.has(c) || hiddenInput(c)) return;
    const name = dom.localName(c);
    const secret = this.#tree.veil.masked(c);
    if (name === "select") return this.#select(c as HTMLSelectElement, id, secret, emit);
    const type = name === "input" ? (c as HTMLInputElement).type : "";
    if (!TICK.test(type)) return BUTTON.test(type) ? undefined : this.#value(c as HTMLInputElement, id, secret, emit);
    if (!secret) this.#tick(c as HTMLInputElement, id, emit);
  }

  #value(c: HTMLInputElement | HTMLTextAreaElement, id: number, secret: boolean, emit: Emit): void {
    const told = secret ? masked : withoutCards;
    const now = told(c.value);
    const area = dom.localName(c) === "textarea";
    const before = this.#sent.get(c) ?? (area ? told(c.defaultValue) : secret ? "" : told(dom.getAttribute(c, "value") ?? ""));
    if (now === before) return;
    this.#sent.set(c, now);
    emit(Op.Value, (w) => {
      w.uint(id);
      w.uint(secret ? 1 : 0);
      w.str(now);
    });
  }

  #tick(c: HTMLInputElement, id: number, emit: Emit): void {
    const now = (c.checked ? 1 : 0) | (c.indeterminate ? 2 : 0);
    const before = this.#sent.get(c) ?? String(dom.hasAttribute(c, "checked") ? 1 : 0);
    if (String(now) === before) return;
    this.#sent.set(c, String(now));
    emit(Op.Checked, (w) => {
      w.uint(id);
      w.uint(now);
    });
  }

  /** Of a masked one it is told that nothing is chosen: the first is what a viewer would show. */
  #select(c: HTMLSelectElement, id: number, secret: boolean, emit: Emit): void {
    const chosen: number[] = [];
    const options = c.options;
    for (let i = 0; i < options.length && !secret; i++) if (options[i]!.selected) chosen.push(i);
    const now = chosen.join();
    if (this.#sent.get(c) === now) return;
    this.#sent.set(c, now);
    emit(Op.Selected, (w) => {
      w.uint(id);
      w.uint(chosen.length);
      for (const i of chosen) w.uint(i);
    });
  }
}

/** Whether what is known of a control is ticks, not text. */
export function ticks(n: Node): boolean {
  return dom.nodeType(n) === 1 && dom.localName(n as Element) === "input" && TICK.test((n as HTMLInputElement).type);
}
