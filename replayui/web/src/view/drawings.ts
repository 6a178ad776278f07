import type { Drawing } from "../protocol/format.ts";
import { pathOf, places, type Box } from "./geometry.ts";

const SVG = "http://www.w3.org/2000/svg";
/** A drawing is whole for so long after its last change, and fades in the rest. */
const WHOLE_MS = 7000;
export const GONE_MS = 8000;

interface Drawn { drawing: Drawing; at: number; group: SVGGElement; paths: SVGPathElement[] }

/** What people draw on the page: it sticks to its nodes, and fades. */
export class Drawings {
  readonly element = document.createElementNS(SVG, "svg");
  private drawn = new Map<string, Drawn>();

  constructor(private readonly boxOf: (id: number) => Box | undefined) {
    this.element.setAttribute("class", "drawings");
    this.element.setAttribute("aria-hidden", "true");
  }

  /** Draws, or replaces what the same person drew under the same number. */
  draw(from: number, drawing: Drawing, className: string, at: number): void {
    const key = `${from} ${drawing.id}`;
    const before = this.drawn.get(key);
    const made = before ?? this.add(className);
    const now = { ...made, drawing, at };
    this.drawn.set(key, now);
    now.group.style.opacity = "1";
    this.put(now);
  }

  private add(className: string): Pick<Drawn, "group" | "paths"> {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", className);
    const paths = ["halo", "line"].map((name) => {
      const p = document.createElementNS(SVG, "path");
      p.setAttribute("class", name);
      group.append(p);
      return p;
    });
    this.element.append(group);
    return { group, paths };
  }

  private put({ drawing, group, paths }: Drawn): void {
    const box = this.boxOf(drawing.node);
    group.setAttribute("data-shape", drawing.shape);
    const d = box ? pathOf(drawing.shape, box, places(box, drawing.points)) : "";
    for (const p of paths) p.setAttribute("d", d);
  }

  refresh(): void {
    for (const d of this.drawn.values()) this.put(d);
  }

  /** Fades what is old, at a time on the same clock as the drawing's. */
  tick(now: number): void {
    for (const [key, d] of this.drawn) {
      const age = now - d.at;
      if (age >= GONE_MS || age < 0) {
        d.group.remove();
        this.drawn.delete(key);
      } else if (age > WHOLE_MS) {
        d.group.style.opacity = String((GONE_MS - age) / (GONE_MS - WHOLE_MS));
      }
    }
  }

  clear(): void {
    this.drawn.clear();
    this.element.replaceChildren();
  }
}
