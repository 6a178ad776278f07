import type { Action } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import { focused, target } from "./around.ts";
import { press } from "./keys.ts";
import { Guard, type Led } from "./leaving.ts";
import { fill, type Doing } from "./typing.ts";

/** Carries an action out; tells whether it was done, or what the user is to be asked about before it goes on. */
export async function perform(action: Action, d: Doing): Promise<boolean | Led> {
  const { led } = d;
  if (led) {
    if (led.as === "form") d.step(led.go);
    else dom.later(() => d.step(led.go), 0); // the confirmation goes out first
    return true;
  }
  if (d.allowed) return carry(action, d);
  const guard = new Guard(window);
  try {
    const done = await carry(action, d);
    for (let turn = 0; turn < 2; turn++) await dom.soon(); // what is done after the events: promises of the page's, a form's way
    return guard.led ?? (guard.lost ? false : done);
  } finally {
    guard.end();
  }
}

async function carry(action: Action, d: Doing): Promise<boolean | Led> {
  const { el, value, cursor, step } = d;
  switch (action) {
    case "click":
      step(() => cursor.click(el));
      return true;
    case "doubleclick":
      step(() => {
        cursor.click(el);
        cursor.click(el, 2);
        cursor.mouse(el, "dblclick", { detail: 2 });
      });
      return true;
    case "hover":
      step(() => cursor.over(el));
      return true;
    case "fill":
      return fill({ ...d, el: target(el, cursor.shadow) });
    case "check":
    case "uncheck":
      return tick({ ...d, el: target(el, cursor.shadow) }, action === "check");
    case "select":
      return choose(d, el as HTMLSelectElement);
    case "focus":
      step(() => cursor.into(el, true));
      return focused(cursor.shadow) === el || el.contains(focused(cursor.shadow));
    case "scroll":
      return scroll(d);
    case "key":
      return press(d);
    case "navigate":
      // The confirmation goes out first.
      dom.later(() => location.assign(value), 0);
      return true;
    case "back":
    case "forward":
      dom.later(() => (action === "back" ? history.back() : history.forward()), 0);
      return true;
  }
}

/** Whether a box is ticked, a script's own too; undefined for what is no box. */
function ticked(el: HTMLElement): boolean | undefined {
  const c = el as HTMLInputElement;
  if (dom.localName(c) === "input") return /^(checkbox|radio)$/.test(c.type) ? c.checked : undefined;
  const state = /^(checkbox|radio|switch|menuitem(checkbox|radio)|option)$/.test(dom.getAttribute(c, "role") ?? "") && (dom.getAttribute(c, "aria-checked") ?? dom.getAttribute(c, "aria-selected"));
  return state ? state === "true" : undefined;
}

async function tick({ el, cursor, step }: Doing, on: boolean): Promise<boolean> {
  if (ticked(el) === undefined) return false;
  if (ticked(el) === on) return true;
  step(() => cursor.click(el));
  await dom.soon(); // some frameworks put a box back, or tick it, a turn later
  return ticked(el) === on;
}

async function choose({ value, cursor, step }: Doing, el: HTMLSelectElement): Promise<boolean> {
  if (dom.localName(el) !== "select" || !/^(\d+(,\d+)*)?$/.test(value)) return false;
  const chosen = new Set(value.split(",").filter(Boolean).map(Number));
  if (!el.multiple && chosen.size !== 1) return false;
  for (const i of chosen) if (!el.options[i] || dom.matches(el.options[i], ":disabled,optgroup:disabled *")) return false;
  step(() => {
    cursor.into(el);
    for (let i = 0; i < el.options.length; i++) dom.setSelected(el.options[i]!, chosen.has(i));
    dom.dispatch(el, dom.event(el, "Event", "input", { bubbles: true, composed: true }));
    cursor.changed(el);
  });
  return true;
}

async function scroll({ el, value, step }: Doing): Promise<boolean> {
  const [left, top] = value.split(",").map(Number);
  if (!Number.isFinite(left) || !Number.isFinite(top)) return false;
  step(() => dom.scrollTo(el, { left: left!, top: top!, behavior: "instant" }));
  return true;
}
