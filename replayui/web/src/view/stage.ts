import { Mirror } from "../page/mirror.ts";

/** A node's box in the page's viewport, over frames. */
export interface Box { left: number; top: number; width: number; height: number }

const SETTLE_MS = 3000;
/** A live viewer may ask before the user's browser has the file: it asks again. */
const RETRY_MS = [400, 1500, 4000, 10_000];

/** A viewer's page: the frame, scaled to the room there is, and marks above it. */
export class Stage {
  readonly frame = document.createElement("iframe");
  readonly overlay = document.createElement("div");
  readonly mirror: Mirror;
  readonly ready: Promise<void>;
  private sheet = document.createElement("div");
  private marks = new Map<string, HTMLElement>();
  private boxes = new Map<string, number>();
  scale = 1;
  /** files that the archive did not have, on the page shown */
  missing = new Set<string>();

  constructor(private readonly room: HTMLElement, testId: string, private readonly live: boolean, private readonly missed: () => void = () => {}) {
    this.frame.setAttribute("sandbox", "allow-same-origin");
    this.frame.dataset["testid"] = testId;
    this.frame.title = "The user's page";
    this.frame.src = "/frame";
    this.sheet.className = "sheet";
    this.overlay.className = "overlay";
    this.sheet.append(this.frame, this.overlay);
    room.append(this.sheet);
    this.mirror = new Mirror(this.frame, () => this.refresh());
    this.ready = new Promise((done) => this.frame.addEventListener("load", () => done(), { once: true }));
    void this.ready.then(() => this.listen());
    new ResizeObserver(() => this.layout()).observe(room);
  }

  /** A document opened anew loses its listeners: called after each state. */
  listen(): void {
    this.missing.clear();
    this.missed();
    this.hear(this.mirror.document);
  }

  private hear(d: Document): void {
    d.addEventListener("error", (e) => this.lost(e.target as Element), true);
    d.addEventListener("load", (e) => this.found(e.target as Element), true);
    d.addEventListener("scroll", () => this.refresh(), true);
  }

  private lost(el: Element): void {
    const url = fileOf(el);
    if (!url || counts(el)) return;
    this.missing.add(url);
    this.missed();
    const tries = this.tries.get(el) ?? 0;
    const wait = this.live ? RETRY_MS[tries] : undefined;
    if (wait === undefined) return;
    this.tries.set(el, tries + 1);
    setTimeout(() => el.isConnected && fileOf(el) === url && el.setAttribute(el.hasAttribute("src") ? "src" : "href", url), wait);
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
    Object.assign(this.sheet.style, {
      width: `${width}px`, height: `${height}px`, transform: `scale(${this.scale})`,
      left: `${Math.max(0, Math.round((w - width * this.scale) / 2))}px`, top: `${Math.max(0, Math.round((h - height * this.scale) / 2))}px`,
    });
    this.refresh();
  }

  /** Places the marks where their nodes are now. */
  refresh(): void {
    const { pointer, focus } = this.mirror.shown;
    if (pointer) this.pointAt("user", "User", pointer.x, pointer.y);
    else this.unmark("user");
    if (focus) this.outline("focus", focus, "focus");
    else this.unmark("focus");
    for (const [name, id] of this.boxes) this.outline(name, id, "");
  }

  private mark(name: string, className: string): HTMLElement {
    let m = this.marks.get(name);
    if (!m) {
      m = document.createElement("div");
      m.className = "mark-at " + className;
      this.marks.set(name, m);
      this.overlay.append(m);
    }
    return m;
  }

  unmark(name: string): void {
    this.marks.get(name)?.remove();
    this.marks.delete(name);
    this.boxes.delete(name);
  }

  /** Draws a box around a node, until it is unmarked. */
  outline(name: string, id: number, className: string): void {
    const box = this.box(id);
    const m = this.mark(name, className || "box");
    this.boxes.set(name, id);
    if (!box) {
      m.hidden = true;
      return;
    }
    m.hidden = false;
    Object.assign(m.style, { left: `${box.left - 3}px`, top: `${box.top - 3}px`, width: `${box.width + 6}px`, height: `${box.height + 6}px` });
  }

  /** Draws somebody's pointer, in viewport pixels. */
  pointAt(who: string, name: string, x: number, y: number): void {
    const m = this.mark(who, `cursor ${who === "user" ? "of-user" : "of-agent"}`);
    if (m.dataset["name"] !== name) m.dataset["name"] = name;
    m.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** The box of a node, undefined when it has none. */
  box(id: number): Box | undefined {
    const n = this.mirror.node(id);
    const el = n?.nodeType === 1 ? (n as Element) : n?.parentElement;
    if (!el) return undefined;
    const r = el.getBoundingClientRect();
    let [left, top] = [r.left, r.top];
    let win = el.ownerDocument.defaultView;
    while (win && win !== this.frame.contentWindow) {
      const host = win.frameElement;
      if (!host) return undefined;
      const f = host.getBoundingClientRect();
      left += f.left + host.clientLeft;
      top += f.top + host.clientTop;
      win = host.ownerDocument.defaultView;
    }
    return r.width || r.height ? { left, top, width: r.width, height: r.height } : undefined;
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
  }
}

/** The file that an element shows. */
function fileOf(el: Element): string | null {
  return el.getAttribute?.("src") ?? el.getAttribute?.("href") ?? null;
}

/** Pictures of a pixel or two are there to count visits, not to be seen. */
function counts(el: Element): boolean {
  const size = (name: string) => Number(el.getAttribute(name) ?? NaN);
  return size("width") <= 2 && size("height") <= 2;
}
