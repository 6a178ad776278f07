import { Mirror } from "../page/mirror.ts";
import { attributesOf, Kind, Op, type PageEvent, type PageNode, type PageState } from "../protocol/format.ts";
import type { Assets } from "./assets.ts";
import { mapCss, mapSrcset } from "./css.ts";

/**
 * A mirror of records as they were logged: URLs are led to the recording's files
 * as the records are applied, as the gateway does for its viewers (viewer.go).
 */
export class OfflineMirror extends Mirror {
  private bases = new Map<number, string>();
  /** style sheets and links as authored: changes are to those, and not to what is shown */
  private styles = new Map<number, string>();
  private links = new Map<number, string>();

  /** page: which page's files are meant */
  constructor(private readonly assets: Assets, private readonly page: () => number, frame: HTMLIFrameElement, changed: () => void) {
    super(frame, changed);
  }

  override show(s: Omit<PageState, "events"> & { events: Iterable<PageEvent> }): void {
    for (const m of [this.bases, this.styles, this.links]) m.clear();
    super.show({ ...s, document: this.mappedNode(s.document, ""), events: this.mapped(s.events) });
  }

  override applyAll(events: Iterable<PageEvent>): void {
    super.applyAll(this.mapped(events));
  }

  /** Each event is mapped when those before it are applied: they say what it is about. */
  private *mapped(events: Iterable<PageEvent>): Generator<PageEvent> {
    for (const e of events) yield this.event(e);
  }

  private event(e: PageEvent): PageEvent {
    const id = e.ids?.[0] ?? 0;
    const n = this.node(id);
    const el = n?.nodeType === 1 ? (n as Element) : undefined;
    const base = this.baseOf(n);
    switch (e.op) {
      case Op.Insert:
      case Op.Shadow:
      case Op.Frame:
      case Op.Document:
        if (!e.node) return e;
        return { ...e, node: e.node.kind === Kind.Text && el?.localName === "style" ? this.sheet(e.node, base) : this.mappedNode(e.node, base) };
      case Op.Attr: {
        if (!el) return e;
        if (runs(e.text!)) return { ...e, op: Op.AttrGone };
        const own = (name: string) => el.getAttribute(name) ?? "";
        if (el.localName === "link" && e.name === "href") this.links.set(id, e.text!);
        return { ...e, text: this.attribute(base, el.localName, own, e.name!, e.text!) };
      }
      case Op.Current:
        return el ? { ...e, text: this.attribute(base, el.localName, () => "", "src", e.text!) } : e;
      case Op.Text:
      case Op.Splice:
        return this.text(e, id, n, base);
      case Op.Rules:
        return { ...e, lines: e.lines!.map((line) => this.css(this.sheetBase(id, base), line)) };
      case Op.RuleInsert:
        return { ...e, text: this.css(this.sheetBase(id, base), e.text!) };
      case Op.Sheet:
        return { ...e, lines: e.lines!.map((line) => this.css(this.bases.get(1) ?? "", line)) };
      case Op.Animations:
        return { ...e, lines: e.lines!.flatMap((line) => this.animation(base, line)) };
      case Op.Location:
        this.bases.set(id, e.text!);
        return e;
    }
    return e;
  }

  private baseOf(n: Node | undefined): string {
    const d = n?.nodeType === 9 ? n : n?.ownerDocument;
    return this.bases.get(this.id(d) || 1) ?? "";
  }

  /** Rules are told as they stand in the sheet: a linked one's URLs are relative to its own. */
  private sheetBase(id: number, base: string): string {
    const href = this.links.get(id);
    if (href === undefined) return base;
    try {
      return new URL(href, base).href;
    } catch {
      return base;
    }
  }

  /** A part cannot be placed in a sheet whose URLs are others: it is told whole. */
  private text(e: PageEvent, id: number, n: Node | undefined, base: string): PageEvent {
    let text = this.styles.get(id);
    if (text === undefined) {
      if ((n?.parentNode as Element | null)?.localName !== "style") return e;
      text = (n as CharacterData).data;
    }
    text = e.op === Op.Text ? e.text! : text.slice(0, e.n![0]) + e.text! + text.slice(e.n![0]! + e.n![1]!);
    this.styles.set(id, text);
    return { ...e, op: Op.Text, text: this.css(base, text) };
  }

  private sheet(n: PageNode, base: string): PageNode {
    this.styles.set(n.id, n.text ?? "");
    return { ...n, text: this.css(base, n.text ?? "") };
  }

  private mappedNode(n: PageNode, base: string): PageNode {
    if (n.kind === Kind.Document) this.bases.set(n.id, (base = n.base ?? ""));
    if (n.kind !== Kind.Element && n.kind !== Kind.Document && n.kind !== Kind.Shadow) return n;
    if (forbidden(n)) return { id: n.id, kind: n.kind, ns: "", name: "pillion-gone", attrs: ["tag", n.name!], children: n.children?.map((c) => this.mappedNode(c, base)) ?? [] };
    const out = { ...n };
    if (n.attrs?.length) {
      const attrs = attributesOf(n);
      const own = (name: string) => attrs.find(([other]) => other === name)?.[1] ?? "";
      if (n.name === "link" && own("href")) this.links.set(n.id, own("href"));
      out.attrs = attrs.filter(([, value]) => !runs(value)).flatMap(([name, value]) => [name, this.attribute(base, n.name!, own, name, value)]);
    }
    if (n.shadow) out.shadow = this.mappedNode(n.shadow, base);
    if (n.frame) out.frame = this.mappedNode(n.frame, base);
    const style = n.kind === Kind.Element && n.name === "style";
    if (n.children) out.children = n.children.map((c) => (style && c.kind === Kind.Text ? this.sheet(c, base) : this.mappedNode(c, base)));
    return out;
  }

  private attribute(base: string, element: string, own: (name: string) => string, name: string, value: string): string {
    switch (name) {
      case "style":
        return this.css(base, value);
      case "fill": case "stroke": case "filter": case "mask": case "clip-path": case "marker-start": case "marker-mid": case "marker-end": case "cursor":
        return value.includes("url(") ? this.css(base, value) : value;
      case "srcset":
      case "imagesrcset":
        return mapSrcset(value, (u) => this.assets.resolved(this.page(), base, u));
      case "src":
      case "poster":
      case "background":
      case "data":
        return /^(script|iframe|frame)$/.test(element) ? value : this.assets.resolved(this.page(), base, value);
      case "href":
      case "xlink:href":
        return loads(element, own("rel")) ? this.assets.resolved(this.page(), base, value) : value;
    }
    return value;
  }

  private css(base: string, text: string): string {
    return mapCss(text, (u) => this.assets.resolved(this.page(), base, u));
  }

  /** URLs in keyframes. What is no JSON is left out. */
  private animation(base: string, line: string): string[] {
    if (!/[(\\]/.test(line)) return [line];
    try {
      return [JSON.stringify(JSON.parse(line, (_, v: unknown) => (typeof v === "string" ? this.css(base, v) : v)))];
    } catch {
      return [];
    }
  }
}

/** Tells links that load a file from those that a person follows. */
function loads(element: string, rel: string): boolean {
  return /^(image|feImage|use)$/.test(element) || (element === "link" && /(^|\s)(stylesheet|icon)(\s|$)/i.test(rel));
}

/** What no viewer may have. A gateway filters it (events/filter.go): this file may come from anywhere. */
function forbidden(n: PageNode): boolean {
  const name = (n.name ?? "").toLowerCase().replace(/^.*:/, "");
  return /^(script|noscript|base|object|embed|applet|portal|fencedframe)$/.test(name) || (name === "meta" && attributesOf(n).some(([a]) => a.toLowerCase() === "http-equiv"));
}

/** A URL that is a script. */
function runs(value: string): boolean {
  return /^[\0-\x20]*j/i.test(value) && value.replace(/[\0-\x20]/g, "").toLowerCase().startsWith("javascript:");
}
