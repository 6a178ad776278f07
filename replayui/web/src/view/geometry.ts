import type { Shape } from "../protocol/format.ts";

/** A node's box in the page's viewport, over frames. */
export interface Box { left: number; top: number; width: number; height: number }

/** How many points a free drawing may have (events/FORMAT.md, Drawing). */
export const MAX_POINTS = 250;
const HEAD = 14;
const AROUND = 4;

const rounded = (v: number) => Math.round(v * 1e4) / 1e4;
const pixel = (v: number) => Math.round(v * 10) / 10;

/** A place in pixels, as shares of a box. */
export function shares(box: Box, x: number, y: number): [number, number] {
  return [box.width ? rounded((x - box.left) / box.width) : 0, box.height ? rounded((y - box.top) / box.height) : 0];
}

/** Shares of a box, as pixels: pairs in, pairs out. */
export function places(box: Box, points: readonly number[]): number[] {
  return points.map((v, i) => (i % 2 ? box.top + v * box.height : box.left + v * box.width));
}

/** Leaves out every second point between the ends until few enough are left. */
export function thinned(points: readonly number[], most = MAX_POINTS): number[] {
  let kept = [...points];
  while (kept.length / 2 > most) {
    const last = kept.length / 2 - 1;
    kept = kept.filter((_, i) => (i >> 1) % 2 === 0 || i >> 1 === last);
  }
  return kept;
}

/** A shape as the data of an SVG path; points in pixels. */
export function pathOf(shape: Shape, box: Box, p: readonly number[]): string {
  if (shape === "highlight") return rectangle(box.left - AROUND, box.top - AROUND, box.left + box.width + AROUND, box.top + box.height + AROUND);
  if (p.length < 4) return "";
  if (shape === "box") return rectangle(p[0]!, p[1]!, p[2]!, p[3]!);
  if (shape === "arrow") return arrow(p[0]!, p[1]!, p[2]!, p[3]!);
  return curve(p);
}

function rectangle(x1: number, y1: number, x2: number, y2: number): string {
  const [l, r, t, b] = [Math.min(x1, x2), Math.max(x1, x2), Math.min(y1, y2), Math.max(y1, y2)].map(pixel);
  return `M${l} ${t}H${r}V${b}H${l}Z`;
}

/** A line and two strokes back from its end. */
function arrow(x1: number, y1: number, x2: number, y2: number): string {
  const way = Math.atan2(y2 - y1, x2 - x1);
  const head = Math.min(HEAD, Math.hypot(x2 - x1, y2 - y1) / 2);
  const [a, b] = [way - 0.5, way + 0.5].map((w) => `${pixel(x2 - head * Math.cos(w))} ${pixel(y2 - head * Math.sin(w))}`);
  return `M${pixel(x1)} ${pixel(y1)}L${pixel(x2)} ${pixel(y2)}M${a}L${pixel(x2)} ${pixel(y2)}L${b}`;
}

/** Smooth through the middles between points, as a pen would go. */
function curve(p: readonly number[]): string {
  let d = `M${pixel(p[0]!)} ${pixel(p[1]!)}`;
  for (let i = 2; i + 3 < p.length; i += 2) {
    d += `Q${pixel(p[i]!)} ${pixel(p[i + 1]!)} ${pixel((p[i]! + p[i + 2]!) / 2)} ${pixel((p[i + 1]! + p[i + 3]!) / 2)}`;
  }
  return d + `L${pixel(p.at(-2)!)} ${pixel(p.at(-1)!)}`;
}

/**
 * Where the typing cursor stands in text that wraps at spaces: which line, and
 * how wide what stands before it in that line is.
 */
export function caretIn(text: string, index: number, width: number, measure: (s: string) => number): { line: number; before: string } {
  let line = 0;
  let start = 0;
  for (let i = 0; i < text.length && i <= index; i++) {
    if (text[i] === "\n") {
      if (i === index) break;
      line++;
      start = i + 1;
    } else if (i > start && text[i - 1] === " " && measure(text.slice(start, wordEnd(text, i))) > width) {
      line++;
      start = i;
    }
  }
  return { line, before: text.slice(start, index) };
}

function wordEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && text[end] !== " " && text[end] !== "\n") end++;
  return end;
}
