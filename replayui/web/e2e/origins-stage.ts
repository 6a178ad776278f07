import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import type { Table } from "../src/capture/origins.ts";
import { root } from "./stage.ts";

/** A host that notes what it is asked for. */
export class Host {
  readonly asked: string[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(readonly origin: string, private readonly server: Server) {}

  static async start(name: string, answer: (req: IncomingMessage, res: ServerResponse) => void): Promise<Host> {
    const server = createServer(answer);
    await new Promise<void>((done) => server.listen(0, done));
    const host = new Host(`http://${name}:${(server.address() as AddressInfo).port}`, server);
    const note = (req: IncomingMessage) => req.url !== "/favicon.ico" && host.asked.push(`${req.method} ${req.url}`);
    server.on("connection", (socket) => host.sockets.add(socket));
    server.prependListener("request", note);
    server.on("upgrade", (req, socket) => {
      note(req);
      const accept = createHash("sha1").update(req.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.on("error", () => {});
    });
    return host;
  }

  async end(): Promise<void> {
    for (const socket of this.sockets) socket.destroy(); // upgraded ones too
    await new Promise((done) => this.server.close(done));
  }
}

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQAY3Y2wAAAAAElFTkSuQmCC", "base64");
const TYPES: Record<string, string> = {
  png: "image/png", css: "text/css", js: "text/javascript", json: "application/json", html: "text/html", svg: "image/svg+xml", events: "text/event-stream", txt: "text/plain",
};

/** Answers anything by the ending of its name. Nothing is for other origins: no CORS. */
export function anything(req: IncomingMessage, res: ServerResponse): void {
  const path = (req.url ?? "").split("?")[0]!;
  const type = TYPES[path.split(".").pop()!] ?? "text/html";
  res.setHeader("content-type", type);
  if (type === "image/png") res.end(PIXEL);
  else if (type === "application/json") res.end("{}");
  else if (type === "image/svg+xml") res.end('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g id="a"/></svg>');
  else if (type === "text/html") res.end("<!DOCTYPE html><title>there</title><p>there");
  else res.end("\n");
}

/** The capture script with a table, as replayui/bundle.go makes it. */
export function captureScript(table: Table | null): string {
  return readFileSync(join(root, "replayui/dist/capture.js"), "utf8").replace("PILLION_ORIGINS", () => JSON.stringify(table)).replace("PILLION_SETTINGS", `{parts:""}`);
}
