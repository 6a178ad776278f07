import type { Drawing, Shape } from "../protocol/format.ts";
import { shares, thinned, type Box } from "../view/geometry.ts";
import type { Stage } from "../view/stage.ts";

const SEND_MS = 50;
/** Closer than this to the point before, a point says nothing new. */
const STEP = 3;

interface Stroke { drawing: Drawing; box: Box; x: number; y: number }

/** The drawing in hand: begun on an element, and anchored to it. */
export class Pen {
  private stroke: Stroke | undefined;
  private last = 0;
  private sent = 0;
  private timer = 0;

  constructor(private readonly stage: Stage, private readonly draw: (d: Drawing) => void) {}

  get down(): boolean {
    return !!this.stroke;
  }

  start(shape: Shape, x: number, y: number): void {
    const found = this.anchor(this.stage.hit(x, y));
    if (!found) return;
    const drawing: Drawing = { id: ++this.last, shape, node: found.node, points: shape === "highlight" ? [] : shares(found.box, x, y) };
    this.stroke = { drawing, box: found.box, x, y };
    if (shape !== "highlight") return;
    this.draw(drawing);
    this.stroke = undefined;
  }

  /** Highlights an element, without a mouse. */
  highlight(node: number): void {
    this.draw({ id: ++this.last, shape: "highlight", node, points: [] });
  }

  move(x: number, y: number): void {
    const s = this.stroke;
    if (!s || Math.hypot(x - s.x, y - s.y) < STEP) return;
    Object.assign(s, { x, y });
    const { points, shape } = s.drawing;
    const at = shares(s.box, x, y);
    const next = shape === "free" ? [...points, ...at] : [points[0]!, points[1]!, ...at];
    s.drawing = { ...s.drawing, points: thinned(next) };
    const wait = SEND_MS - (performance.now() - this.sent);
    if (!this.timer) this.timer = window.setTimeout(() => this.flush(), Math.max(0, wait));
  }

  end(): void {
    if (this.stroke) this.flush();
    this.stroke = undefined;
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    this.sent = performance.now();
    if (this.stroke && this.stroke.drawing.points.length >= 4) this.draw(this.stroke.drawing);
  }

  /** The element under a place, or the nearest around it that has a number and a box. */
  private anchor(hit: Element | undefined): { node: number; box: Box } | undefined {
    for (let el: Element | null | undefined = hit ?? this.stage.mirror.document.documentElement; el; el = el.parentElement ?? (el.getRootNode() as ShadowRoot).host) {
      const node = this.stage.mirror.id(el);
      const box = node ? this.stage.box(node) : undefined;
      if (box && box.width && box.height) return { node, box };
    }
    return undefined;
  }
}
