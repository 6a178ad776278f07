import type { Stage } from "../view/stage.ts";
import { controls } from "./live-intent.ts";

/** Keys that may be pressed on the user's page (events/FORMAT.md, EventRequest). */
const KEYS = new Set(["Enter", "Escape", "Tab", "Backspace", "Delete", "Home", "End", "PageUp", "PageDown", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]);

/** The name under which a key is asked for; "" for one that is not in the closed set. */
export function keyName(e: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "altKey" | "metaKey">): string {
  if (e.ctrlKey || e.altKey || e.metaKey) return "";
  if (e.key === "Tab" && e.shiftKey) return "Shift+Tab";
  if (e.shiftKey) return "";
  return e.key === " " ? "Space" : KEYS.has(e.key) ? e.key : "";
}

/** Whether this is the way into and out of the page for keys. */
export const isToggle = (e: KeyboardEvent) => e.ctrlKey && e.shiftKey && e.code === "KeyK";

/** How far an arrow goes through the controls. */
export function stepOf(key: string): number {
  return key === "ArrowDown" || key === "ArrowRight" ? 1 : key === "ArrowUp" || key === "ArrowLeft" ? -1 : 0;
}

/** Goes through the page's controls without a mouse. */
export class Choice {
  at = 0;

  constructor(private readonly stage: Stage) {}

  step(by: number): Element | undefined {
    const list = controls(this.stage.mirror.document).filter((el) => this.stage.box(this.stage.mirror.id(el)));
    if (!list.length) return undefined;
    const now = list.findIndex((el) => this.stage.mirror.id(el) === this.at);
    const next = list[now < 0 ? (by > 0 ? 0 : list.length - 1) : (now + by + list.length) % list.length]!;
    this.at = this.stage.mirror.id(next);
    this.stage.marks.outline("chosen", this.at, "chosen");
    return next;
  }

  get element(): Element | undefined {
    const n = this.stage.mirror.node(this.at);
    return n?.nodeType === 1 ? (n as Element) : undefined;
  }

  clear(): void {
    this.at = 0;
    this.stage.marks.remove("chosen");
  }
}
