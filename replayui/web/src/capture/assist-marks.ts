import type { Drawing, PointerAt } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import { h, s } from "./element.ts";

/** White is read on each of them, and each is seen on white. */
const COLOURS = ["#c2410c", "#1d4ed8", "#a21caf", "#15803d", "#b91c1c", "#0f766e"];
const DRAWN_MS = 8000;
const STILL_MS = 5000;
const FADE_MS = 600;
const RIPPLE_MS = 700;
const MAX_MARKS = 100;
const ARROW = "M2 1 2 19 7 14.5 10.5 22 14 20.5 10.6 13.2 17.5 13z";

type Box = readonly [x: number, y: number, width: number, height: number];

interface Mark {
  from: number;
  /** what it is fixed to; null: the window */
  el: Element | null;
  shape: HTMLElement | SVGElement;
  place(...box: Box): void;
  until: number;
  last?: string;
}

/** What agents show on the user's page: pointers, drawings, and what they are busy with. */
export class Marks {
  readonly #svg = s("svg", { class: "marks" });
  readonly layer = h("div", { "aria-hidden": "true" }, this.#svg);
  #marks = new Map<unknown, Mark>();
  #names: string[] = [];
  /** elements that are out of sight: where they scrolled to, other things are */
  #hidden = new Set<Element>();
  #sight = new IntersectionObserver((list) => {
    for (const e of list) this.#hidden[e.isIntersecting ? "delete" : "add"](e.target);
  });
  #going = false;

  /** Everybody has a colour of their own. */
  colour(name: string): string {
    if (!this.#names.includes(name)) this.#names.push(name);
    return COLOURS[this.#names.indexOf(name) % COLOURS.length]!;
  }

  /** Shows where an agent points: in an element, or in the window where that has no box. */
  point(from: number, name: string, el: Element | null, p: PointerAt): void {
    const at = el && boxOf(el) ? el : null;
    let m = this.#marks.get(from);
    if (!m) {
      const shape = h("div", { class: "pointer", "data-role": "agent-pointer" }, s("svg", { width: "22", height: "24" }, s("path", { d: ARROW })), h("b", {}, name));
      m = this.#add(from, { from, el: null, shape, place() {}, until: 0 }, name);
    }
    m.el = at;
    m.place = (x, y, w, height) => (m.shape.style.transform = `translate(${at ? x + w * p.x : p.vx}px,${at ? y + height * p.y : p.vy}px)`);
    m.last = "";
    m.until = dom.now() + STILL_MS;
    this.#place(m);
    if (!m.shape.parentNode) this.layer.append(m.shape);
    if (!p.down) return;
    const ripple = h("i", {});
    m.shape.prepend(ripple);
    dom.later(() => ripple.remove(), RIPPLE_MS);
  }

  draw(from: number, name: string, el: Element, d: Drawing): void {
    const key = from + "/" + d.id;
    if (this.#marks.size >= MAX_MARKS) this.drop(this.#marks.keys().next().value!);
    const shape = s("path", { "data-role": "drawing", "data-shape": d.shape });
    const points = d.shape === "highlight" ? [0, 0, 1, 1] : d.points;
    this.#add(key, { from, el, shape, until: dom.now() + DRAWN_MS, place: (x, y, w, height) => {
      shape.setAttribute("d", line(d.shape, points.map((p, i) => (i % 2 ? y + p * height : x + p * w))));
    } }, name);
    this.#svg.append(shape);
  }

  /** An outline around an element, with a name where it has a label, until it is dropped. */
  outline(key: unknown, role: string, el: Element, name: string, label = ""): void {
    const shape = h("div", { class: "outline", "data-role": role }, h("b", {}, label));
    this.#add(key, { from: 0, el, shape, until: Infinity, place: (x, y, w, height) => {
      Object.assign(shape.style, { transform: `translate(${x}px,${y}px)`, width: w + "px", height: height + "px" });
    } }, name);
    this.layer.append(shape);
  }

  /** Takes away what a participant shows, or all agents. */
  clear(from?: number): void {
    for (const [key, m] of this.#marks) if (m.from === (from ?? m.from)) this.drop(key);
  }

  #add(key: unknown, m: Mark, name: string): Mark {
    m.shape.style.setProperty("--who", this.colour(name));
    this.drop(key);
    this.#marks.set(key, m);
    if (m.el) this.#sight.observe(m.el);
    if (!this.#going) dom.nextFrame(this.#follow);
    this.#going = true;
    return m;
  }

  drop(key: unknown): void {
    const m = this.#marks.get(key);
    if (!m) return;
    m.shape.remove();
    this.#marks.delete(key);
    const { el } = m;
    if (!el || [...this.#marks.values()].some((other) => other.el === el)) return;
    this.#sight.unobserve(el);
    this.#hidden.delete(el);
  }

  #place(m: Mark): void {
    const box = m.el ? !this.#hidden.has(m.el) && boxOf(m.el) : ([0, 0, 0, 0] as const);
    m.shape.style.display = box ? "" : "none";
    if (box && box.join() !== m.last) m.place(...box);
    m.last = box ? box.join() : "";
  }

  /** Follows the elements, as long as there is anything to follow. */
  #follow = (): void => {
    const now = dom.now();
    for (const [key, m] of this.#marks) {
      if (now > m.until || (m.el && !dom.isConnected(m.el))) {
        this.drop(key);
        continue;
      }
      this.#place(m);
      m.shape.classList.toggle("fade", m.until - now < FADE_MS);
    }
    this.#going = this.#marks.size > 0;
    if (this.#going) dom.nextFrame(this.#follow);
  };
}

/** The box of an element in the window, also of one in a frame; null where it has none. */
function boxOf(el: Element): Box | null {
  const box = el.getBoundingClientRect();
  let [x, y, width, height] = [box.left, box.top, box.width, box.height];
  if (!width && !height) return null;
  for (let f = frameOf(el); f; f = frameOf(f)) {
    const r = f.getBoundingClientRect();
    const style = getComputedStyle(f);
    // A frame may be scaled, with all that is in it.
    const [kx, ky] = [r.width / f.offsetWidth || 1, r.height / f.offsetHeight || 1];
    x = r.left + (f.clientLeft + parseFloat(style.paddingLeft) + x) * kx;
    y = r.top + (f.clientTop + parseFloat(style.paddingTop) + y) * ky;
    width *= kx;
    height *= ky;
  }
  return [x, y, width, height];
}

function frameOf(el: Element): HTMLElement | null {
  return (dom.ownerDocument(el)?.defaultView?.frameElement ?? null) as HTMLElement | null;
}

function line(shape: string, p: number[]): string {
  const [a, b, c, d] = p as [number, number, number, number];
  if (shape === "free") return "M" + p.join(" ");
  if (shape !== "arrow") return `M${a} ${b}H${c}V${d}H${a}z`;
  const size = Math.min(18, Math.hypot(c - a, d - b));
  const turn = Math.atan2(d - b, c - a);
  const wing = (by: number) => `M${c} ${d}L${c - size * Math.cos(turn + by)} ${d - size * Math.sin(turn + by)}`;
  return `M${a} ${b}L${c} ${d}${wing(0.5)}${wing(-0.5)}`;
}
