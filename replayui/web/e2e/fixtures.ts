// Pages for tests, built from npm by esbuild when a test starts, and the small site that serves them.
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const at = (name: string) => fileURLToPath(new URL("fixtures/" + name, import.meta.url));

const INNER = `<!DOCTYPE html><title>Inner</title><input id="fi" aria-label="In the frame"><input type="checkbox" id="fc"><select id="fs"><option>a<option>b</select><div id="fb" tabindex="0" style="height:60px;overflow:auto"><p style="height:300px">x</p></div>
<script>document.getElementById("fi").addEventListener("input", (e) => { document.title = [e instanceof InputEvent, e.target instanceof HTMLInputElement, e.target.value].join() })</script>`;

export class Fixtures {
  /** what the site was asked for, without scripts and styles */
  readonly asked: string[] = [];

  private constructor(private readonly server: Server, private readonly files: Map<string, string>) {}

  static async start(): Promise<Fixtures> {
    const { outputFiles } = await build({
      entryPoints: { react: at("react.jsx"), vue: at("vue.js"), angular: at("angular.js"), plain: at("plain.js") },
      bundle: true, write: false, format: "iife", outdir: "/fixtures", jsx: "automatic", jsxImportSource: "react", tsconfigRaw: {}, minify: true, logLevel: "warning",
      define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
    });
    const files = new Map(outputFiles.map((f) => [f.path, f.text]));
    files.set("/plain", readFileSync(at("plain.html"), "utf8"));
    files.set("/inner", INNER);
    files.set("/leaving", readFileSync(at("leaving.html"), "utf8"));
    files.set("/fixtures/plain.css", `.ui-autocomplete, .ui-datepicker { position: absolute; background: #fff; border: 1px solid } .ql-editor { border: 1px solid; min-height: 30px; white-space: pre-wrap }`);
    for (const name of ["react", "vue", "angular"]) {
      files.set("/" + name, `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>${name}</title><h1>Claim</h1><div id="root"></div><script src="/fixtures/${name}.js"></script>`);
    }
    const server = createServer();
    const fixtures = new Fixtures(server, files);
    server.on("request", (req, res) => {
      const path = req.url!.split("?")[0]!;
      const type = /\.js$/.test(path) ? "text/javascript" : /\.css$/.test(path) ? "text/css" : "text/html";
      if (type === "text/html") fixtures.asked.push(req.url!);
      const body = fixtures.files.get(path) ?? (type === "text/html" ? `<!DOCTYPE html><title>${path}</title><h1>${path}</h1><a id="home" href="/plain">home</a>` : "");
      res.setHeader("content-type", type + "; charset=utf-8").end(body);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return fixtures;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  end(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
