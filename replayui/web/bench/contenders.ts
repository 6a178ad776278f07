// Who is compared, each as one script for the page, made in the same way.
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

export const PEER = "rrweb";
/** What no contender can do without. */
export const FLOOR = "floor";
export const RECORDERS = ["ours", PEER, "sentry", "openreplay"];
/** How the session's part begins as it was built, where that is a comment for the browser (build.mjs). */
const hint = () => /^\/\/#.*/.exec(readFileSync(`${web}../dist/session.en.js`, "utf8"))?.[0] ?? "";
export const web = fileURLToPath(new URL("..", import.meta.url));

const made = new Map<string, Promise<string>>();

/** A script of bench/inpage, bundled. */
export function script(name: string): Promise<string> {
  let text = made.get(name);
  if (!text) made.set(name, (text = bundle({ entryPoints: [`${web}bench/inpage/${name}.ts`], ...(name === "ours" && { banner: { js: hint() } }) })));
  return text;
}

/** What a site would load of a package, bundled. */
export function packageScript(contents: string): Promise<string> {
  return bundle({ stdin: { contents, resolveDir: web + "bench", loader: "ts" } });
}

async function bundle(from: Parameters<typeof build>[0]): Promise<string> {
  const r = await build({ ...from, bundle: true, write: false, format: "iife", minify: true, target: "es2022", legalComments: "none", charset: "utf8", logLevel: "error" });
  return r.outputFiles![0]!.text;
}

export function brotli(text: string | Buffer): number {
  return brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 } }).length;
}

export function version(name: string): string {
  return `${name} ${(JSON.parse(readFileSync(`${web}node_modules/${name}/package.json`, "utf8")) as { version: string }).version}`;
}
