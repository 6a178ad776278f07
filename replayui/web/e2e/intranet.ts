// A small site with what goes wrong first behind a proxy: scripts that change the
// page, fetch, a form and a WebSocket, by http or by https.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Pair } from "./trust.ts";

const PAGE = `<!DOCTYPE html><html><head><title>Intranet</title><link rel="stylesheet" href="/site.css"></head>
<body><h1>Intranet</h1><p id="fetched">…</p><p id="echoed">…</p>
<form method="post" action="/send"><input name="name"><button>Send</button></form>
<script>
  fetch("/data.json").then((r) => r.json()).then((d) => (document.getElementById("fetched").textContent = d.text));
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/echo");
  socket.onopen = () => socket.send("hello");
  socket.onmessage = (e) => (document.getElementById("echoed").textContent = e.data + " by " + location.protocol);
</script></body></html>`;

export class Intranet {
  /** requests that did not bear the site's own name */
  readonly strangers: string[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(readonly name: string, private readonly server: Server) {}

  static async start(name: string, pair?: Pair): Promise<Intranet> {
    let site: Intranet;
    const answer = (req: IncomingMessage, res: ServerResponse) => site.answer(req, res);
    const server = pair ? createSecureServer({ cert: readFileSync(pair.cert), key: readFileSync(pair.key) }, answer) : createServer(answer);
    site = new Intranet(name, server);
    server.on("connection", (socket: Socket) => site.sockets.add(socket));
    server.on("upgrade", (req: IncomingMessage, socket: Socket) => site.echo(req, socket));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return site;
  }

  get host(): string {
    return `${this.name}:${(this.server.address() as AddressInfo).port}`;
  }

  async end(): Promise<void> {
    for (const socket of this.sockets) socket.destroy(); // upgraded ones too
    await new Promise((done) => this.server.close(done));
  }

  private answer(req: IncomingMessage, res: ServerResponse): void {
    if (req.headers.host !== this.host) this.strangers.push(`${req.headers.host} ${req.url}`);
    const type = (kind: string) => res.setHeader("content-type", kind);
    if (req.url === "/data.json") type("application/json").end('{"text": "fetched"}');
    else if (req.url === "/site.css") type("text/css").end("h1 { color: rgb(10, 120, 60) }");
    else if (req.url === "/send") {
      let body = "";
      req.on("data", (b: Buffer) => (body += b.toString()));
      req.on("end", () => type("text/html; charset=utf-8").end(`<!DOCTYPE html><title>Sent</title><p id="sent">${new URLSearchParams(body).get("name")}</p>`));
    } else type("text/html; charset=utf-8").end(PAGE);
  }

  /** Sends the first message back: it is short. */
  private echo(req: IncomingMessage, socket: Socket): void {
    const accept = createHash("sha1").update(req.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on("error", () => {});
    socket.once("data", (frame: Buffer) => {
      const text = frame.subarray(6, 6 + (frame[1]! & 127)).map((c, i) => c ^ frame[2 + (i % 4)]!);
      socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
    });
  }
}
