// Runs the browser's part of the benchmarks: node bench/run.mjs [--quick] [--only=a,b] [--json=FILE].
// It is bundled beside the packages, from where paths to the repository are as from here.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const outfile = at("../node_modules/.pillion-bench.mjs");
await build({ entryPoints: [at("main.ts")], bundle: true, packages: "external", platform: "node", format: "esm", target: "node20", outfile, logLevel: "error" });
await import(outfile);
