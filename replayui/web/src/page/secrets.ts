import { getAttribute, localName } from "./natives.ts";

/** What stands for a masked text or value: always as long. */
export const MASK = "••••••••";

const CONTROLS = new Set(["input", "textarea", "select"]);
const TYPES = /^(?:password|file|hidden)$/i;
const AUTOCOMPLETE = /(?:^|\s)cc-|one-time-code|-password/i;
/** Types whose names say what they are for, not what is typed into them. */
const NO_TEXT = /^(?:checkbox|radio|submit|button|reset|image|range|color)$/i;
/**
 * Names and ids of fields for card numbers, their codes, passwords and codes
 * that are used once. Names of holders, dates of expiry and IBANs are none:
 * people are helped with them, and an operator's rule hides them.
 */
const NAMES = new RegExp(
  [
    "(?:card|cc|karten?|carte|carta|tarjeta)[-_. ]?(?:no|nr|num|number|nummer|numero)(?![a-z])",
    "(?:credit|debit|kredit)[-_. ]?(?:card|karte)",
    "numero[-_. ]?(?:de[-_. ]?)?(?:carte|carta|tarjeta)",
    "cvc|cvv|passw|passcode|passphrase|(?:card|security)[-_. ]?code|one[-_. ]?time",
    "(?<![a-z])(?:csc|otp|totp|tan|pan|pin|pwd|pass)(?![a-z])",
  ].join("|"),
);

const attribute = (el: Element, name: string) => getAttribute(el, name) ?? "";
const words = (name: string) => name.replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase();

/**
 * Whether a control's content never leaves the browser, whatever the settings.
 * Fields that were a password once stay secret when a toggle shows them: `once`
 * remembers them.
 */
export function secret(el: Element, once: WeakSet<Element>, name = localName(el)): boolean {
  if (!CONTROLS.has(name)) return false;
  const type = name === "input" ? attribute(el, "type") : "";
  if (/^password$/i.test(type)) once.add(el);
  return (
    TYPES.test(type) ||
    once.has(el) ||
    AUTOCOMPLETE.test(attribute(el, "autocomplete")) ||
    (name !== "select" && !NO_TEXT.test(type) && NAMES.test(words(attribute(el, "name") + " " + attribute(el, "id"))))
  );
}

/** Hidden inputs are not even known to have a value. */
export function hiddenInput(el: Element): boolean {
  return localName(el) === "input" && /^hidden$/i.test(attribute(el, "type"));
}

/** A text as a viewer gets it where it is masked: white space shapes the page, and tells nothing. */
export function masked(text: string): string {
  return /\S/.test(text) ? MASK : text;
}
