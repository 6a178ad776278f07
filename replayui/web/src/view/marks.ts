import type { Box } from "./geometry.ts";

/** What is drawn around a node: how it looks, and words beside it. */
interface Outline { id: number; label: string }

const AROUND = 3;
/** so many pixels of the screen a name needs above its box */
const TAG = 24;
const RIPPLE_MS = 700;

/** Colours that tell participants apart: as many as style.css has. */
export const who = (participant: number) => `who-${participant % 6}`;

/** Outlines, pointers and cursors above the page. */
export class Marks {
  private marks = new Map<string, HTMLElement>();
  private outlines = new Map<string, Outline>();

  /** scale: of the page on the screen; words above it are not made smaller with it. */
  constructor(private readonly overlay: HTMLElement, private readonly boxOf: (id: number) => Box | undefined, private readonly scale: () => number) {}

  private mark(name: string, className: string): HTMLElement {
    let m = this.marks.get(name);
    if (!m) {
      m = document.createElement("div");
      this.marks.set(name, m);
      this.overlay.append(m);
    }
    const classes = "mark-at " + className;
    if (m.className !== classes) m.className = classes;
    return m;
  }

  has(name: string): boolean {
    return this.marks.has(name);
  }

  remove(name: string): void {
    this.marks.get(name)?.remove();
    this.marks.delete(name);
    this.outlines.delete(name);
  }

  /** Removes all marks whose names begin so. */
  removeAll(prefix: string): void {
    for (const name of [...this.marks.keys()]) if (name.startsWith(prefix)) this.remove(name);
  }

  /** Draws a box around a node, with words beside it, until it is removed. */
  outline(name: string, id: number, className: string, label = ""): void {
    const m = this.mark(name, className);
    this.outlines.set(name, { id, label });
    if ((m.firstElementChild?.textContent ?? "") !== label) m.replaceChildren(...(label ? [tag(label)] : []));
    this.put(m, id);
  }

  private put(m: HTMLElement, id: number): void {
    const box = this.boxOf(id);
    m.hidden = !box;
    if (!box) return;
    Object.assign(m.style, {
      left: `${box.left - AROUND}px`, top: `${box.top - AROUND}px`, width: `${box.width + 2 * AROUND}px`, height: `${box.height + 2 * AROUND}px`,
    });
    m.classList.toggle("at-top", box.top * this.scale() < TAG);
  }

  /** Draws somebody's pointer, in viewport pixels. */
  pointAt(name: string, label: string, x: number, y: number, className: string): void {
    const m = this.mark(name, "cursor " + className);
    if (m.dataset["name"] !== label) m.dataset["name"] = label;
    m.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** Puts a pointer elsewhere. */
  move(name: string, x: number, y: number): void {
    const m = this.marks.get(name);
    if (m) m.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** Draws a typing cursor. */
  caret(name: string, box: Box | undefined, className: string): void {
    if (!box) return this.remove(name);
    const m = this.mark(name, "caret " + className);
    Object.assign(m.style, { left: `${box.left - 1}px`, top: `${box.top}px`, height: `${box.height}px` });
  }

  /** Marks a part of the page by dimming what is around it. */
  area(name: string, box: Box | undefined): void {
    if (!box) return this.remove(name);
    Object.assign(this.mark(name, "area").style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
  }

  /** Lays colour over what is selected. */
  selection(name: string, boxes: readonly Box[], className: string): void {
    for (let i = boxes.length; this.marks.has(`${name} ${i}`); i++) this.remove(`${name} ${i}`);
    boxes.forEach((box, i) => {
      const m = this.mark(`${name} ${i}`, "selected " + className);
      Object.assign(m.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
    });
  }

  /** Shows a click, and forgets it. */
  ripple(x: number, y: number, className: string): void {
    const m = document.createElement("div");
    m.className = "mark-at ripple " + className;
    m.style.transform = `translate(${x}px, ${y}px)`;
    this.overlay.append(m);
    setTimeout(() => m.remove(), RIPPLE_MS);
  }

  /** Places the outlines where their nodes are now. */
  refresh(): void {
    for (const [name, { id }] of this.outlines) this.put(this.marks.get(name)!, id);
  }
}

function tag(label: string): HTMLElement {
  const t = document.createElement("span");
  t.className = "mark-tag";
  t.textContent = label;
  return t;
}
