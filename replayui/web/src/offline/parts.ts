const TYPE = "application/pillion-part";

/**
 * The parts of a recording in the page that bears it, each in base64 in script
 * elements of a type that no browser runs. They are read when they are needed:
 * until then a part is nothing but the text of its element.
 */
export class Parts {
  private readonly elements = new Map<string, Element[]>();

  constructor(document: Document) {
    for (const el of document.querySelectorAll(`script[type="${TYPE}"]`)) {
      const name = el.getAttribute("data-part") ?? "";
      const list = this.elements.get(name);
      if (list) list.push(el);
      else this.elements.set(name, [el]);
    }
  }

  has(name: string): boolean {
    return this.elements.has(name);
  }

  /** The names of all parts. */
  names(): string[] {
    return [...this.elements.keys()];
  }

  /** A part's bytes; undefined when it is not there or cannot be read. */
  bytes(name: string): Uint8Array<ArrayBuffer> | undefined {
    const list = this.elements.get(name);
    if (!list) return undefined;
    try {
      const pieces = list.map((el) => fromBase64(el.textContent ?? ""));
      if (pieces.length === 1) return pieces[0];
      const all = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
      let at = 0;
      for (const p of pieces) {
        all.set(p, at);
        at += p.length;
      }
      return all;
    } catch {
      return undefined;
    }
  }
}

export function fromBase64(s: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as unknown as { fromBase64?: (s: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native) return native(s);
  const raw = atob(s);
  const b = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) b[i] = raw.charCodeAt(i);
  return b;
}
