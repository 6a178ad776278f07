import { mapCss } from "./css.ts";
import type { Parts } from "./parts.ts";

/** Which content a page saw under a URL, as the manifest has it. */
export interface Capture { page: number; url: string; ref?: string; type?: string; size?: number; source?: string; why?: string; status?: number; location?: string }

/** What stands for a file that the recording does not hold: it loads as nothing, and says which it is. */
export const MISSING = "data:application/x-pillion-missing,";

const NOTHING = "data:text/css,";
const MAX_HOPS = 10;

/** The files of a recording, as URLs of the browser's own that lead to their bytes. */
export class Assets {
  private readonly captures = new Map<string, Capture>();
  private readonly made = new Map<string, string>();
  /** sheets that are being mapped: one that imports itself stops there */
  private readonly open = new Set<string>();

  constructor(private readonly parts: Parts, captures: readonly Capture[]) {
    for (const c of captures) this.captures.set(key(c.page, c.url), c);
  }

  /** What stands for an absolute URL on a page. */
  url(page: number, url: string): string {
    const [target, fragment] = cut(url);
    const c = this.find(page, target);
    if (!c?.ref) return MISSING + encodeURIComponent(target);
    return (c.type?.startsWith("text/css") ? this.sheet(c) : this.blob(c)) + fragment;
  }

  /** The capture of a URL, behind its redirects. */
  private find(page: number, url: string): Capture | undefined {
    let c = this.captures.get(key(page, url));
    for (let i = 0; c && !c.ref && c.location && i < MAX_HOPS; i++) c = this.captures.get(key(page, cut(c.location)[0]));
    return c;
  }

  private blob(c: Capture): string {
    const name = `${c.ref} ${c.type ?? ""}`;
    const made = this.made.get(name) ?? this.make(c, this.parts.bytes(`assets/${c.ref}`));
    this.made.set(name, made);
    return made;
  }

  /** A sheet with its own links led to what stands for them. */
  private sheet(c: Capture): string {
    const name = `${c.page} ${c.url} ${c.ref}`;
    const made = this.made.get(name);
    if (made) return made;
    if (this.open.has(name)) return NOTHING;
    this.open.add(name);
    try {
      const bytes = this.parts.bytes(`assets/${c.ref}`);
      const base = copied(c.url);
      const text = bytes && mapCss(decoded(bytes, c.type!), (u) => this.resolved(c.page, base, u));
      const url = this.make({ ...c, type: "text/css; charset=utf-8" }, text === undefined ? undefined : new TextEncoder().encode(text));
      this.made.set(name, url);
      return url;
    } finally {
      this.open.delete(name);
    }
  }

  private make(c: Capture, bytes: Uint8Array<ArrayBuffer> | undefined): string {
    return bytes ? URL.createObjectURL(new Blob([bytes], { type: c.type ?? "" })) : MISSING + encodeURIComponent(c.url);
  }

  /** What stands for a reference; one that loads nothing from a server stays. */
  resolved(page: number, base: string, ref: string): string {
    ref = ref.replace(/^[ \t\r\n\f]+|[ \t\r\n\f]+$/g, "");
    if (!ref || ref.startsWith("#")) return ref;
    let u: URL;
    try {
      u = new URL(ref, base);
    } catch {
      return ref;
    }
    if (!/^https?:$/.test(u.protocol)) return ref;
    u.username = u.password = "";
    return this.url(page, u.href);
  }
}

/** Browsers and the gateway escape some characters of a path otherwise: the key has none escaped. */
function key(page: number, url: string): string {
  try {
    url = decodeURI(url);
  } catch {
    // an escape that is no UTF-8 stays
  }
  return `${page} ${url}`;
}

function cut(url: string): [target: string, fragment: string] {
  const at = url.indexOf("#");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at)];
}

/** A sheet's text, by the byte order mark, its @charset or the type that it came with. */
function decoded(bytes: Uint8Array, type: string): string {
  const at = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
  const label = /^@charset "([^"]+)";/.exec(at)?.[1] ?? /charset="?([^";]+)/i.exec(type)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(bytes[0] === 0xef && bytes[1] === 0xbb ? "utf-8" : label).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

/** The asset's own URL behind that of an archived copy, to which the gateway led the page. */
function copied(url: string): string {
  const found = /^https?:\/\/[^/]+\/\.pillion\/copy\/sha256-[0-9a-f]{64}\/(https?)\/(.*)$/.exec(url);
  return found ? `${found[1]}://${found[2]}` : url;
}
