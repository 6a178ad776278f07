import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { unpackAgainst } from "../src/offline/zstd.ts";

// Frames made by the gateway's own encoder with a raw dictionary, as keyframes are (archive/recording_write.go).
const frames = JSON.parse(readFileSync(new URL("zstd-against.json", import.meta.url), "utf8")) as { name: string; little?: boolean; frame: string }[];

let base = "";
for (let i = 0; i < 12_000; i++) base += `<li id=r${i}>item ${(i * 7919) % 1000}</li>`;
let changed = 0;
const content = base.slice(0, 200_000).replace(/item 500/g, (m) => (changed++ < 40 ? "changed" : m)).replace("<li id=r77>", "<li id=r77 class=new>") + "the end" + base.slice(150_000, 150_200);

describe("a frame told against other content", () => {
  it.each(frames)("$name", ({ frame, little }) => {
    const got = unpackAgainst(new TextEncoder().encode(base), Buffer.from(frame, "base64"));
    expect(new TextDecoder().decode(got) === (little ? content.slice(199_000) : content)).toBe(true);
  });

  it("is refused when it is no frame", () => {
    expect(() => unpackAgainst(new Uint8Array(3), new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9]))).toThrow();
  });
});
