/**
 * Which URLs lead elsewhere. The gateway puts the table into the script, before
 * any of the page's own runs (replayui/variants.go); for what is in the markup it
 * has done the same already.
 */
export interface Table {
  /** origins by which sites call themselves, and the gateway's that stand for them; an empty one is the page's own */
  hosts: [from: string, to: string][];
  /** hosts, with a port where it is not the scheme's, whose assets come by way of the gateway; "*." is any subdomain */
  assets: string[];
  /** the path below which those assets stand: /.pillion/from/https/cdn.example.com/a.css */
  prefix: string;
}

/** Maps what a script says; what need not change, or is no URL, comes back as it was. */
export type Mapping = (value: string) => string;

const Address = URL; // kept from before the page's own scripts ran
const CSS_URL = /(url\(\s*(["']?))([^"'()\\\s]+)(?=\2\s*\))/gi;
// Commas and spaces, the URL (its last commas are none of it), descriptors up to a comma outside parentheses.
const CANDIDATE = /([\s,]*)(\S*[^\s,])((?:\s(?:\([^)]*\)|[^,(])*)?)/g;

/** A table, for a document of its own: URLs are resolved as the document would. */
export class Origins {
  readonly #own: string;
  readonly #base: () => string;
  #hosts = new Map<string, string>();

  constructor(readonly table: Table, own: string, base: () => string) {
    this.#own = own;
    this.#base = base;
    for (const [from, to] of table.hosts) this.#hosts.set(from, to || own);
  }

  /** What a person follows or a script connects to. */
  link: Mapping = (value) => this.#map(value, false);

  /** Where a script leads its document: what it wrote is not known, only what that resolved to. */
  lead: Mapping = (value) => this.#map(value, false, true);

  /** What a page is made of: assets of other hosts too. */
  load: Mapping = (value) => this.#map(value, true);

  srcset: Mapping = (value) => value.replace(CANDIDATE, (_, before: string, url: string, rest: string) => before + this.load(url) + rest);

  /**
   * Style sheets and declarations: URLs in url(), those with escapes or
   * parentheses excepted. What is found is written between the same quotes: a
   * serialised URL holds no character that its source did not have or encode.
   */
  css: Mapping = (value) => value.replace(CSS_URL, (_, before: string, _quote, url: string) => before + this.load(url));

  /**
   * In a third party's document, a value that names no host is relative to that
   * party; one that names the page's own means the site: so it was mapped before.
   * A resolved value does not tell, and is taken for the former.
   */
  #map(value: string, assets: boolean, resolved?: boolean): string {
    const own = this.#own;
    const { assets: hosts, prefix } = this.table;
    const below = own + prefix;
    const base = this.#base();
    let u: URL;
    let home: string | undefined; // the third party's origin, where the base stands below the prefix
    try {
      u = new Address(value, base);
      if (base.startsWith(below)) {
        home = new Address(base.slice(below.length).replace("/", "://")).origin;
        resolved ||= new Address(value, home).origin === home;
      }
    } catch {
      return value;
    }
    const http = /^https?:/.test(u.protocol);
    const rest = u.href.slice(u.href.indexOf("/", u.protocol.length + 2));
    let from = u.host && u.origin.replace(/^ws/, "http"); // blob: has an origin that is not its own
    if (home && resolved && from === own && !rest.startsWith(prefix)) from = home;
    const host = this.#hosts.get(from);
    let to = value;
    if (host) to = (http ? host : host.replace("http", "ws")) + rest;
    else if (http && (from === home || (assets && hosts.some((a) => (a[0] === "*" ? u.host.endsWith(a.slice(1)) : u.host === a))))) {
      to = below + from.replace("://", "/") + rest;
    }
    return to === u.href ? value : to;
  }
}
