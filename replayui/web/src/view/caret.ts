import { caretIn, type Box } from "./geometry.ts";

const px = (v: string) => Number.parseFloat(v) || 0;

/** Where the typing cursor of a text control is, in its document's viewport. */
export function caretOf(el: HTMLInputElement | HTMLTextAreaElement, index: number): Box | undefined {
  const win = el.ownerDocument.defaultView;
  const pen = el.ownerDocument.createElement("canvas").getContext("2d");
  if (!win || !pen) return undefined;
  const s = win.getComputedStyle(el);
  const r = el.getBoundingClientRect();
  if (!r.width || !r.height) return undefined;
  pen.font = s.font;
  if ("letterSpacing" in pen && s.letterSpacing !== "normal") pen.letterSpacing = s.letterSpacing;
  const many = el.localName === "textarea";
  const inner = el.clientWidth - px(s.paddingLeft) - px(s.paddingRight);
  const high = px(s.lineHeight) || px(s.fontSize) * 1.2;
  const measure = (text: string) => pen.measureText(text).width;
  const { line, before } = many ? caretIn(el.value, index, inner, measure) : { line: 0, before: el.value.slice(0, index) };
  const spare = many ? 0 : Math.max(0, inner - measure(el.value));
  const shift = /right|end/.test(s.textAlign) ? spare : s.textAlign === "center" ? spare / 2 : 0;
  const left = r.left + el.clientLeft + px(s.paddingLeft) + shift + measure(before) - el.scrollLeft;
  const top = many
    ? r.top + el.clientTop + px(s.paddingTop) + line * high - el.scrollTop
    : r.top + (r.height - high) / 2;
  if (left > r.right || left < r.left || top > r.bottom || top + high < r.top) return undefined;
  return { left, top, width: 0, height: high };
}

/** Where the typing cursor in editable text is, by the document's selection. */
export function caretInText(d: Document): { box: Box; at: Node } | undefined {
  const s = d.getSelection();
  if (!s || !s.isCollapsed || !s.anchorNode) return undefined;
  const el = (s.anchorNode.nodeType === 1 ? s.anchorNode : s.anchorNode.parentElement) as HTMLElement | null;
  if (!el?.isContentEditable) return undefined;
  const range = s.getRangeAt(0);
  const r = range.getClientRects()[0] ?? el.getBoundingClientRect();
  return { box: { left: r.left, top: r.top, width: 0, height: Math.min(r.height, 40) }, at: el };
}
