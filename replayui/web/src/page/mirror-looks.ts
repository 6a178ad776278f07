import { Op, type PageEvent } from "../protocol/format.ts";
import { Animations } from "./mirror-animations.ts";
import { Marks } from "./mirror-marks.ts";
import { setValue } from "./mirror-nodes.ts";
import { adoptSheets, enableSheet, markSheets, replaceRules, useSheet, type SheetUse } from "./mirror-sheets.ts";
import { assignNodes, defineElements, forgetDrawn, showCanvas, showCurrent, showDialog, showMedia, showPlaceholder, showPopover } from "./mirror-views.ts";
import * as dom from "./natives.ts";

/** Thrown where events do not fit the page shown: a new state is needed. */
export class MirrorError extends Error {}

/** What of a page is not in its document. */
export interface Shown {
  width: number;
  height: number;
  title: string;
  url: string;
  pointer: { x: number; y: number } | undefined;
  focus: number;
  caret: { id: number; start: number; end: number } | undefined;
  /** how far the user zoomed in by touch, and the corner of what is seen then */
  zoom: number;
  offset: { x: number; y: number };
}

const EVENTS_OF_STYLE = new Set(["link", "style"]);

/** The nodes of a page as a viewer has them, by their ids. */
export class Nodes {
  #nodes: Node[] = [];
  /** made when somebody asks for the id of a node: a page that is only shown needs none */
  #ids: Map<Node, number> | undefined;
  /** documents and shadow roots */
  readonly roots = new Set<Document | ShadowRoot>();

  clear(): void {
    this.#nodes = [];
    this.#ids = undefined;
    this.roots.clear();
  }

  node(id: number): Node | undefined {
    return this.#nodes[id];
  }

  id(n: Node | null | undefined): number {
    return (n && this.#known().get(n)) || 0;
  }

  #known(): Map<Node, number> {
    if (!this.#ids) {
      const ids = (this.#ids = new Map<Node, number>());
      // Pages that lived long have numbers far apart: what is between them is passed over.
      for (const id in this.#nodes) ids.set(this.#nodes[id]!, Number(id));
    }
    return this.#ids;
  }

  /** A node that has to be there; MirrorError where it is not. */
  need(id: number | undefined): Node {
    const n = this.#nodes[id ?? 0];
    if (!n) throw new MirrorError(`unknown node ${id}`);
    return n;
  }

  /** Gives an id to a node, in the place of one that had it. */
  set(id: number, n: Node): void {
    this.#nodes[id] = n;
    this.#ids?.set(n, id);
  }

  /** Gives an id to a new node; MirrorError where another has it. */
  enter(id: number, n: Node): void {
    if (this.#nodes[id]) throw new MirrorError(`node ${id} is there already`);
    this.set(id, n);
  }

  /** Forgets a node, not those in it; its id, 0 where it had none. */
  drop(n: Node): number {
    const id = this.id(n);
    if (id) delete this.#nodes[id];
    this.#ids!.delete(n);
    this.roots.delete(n as Document);
    return id;
  }
}

/** What markup does not hold, shown in a viewer: values, places, rules, marks, layers, what is played and drawn. */
export class Looks {
  private scrolls = new Map<number, [number, number]>();
  private rules = new Map<number, string[]>();
  private sheets = new Map<number, string[]>();
  private adopted = new Map<number, number[]>();
  private uses = new Map<number, SheetUse>();
  /** style elements whose text changed after their rules were told */
  private overtaken = new Set<number>();
  private marks = new Marks();
  private animations = new Animations();
  /** how far the pointer went when it was told last */
  private pace = { x: 0, y: 0 };
  readonly shown: Shown = { width: 0, height: 0, title: "", url: "", pointer: undefined, focus: 0, caret: undefined, zoom: 1, offset: { x: 0, y: 0 } };

  constructor(private readonly nodes: Nodes, private readonly top: () => Document) {}

  clear(): void {
    this.pace = { x: 0, y: 0 };
    for (const m of [this.scrolls, this.rules, this.sheets, this.adopted, this.uses, this.overtaken, this.marks, this.animations]) m.clear();
  }

  /** A document or shadow root starts without sheets of its own. */
  enter(root: Document | ShadowRoot): void {
    adoptSheets(root, [], this.sheets);
  }

  /** What was told of a node with this id is told anew, or of nobody. */
  forget(id: number): void {
    for (const m of [this.scrolls, this.rules, this.adopted, this.uses, this.overtaken]) m.delete(id);
  }

  /** An element goes. */
  drop(el: Element): void {
    this.animations.drop(el);
    forgetDrawn(el);
  }

  /** Sheets may be new: their rules are led to the marks. */
  styled(): void {
    for (const root of this.nodes.roots) markSheets(root);
  }

  /** A style sheet or picture is there: rules and places that waited for it apply again. */
  loaded(n: Node): void {
    const id = this.rules.size || this.uses.size ? this.nodes.id(n) : 0;
    const lines = this.overtaken.has(id) ? undefined : this.rules.get(id);
    const use = this.uses.get(id);
    if (lines) replaceRules(n, lines);
    if (use) useSheet(n, use);
    const name = (n as Element).localName;
    if (EVENTS_OF_STYLE.has(name)) {
      this.styled();
      this.animations.again();
    }
    if (EVENTS_OF_STYLE.has(name) || name === "img") this.restoreScrolls();
  }

  /** Scrolls everything (in a node) to where the page has it: layout may have been another. */
  restoreScrolls(within?: Node): void {
    for (const [id, [x, y]] of this.scrolls) {
      const n = this.nodes.node(id);
      if (within && !within.contains(n ?? null)) continue;
      const el = n?.nodeType === 9 ? (n as Document).scrollingElement : (n as Element | undefined);
      el?.scrollTo({ left: x, top: y, behavior: "instant" });
    }
  }

  /** The text of a style element changes: its rules are those of the text from now on. */
  rewritten(n: Node | null): void {
    const id = this.rules.size && this.nodes.id(n);
    if (id && this.rules.has(id)) this.overtaken.add(id);
  }

  apply(e: PageEvent, id: number): void {
    const s = this.shown;
    const n = e.n ?? [];
    switch (e.op) {
      case Op.Value:
        setValue(this.nodes.need(id), e.text!);
        break;
      case Op.Checked: {
        const c = this.nodes.need(id) as HTMLInputElement;
        c.checked = (n[0]! & 1) !== 0;
        c.indeterminate = (n[0]! & 2) !== 0;
        break;
      }
      case Op.Selected: {
        const options = (this.nodes.need(id) as HTMLSelectElement).options;
        if (!options) break;
        const chosen = new Set(e.nums);
        if (!chosen.size) (this.nodes.need(id) as HTMLSelectElement).selectedIndex = -1;
        for (let i = 0; i < options.length; i++) if (options[i]!.selected !== chosen.has(i)) options[i]!.selected = chosen.has(i);
        break;
      }
      case Op.Scroll: {
        this.scrolls.set(id, [n[0]!, n[1]!]);
        const at = this.nodes.need(id);
        const el = at.nodeType === 9 ? (at as Document).scrollingElement : (at as Element);
        el?.scrollTo({ left: n[0]!, top: n[1]!, behavior: "instant" });
        break;
      }
      case Op.Viewport:
        s.width = n[0]!;
        s.height = n[1]!;
        s.zoom = n[3]! / 100;
        break;
      case Op.Offset:
        s.offset = { x: n[0]!, y: n[1]! };
        break;
      case Op.Title:
        s.title = e.text!;
        break;
      case Op.Location:
        if (id === 1) s.url = e.name!;
        break;
      case Op.Focus:
        s.focus = id;
        s.caret = undefined;
        this.marks.focused(this.element(id));
        break;
      case Op.Hover:
        this.marks.pointed("hover", this.element(id));
        break;
      case Op.Active:
        this.marks.pointed("active", this.element(id));
        break;
      case Op.States:
        this.states(this.nodes.need(id) as Element, e.lines!);
        break;
      case Op.Caret:
        s.caret = { id, start: n[0]!, end: n[1]! };
        break;
      case Op.Pointer:
        s.pointer = { x: n[0]!, y: n[1]! };
        this.pace = { x: 0, y: 0 };
        break;
      case Op.PointerBy:
        this.pace = { x: this.pace.x + n[0]!, y: this.pace.y + n[1]! };
        s.pointer = { x: (s.pointer?.x ?? 0) + this.pace.x, y: (s.pointer?.y ?? 0) + this.pace.y };
        break;
      case Op.Selection:
        this.select(e);
        break;
      case Op.Rules:
      case Op.RuleInsert:
      case Op.RuleDelete:
        this.rule(e, id);
        break;
      case Op.Sheet:
        this.sheets.set(n[0]!, e.lines!);
        for (const [root, list] of this.adopted) if (list.includes(n[0]!)) adoptSheets(this.nodes.need(root) as Document, list, this.sheets);
        break;
      case Op.Adopted:
        this.adopted.set(id, e.nums!);
        adoptSheets(this.nodes.need(id) as Document, e.nums!, this.sheets);
        break;
      case Op.Dialog:
        showDialog(this.nodes.need(id) as HTMLDialogElement, n[0]!);
        break;
      case Op.Popover:
        showPopover(this.nodes.need(id) as HTMLElement, n[0] === 1);
        break;
      case Op.Canvas:
        showCanvas(this.nodes.need(id) as HTMLCanvasElement, e.name!, e.data!);
        break;
      default:
        if (id) this.applyLook(e, id, this.nodes.need(id));
    }
  }

  private applyLook(e: PageEvent, id: number, n: Node): void {
    const el = n as Element;
    switch (e.op) {
      case Op.SheetUse: {
        const use = { disabled: (e.n![0]! & 1) !== 0, enabled: (e.n![0]! & 2) !== 0, media: e.text! };
        if (use.enabled && !this.uses.get(id)?.enabled) enableSheet(n);
        this.uses.set(id, use);
        useSheet(n, use);
        break;
      }
      case Op.Media:
        showMedia(n as HTMLMediaElement, e.n![0]!, e.n![1]!, e.n![2]!, e.n![3]!);
        break;
      case Op.Placeholder:
        if (!this.nodes.id(dom.documentIn(el))) showPlaceholder(el, e.n![0]!, e.n![1]!, e.text!);
        break;
      case Op.Animations:
        this.animations.show(el, e.lines!);
        break;
      case Op.Assigned:
        assignNodes(n as HTMLSlotElement, e.nums!.map((id) => this.nodes.node(id)));
        break;
      case Op.Defined:
        defineElements(n as Document, e.lines!);
        break;
      case Op.Current:
        showCurrent(n as HTMLImageElement, e.n![0]!, e.text!);
    }
  }

  private element(id: number): Element | null {
    const n = this.nodes.node(id);
    return n?.nodeType === 1 ? (n as Element) : null;
  }

  private states(el: Element, names: string[]): void {
    this.marks.states(el, names.filter((name) => !/\s/.test(name)));
    (el as HTMLInputElement).setCustomValidity?.(names.includes("invalid") ? "invalid" : "");
  }

  private rule(e: PageEvent, id: number): void {
    const owner = this.nodes.need(id);
    let lines = e.lines ?? this.rules.get(id);
    if (!lines) throw new MirrorError(`rules of ${id} are not known`);
    if (e.op === Op.RuleInsert) lines = lines.toSpliced(e.n![0]!, 0, e.text!);
    if (e.op === Op.RuleDelete) lines = lines.toSpliced(e.n![0]!, 1);
    this.rules.set(id, lines);
    this.overtaken.delete(id);
    replaceRules(owner, lines);
  }

  private select(e: PageEvent): void {
    const [a, f] = e.ids!;
    const anchor = this.nodes.node(a!);
    const focus = this.nodes.node(f!);
    const d = anchor?.ownerDocument ?? this.top();
    const selection = d.getSelection();
    if (!selection) return;
    try {
      if (anchor && focus) selection.setBaseAndExtent(anchor, e.n![0]!, focus, e.n![1]!);
      else selection.removeAllRanges();
    } catch {
      selection.removeAllRanges(); // an offset past a text that is shown otherwise
    }
  }
}
