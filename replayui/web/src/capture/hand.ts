import * as dom from "../page/natives.ts";
import { secret } from "../page/secrets.ts";
import type { Recorder } from "../page/recorder.ts";
import type { FromGateway } from "./link.ts";

/** Why a request is denied (events/FORMAT.md, EventConfirmation). */
export type Denial = "conflict" | "locked" | "masked" | "gone" | "disabled" | "forbidden" | "refused" | "failed";

/** How long an element stays the user's after a key or click in it. */
const BUSY_MS = 2000;

type Field = HTMLInputElement | HTMLTextAreaElement;

/** The agent's hand on the user's page: a closed set of actions, each checked here. */
export class Hand {
  readonly #recorder: Recorder;
  readonly #lastFrame: () => number;
  readonly #ask: (what: string, who: string) => Promise<boolean>;
  /** when the user last touched an element, by clock and by frame number */
  #touched = new WeakMap<Node, { at: number; seq: number }>();

  constructor(recorder: Recorder, lastFrame: () => number, ask: (what: string, who: string) => Promise<boolean>) {
    this.#recorder = recorder;
    this.#lastFrame = lastFrame;
    this.#ask = ask;
  }

  /** Remembers what the user did, for conflicts and locks. */
  watch(d: Document): void {
    const note = (e: Event) => {
      if (e.isTrusted) this.#touched.set(e.composedPath()[0] as Node, { at: dom.now(), seq: this.#lastFrame() + 1 });
    };
    for (const name of ["input", "change", "keydown", "pointerdown"]) d.addEventListener(name, note, { capture: true, passive: true });
  }

  /** Carries a request out, or says why not. */
  async act(r: FromGateway): Promise<Denial | null> {
    if (r.action === "navigate") return this.#navigate(r);
    const n = this.#recorder.tree.node(r.node ?? 0);
    if (!n || !dom.isConnected(n)) return "gone";
    const el = (dom.nodeType(n) === 1 ? n : dom.nodeType(n) === 9 ? (n as Document).scrollingElement : dom.parentNode(n)) as HTMLElement | null;
    if (!el) return "gone";
    if (r.action !== "scroll") {
      const why = this.#denies(el, r);
      if (why) return why;
      const leads = r.action === "click" ? leadsTo(el) : "";
      if (leads && !(await this.#ask(leads, r.name ?? ""))) return "refused";
      if (!dom.isConnected(n)) return "gone";
    }
    let done = false;
    this.#recorder.byRequest(() => {
      done = perform(el, r.action ?? "", r.value ?? "");
    });
    return done ? null : "failed";
  }

  #denies(el: HTMLElement, r: FromGateway): Denial | null {
    if (secret(el)) return "masked";
    if (el.matches(":disabled") || el.closest("[inert]")) return "disabled";
    if ((el as Field).readOnly && r.action === "fill") return "disabled";
    const t = this.#touched.get(el);
    if (t && dom.now() - t.at < BUSY_MS) return "locked";
    if (t && t.seq > (r.seen ?? 0) && /^(fill|check|uncheck|select)$/.test(r.action ?? "")) return "conflict";
    return null;
  }

  async #navigate(r: FromGateway): Promise<Denial | null> {
    let url: URL;
    try {
      url = new URL(r.value ?? "", document.baseURI);
    } catch {
      return "forbidden";
    }
    if (url.origin !== location.origin || !/^https?:$/.test(url.protocol)) return "forbidden";
    if (!(await this.#ask(`open ${url.pathname}`, r.name ?? ""))) return "refused";
    dom.later(() => location.assign(url.href), 0);
    return null;
  }
}

/** What a click would set off that the user should know of: leaving the page, sending a form. */
function leadsTo(el: Element): string {
  const link = el.closest("a[href], area[href]") as HTMLAnchorElement | null;
  if (link && !(dom.getAttribute(link, "href") ?? "").startsWith("#")) {
    const text = (link.textContent ?? "").trim().slice(0, 60);
    return text ? `follow the link “${text}”` : "follow a link";
  }
  const button = el.closest("button, input") as HTMLButtonElement | null;
  if (!button?.form || !/^(submit|image)$/.test(button.type)) return "";
  const text = (button.textContent || button.value || "").trim().slice(0, 60);
  return text ? `send the form with “${text}”` : "send the form";
}

function perform(el: HTMLElement, action: string, value: string): boolean {
  switch (action) {
    case "click":
      return click(el);
    case "fill":
      return fill(el, value);
    case "check":
    case "uncheck": {
      const box = el as HTMLInputElement;
      if (!/^(checkbox|radio)$/.test(box.type ?? "")) return false;
      if (box.checked !== (action === "check")) box.click();
      return box.checked === (action === "check");
    }
    case "select":
      return select(el as HTMLSelectElement, value);
    case "focus":
      el.focus();
      return true;
    case "scroll": {
      const [x, y] = value.split(",").map(Number);
      if (!Number.isFinite(x) || !Number.isFinite(y)) return false;
      el.scrollTo({ left: x!, top: y!, behavior: "instant" });
      return true;
    }
  }
  return false;
}

/** A click as a mouse gives it: old menus listen for its parts. */
function click(el: HTMLElement): boolean {
  const box = el.getBoundingClientRect();
  const at = { bubbles: true, cancelable: true, composed: true, view: el.ownerDocument.defaultView, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, button: 0 };
  for (const name of ["pointerover", "mouseover", "pointerdown", "mousedown"]) el.dispatchEvent(event(name, at));
  if (el.matches("a[href], button, input, select, textarea, [tabindex]")) el.focus({ preventScroll: true });
  for (const name of ["pointerup", "mouseup"]) el.dispatchEvent(event(name, at));
  el.click();
  return true;
}

function event(name: string, at: MouseEventInit): Event {
  return name.startsWith("pointer") ? new PointerEvent(name, { ...at, pointerType: "mouse", isPrimary: true }) : new MouseEvent(name, at);
}

const setters = new Map<string, (v: string) => void>();
for (const proto of [HTMLInputElement.prototype, HTMLTextAreaElement.prototype]) {
  setters.set(proto === HTMLInputElement.prototype ? "input" : "textarea", Object.getOwnPropertyDescriptor(proto, "value")!.set!);
}

/** Types text as a whole; frameworks that watch a field's own setter see the events after it. */
function fill(el: HTMLElement, value: string): boolean {
  const set = setters.get(el.localName);
  if (!set && !el.isContentEditable) return false;
  if (set && /^(checkbox|radio|submit|reset|button|image|file)$/.test((el as Field).type)) return false;
  el.focus({ preventScroll: true });
  if (set) set.call(el, value);
  else el.textContent = value;
  const win = el.ownerDocument.defaultView ?? window;
  el.dispatchEvent(new win.InputEvent("input", { bubbles: true, composed: true, inputType: "insertReplacementText", data: value }));
  el.dispatchEvent(new win.Event("change", { bubbles: true }));
  return !set || (el as Field).value === value || (el as Field).type !== "text";
}

function select(el: HTMLSelectElement, value: string): boolean {
  if (el.localName !== "select") return false;
  const chosen = new Set(value.split(",").filter(Boolean).map(Number));
  for (const i of chosen) if (!el.options[i] || el.options[i].disabled) return false;
  for (let i = 0; i < el.options.length; i++) el.options[i]!.selected = chosen.has(i);
  el.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
  el.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}
