import * as dom from "../page/natives.ts";

// Files that the archive lacks, because the browser had them before: it hands in
// what is in its cache, byte for byte what the page was given, and fetches again
// only what the page shows and no cache has. The page is not disturbed: a few at a
// time, after its own, and bounded.

const BASE = "/.pillion/";
const AT_ONCE = 2;
const MAX_FILE = 64 << 20;
const MAX_ALL = 256 << 20;
const TIMEOUT_MS = 60_000;
/** Their values travel with a file that is handed in. */
const HEADERS = { "content-type": "Pillion-Type", etag: "Pillion-Etag", "last-modified": "Pillion-Modified", "cache-control": "Pillion-Control", "content-disposition": "Pillion-Disposition" };

interface Wish {
  url: URL;
  /** the page shows it: it may be fetched */
  sure: boolean;
}

let waiting: Wish[] = [];
let busy = 0;
let sent = 0;
const asked = new Set<string>();

/** Takes the gateway's list: urls of what the page shows, maybe of what it may show. */
export function refetch(urls: readonly string[], maybe: readonly string[]): void {
  for (const [list, sure] of [[urls, true], [maybe, false]] as const) {
    for (const text of list.slice(0, 200)) {
      const url = new URL(text, location.href);
      const key = url.href + (sure ? "" : " maybe");
      if (url.origin !== location.origin || asked.has(key) || asked.size > 2000) continue;
      asked.add(key);
      waiting.push({ url, sure });
    }
  }
  next();
}

/** The session is over. */
export function forget(): void {
  waiting = [];
  asked.clear();
  sent = 0;
}

function next(): void {
  while (busy < AT_ONCE && waiting.length) {
    const wish = waiting.shift()!;
    busy++;
    void get(wish).catch(() => {}).then(() => {
      busy--;
      dom.later(next, 50);
    });
  }
}

async function get({ url, sure }: Wish): Promise<void> {
  const common = { credentials: "same-origin", priority: "low", signal: AbortSignal.timeout(TIMEOUT_MS) } as const;
  const held = await dom.ask(url, { ...common, cache: "only-if-cached", mode: "same-origin" }).catch(() => undefined);
  if (held?.status === 200 && !held.redirected && await handIn(url, held)) return;
  if (!sure || unused(url.href) || sent > MAX_ALL) return;
  // Read to its end: it is kept when it passed the gateway whole.
  const again = await dom.ask(url, { ...common, cache: "reload", headers: { "Pillion-Refetch": "1" } });
  sent += (await again.arrayBuffer()).byteLength;
}

async function handIn(url: URL, held: Response): Promise<boolean> {
  const length = Number(held.headers.get("content-length") ?? 0);
  if (length > MAX_FILE) return true;
  const body = await held.arrayBuffer();
  if (!body.byteLength || body.byteLength > MAX_FILE || sent + body.byteLength > MAX_ALL) return false;
  sent += body.byteLength;
  const headers: Record<string, string> = { "content-type": "application/octet-stream" };
  for (const [name, as] of Object.entries(HEADERS)) {
    const value = held.headers.get(name);
    if (value) headers[as] = value;
  }
  const r = await dom.ask(BASE + "kept?url=" + encodeURIComponent(url.href), { method: "POST", credentials: "same-origin", priority: "low", headers, body });
  return r.ok;
}

/** A picture that the browser itself has not loaded: it is not in sight, or another one was chosen. */
function unused(url: string): boolean {
  let unused = false;
  for (const image of dom.inDocument(document, "img")) {
    const { currentSrc, src, complete, loading } = image as HTMLImageElement;
    if (currentSrc === url && (complete || loading !== "lazy")) return false;
    if ((currentSrc || src) === url || src === url) unused = true;
  }
  return unused;
}
