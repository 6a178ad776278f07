// Builds the browser bundle into ../dist.
import { build } from "esbuild";
import { cp, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const dist = at("../dist/");
await mkdir(dist, { recursive: true });

const common = { bundle: true, minify: true, legalComments: "none", logLevel: "warning", charset: "utf8" };
await Promise.all([
  build({ ...common, entryPoints: [at("src/capture/main.ts")], outfile: dist + "capture.js", format: "iife", target: "es2022" }),
  build({
    ...common, entryPoints: { console: at("src/console/main.tsx"), player: at("src/player/main.tsx") }, outdir: dist,
    format: "esm", target: "es2023", jsx: "automatic", jsxImportSource: "preact",
  }),
  cp(at("src/style.css"), dist + "style.css"),
]);
