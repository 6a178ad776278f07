import * as dom from "./natives.ts";
import { secret } from "./secrets.ts";

/** What an operator hides of the pages whose paths match. */
export interface MaskRule {
  /** a pattern: "*" stands for anything within a segment, "**" for anything; every path where absent */
  path?: string;
  /** CSS selectors */
  hide?: string[];
  /** hides all text but what `show` allows */
  all?: boolean;
  /** CSS selectors; with `all` */
  show?: string[];
}

export interface MaskPolicy {
  rules?: MaskRule[];
  /** names of query parameters whose values are hidden */
  query?: string[];
}

/** What is remembered of a page from one recording to the next. */
export interface Remembered {
  /** controls that were a password once */
  secrets: WeakSet<Element>;
  /** what stays masked since the page was at another path */
  held?: WeakSet<Node>;
}

// How a node is masked: bits. The two lowest are its children's too.

/** by the inverse mode: what is shown within it is free */
export const TEXT = 1;
/** nothing within it is shown */
export const HARD = 2;
export const INHERITED = 3;
/** what was masked under another path, alone */
export const OWN = 4;
/** a control that is secret by itself */
export const SECRET = 8;

/** What the outermost of masked elements bears, for viewers. */
export const MASKED_MARK = "pillion-masked";
/** What the outermost of those bears that the inverse mode shows. */
export const SHOWN_MARK = "pillion-shown";
const HIDE_MARK = "data-pillion-mask";
const SHOW_MARK = "data-pillion-show";

/** Attributes that may change whether an element is masked, without any rule. */
const CHANGING = /^(?:type|autocomplete|name|id|data-pillion-mask|data-pillion-show)$/;

type Root = Document | ShadowRoot;

/** Says what of a page nobody else may see: by itself, by marks in the page, by the operator's rules. */
export class Masks {
  readonly #win: Window;
  readonly #rules: readonly MaskRule[];
  readonly #once: WeakSet<Element>;
  readonly #reported = new Set<string>();
  /** names of query parameters, in lower case */
  readonly names: ReadonlySet<string>;
  /** how the page is masked as a whole */
  base = 0;
  #path: string | undefined;
  #hide = "";
  #show = "";
  #hidden = new Set<Element>();
  #shown = new Set<Element>();
  readonly #held: WeakSet<Node>;
  #passwords = false;

  constructor(win: Window, kept: Remembered, policy: MaskPolicy = {}) {
    this.#win = win;
    this.#once = kept.secrets;
    this.#held = kept.held ??= new WeakSet();
    this.#rules = policy.rules ?? [];
    this.names = new Set((policy.query ?? []).map((name) => name.toLowerCase()));
    this.moved();
  }

  /** Chooses the rules for where the page is now; whether they are others than before. */
  moved(): boolean {
    const path = this.#win.location.pathname;
    if (path === this.#path) return false;
    this.#path = path;
    const was = [this.base, this.#hide, this.#show].join("\n");
    const hide: string[] = [];
    const show: string[] = [];
    this.base = 0;
    for (const rule of this.#rules) {
      if (rule.path && !pattern(rule.path).test(path)) continue;
      if (rule.all) this.base ||= TEXT;
      for (const s of rule.hide ?? []) {
        if (this.#valid(s)) hide.push(s);
        else this.base = HARD; // what it should hide is not known
      }
      if (rule.all) show.push(...(rule.show ?? []).filter((s) => this.#valid(s)));
    }
    this.#hide = hide.join();
    this.#show = this.base === TEXT ? show.join() : "";
    return was !== [this.base, this.#hide, this.#show].join("\n");
  }

  #valid(selector: string): boolean {
    try {
      dom.matches(this.#win.document.documentElement, selector);
      return true;
    } catch {
      if (!this.#reported.has(selector)) console.warn("Pillion: a mask's selector is not valid:", selector);
      this.#reported.add(selector);
      return false;
    }
  }

  /** Whether rules have to be looked at when the page changes. */
  get ruled(): boolean {
    return !!(this.#hide || this.#show);
  }

  /** Finds what the rules say of a document or shadow root. */
  scan(root: Root): void {
    if (this.#hide) for (const el of query(root, this.#hide)) this.#hidden.add(el);
    if (this.#show) for (const el of query(root, this.#show)) this.#shown.add(el);
  }

  /** Finds it anew for all of them, and returns of which elements it is something else. */
  rescan(roots: Iterable<Root>): Element[] {
    const was = [this.#hidden, this.#shown];
    this.#hidden = new Set();
    this.#shown = new Set();
    for (const root of roots) this.scan(root);
    return [this.#hidden, this.#shown].flatMap((now, i) => [...[...now].filter((el) => !was[i]!.has(el)), ...[...was[i]!].filter((el) => !now.has(el))]);
  }

  /** Whether an attribute may have changed how an element is masked. */
  static changedBy(name: string): boolean {
    return CHANGING.test(name);
  }

  /** How a node is masked whose parent is masked so. */
  level(n: Node, parent: number, type = dom.nodeType(n), name?: string): number {
    let level = parent & INHERITED;
    if (type === 1) {
      const el = n as Element;
      if (this.#hidden.has(el) || dom.hasAttribute(el, HIDE_MARK)) level = HARD;
      else if (level === TEXT && (this.#shown.has(el) || dom.hasAttribute(el, SHOW_MARK))) level = 0;
      if (secret(el, this.#once, name)) {
        level = level ? HARD : SECRET | HARD;
        this.#passwords ||= this.#once.has(el);
      }
    }
    return level || (this.#held.has(n) ? OWN : 0);
  }

  /** A field that comes alone where a password's went may show what that held: it is one, too. */
  follow(changes: readonly MutationRecord[]): void {
    if (!this.#passwords) return;
    const only = (list: NodeList) => {
      const all = [...list].filter((n) => dom.nodeType(n) === 1).flatMap((n) => [n as Element, ...dom.querySelectorAll(n as Element, "input")]).filter((el) => dom.localName(el) === "input");
      return all.length === 1 ? all[0] : undefined;
    };
    const left = new Set<Node>();
    for (const m of changes) if (this.#once.has(only(m.removedNodes)!)) left.add(m.target);
    for (const m of changes) {
      const el = left.has(m.target) && only(m.addedNodes);
      if (el) this.#once.add(el);
    }
  }

  /**
   * Keeps a node masked where the rules of the path before did: many pages are
   * at another address before they show something else.
   */
  hold(n: Node): void {
    this.#held.add(n);
  }

  release(n: Node): void {
    this.#held.delete(n);
  }

  /** How a node of the page's own document is masked, by those around it. */
  of(n: Node | null): number {
    return n ? this.level(n, this.of(dom.parentNode(n))) : this.base;
  }
}

function query(root: Root, selector: string): NodeListOf<Element> {
  return dom.nodeType(root) === 9 ? dom.inDocument(root, selector) : dom.inFragment(root, selector);
}

/** As the gateway reads patterns (proxy/pattern.go). */
function pattern(text: string): RegExp {
  const quoted = text.split("**").map((part) => part.split("*").map((s) => s.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join("[^/]*")).join(".*");
  return new RegExp(`^${text.includes("/") ? "" : ".*/"}${quoted}$`, "s");
}
