import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mapCss, mapSrcset } from "../src/offline/css.ts";

// The same cases as the gateway's own (rewrite/css_test.go).
const cases = JSON.parse(readFileSync(fileURLToPath(new URL("../../../rewrite/testdata/css.json", import.meta.url)), "utf8")) as { name: string; in: string; out: string }[];

describe("URLs in style sheets are found as the gateway finds them", () => {
  it.each(cases)("$name", (c) => expect(mapCss(c.in, (u) => "/m/" + u)).toBe(c.out));
});

describe("URLs in srcset", () => {
  it.each([
    ["a.png 1x, b.png 2x", "/m/a.png 1x, /m/b.png 2x"],
    ["  a.png", "  /m/a.png"],
    ["a,b.png 100w,c.png", "/m/a,b.png 100w,/m/c.png"],
    ["a.png,, b.png", "/m/a.png,, /m/b.png"],
    ["a.png calc(1,2) 1x, b.png", "/m/a.png calc(1,2) 1x, /m/b.png"],
    [",,", ",,"],
  ])("of %s", (from, to) => expect(mapSrcset(from, (u) => "/m/" + u)).toBe(to));
});
