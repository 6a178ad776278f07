import { getAttribute, localName } from "./natives.ts";

/** What stands for a masked value: always as long. */
export const MASK = "••••••••";

/** Fields that were a password once stay secret when a toggle shows them. */
const once = new WeakSet<Element>();

/** Whether a control's value never leaves the browser, whatever the settings. */
export function secret(el: Element): boolean {
  if (localName(el) !== "input") return /\bcc-|one-time-code/.test(getAttribute(el, "autocomplete") ?? "");
  const type = (getAttribute(el, "type") ?? "").toLowerCase();
  if (type === "password") once.add(el);
  return type === "password" || type === "file" || type === "hidden" || once.has(el) || /\bcc-|one-time-code|-password/.test(getAttribute(el, "autocomplete") ?? "");
}

/** Hidden inputs are not even known to have a value. */
export function hiddenInput(el: Element): boolean {
  return localName(el) === "input" && (getAttribute(el, "type") ?? "").toLowerCase() === "hidden";
}
