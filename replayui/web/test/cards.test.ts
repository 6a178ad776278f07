import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { address, way } from "../src/page/addresses.ts";
import { withoutCards } from "../src/page/cards.ts";

const cases = JSON.parse(readFileSync(new URL("../../../events/testdata/golden/cards.json", import.meta.url), "utf8")) as { in: string; out: string }[];

describe("card numbers in text", () => {
  it.each(cases.map((c) => [c.in, c.out]))("%j becomes %j, as the gateway has it", (text, out) => expect(withoutCards(text)).toBe(out));
});

describe("addresses", () => {
  const names = new Set(["member"]);
  it.each([
    ["https://site.example/a?b=c#d", "https://site.example/a?b=c#d"],
    ["/a?token=abc&b=c", "/a?token=***&b=c"],
    ["/a?b=c&Access_Token=abc#part", "/a?b=c&Access_Token=***#part"],
    ["#access_token=abc&id_token=def", "#access_token=***&id_token=***"],
    ["#/route?session=abc", "#/route?session=***"],
    ["/a;jsessionid=abc?b=c", "/a;jsessionid=***?b=c"],
    ["/a?member=123&members=4", "/a?member=***&members=4"],
    ["/a?tok%65n=abc", "/a?tok%65n=***"],
    ["/a?next=%2Fb%3Ftoken%3Dabc", "/a?next=***"],
    ["/a?next=/b?token=abc", "/a?next=***"],
    ["/a?x=token%3Dabc", "/a?x=***"],
    ["/a?next=%2Fb%3Fc%3Dd&e=f", "/a?next=%2Fb%3Fc%3Dd&e=f"],
    ["/a?n=4111+1111+1111+1111&m=4111%201111%201111%201111", "/a?n=***&m=***"],
    ["/a?4111111111111111", "/a?••••••••••••••••"],
    ["/4111111111111111/", "/4111111111111111/"],
    ["https://ann:word@site.example/a", "https://site.example/a"],
    ["mailto:ann@site.example", "mailto:ann@site.example"],
    ["/a?b=%E0%A4%A", "/a?b=%E0%A4%A"],
    ["/a?code=1&key=2&auth=3&password=4", "/a?code=***&key=***&auth=***&password=***"],
  ])("%j is told as %j", (url, out) => expect(address(url, names)).toBe(out));

  it("looks closer at every address that it would change", () => {
    const parts = ["/", "a", "?", "&", "#", ";", "=", "=", "token", "Code", "PIN", "sid", "x", "1", "4111111111111111", "4111-1111-1111-1111", "%3D", "%3f", "+", "@", "//", "\u212aey", "samlResponse", "shopping"];
    let seed = 1;
    const next = (n: number) => Math.floor(((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32) * n);
    let changed = 0;
    for (let i = 0; i < 20_000; i++) {
      const url = Array.from({ length: 1 + next(10) }, () => parts[next(parts.length)]).join("");
      const closely = address(url, new Set(["none of these"])); // with names, every parameter is looked at
      if (closely !== url) changed++;
      expect(address(url, new Set()), url).toBe(closely);
    }
    expect(changed).toBeGreaterThan(500);
  });

  it("leaves a way without what comes after it", () => {
    expect(way("https://ann:word@site.example/a?b=c#d")).toBe("https://site.example/a");
    expect(way("https://site.example/a#d?")).toBe("https://site.example/a");
  });
});
