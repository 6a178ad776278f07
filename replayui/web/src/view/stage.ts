import { Mirror } from "../page/mirror.ts";
import { Cause, Op, type PageEvent } from "../protocol/format.ts";
import { caretInText, caretOf, selectionOf } from "./caret.ts";
import { Drawings } from "./drawings.ts";
import type { Box } from "./geometry.ts";
import { Marks, who } from "./marks.ts";

/** The user's number among the participants. */
const USER_NO = 1;
const USER = who(USER_NO);

const SETTLE_MS = 3000;
/** A live viewer may ask before the user's browser has the file: it asks again. */
const RETRY_MS = [400, 1500, 4000, 10_000];

/** What a stage gets from where it is: the empty document of its frame, and who builds pages in it. */
export interface Own {
  /** Says where the document is from, before the frame is in its place; what it returns is called then, and resolves when the document is there. */
  open(frame: HTMLIFrameElement): () => Promise<void>;
  mirror(frame: HTMLIFrameElement, changed: () => void): Mirror;
}

/** At a gateway, which gives the frame its policy. */
const SERVED: Own = {
  open: (frame) => {
    frame.src = "/frame";
    return () => new Promise((done) => frame.addEventListener("load", () => done(), { once: true }));
  },
  mirror: (frame, changed) => new Mirror(frame, changed),
};

/** What a page wanted from elsewhere: as what, and how often. */
export interface Blocked { directive: string; times: number }

/** A page may want any number of things. */
const MAX_BLOCKED = 500;

/** A viewer's page: the frame, scaled to the room there is, and marks above it. */
export class Stage {
  readonly frame = document.createElement("iframe");
  readonly overlay = document.createElement("div");
  readonly mirror: Mirror;
  readonly ready: Promise<void>;
  private sheet = document.createElement("div");
  readonly marks: Marks;
  readonly drawings: Drawings;
  private placed: (() => void)[] = [];
  private due = 0;
  scale = 1;
  /** the page on show */
  page = 0;
  /** what is applied now is on the way to another time: clicks are not shown */
  hurried = false;
  /** where people type, by their numbers: in a control, from where to where it is selected */
  private carets = new Map<number, { id: number; start: number; end: number }>();
  /** the element that has the focus, as far as events were watched */
  private focus = 0;
  /** files that the archive did not have, on the page shown */
  missing = new Set<string>();
  /** what the page shown wanted from elsewhere and did not get, by address */
  blocked = new Map<string, Blocked>();

  constructor(
    private readonly room: HTMLElement, testId: string, private readonly live: boolean, private readonly missed: () => void = () => {}, own: Own = SERVED,
  ) {
    this.frame.setAttribute("sandbox", "allow-same-origin");
    this.frame.dataset["testid"] = testId;
    this.frame.title = "The user's page";
    this.sheet.className = "sheet";
    this.overlay.className = "overlay";
    const boxOf = (id: number) => this.box(id);
    this.marks = new Marks(this.overlay, boxOf, () => this.scale);
    this.drawings = new Drawings(boxOf);
    this.overlay.append(this.drawings.element);
    this.sheet.append(this.frame, this.overlay);
    const empty = own.open(this.frame);
    room.append(this.sheet);
    this.mirror = own.mirror(this.frame, () => this.refreshSoon());
    this.mirror.file = (el, there) => (there ? this.found(el) : this.lost(el));
    this.mirror.opened = (root) => this.hear(root);
    this.ready = empty().then(() => this.mirror.prepare());
    new ResizeObserver(() => this.layout()).observe(room);
  }

  /** Another page is on show: what the one before missed is its own. */
  listen(): void {
    this.missing.clear();
    this.blocked.clear();
    this.missed();
    for (const by of this.carets.keys()) this.typesNowhere(by);
    const { caret, focus } = this.mirror.shown;
    this.focus = focus;
    if (caret && caret.id === focus) this.carets.set(USER_NO, caret);
  }

  /** Hears of what moves in a document or shadow root, and of what its policy refused. */
  private hear(root: Document | ShadowRoot): void {
    root.addEventListener("scroll", () => this.refreshSoon(), true);
    // A link would show another document in the page's place, if only an empty one.
    for (const act of ["click", "auxclick", "submit"]) root.addEventListener(act, (e) => e.preventDefault(), true);
    if (root.nodeType === 9) root.addEventListener("securitypolicyviolation", (e) => this.refused(e as SecurityPolicyViolationEvent), true);
  }

  private refused({ blockedURI, effectiveDirective }: SecurityPolicyViolationEvent): void {
    const before = this.blocked.get(blockedURI);
    if (!before && this.blocked.size >= MAX_BLOCKED) return;
    this.blocked.set(blockedURI, { directive: effectiveDirective, times: (before?.times ?? 0) + 1 });
    this.missed();
  }

  /** Files that style sheets name tell nobody that they are missing: the browser's own list of requests does. */
  private unseen(): void {
    const base = this.frame.contentDocument!.baseURI;
    const known = new Set([...this.missing].map((url) => new URL(url, base).href));
    const each = (win: Window): void => {
      for (const e of win.performance.getEntriesByType("resource") as PerformanceResourceTiming[]) {
        if (e.responseStatus === 404 && e.initiatorType === "css" && !known.has(e.name)) this.missing.add(e.name);
      }
      for (let i = 0; i < win.frames.length; i++) each(win.frames[i]!);
      win.performance.clearResourceTimings();
    };
    const before = this.missing.size;
    each(this.frame.contentWindow!);
    if (this.missing.size > before) this.missed();
  }

  private lost(el: Element): void {
    const url = fileOf(el);
    if (!url || counts(el) || !el.isConnected) return; // some browsers tell that a page which has gone was not loaded
    this.missing.add(url);
    this.missed();
    const tries = this.tries.get(el) ?? 0;
    const wait = this.live ? RETRY_MS[tries] : undefined;
    if (wait === undefined) return;
    this.tries.set(el, tries + 1);
    setTimeout(() => {
      if (!el.isConnected || fileOf(el) !== url) return;
      const name = ["src", "href", "srcset"].find((a) => el.hasAttribute(a))!;
      const value = el.getAttribute(name)!;
      el.removeAttribute(name); // a link that is given the same address again does nothing
      el.setAttribute(name, value);
    }, wait);
  }

  private tries = new WeakMap<Element, number>();

  private found(el: Element): void {
    const url = fileOf(el);
    if (url && this.missing.delete(url)) this.missed();
  }

  /** Sizes the frame as the user's viewport, and fits it in. */
  layout(): void {
    const { width, height } = this.mirror.shown;
    if (!width || !height) return;
    const [w, h] = [this.room.clientWidth, this.room.clientHeight];
    this.scale = Math.min(1, w / width, h / height);
    this.sheet.style.setProperty("--up", String(1 / this.scale));
    Object.assign(this.sheet.style, {
      width: `${width}px`, height: `${height}px`, transform: `scale(${this.scale})`,
      left: `${Math.max(0, Math.round((w - width * this.scale) / 2))}px`, top: `${Math.max(0, Math.round((h - height * this.scale) / 2))}px`,
    });
    this.refresh();
  }

  /** Takes note of events that were just applied: where the user clicked, and who types where. holder: who holds a node, 0 for nobody. */
  watch(events: readonly PageEvent[], holder: (node: number) => number): void {
    for (const e of events) {
      const [kind, , x, y] = e.n ?? [];
      if (e.op === Op.Click && e.cause === Cause.User && (kind === 0 || kind === 5)) this.ripple(x!, y!, USER);
      if (e.op === Op.Focus) this.focusMoved(e.ids![0]!);
      if (e.op === Op.Caret) this.types(e, holder);
    }
  }

  private focusMoved(to: number): void {
    this.focus = to;
    this.typesNowhere(USER_NO);
  }

  /** An agent types where the user's focus is not, or holds the element: browsers say of an agent's doing that it is the user's. */
  private types(e: PageEvent, holder: (node: number) => number): void {
    const id = e.ids![0]!;
    const holds = holder(id);
    const agents = e.cause === Cause.Request || id !== this.focus || holds > USER_NO;
    if (agents && holds <= USER_NO) return; // a script's, or of an agent who has gone on
    for (const [by, at] of this.carets) if (at.id === id) this.typesNowhere(by);
    this.carets.set(agents ? holds : USER_NO, { id, start: e.n![0]!, end: e.n![1]! });
    this.refreshSoon();
  }

  private typesNowhere(by: number): void {
    this.carets.delete(by);
    this.marks.caret("caret " + by, undefined, "");
    this.marks.selection("selection " + by, [], "");
  }

  /** Shows a click, unless what is applied is long past. */
  ripple(x: number, y: number, className: string): void {
    if (!this.hurried) this.marks.ripple(x, y, className);
  }

  /** Called when what lies above the page is placed anew. */
  onPlaced(f: () => void): void {
    this.placed.push(f);
  }

  /** A busy page changes more often than the screen does. */
  private refreshSoon(): void {
    this.due ||= requestAnimationFrame(() => this.refresh());
  }

  /** Places the marks where their nodes are now. */
  refresh(): void {
    cancelAnimationFrame(this.due);
    this.due = 0;
    const { pointer, focus, zoom, offset, width, height } = this.mirror.shown;
    // Where the user has zoomed in, they see a part of the page.
    this.marks.area("visible", zoom > 1.01 ? { left: offset.x, top: offset.y, width: width / zoom, height: height / zoom } : undefined);
    if (pointer) this.marks.pointAt("user", "User", pointer.x, pointer.y, USER);
    else this.marks.remove("user");
    if (focus) this.marks.outline("focus", focus, "focus");
    else this.marks.remove("focus");
    this.showTyping();
    this.marks.refresh();
    this.drawings.refresh();
    for (const f of this.placed) f();
  }

  /** Typing cursors and what is selected in controls: by their own offsets. The user's in editable text: by the document's selection, which the browser shows. */
  private showTyping(): void {
    for (const [by, { id, start, end }] of this.carets) {
      const el = this.mirror.node(id) as HTMLInputElement | undefined;
      if (!el) this.typesNowhere(by);
      if (!el || !/^(input|textarea)$/.test(el.localName)) continue;
      const box = start === end ? this.fromDocument(caretOf(el, start), el) : undefined;
      const boxes = start === end ? [] : selectionOf(el, start, end);
      this.marks.caret("caret " + by, box, who(by));
      this.marks.selection("selection " + by, boxes.flatMap((b) => this.fromDocument(b, el) ?? []), who(by));
    }
    const text = this.carets.has(USER_NO) ? undefined : caretInText(this.mirror.document);
    if (!this.carets.has(USER_NO)) this.marks.caret("caret " + USER_NO, text && this.fromDocument(text.box, text.at as Element), USER);
  }

  /** The box of a node, undefined when it has none. */
  box(id: number): Box | undefined {
    const n = this.mirror.node(id);
    const el = n?.nodeType === 1 ? (n as Element) : n?.parentElement;
    if (!el) return undefined;
    const r = el.getBoundingClientRect();
    return r.width || r.height ? this.fromDocument(r, el) : undefined;
  }

  /** A box in an element's own document, in the viewport of the page. */
  private fromDocument(box: Box | undefined, el: Element): Box | undefined {
    if (!box) return undefined;
    let { left, top } = box;
    let win = el.ownerDocument.defaultView;
    while (win && win !== this.frame.contentWindow) {
      const host = win.frameElement;
      if (!host) return undefined;
      const f = host.getBoundingClientRect();
      left += f.left + host.clientLeft;
      top += f.top + host.clientTop;
      win = host.ownerDocument.defaultView;
    }
    return { left, top, width: box.width, height: box.height };
  }

  /** The element at a place of the page's viewport, in frames and shadow roots too. */
  hit(x: number, y: number): Element | undefined {
    let root: Document | ShadowRoot = this.mirror.document;
    for (;;) {
      const el: Element | null = root.elementFromPoint(x, y);
      if (!el) return undefined;
      const inner: Document | null = /^i?frame$/.test(el.localName) ? (el as HTMLIFrameElement).contentDocument : null;
      if (inner) {
        const r = el.getBoundingClientRect();
        x -= r.left + el.clientLeft;
        y -= r.top + el.clientTop;
        root = inner;
      } else if (el.shadowRoot && el.shadowRoot !== root) {
        const deeper: Element | null = el.shadowRoot.elementFromPoint(x, y);
        if (!deeper || deeper === el) return el;
        root = el.shadowRoot;
      } else return el;
    }
  }

  /** Waits until what the page loads is there, or known to be missing; not forever. */
  async settled(): Promise<void> {
    const d = this.mirror.document;
    const waits: Promise<unknown>[] = [];
    const until = (el: Element) => new Promise((done) => ["load", "error"].forEach((name) => el.addEventListener(name, done, { once: true })));
    for (const link of d.querySelectorAll<HTMLLinkElement>("link[rel~=stylesheet][href]")) if (!link.sheet && !link.disabled) waits.push(until(link));
    for (const img of d.images) if (!img.complete) waits.push(until(img));
    await Promise.race([Promise.all(waits).then(() => d.fonts.ready), new Promise((done) => setTimeout(done, SETTLE_MS))]);
    this.mirror.restoreScrolls();
    this.layout();
    if (!this.live) this.unseen();
  }
}

/** The file that an element shows. */
function fileOf(el: Element): string | null {
  // A lazy picture has but the candidate that the user's browser shows.
  return el.getAttribute?.("src") ?? el.getAttribute?.("href") ?? el.getAttribute?.("srcset")?.replace(/ \S+$/, "") ?? null;
}

/** Pictures of a pixel or two are there to count visits, not to be seen. */
function counts(el: Element): boolean {
  const size = (name: string) => Number(el.getAttribute(name) ?? NaN);
  return size("width") <= 2 && size("height") <= 2;
}
