// Between the gateway and a site: remembers the hash of every answer as the site sent it.
import { createHash } from "node:crypto";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const decoders: Record<string, (b: Buffer) => Buffer> = { gzip: gunzipSync, br: brotliDecompressSync };

export class Tap {
  /** hashes of the bodies by path and query */
  readonly sent = new Map<string, Set<string>>();
  origin = "";
  private readonly server: Server;

  private constructor(origin: string) {
    const to = new URL(origin);
    this.server = createServer((req, res) => {
      const on = request({ host: to.hostname, port: to.port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
        res.writeHead(answer.statusCode!, answer.rawHeaders);
        answer.pipe(res);
        this.note(req.url!, answer);
      });
      on.on("error", () => res.destroy());
      req.pipe(on);
    });
  }

  static async before(origin: string): Promise<Tap> {
    const tap = new Tap(origin);
    await new Promise<void>((done) => tap.server.listen(0, "127.0.0.1", done));
    tap.origin = `http://127.0.0.1:${(tap.server.address() as AddressInfo).port}`;
    return tap;
  }

  private note(path: string, answer: IncomingMessage): void {
    const parts: Buffer[] = [];
    answer.on("data", (b: Buffer) => parts.push(b));
    answer.on("end", () => {
      const body = Buffer.concat(parts);
      const coding = answer.headers["content-encoding"];
      if (!answer.complete || (coding && !decoders[coding])) return;
      const hashes = this.sent.get(path) ?? new Set();
      this.sent.set(path, hashes.add(hashOf(coding && body.length ? decoders[coding]!(body) : body)));
    });
  }

  end(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export const hashOf = (body: Buffer) => "sha256-" + createHash("sha256").update(body).digest("hex");

/** A site at the place of another one, of which nothing is as it was; it counts who asks. */
export class Changed {
  readonly asked: string[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((req, res) => {
      this.asked.push(`${req.method} ${req.url}`);
      const css = /css/.test(req.url!);
      res.setHeader("content-type", css ? "text/css" : "text/html");
      res.end(css ? "* { color: red !important; font-size: 40px !important }" : "<!DOCTYPE html><title>Another site</title><h1>All is different</h1>");
    });
  }

  static async at(origin: string): Promise<Changed> {
    const site = new Changed();
    const { hostname, port } = new URL(origin);
    await new Promise<void>((done, failed) => site.server.on("error", failed).listen(Number(port), hostname, done));
    return site;
  }

  end(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
