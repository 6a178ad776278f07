// Built-ins kept from before the page's own scripts ran. A page may replace
// them (an old Prototype.js does), and the named controls of a form hide its
// properties: what reads the page must be misled by neither.

type Getter<T, V> = (of: T) => V;

function getter<T, V>(proto: object, name: string): Getter<T, V> {
  const get = Object.getOwnPropertyDescriptor(proto, name)?.get;
  if (!get) return (of) => (of as Record<string, V>)[name] as V;
  return Function.prototype.call.bind(get) as Getter<T, V>;
}

function method<F>(proto: object, name: string): F {
  return Function.prototype.call.bind((proto as Record<string, () => void>)[name]!) as F;
}

const element = Element.prototype;
const node = Node.prototype;

export const firstChild = getter<Node, Node | null>(node, "firstChild");
export const nextSibling = getter<Node, Node | null>(node, "nextSibling");
export const lastChild = getter<Node, Node | null>(node, "lastChild");
export const previousSibling = getter<Node, Node | null>(node, "previousSibling");
export const parentNode = getter<Node, Node | null>(node, "parentNode");
export const nodeType = getter<Node, number>(node, "nodeType");
export const isConnected = getter<Node, boolean>(node, "isConnected");
export const ownerDocument = getter<Node, Document | null>(node, "ownerDocument");
export const baseURI = getter<Node, string>(node, "baseURI");
export const attributes = getter<Element, NamedNodeMap>(element, "attributes");
export const localName = getter<Element, string>(element, "localName");
export const prefix = getter<Element, string | null>(element, "prefix");
export const namespaceURI = getter<Element, string | null>(element, "namespaceURI");
export const shadowRoot = getter<Element, ShadowRoot | null>(element, "shadowRoot");
export const getAttribute = method<(of: Element, name: string) => string | null>(element, "getAttribute");
export const attributeNames = method<(of: Element) => string[]>(element, "getAttributeNames");
export const hasAttribute = method<(of: Element, name: string) => boolean>(element, "hasAttribute");
export const matches = method<(of: Element, selector: string) => boolean>(element, "matches");
export const inFragment = method<(of: Node, selector: string) => NodeListOf<Element>>(DocumentFragment.prototype, "querySelectorAll");
export const inDocument = method<(of: Node, selector: string) => NodeListOf<Element>>(Document.prototype, "querySelectorAll");
/** An element's own style; of elements of HTML alone. */
export const style = getter<Element, CSSStyleDeclaration>(HTMLElement.prototype, "style");
export const querySelectorAll = method<(of: Element, selector: string) => NodeListOf<Element>>(element, "querySelectorAll");
export const scrollLeft = getter<Element, number>(element, "scrollLeft");
export const scrollTop = getter<Element, number>(element, "scrollTop");
export const setAttribute = method<(of: Element, name: string, value: string) => void>(element, "setAttribute");
export const removeAttribute = method<(of: Element, name: string) => void>(element, "removeAttribute");
export const insertBefore = method<(of: Node, n: Node, before: Node | null) => Node>(node, "insertBefore");
export const appendChild = method<(of: Node, n: Node) => Node>(node, "appendChild");
export const removeChild = method<(of: Node, n: Node) => Node>(node, "removeChild");
/** Of a sheet's own, past what notes that the page reached for them. */
export const cssRules = getter<CSSStyleSheet, CSSRuleList>(CSSStyleSheet.prototype, "cssRules");
export const data = getter<CharacterData, string>(CharacterData.prototype, "data");
export const contentDocument = getter<HTMLIFrameElement, Document | null>(HTMLIFrameElement.prototype, "contentDocument");
const frameDocument = getter<Element, Document | null>(HTMLFrameElement.prototype, "contentDocument");

export const ask = window.fetch.bind(window);
export const Socket = window.WebSocket;
export const now = performance.now.bind(performance);
export const later = window.setTimeout.bind(window);
export const cancel = window.clearTimeout.bind(window);
export const nextFrame = window.requestAnimationFrame.bind(window);
export const quote = JSON.stringify;
export const parse = JSON.parse as (text: string) => unknown;

export const dispatch = method<(of: EventTarget, e: Event) => boolean>(EventTarget.prototype, "dispatchEvent");
export const focus = method<(of: Element, options?: FocusOptions) => void>(HTMLElement.prototype, "focus");
export const scrollTo = method<(of: Element, options: ScrollToOptions) => void>(element, "scrollTo");
export const assignedSlot = getter<Element, HTMLSlotElement | null>(element, "assignedSlot");

function setter<T, V>(proto: object, name: string): (of: T, v: V) => void {
  return Function.prototype.call.bind(Object.getOwnPropertyDescriptor(proto, name)!.set!);
}

// A framework watches a control by a property of its own on it: the built-in one goes past that.
const setInput = setter<Element, string>(HTMLInputElement.prototype, "value");
const setArea = setter<Element, string>(HTMLTextAreaElement.prototype, "value");
export const setSelected = setter<HTMLOptionElement, boolean>(HTMLOptionElement.prototype, "selected");

export function setValue(of: Element, v: string): void {
  (localName(of) === "input" ? setInput : setArea)(of, v);
}

const events = { Event, MouseEvent, PointerEvent, KeyboardEvent, InputEvent, FocusEvent };

/** An event of the window that a node is in: frames have types of their own. */
export function event(of: Node, type: keyof typeof events, name: string, init: EventInit): Event {
  const win = (ownerDocument(of) ?? (of as Document)).defaultView as (Window & typeof events) | null;
  return new (!win || win === window ? events : win)[type](name, init);
}

const Channel = MessageChannel;

/** Goes on in the next turn: a timer, one after another, would wait for 4 ms, and in hidden pages for long. */
export function turn(go: () => void): void {
  const { port1, port2 } = new Channel();
  port1.onmessage = () => {
    port1.close();
    go();
  };
  port2.postMessage(0);
}

/** Lets the page go on for one turn. */
export function soon(): Promise<void> {
  return new Promise(turn);
}

/** The children of a node, as they are now. */
export function childNodes(of: Node): Node[] {
  const list: Node[] = [];
  for (let c = firstChild(of); c; c = nextSibling(c)) list.push(c);
  return list;
}

/** The document in a frame, null where the page may not read it. */
export function documentIn(frame: Element): Document | null {
  try {
    return localName(frame) === "frame" ? frameDocument(frame) : contentDocument(frame as HTMLIFrameElement);
  } catch {
    return null;
  }
}

/** JSON of a flat object, whatever toJSON methods the page gave to its types. */
export function json(message: Record<string, string | number | boolean | undefined>): string {
  let out = "";
  for (const key in message) {
    const v = message[key];
    if (v !== undefined) out += (out && ",") + quote(key) + ":" + (typeof v === "number" && !Number.isFinite(v) ? "0" : quote(v));
  }
  return "{" + out + "}";
}
