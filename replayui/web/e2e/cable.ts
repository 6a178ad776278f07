import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./stage.ts";

/** A cable between a browser and the gateway, which can be pulled. */
export class Cable {
  private readonly pairs = new Set<[Socket, Socket]>();
  private off = false;

  private constructor(readonly port: number, private readonly server: Server) {}

  static async to(address: string): Promise<Cable> {
    const [host, port] = address.split(":");
    const server = createServer({ allowHalfOpen: true });
    const cable = new Cable(await freePort(), server);
    server.on("connection", (near) => {
      if (cable.off) return near.destroy();
      const far = connect({ host: host!, port: Number(port), allowHalfOpen: true });
      const pair: [Socket, Socket] = [near, far];
      cable.pairs.add(pair);
      for (const [from, to] of [pair, [far, near] as const]) {
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => cable.pairs.delete(pair));
      }
    });
    await new Promise<void>((done) => server.listen(cable.port, "127.0.0.1", done));
    return cable;
  }

  get site(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Every connection breaks, and none comes about until plug. */
  pull(): void {
    this.off = true;
    for (const pair of this.pairs) for (const s of pair) s.destroy();
  }

  plug(): void {
    this.off = false;
  }

  /** What is connected passes nothing more, and nobody is told: as after a laptop slept. New connections pass. */
  freeze(): void {
    for (const [near, far] of this.pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.resume();
      far.resume();
    }
    this.pairs.clear();
  }

  end(): void {
    this.pull();
    this.server.close();
  }
}
