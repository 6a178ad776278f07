/** Puts rules in place of those of a style or link element's sheet. */
export function replaceRules(owner: Node, lines: string[]): void {
  const sheet = (owner as HTMLStyleElement).sheet;
  if (!sheet) return; // a link that has not loaded: applied when it has
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
}

/** How what is masked looks: hatched, and as large as what is in it. */
const MASKED = `[pillion-masked]:not(html,body){background:repeating-linear-gradient(135deg,#8883 0 4px,#8886 4px 8px)!important;color:#666!important;cursor:not-allowed!important}
:is([pillion-masked],[pillion-masked] *):is(img,canvas,video){min-width:1em;min-height:1em}`;

const looks = new WeakMap<Document, CSSStyleSheet>();

/** Gives a document or shadow root constructed sheets; they are of its own window. */
export function adoptSheets(root: Document | ShadowRoot, numbers: number[], sheets: ReadonlyMap<number, string[]>): void {
  const d = root.nodeType === 9 ? (root as Document) : root.ownerDocument!;
  const win = d.defaultView;
  if (!win) return;
  const sheet = (text: string) => {
    const made = new win.CSSStyleSheet();
    made.replaceSync(text);
    return made;
  };
  const ours = looks.get(d) ?? sheet(MASKED);
  looks.set(d, ours);
  root.adoptedStyleSheets = [...numbers.map((n) => sheet((sheets.get(n) ?? []).join("\n"))), ours];
}
