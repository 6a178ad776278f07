type Child = Node | string;
type Props = Record<string, string | ((e: Event) => void)>;

const SVG = "http://www.w3.org/2000/svg";
const clicks = new WeakMap<EventTarget, (e: Event) => void>();

/** Builds an element: functions are listeners, the rest attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(name: K, props: Props, ...children: Child[]): HTMLElementTagNameMap[K] {
  const el = document.createElement(name);
  set(el, props);
  el.append(...children);
  return el;
}

/** The same for SVG. */
export function s<K extends keyof SVGElementTagNameMap>(name: K, props: Props, ...children: Child[]): SVGElementTagNameMap[K] {
  const el = document.createElementNS(SVG, name);
  set(el, props);
  el.append(...children);
  return el;
}

function set(el: Element, props: Props): void {
  for (const key in props) {
    const v = props[key]!;
    if (typeof v === "string") el.setAttribute(key, v);
    else if (key === "click") clicks.set(el, v);
    else el.addEventListener(key, v);
  }
}

export function button(kind: string, action: string, text: string, click: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: kind, "data-action": action, click }, text);
}

/** A button that makes what it is in small, or large again. */
export function smaller(label: string): HTMLElement {
  const b = button("tiny", "minimise", "", () => {
    b.ariaExpanded = String(!b.parentElement!.classList.toggle("small"));
  });
  b.ariaExpanded = "true";
  b.ariaLabel = label;
  return b;
}

/** A click in our element: it never gets to the element itself, since no page is to see it. */
export function clicked(e: Event): void {
  for (const n of e.composedPath()) clicks.get(n)?.(e);
}
