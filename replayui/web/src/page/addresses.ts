import { withoutCards } from "./cards.ts";

/** Query parameters whose values open something: by a part of their names, and by the whole of them. */
const PARTS = "token|secret|passw|session|api[-_]?key|signature|csrf|xsrf|jwt|ticket|credential";
const NAMES = "code|key|auth|authorization|sid|sig|pass|pwd|pin|otp|samlresponse";
const LISTED = new RegExp(`${PARTS}|^(?:${NAMES})$`);
/** What an address has that is changed, and few others; coded ones are looked at. */
const SUSPECT = new RegExp(`[@%+]|[^\\0-\x7f]|(?:\\d\\D?){13}|${PARTS}|[?&#;=](?:${NAMES})=`, "i");

/** Whether a name is one of a token's, by itself or by the settings. */
export function opens(name: string, names: ReadonlySet<string>): boolean {
  name = name.toLowerCase();
  return names.has(name) || LISTED.test(name);
}

/**
 * A URL as a viewer gets it: without credentials, and without the values of
 * parameters that are listed or hold a card number, in query, fragment and path
 * parameters; also where such a URL is a parameter itself. Names are in lower case.
 */
export function address(url: string, names: ReadonlySet<string>): string {
  if (!/[?#;@]/.test(url) || (!names.size && !SUSPECT.test(url))) return url;
  const value = (whole: string, sign: string, name: string, text: string) => {
    const plain = decoded(text);
    return opens(decoded(name), names) || withoutCards(plain) !== plain || inner(plain, names) ? `${sign}${name}=***` : whole;
  };
  url = url
    .replace(/^([a-z][-+.\w]*:)?\/\/[^/?#]*@/i, "$1//")
    .replace(/(;)([^=&#;?]*)=([^&#;?]*)/g, value)
    .replace(/([?&#])([^=&#;?]*)=([^&#;]*)/g, value);
  const way = url.search(/[?#]/);
  return way < 0 ? url : url.slice(0, way) + withoutCards(url.slice(way));
}

function inner(plain: string, names: ReadonlySet<string>): boolean {
  if (!plain.includes("=")) return false;
  const query = (/[?#;]/.test(plain) ? "" : "?") + plain;
  return address(query, names) !== query;
}

/** A URL's way alone: what comes after it may say anything. */
export function way(url: string): string {
  return address(url.replace(/[?#].*$/s, ""), new Set());
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "));
  } catch {
    return text;
  }
}
