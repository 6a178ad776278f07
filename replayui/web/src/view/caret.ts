import { caretIn, type Box } from "./geometry.ts";

const px = (v: string) => Number.parseFloat(v) || 0;

type Field = HTMLInputElement | HTMLTextAreaElement;

/** How the text of a field lies in it, in its document's viewport. */
interface Lines { left: number; right: number; high: number; place(index: number): { left: number; top: number } }

function linesOf(el: Field): Lines | undefined {
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
  const left = r.left + el.clientLeft + px(s.paddingLeft);
  const top = many ? r.top + el.clientTop + px(s.paddingTop) - el.scrollTop : r.top + (r.height - high) / 2;
  const spare = many ? 0 : Math.max(0, inner - measure(el.value));
  const shift = /right|end/.test(s.textAlign) ? spare : s.textAlign === "center" ? spare / 2 : 0;
  const place = (index: number) => {
    const { line, before } = many ? caretIn(el.value, index, inner, measure) : { line: 0, before: el.value.slice(0, index) };
    return { left: left + shift + measure(before) - el.scrollLeft, top: top + line * high };
  };
  return { left, right: left + inner, high, place };
}

/** Where the typing cursor of a text control is, in its document's viewport. */
export function caretOf(el: Field, index: number): Box | undefined {
  const lines = linesOf(el);
  if (!lines) return undefined;
  const r = el.getBoundingClientRect();
  const { left, top } = lines.place(index);
  if (left > r.right || left < r.left || top > r.bottom || top + lines.high < r.top) return undefined;
  return { left, top, width: 0, height: lines.high };
}

/** What is selected in a text control, line by line, as far as it is in sight. */
export function selectionOf(el: Field, from: number, to: number): Box[] {
  const lines = linesOf(el);
  if (!lines) return [];
  const { left, right, high, place } = lines;
  const r = el.getBoundingClientRect();
  const [a, b] = [place(from), place(to)];
  const boxes: Box[] = [];
  const above = Math.max(0, Math.floor((r.top - a.top) / high)); // lines that are scrolled out
  for (let top = a.top + above * high; top <= Math.min(b.top, r.bottom) + 1; top += high) {
    const begin = Math.max(left, Math.abs(top - a.top) < 1 ? a.left : left);
    const end = Math.min(right, Math.abs(top - b.top) < 1 ? b.left : right);
    const [y1, y2] = [Math.max(top, r.top), Math.min(top + high, r.bottom)];
    if (end > begin && y2 > y1) boxes.push({ left: begin, top: y1, width: end - begin, height: y2 - y1 });
  }
  return boxes;
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
