import * as dom from "./natives.ts";

/** Shows a dialog closed (0), open (1) or modal (2). */
export function showDialog(el: HTMLDialogElement, how: number): void {
  if (typeof el.showModal !== "function") return;
  try {
    // Its attribute went first, which leaves it in the top layer: only closing takes it out.
    if (!el.open && el.matches(":modal")) el.open = true;
    if (el.open) el.close();
    if (how === 1) el.show();
    if (how === 2) el.showModal();
  } catch {
    el.toggleAttribute("open", how > 0);
  }
}

export function showPopover(el: HTMLElement, shown: boolean): void {
  try {
    if (shown) el.showPopover();
    else el.hidePopover();
  } catch {
    // shown already, or not in the page
  }
}

const drawn = new WeakMap<Element, string>();

/**
 * Draws encoded pixels on a canvas. Where no script runs a canvas is shown as
 * what stands in it: a picture is put in its place.
 */
export function showCanvas(el: HTMLCanvasElement, type: string, data: Uint8Array): void {
  if (!type.startsWith("image/") || typeof el.getContext !== "function") return;
  const blob = new Blob([data.slice()], { type });
  const before = drawn.get(el);
  drawn.set(el, URL.createObjectURL(blob));
  keepDrawn(el);
  if (before) setTimeout(() => URL.revokeObjectURL(before), 1000);
  void createImageBitmap(blob).then(
    (picture) => {
      const pen = el.getContext("2d");
      pen?.clearRect(0, 0, el.width, el.height);
      pen?.drawImage(picture, 0, 0);
      picture.close();
    },
    () => {}, // pixels that cannot be read stay blank
  );
}

/** A canvas has its picture, and its size, whatever its style attribute says. */
export function keepDrawn(el: Element): void {
  if (dom.localName(el) !== "canvas") return;
  const c = el as HTMLCanvasElement;
  const blank = `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='${c.width}' height='${c.height}'/>`;
  c.style?.setProperty("content", `url("${drawn.get(el) ?? blank}")`, "important");
}

/** Gives back what pictures hold. */
export function forgetDrawn(el: Element): void {
  const url = drawn.get(el);
  if (url) URL.revokeObjectURL(url);
  drawn.delete(el);
}

/** Plays or stops a video or audio where the user's is, without its sound. */
export function showMedia(el: HTMLMediaElement, flags: number, ms: number, volume: number, rate: number): void {
  if (typeof el.play !== "function") return;
  el.muted = true;
  try {
    el.volume = Math.min(1, volume / 100);
    el.playbackRate = rate / 100;
    if (flags & 1) el.pause();
    if (flags & 1 || Math.abs(el.currentTime - ms / 1000) > 0.4) el.currentTime = ms / 1000;
    if (!(flags & 1)) el.play().catch(() => {}); // not in the archive, or not allowed to
  } catch {
    // a rate that this browser does not have
  }
}

const BOX = "box-sizing:border-box;background:#eef1f5;color:#4a5568;border:1px dashed #9aa5b1;font:13px/1.3 system-ui,sans-serif;overflow:hidden;";
const MAX_SIDE = 20_000;

/** Stands for what a viewer may not show: a frame of another site's, a plug-in. */
export function showPlaceholder(el: Element, width: number, height: number, label: string): void {
  if (dom.localName(el) === "pillion-gone") {
    const side = (n: number) => Math.min(n, MAX_SIDE);
    el.textContent = label.slice(0, 100);
    dom.setAttribute(el, "style", width && height ? `display:inline-block;width:${side(width)}px;height:${side(height)}px;text-align:center;${BOX}` : "display:none");
    return;
  }
  const d = dom.documentIn(el);
  if (!d) return;
  const root = d.createElement("html");
  dom.setAttribute(root, "pillion-placeholder", "");
  if (label) {
    dom.setAttribute(root, "style", "height:100%");
    const body = d.createElement("body");
    dom.setAttribute(body, "style", `margin:0;height:100%;display:flex;align-items:center;justify-content:center;${BOX}`);
    body.textContent = label.slice(0, 100);
    root.append(body);
  }
  d.replaceChildren(); // two steps: a document has one root at most
  d.append(root);
}

/** Shows that one of an image's candidates which the user sees: a viewer's screen is another. */
export function showCurrent(el: HTMLImageElement, density: number, url: string): void {
  if (dom.localName(el) !== "img") return;
  const around = dom.parentNode(el) as Element | null;
  if (around && dom.localName(around) === "picture") for (const s of dom.childNodes(around)) if (dom.nodeType(s) === 1) dom.removeAttribute(s as Element, "srcset");
  const safe = url.replace(/\s/g, "%20").replace(/^,|,$/g, "%2C");
  dom.setAttribute(el, "srcset", `${safe} ${density > 0 ? density / 1000 : 1}x`);
}

/** Defines custom elements that do nothing, so that they are as defined as on the user's page. */
export function defineElements(d: Document, names: string[]): void {
  const win = d.defaultView;
  for (const name of names) {
    try {
      if (win && !win.customElements.get(name)) win.customElements.define(name, class extends win.HTMLElement {});
    } catch {
      // no name for one
    }
  }
}

/** Puts nodes in a slot whose root leaves that to scripts. */
export function assignNodes(slot: HTMLSlotElement, nodes: (Node | undefined)[]): void {
  if (typeof slot.assign !== "function") return;
  slot.assign(...(nodes.filter((n) => n && (n.nodeType === 1 || n.nodeType === 3)) as Element[]));
}
