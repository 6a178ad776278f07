import { Op } from "../protocol/format.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";
import type { Tree } from "./tree.ts";

const MAX_PIXELS = 4_000_000;
const SLOW_MS = 6;
/** Looks that a canvas is left out of which did not change, at most. */
const REST = 4;

interface Kept { hash: number; wait: number; rest: number; under: boolean }

/** What is drawn on canvases, which tell of nothing. Encoding does not hold the page up. */
export class Canvases {
  readonly #tree: Tree;
  readonly #late: () => Emit | undefined;
  #known = new Map<HTMLCanvasElement, Kept>();

  /** late gives an Emit for now, nothing while the page's state is on its way. */
  constructor(tree: Tree, late: () => Emit | undefined) {
    this.#tree = tree;
    this.#late = late;
  }

  add(c: HTMLCanvasElement): void {
    this.#known.set(c, { hash: 0, wait: 0, rest: 0, under: false });
  }

  drop(n: Node): void {
    this.#known.delete(n as HTMLCanvasElement);
  }

  all(): void {
    if (!this.#known.size) return;
    // After what the page draws in this frame: what WebGL drew is gone after it.
    dom.nextFrame(() => {
      for (const c of this.#known.keys()) this.look(c);
    });
  }

  look(c: HTMLCanvasElement): void {
    const kept = this.#known.get(c);
    if (!kept || kept.under || !this.#tree.id(c) || this.#tree.veil.masked(c) || !c.width || !c.height || c.width * c.height > MAX_PIXELS || kept.wait-- > 0) return;
    const began = dom.now();
    try {
      c.toBlob((b) => void this.#encoded(c, kept, b));
      kept.under = true;
    } catch {
      return; // drawn with another site's pixels
    }
    kept.rest = dom.now() - began > SLOW_MS ? Math.min(60, kept.rest * 2 + 4) : kept.rest;
  }

  async #encoded(c: HTMLCanvasElement, kept: Kept, b: Blob | null): Promise<void> {
    const bytes = b && new Uint8Array(await b.arrayBuffer());
    kept.under = false;
    const id = this.#tree.id(c);
    if (!bytes || !id || this.#tree.veil.masked(c)) return;
    let h = 1;
    for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
    const same = h === kept.hash;
    kept.wait = kept.rest = same ? Math.min(REST, kept.rest + 1) : Math.max(0, kept.rest - REST);
    const emit = same ? undefined : this.#late();
    if (!emit) return;
    kept.hash = h;
    emit(Op.Canvas, (w) => {
      w.uint(id);
      w.str("image/png");
      w.blob(bytes);
    });
  }
}
