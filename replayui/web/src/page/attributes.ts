import { HTML_NS, SVG_NS } from "../protocol/format.ts";
import { address, opens } from "./addresses.ts";
import { withoutCards } from "./cards.ts";
import { MASKED_MARK, SECRET, SHOWN_MARK } from "./masks.ts";
import * as dom from "./natives.ts";

/** Attributes that shape how an element looks, and tell nothing of what is in it. */
const LOOK = new Set(
  ("class id type dir lang rows cols size width height colspan rowspan span scope align valign hidden inert open disabled readonly required multiple " +
    "contenteditable tabindex popover wrap nowrap border cellspacing cellpadding rules frame frameborder scrolling marginwidth marginheight hspace vspace " +
    "bgcolor color face text link vlink alink clear compact noshade start reversed media rel slot part exportparts is role for controls " +
    "viewBox preserveAspectRatio fill stroke stroke-width opacity font-size font-family font-weight text-anchor dominant-baseline transform").split(" "),
);
/** What people and programs call a field: it says what belongs there. */
const NAMING = /^(?:name|autocomplete|inputmode|placeholder|aria-label|aria-labelledby|aria-describedby)$/;
/** Attributes whose text people read. */
const TEXTUAL = /^(?:title|alt|placeholder|value|label|content|summary|abbr|aria-label|aria-valuetext|aria-description|aria-placeholder|aria-roledescription|data-.*)$/;
/** Drawings may be of a signature, or a code to be scanned. */
const SHAPES = /^(?:path|rect|circle|ellipse|line|polyline|polygon|image|use|mesh|feImage)$/;
/** Where a click or a form leads to. */
const LEADS = /^(?:href|xlink:href|action|formaction)$/;

const MAX_SORTS = 1000;

/** What an attribute is by its name: most names come again and again. */
const enum Sort { Plain, Never, Textual, Leads, Content }
const sorts = new Map<string, Sort>();

function sortOf(name: string): Sort {
  let sort = sorts.get(name);
  if (sort !== undefined) return sort;
  if (/^on|^srcdoc$|^nonce$/i.test(name) || name === MASKED_MARK || name === SHOWN_MARK) sort = Sort.Never;
  else sort = name === "content" ? Sort.Content : LEADS.test(name) ? Sort.Leads : TEXTUAL.test(name) ? Sort.Textual : Sort.Plain;
  if (sorts.size < MAX_SORTS) sorts.set(name, sort);
  return sort;
}

/** What is sent of an attribute of an element that is masked so; null where nothing is. */
export function attribute(el: Element, name: string, value: string, level: number, names: ReadonlySet<string>): string | null {
  const sort = sortOf(name);
  if (sort === Sort.Never) return null;
  if (sort === Sort.Plain && !level) return name === "src" && /^i?frame$/.test(dom.localName(el)) ? null : value;
  const of = dom.localName(el);
  if (level) return ofMasked(el, of, name, value, level);
  if (sort === Sort.Leads) return /^(?:link|image|use|feImage)$/.test(of) ? value : address(value, names);
  if (sort === Sort.Content && of === "meta" && opens(dom.getAttribute(el, "name") ?? "", names)) return null;
  return withoutCards(value);
}

function ofMasked(el: Element, of: string, name: string, value: string, level: number): string | null {
  if (dom.namespaceURI(el) === SVG_NS && SHAPES.test(of)) return /^(?:class|id)$/.test(name) ? value : null;
  if (name === "style") return plainStyle(el);
  if (LOOK.has(name)) return value;
  if (level & SECRET && NAMING.test(name)) return withoutCards(value);
  if (/^(?:text|tspan)$/.test(of) && /^[xy]$/.test(name) && /^-?[\d.]+(?:px|em|%)?$/.test(value)) return value;
  if (dom.namespaceURI(el) !== HTML_NS) return null;
  if (name === "href") return of === "link" ? (/\bstylesheet\b/i.test(dom.getAttribute(el, "rel") ?? "") ? value : null) : "#";
  return name === "name" && of === "slot" ? value : null;
}

/** A style without what can bear text or lead to a picture. */
function plainStyle(el: Element): string | null {
  if (dom.namespaceURI(el) !== HTML_NS) return null;
  const style = dom.style(el);
  let out = "";
  for (let i = 0; i < style.length; i++) {
    const name = style[i]!;
    const value = style.getPropertyValue(name);
    if (!value || name.startsWith("--") || /["'\\]|(?:url|image-set|image|src|element|attr|var|path|paint)\(/i.test(value)) continue;
    out += `${name}:${value}${style.getPropertyPriority(name) && " !important"};`;
  }
  return out;
}

/** Whether a node's parent is a style element: its text is no text for people. */
export function isRules(n: Node): boolean {
  const parent = dom.parentNode(n);
  return !!parent && dom.nodeType(parent) === 1 && dom.localName(parent as Element) === "style";
}
