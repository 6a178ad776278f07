// Builds the browser bundle into ../dist.
import { build, transform } from "esbuild";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { minify } from "terser";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const dist = at("../dist/");
await mkdir(dist, { recursive: true });

const common = { bundle: true, minify: true, legalComments: "none", logLevel: "warning", charset: "utf8" };

/** Style sheets that scripts import are text, made short. */
const styleText = {
  name: "style-text",
  setup: (b) => b.onLoad({ filter: /\.css$/ }, async ({ path }) => ({
    contents: (await transform(await readFile(path, "utf8"), { loader: "css", minify: true })).code.trimEnd(), loader: "text",
  })),
};

/** The built-ins that page/natives.ts keeps, in an order that both parts know. */
const source = await readFile(at("src/page/natives.ts"), "utf8");
const natives = [...source.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);

/** A module that is written here. */
const written = (name, filter, contents) => ({
  name,
  setup: (b) => {
    b.onResolve({ filter }, () => ({ path: name, namespace: name }));
    b.onLoad({ filter: /.*/, namespace: name }, () => ({ contents, resolveDir: at("src/page") }));
  },
});

/** The first part hands its built-ins over as a list: names would not be made short. */
const allNatives = written("all-natives", /^all-natives$/, `import { ${natives} } from "./natives.ts"; export const all = [${natives}];`);

/**
 * In the session's part, the built-ins are those that the first part kept from
 * before the page's own scripts: page/natives.ts has nothing of its own there.
 */
const lateNatives = written("late-natives", /\/natives\.ts$|^late-natives$/, `export let ${natives}; export function take(n) { [${natives}] = n }`);

/** Each session's part has the words of one language. */
const words = (language) => ({
  name: "words",
  setup: (b) => b.onResolve({ filter: /\/words\/en\.ts$/ }, () => ({ path: at(`src/capture/words/${language}.ts`) })),
});

/**
 * What terser finds beyond esbuild is worth a seventh of the capture script,
 * compressed. Both shorten #names, not private ones.
 */
async function small(options, file, first = "") {
  const built = await build({ ...common, ...options, write: false, target: "es2022" });
  const { code } = await minify(built.outputFiles[0].text, { ecma: 2022, module: options.format === "esm", compress: { passes: 3, toplevel: true }, mangle: { toplevel: true } });
  await writeFile(dist + file, first + code + "\n");
}

/**
 * A browser that knows it compiles all functions while the script comes, on another
 * thread: when they are called first, the page would wait (V8's explicit compile hints).
 */
const EAGER = "//# allFunctionsCalledOnLoad\n";

/** The capture script: the part on every page, and the session's in each language. */
const capture = () => small({ entryPoints: [at("src/capture/main.ts")], format: "iife", plugins: [styleText, allNatives] }, "capture.js");
const session = (language) => small({
  entryPoints: [at("src/capture/session.ts")], format: "esm", plugins: [styleText, lateNatives, words(language)],
}, `session.${language}.js`, EAGER);

/** The names of all texts, for settings that put others in their place. */
async function names() {
  const built = await build({ ...common, entryPoints: [at("src/capture/words/en.ts")], format: "esm", write: false });
  const { words } = await import("data:text/javascript," + encodeURIComponent(built.outputFiles[0].text));
  await writeFile(dist + "words.json", JSON.stringify(["need", ...Object.keys(words)]) + "\n");
}

await Promise.all([
  capture(),
  names(),
  ...["en", "de", "fr"].map(session),
  ...["act", "files"].map((part) => small({ entryPoints: [at(`src/capture/${part}.ts`)], format: "esm", plugins: [lateNatives] }, part + ".js")),
  build({
    ...common, entryPoints: { console: at("src/console/main.tsx"), player: at("src/player/main.tsx") }, outdir: dist,
    format: "esm", target: "es2023", jsx: "automatic", jsxImportSource: "preact",
  }),
  build({
    ...common, entryPoints: { offline: at("src/offline/main.tsx") }, outdir: dist, format: "esm", target: "es2023", jsx: "automatic", jsxImportSource: "preact",
  }),
  cp(at("src/style.css"), dist + "style.css"),
]);
