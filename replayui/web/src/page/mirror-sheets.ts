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

/** Gives a document or shadow root constructed sheets; they are of its own window. */
export function adoptSheets(root: Document | ShadowRoot, numbers: number[], sheets: ReadonlyMap<number, string[]>): void {
  const d = root.nodeType === 9 ? (root as Document) : root.ownerDocument!;
  const win = d.defaultView;
  if (!win) return;
  root.adoptedStyleSheets = numbers.map((n) => {
    const sheet = new win.CSSStyleSheet();
    sheet.replaceSync((sheets.get(n) ?? []).join("\n"));
    return sheet;
  });
}
