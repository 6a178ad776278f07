import { Op } from "../protocol/format.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";
import type { Tree } from "./tree.ts";

/** Which of its candidates an image shows: another screen would choose another. A lazy one is not shown before it is told. */
export function current(el: Element, tree: Tree, emit: Emit): void {
  const img = el as HTMLImageElement;
  const up = dom.parentNode(el);
  const id = tree.id(el);
  const set = dom.getAttribute(el, "srcset");
  const inPicture = up && dom.nodeType(up) === 1 && dom.localName(up as Element) === "picture";
  if (!id || (!set && !inPicture && !isLazy(el)) || tree.veil.masked(el) || !img.currentSrc || !img.complete || !img.naturalWidth) return;
  const url = img.currentSrc;
  const density = densityOf(img, inPicture ? (up as Element) : null);
  emit(Op.Current, (w) => {
    w.uint(id);
    w.uint(density * 1000);
    w.str(url);
  });
}

/** Pixels of the file for each CSS pixel, as the candidate's descriptor says. */
function densityOf(img: HTMLImageElement, picture: Element | null): number {
  const sets = picture ? [...dom.querySelectorAll(picture, "source")].map((s) => dom.getAttribute(s, "srcset") ?? "") : [];
  for (const candidate of [...sets, dom.getAttribute(img, "srcset") ?? ""].join(", ").split(/,\s+/)) {
    const [url = "", size = "1x"] = candidate.trim().split(/\s+/);
    try {
      if (!url || new URL(url, dom.baseURI(img)).href !== img.currentSrc) continue;
    } catch {
      continue;
    }
    return size.endsWith("w") ? parseFloat(size) / img.naturalWidth : parseFloat(size) || 1;
  }
  return 1;
}

function isLazy(img: Element): boolean {
  return dom.getAttribute(img, "loading")?.toLowerCase() === "lazy";
}
