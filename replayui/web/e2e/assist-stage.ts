// What the tests of the element on the user's page stand on: a site with hard
// corners, and what an agent shows.
import { createServer, type Server } from "node:http";
import type { Shape } from "../src/protocol/format.ts";
import type { AgentSocket } from "./agent-socket.ts";

const HOSTILE = `<style>
  html * { all: unset !important; --a: red !important }
  div, section, button, h2, p, pillion-assist { display: none !important; pointer-events: none !important }
  pillion-assist { display: none !important; visibility: hidden !important; opacity: 0 !important; transform: scale(0) !important; --a: red !important; color: red !important }
  html { direction: rtl; transform: translateX(40px) }
</style>`;

const PAGE = `<title>Form</title><style>body { font: 16px sans-serif; margin: 20px } label { display: block; margin: 8px 0 }</style><main><h1>Form</h1>
  <label>Name <input id=name value=Ann></label>
  <label>Town <select id=town><option>Here<option>There</select></label>
  <label>Remarks <textarea id=remarks></textarea></label>
  <label>Day <input id=day type=date value=2026-01-02></label>
  <a href="/de" id=link>Auf Deutsch</a>
  <div id=inner style="height: 120px; width: 300px; overflow: auto; border: 2px solid"><div style="height: 200px"></div><button id=deep>Deep</button><div style="height: 300px"></div></div>
  <div id=host></div>
  <iframe id=frame style="margin: 10px; border: 7px solid grey; padding: 5px; width: 300px; height: 130px; transform: scale(.9)" title=Frame src="/inner"></iframe>
  <div style="height: 2000px"></div></main>
  <script>
    host.attachShadow({ mode: "closed" }).innerHTML = "<p><button id=shadowed>In a shadow</button></p>";
    keys = [];
    for (const name of ["keydown", "keyup", "keypress", "beforeinput", "input", "mousedown", "click", "focus", "focusin", "paste"])
      for (const at of [window, document]) at.addEventListener(name, (e) => keys.push((e.target.localName ?? "") + " " + name + " " + (e.key ?? "")), true);
  </script>`;

const PAGES: Record<string, string> = {
  "/": `<!DOCTYPE html><html lang=en-GB>${PAGE}`,
  "/de": `<!DOCTYPE html><html lang=de-AT>${PAGE}`,
  "/fr": `<!DOCTYPE html><html lang=fr>${PAGE}`,
  "/es": `<!DOCTYPE html><html lang=es>${PAGE}`,
  "/own": `<!DOCTYPE html><html lang=en><title>Own</title><main><h1>Own</h1><div id=help>Ask us</div> <p>text</main>`,
  "/inner": `<!DOCTYPE html><html lang=en><title>Inner</title><p style="margin-top: 150px"><label>Inner <input id=within></label>`,
  "/hostile": `<!DOCTYPE html><html lang=en><title>Hostile</title>${HOSTILE}<b>text</b>`,
  "/modal": `<!DOCTYPE html><html lang=en><title>Modal</title><main><h1>Modal</h1><dialog id=d style="transform: rotate(1deg)"><label>In it <input></label></dialog></main>`,
};

/** Serves the pages of the tests. */
export function startForms(port: number): Promise<Server> {
  const site = createServer((req, res) => {
    const page = PAGES[req.url!.split("?")[0]!];
    if (page) res.setHeader("content-type", "text/html; charset=utf-8").end(page);
    else res.writeHead(404).end();
  });
  return new Promise((done) => site.listen(port, "127.0.0.1", () => done(site)));
}

/** Draws on the element with an id; the same number again replaces what was drawn. */
export async function draws(hand: AgentSocket, number: number, shape: Shape, id: string, points: number[] = []): Promise<void> {
  const node = await hand.node(id);
  await hand.send({ type: "draw", page: hand.page, drawing: { id: number, shape, node, points } });
}

/** Points at the middle of the element with an id. */
export async function points(hand: AgentSocket, id: string, down = false): Promise<void> {
  const node = await hand.node(id);
  await hand.send({ type: "pointer", page: hand.page, node, x: 0.5, y: 0.5, vx: 5, vy: 5, down });
}
