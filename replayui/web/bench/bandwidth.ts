// What a working session costs the user's line and the disk.
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { gatewayFor, session } from "./live.ts";
import type { Report } from "./figures.ts";
import { working } from "./minute.ts";
import { pause, type Stand } from "./stand.ts";

/** What a frame of WebSocket from a browser has before its payload. */
const headOf = (n: number) => (n < 126 ? 6 : n < 65_536 ? 8 : 14);

export async function measureBandwidth(stand: Stand, report: Report, seconds: number): Promise<void> {
  const gateway = await gatewayFor(stand.site);
  try {
    const s = await session(stand, gateway);
    const cdp = await s.user.context().newCDPSession(s.user);
    await cdp.send("Network.enable");
    let [bytes, sent] = [0, 0];
    cdp.on("Network.webSocketFrameSent", (e) => {
      const n = e.response.opcode === 2 ? Math.floor((e.response.payloadData.length * 3) / 4) : e.response.payloadData.length;
      bytes += n + headOf(n);
      sent++;
    });
    const began = performance.now();
    await working(s.user, seconds);
    const took = (performance.now() - began) / 1000;
    const kbits = (bytes * 8) / 1000 / took;
    await s.agent.getByTestId("end").click();
    await s.agent.getByTestId("end-confirm").click();
    await gateway.program.says("session sealed");
    await pause(200);
    const archive = join(gateway.data, "archive");
    const once = sizeOf(archive, s.id, /^(top|index|manifest)/); // however long a session is, near enough
    const mb = (once + (sizeOf(archive, s.id, /./) - once) * (3600 / took)) / 1e6;
    await s.close();
    const t = report.table("Bandwidth", `A working session of ${took.toFixed(0)} s through the gateway: pointing at 60 Hz a quarter of the time, typing, scrolling, changes by the page. Upstream: payloads and heads of the user's WebSocket, the page state not counted; stored: the sealed recording with its keyframes; what comes with each minute, a page state among it, times 60.`);
    t.rows.push({ what: "upstream", unit: "kbit/s", cells: { ours: kbits } }, { what: "messages upstream", unit: "a second", cells: { ours: sent / took } }, { what: "stored, sealed, an hour", unit: "MB", cells: { ours: mb } });
    report.atMost("a working session: kbit/s upstream", 20, kbits);
    report.atMost("a working session: MB stored an hour, sealed", 2, mb);
  } finally {
    await gateway.program.end();
  }
}

/** Bytes of the files of a session's recording with such names. */
function sizeOf(folder: string, session: string, name: RegExp): number {
  let all = 0;
  for (const file of readdirSync(folder, { recursive: true }) as string[]) {
    if (file.includes(session) && name.test(basename(file)) && statSync(join(folder, file)).isFile()) all += statSync(join(folder, file)).size;
  }
  if (!all) throw new Error(`nothing is stored of ${session}`);
  return all;
}
