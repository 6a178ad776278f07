/**
 * Which URLs lead elsewhere. The gateway puts the table into the script, before
 * any of the page's own runs (replayui/bundle.go); for what is in the markup it
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
  readonly #at: { origin: string; pathname: string };
  readonly #base: () => string;
  #hosts = new Map<string, string>();
  /** where a document that stands below the prefix comes from: what it takes for its root is not ours */
  #home: string | undefined;

  constructor(readonly table: Table, at: { origin: string; pathname: string }, base: () => string) {
    this.#at = at;
    this.#base = base;
    for (const [from, to] of table.hosts) this.#hosts.set(from, to || at.origin);
    if (at.pathname.startsWith(table.prefix)) {
      const [scheme, host] = at.pathname.slice(table.prefix.length).split("/");
      this.#home = scheme + "://" + host;
    }
  }

  /** What a person follows or a script connects to. */
  link: Mapping = (value) => this.#map(value, false);

  /** What a page is made of: assets of other hosts too. */
  load: Mapping = (value) => this.#map(value, true);

  srcset: Mapping = (value) => value.replace(CANDIDATE, (_, before: string, url: string, rest: string) => before + this.load(url) + rest);

  /**
   * Style sheets and declarations: URLs in url(), those with escapes or
   * parentheses excepted. What is found is written between the same quotes: a
   * serialised URL holds no character that its source did not have or encode.
   */
  css: Mapping = (value) => value.replace(CSS_URL, (_, before: string, _quote, url: string) => before + this.load(url));

  #map(value: string, assets: boolean): string {
    let u: URL;
    try {
      u = new Address(value, this.#base());
    } catch {
      return value;
    }
    const [, ws, s] = /^(?:http|(ws))(s?):$/.exec(u.protocol) ?? [];
    if (s === undefined) return value;
    const { origin: own } = this.#at;
    const { prefix } = this.table;
    const rest = u.href.slice(u.href.indexOf("/", u.protocol.length + 2));
    let from = `http${s}://${u.host}`;
    if (this.#home && from === own && !ws && !rest.startsWith(prefix)) {
      from = this.#home;
      assets = true;
    }
    const host = this.#hosts.get(from);
    let to = value;
    if (host) to = (ws ? host.replace("http", "ws") : host) + rest;
    else if (assets && !ws && this.#isAsset(from)) to = own + prefix + from.replace("://", "/") + rest;
    return to === u.href ? value : to;
  }

  #isAsset(from: string): boolean {
    const host = from.slice(from.indexOf("/") + 2);
    return from === this.#home || this.table.assets.some((a) => (a[0] === "*" ? host.endsWith(a.slice(1)) : host === a));
  }
}
