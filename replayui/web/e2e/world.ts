import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import { Host } from "./origins-stage.ts";

// Two legacy sites and a CDN that write each other's names: the files are in
// world/. They expect to be asked as if no gateway were there.

const FILES = fileURLToPath(new URL("world", import.meta.url));
const FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSerif-Bold.ttf"; // comes with Chromium
const TYPES: Record<string, string> = { html: "text/html", css: "text/css", js: "text/javascript", json: "application/json", ttf: "font/ttf", png: "image/png" };

type Name = "legacy" | "shop" | "cdn";
type Answer = (req: IncomingMessage, res: ServerResponse, body: string) => void;

export class World {
  /** requests that came by another way than the gateway */
  readonly strangers: string[] = [];
  /** what a site would not have accepted from a browser of its own */
  readonly refused: string[] = [];

  private constructor(readonly legacy: Host, readonly shop: Host, readonly cdn: Host) {}

  static async start(): Promise<World> {
    let world: World;
    // The gateway finds the CDN by its name, and no other name is known everywhere.
    const host = (name: string, as: Name) => Host.start(name, (req, res) => world.answer(as, req, res));
    world = new World(await host("legacy.localhost", "legacy"), await host("shop.localhost", "shop"), await host("localhost", "cdn"));
    return world;
  }

  async end(): Promise<void> {
    for (const host of [this.legacy, this.shop, this.cdn]) await host.end();
  }

  /** Fills in the names. */
  named(text: string): string {
    return text.replace(/\b(LEGACY|SHOP|CDN)(_HOST)?\b/g, (_, name: string, bare?: string) => {
      const { origin } = this[name.toLowerCase() as Name];
      return bare ? new URL(origin).host : origin;
    });
  }

  private answer(as: Name, req: IncomingMessage, res: ServerResponse): void {
    const path = req.url!.split("?")[0]!;
    if (path === "/favicon.ico") return void res.writeHead(204).end();
    if (!req.headers["x-forwarded-for"]) this.strangers.push(`${as}: ${req.method} ${req.url}`);
    this.check(as, req);
    let body = "";
    req.on("data", (b: Buffer) => (body += b.toString()));
    req.on("end", () => (this.routes[`${as} ${req.method} ${path}`] ?? this.file(as, path))(req, res, body));
  }

  /** Notes a request that bears a name which is not of this world. */
  private check(as: Name, req: IncomingMessage): void {
    const known = [this.legacy, this.shop, this.cdn].map((h) => h.origin);
    const { host, origin, referer, cookie } = req.headers;
    const refuse = (why: string) => this.refused.push(`${as}: ${req.method} ${req.url}: ${why}`);
    if (`http://${host}` !== this[as].origin) refuse(`Host ${host}`);
    if (origin && !known.includes(origin)) refuse(`Origin ${origin}`);
    if (referer && !known.includes(new URL(referer).origin)) refuse(`Referer ${referer}`);
    if (cookie?.includes("pillion")) refuse(`Cookie ${cookie}`);
  }

  private readonly routes: Record<string, Answer> = {
    "legacy GET /claim/start": (_, res) => {
      res.setHeader("set-cookie", ["case=A-17; Domain=legacy.localhost; Path=/", "seen=1; Path=/claim"]);
      res.writeHead(302, { location: this.named("LEGACY/claim/form.html") }).end();
    },
    "legacy POST /claim/send": (req, res, body) => {
      if (req.headers.origin !== this.legacy.origin) return void res.writeHead(403).end("another origin");
      const name = new URLSearchParams(body).get("name")!;
      res.setHeader("set-cookie", `name=${name}; domain=.legacy.localhost; path=/`);
      res.writeHead(303, { location: this.named("LEGACY/claim/done.html") }).end();
    },
    "legacy GET /receipt": (_, res) => {
      res.writeHead(200, { "content-type": "text/html", refresh: this.named("1; url=LEGACY/receipt.html?paid=1") }).end("<title>Wait</title>One moment.");
    },
    "legacy GET /api/rates.json": (req, res) => {
      if (req.headers.origin === this.shop.origin) {
        res.setHeader("access-control-allow-origin", this.shop.origin).setHeader("access-control-allow-credentials", "true");
      }
      this.file("legacy", "/api/rates.json")(req, res, "");
    },
  };

  private file(as: Name, path: string): Answer {
    return (_, res) => {
      const name = path.endsWith("/") ? path + "index.html" : path;
      const type = TYPES[name.split(".").pop()!] ?? "text/plain";
      res.setHeader("content-type", type);
      if (as === "cdn") res.setHeader("access-control-allow-origin", "*");
      if (!/html|json/.test(type)) res.setHeader("cache-control", "max-age=600");
      const file = join(FILES, as, name);
      if (type === "image/png") res.end(tile(as + name));
      else if (type === "font/ttf") res.end(readFileSync(FONT));
      else if (existsSync(file)) res.end(this.named(readFileSync(file, "utf8")));
      else res.writeHead(404).end("nothing here");
    };
  }
}

/** A picture whose colours come from its name. */
export function tile(name: string): Buffer {
  let hash = 2166136261;
  for (const c of name) hash = Math.imul(hash ^ c.charCodeAt(0), 16777619) >>> 0;
  const png = new PNG({ width: 32, height: 24 });
  for (let i = 0; i < 32 * 24; i++) {
    const [x, y] = [i % 32, i >> 5];
    const dark = (x + y) % 8 < 3 ? 0.6 : 1;
    png.data.set([(hash & 255) * dark, ((hash >> 8) & 255) * dark, ((hash >> 16) & 255) * dark, 255], i * 4);
  }
  return PNG.sync.write(png);
}
