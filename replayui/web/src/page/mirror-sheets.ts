import { markRules, markSheet } from "./mirror-marks.ts";

/** How the sheet of a style or link element is used. */
export interface SheetUse { disabled: boolean; enabled: boolean; media: string }

/** How what is masked looks: hatched, and as large as what is in it. */
const MASKED = `[pillion-masked]:not(html,body){background:repeating-linear-gradient(135deg,#8883 0 4px,#8886 4px 8px)!important;color:#666!important;cursor:not-allowed!important}
:is([pillion-masked],[pillion-masked] *):is(img,canvas,video){min-width:1em;min-height:1em}`;

/** Looks of what no rule of the page's makes: it is the browser's own there. */
const OWN = `:is(video, audio):not([controls])::-webkit-media-controls { display: none !important }
@layer pillion { [pillion-is~="focus-visible"] { outline: -webkit-focus-ring-color auto 1px } }
:where([pillion-is~="fullscreen"]:not(:root)) { background-color: #000; object-fit: contain }
[pillion-is~="fullscreen"]:not(:root) { position: fixed !important; inset: 0 !important; margin: 0 !important; box-sizing: border-box !important;
min-width: 0 !important; max-width: none !important; min-height: 0 !important; max-height: none !important; width: 100% !important; height: 100% !important;
transform: none !important; z-index: 2147483647 !important }`;

const own = new WeakMap<Window, CSSStyleSheet[]>();
const marked = new WeakSet<CSSStyleSheet>();

/** Leads the rules of sheets that are new in a document or shadow root to the marks. */
export function markSheets(root: Document | ShadowRoot): void {
  for (const sheet of root.styleSheets) {
    if (marked.has(sheet)) continue;
    marked.add(sheet);
    markSheet(sheet);
  }
}

function windowOf(root: Document | ShadowRoot): (Window & typeof globalThis) | null {
  return (root.nodeType === 9 ? (root as Document) : root.ownerDocument!).defaultView;
}

/** Which rules a sheet was given. */
const given = new WeakMap<CSSStyleSheet, string[]>();

/** Puts rules in place of those of a style or link element's sheet. */
export function replaceRules(owner: Node, lines: string[]): void {
  const sheet = (owner as HTMLStyleElement).sheet;
  if (!sheet) return; // a link that has not loaded: applied when it has
  // An @import among them loads, and the element tells so: they would be put there again, for ever.
  if (given.get(sheet) === lines) return;
  given.set(sheet, lines);
  try {
    for (let i = sheet.cssRules.length - 1; i >= 0; i--) sheet.deleteRule(i);
  } catch {
    return;
  }
  for (const line of lines) {
    try {
      sheet.insertRule(line, sheet.cssRules.length);
    } catch {
      // a rule of another browser's
    }
  }
  markRules(sheet.cssRules);
}

/** An alternate sheet is in use once it was disabled and enabled. */
export function enableSheet(owner: Node): void {
  (owner as Element).toggleAttribute?.("disabled", true);
  (owner as Element).toggleAttribute?.("disabled", false);
}

export function useSheet(owner: Node, use: SheetUse): void {
  const sheet = (owner as HTMLStyleElement).sheet;
  if (!sheet) return;
  sheet.disabled = use.disabled;
  if (sheet.media.mediaText !== use.media) sheet.media.mediaText = use.media;
}

/** Gives a document or shadow root constructed sheets, before the viewer's own; they are of its own window. */
export function adoptSheets(root: Document | ShadowRoot, numbers: number[], sheets: ReadonlyMap<number, string[]>): void {
  const win = windowOf(root);
  if (!win) return;
  const sheet = (text: string) => {
    const made = new win.CSSStyleSheet();
    made.replaceSync(text);
    return made;
  };
  const ours = own.get(win) ?? [sheet(MASKED), sheet(OWN)];
  own.set(win, ours);
  const list = numbers.map((n) => sheet((sheets.get(n) ?? []).join("\n")));
  for (const s of list) markSheet(s);
  root.adoptedStyleSheets = [...list, ...ours];
}
