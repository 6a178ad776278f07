// Compares a user's page with its mirror, node by node with form state: for
// tests, which run describePage and looksOf in both pages and compare the lines.

import { attribute, isRules } from "./attributes.ts";
import { withoutCards } from "./cards.ts";
import { HARD, MASKED_MARK, Masks, SHOWN_MARK, type MaskPolicy, type Remembered } from "./masks.ts";
import * as dom from "./natives.ts";
import { masked } from "./secrets.ts";

const GONE = /^(script|noscript|base|object|embed|applet|portal|fencedframe)$/;
/** Attributes that lead to files, or that a viewer has otherwise. */
const OTHERWISE = /^(src|srcset|href|xlink:href|poster|background|action|formaction|data|style|imagesrcset|cite|longdesc|ping|manifest|autofocus|autoplay|loading|srcdoc|http-equiv|nonce|integrity|crossorigin|sandbox|allow|csp|rel)$|^on|^pillion-/i;

interface Known extends Remembered { roots: WeakMap<Element, ShadowRoot> }

/** A page as one of the two sides has it: a user's page as the site's policy lets a viewer see it. */
class Side {
  /** what the capture script keeps where it runs, closed shadow roots too; a viewer's page has none */
  readonly #kept = (globalThis as { [key: symbol]: Known | undefined })[Symbol.for("pillion.kept")];
  readonly #masks: Masks | undefined;

  constructor(root: Document, policy?: MaskPolicy) {
    if (this.#kept) this.#masks = new Masks(root.defaultView!, this.#kept, policy);
  }

  shadow(el: Element): ShadowRoot | undefined {
    return dom.shadowRoot(el) ?? this.#kept?.roots.get(el);
  }

  /** How a node is masked, its parent being masked so; `above` is undefined for the page. */
  level(n: Node, above: number | undefined): number {
    const type = dom.nodeType(n);
    if (type === 9 || type === 11) this.#masks?.scan(n as Document);
    if (this.#masks) return this.#masks.level(n, above ?? this.#masks.base);
    if (type === 1 && dom.hasAttribute(n as Element, MASKED_MARK)) return HARD;
    return type === 1 && dom.hasAttribute(n as Element, SHOWN_MARK) ? 0 : (above ?? 0);
  }

  text(n: CharacterData, level: number): string {
    return !this.#masks || isRules(n) ? n.data : this.plain(n.data, level);
  }

  /** A text or value as a viewer has it; a viewer's is as it is. */
  plain(text: string, level: number): string {
    return !this.#masks ? text : level ? masked(text) : withoutCards(text);
  }

  attribute(el: Element, { name, value }: Attr, level: number): string | null {
    return this.#masks ? attribute(el, name, value, level, this.#masks.names) : value;
  }
}

/** What looksOf compares of an element: enough to tell one look from another. */
const LOOKS = [
  "display", "visibility", "position", "float", "width", "height", "margin-top", "margin-left", "padding-top", "padding-left", "color",
  "background-color", "background-image", "border-top-width", "border-top-style", "border-left-color", "font-family", "font-size", "font-weight",
  "font-style", "line-height", "text-align", "text-decoration-line", "opacity", "transform", "overflow-x", "z-index", "box-shadow", "list-style-type",
];

/** A viewer's own document in the place of a frame that it cannot show. */
const standsIn = (d: Document) => d.documentElement?.hasAttribute("pillion-placeholder") ?? false;

/** Computed styles of elements in all the page, at most so many of them, evenly chosen. */
export function looksOf(root: Document, most: number, policy?: MaskPolicy): string[] {
  const side = new Side(root, policy);
  const all: [Element, level: number][] = [];
  const visit = (n: Node, above?: number): void => {
    const level = side.level(n, above);
    if (dom.nodeType(n) === 1) {
      const el = n as Element;
      if (dom.localName(el) === "pillion-assist" || gone(el)) return;
      all.push([el, level]);
      const inner = /^i?frame$/.test(dom.localName(el)) ? dom.documentIn(el) : null;
      const shadow = side.shadow(el);
      if (shadow) visit(shadow, level);
      if (inner && !standsIn(inner)) visit(inner, level);
    }
    for (const c of dom.childNodes(n)) visit(c, level);
  };
  visit(root);
  const every = Math.max(1, all.length / most);
  const lines: string[] = [];
  for (let i = 0; i < all.length; i += every) {
    const [el, level] = all[Math.floor(i)]!;
    lines.push(level ? dom.localName(el) + " masked" : look(el));
  }
  return lines;
}

function look(el: Element): string {
  const style = (pseudo?: string) => el.ownerDocument.defaultView!.getComputedStyle(el, pseudo);
  const own = style();
  const parts = LOOKS.map((name) => `${name}:${own.getPropertyValue(name)}`);
  for (const pseudo of ["::before", "::after"]) parts.push(pseudo + style(pseudo).content + style(pseudo).color);
  return `${dom.localName(el)}#${dom.getAttribute(el, "id") ?? ""} ${parts.join("; ")}`;
}

/** One line per node: depth, name, attributes, text, and what a control holds. */
export function describePage(root: Document, policy?: MaskPolicy): string[] {
  const side = new Side(root, policy);
  const lines: string[] = [];
  const visit = (n: Node, depth: number, above?: number): void => {
    const pad = " ".repeat(depth);
    const type = dom.nodeType(n);
    const level = side.level(n, above);
    if (type === 3 || type === 4) lines.push(pad + JSON.stringify(side.text(n as Text, level)));
    if (type === 8) lines.push(pad + "<!--" + side.text(n as Comment, level));
    if (type === 10) lines.push(pad + "doctype " + (n as DocumentType).name);
    if (type === 9) lines.push(pad + "document " + (n as Document).compatMode + scrolled((n as Document).scrollingElement));
    if (type === 1) {
      const el = n as Element;
      if (dom.localName(el) === "pillion-assist") return;
      if (gone(el)) {
        lines.push(pad + "gone " + (dom.localName(el) === "pillion-gone" ? dom.getAttribute(el, "tag") : dom.localName(el).toLowerCase()));
        return;
      }
      lines.push(pad + dom.localName(el) + attributes(el, side, level) + (level ? veiled(el) : state(el, side)));
      const shadow = side.shadow(el);
      if (shadow) {
        lines.push(pad + " #shadow");
        visit(shadow, depth + 1, level);
      }
      if (/^i?frame$/.test(dom.localName(el))) {
        const inner = dom.documentIn(el);
        if (inner && dom.firstChild(inner) && !standsIn(inner)) visit(inner, depth + 1, level);
        return;
      }
    }
    for (const c of dom.childNodes(n)) visit(c, depth + 1, level);
  };
  visit(root, 0);
  return lines;
}

function gone(el: Element): boolean {
  return dom.localName(el) === "pillion-gone" || GONE.test(dom.localName(el).toLowerCase()) || (dom.localName(el) === "meta" && dom.hasAttribute(el, "http-equiv"));
}

function attributes(el: Element, side: Side, level: number): string {
  return [...dom.attributes(el)]
    .filter((a) => !OTHERWISE.test(a.name) && !(a.name === "open" && dom.localName(el) === "dialog"))
    .map((a) => [a.name, side.attribute(el, a, level)] as const)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
    .sort()
    .join("");
}

/** What is told of a masked control: whether there is anything in it, where a viewer's can hold the mask. */
function veiled(el: Element): string {
  const c = el as HTMLInputElement;
  return layer(el) + (/^(text|password|search|tel|email|url|textarea)$/.test(c.type ?? "") && dom.localName(el) !== "button" ? ` value=${JSON.stringify(masked(c.value))}` : "") + " masked";
}

/** Where something is scrolled to; the document says it for its root. */
function scrolled(el: Element | null): string {
  if (!el) return "";
  const at = [dom.scrollLeft(el), dom.scrollTop(el)].map(Math.round);
  return at[0] || at[1] ? ` at=${at.join()}` : "";
}

function state(el: Element, side: Side): string {
  const own = el === el.ownerDocument.scrollingElement ? "" : scrolled(el);
  return own + layer(el) + played(el) + control(el, side);
}

function layer(el: Element): string {
  if (dom.localName(el) === "dialog") return ` open=${(el as HTMLDialogElement).open}${dom.matches(el, ":modal") ? " modal" : ""}`;
  return dom.hasAttribute(el, "popover") ? ` shown=${dom.matches(el, ":popover-open")}` : "";
}

/** A playing one is elsewhere a moment later; a viewer has no sound. */
function played(el: Element): string {
  if (!/^(video|audio)$/.test(dom.localName(el))) return "";
  const m = el as HTMLMediaElement;
  return ` volume=${m.volume.toFixed(2)} rate=${m.playbackRate}` + (m.paused ? ` paused at ${m.currentTime.toFixed(1)}` : " playing");
}

function control(el: Element, side: Side): string {
  const c = el as HTMLInputElement;
  if (dom.localName(el) === "select") return ` selected=${[...(el as HTMLSelectElement).options].flatMap((o, i) => (o.selected ? [i] : [])).join()}`;
  const value = () => ` value=${JSON.stringify(side.plain(c.value, 0))}${valid(c)}`;
  if (dom.localName(el) === "textarea") return value();
  if (dom.localName(el) !== "input") return "";
  return /^(checkbox|radio)$/.test(c.type) ? ` checked=${c.checked}${c.indeterminate}${valid(c)}` : value();
}

const valid = (c: HTMLInputElement) => (dom.matches(c, ":invalid") ? " invalid" : "");
