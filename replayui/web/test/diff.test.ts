import { describe, expect, it } from "vitest";
import { splice, staying } from "../src/page/diff.ts";

let seed = 3;
const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;

describe("what stays when children are reordered", () => {
  it("is a rising run, and the longest one", () => {
    for (let round = 0; round < 300; round++) {
      const was = Array.from({ length: random(9) }, (_, i) => i).sort(() => random(3) - 1).map((v) => (random(5) ? v : -1));
      const stay = [...staying(was)].sort((a, b) => a - b);
      const kept = stay.map((i) => was[i]!);
      expect(kept.every((v, i) => v >= 0 && (i === 0 || v > kept[i - 1]!))).toBe(true);
      expect(kept.length).toBe(longest(was));
    }
  });

  it("is all of it when nothing moved, and one of two that changed places", () => {
    expect(staying([0, 1, 2]).size).toBe(3);
    expect(staying([1, 0]).size).toBe(1);
    expect(staying([-1, -1]).size).toBe(0);
  });
});

/** By trying every choice. */
function longest(was: number[]): number {
  let best = 0;
  for (let mask = 0; mask < 1 << was.length; mask++) {
    const kept = was.filter((_, i) => mask & (1 << i));
    if (kept.every((v, i) => v >= 0 && (i === 0 || v > kept[i - 1]!))) best = Math.max(best, kept.length);
  }
  return best;
}

describe("a text's change as a part", () => {
  const apply = (from: string, p: NonNullable<ReturnType<typeof splice>>) => from.slice(0, p.start) + p.inserted + from.slice(p.start + p.deleted);

  it("gives the new text, never between the halves of a character", () => {
    const signs = ["a", "b", "ä", "😀", "😃", "𝒳"];
    const text = (n: number) => Array.from({ length: n }, () => signs[random(signs.length)]!).join("");
    let parts = 0;
    for (let round = 0; round < 2000; round++) {
      const [head, tail] = [text(40), text(40)];
      const [from, to] = [head + text(random(6)) + tail, head + text(random(6)) + tail];
      const p = splice(from, to);
      if (!p) continue;
      parts++;
      expect(apply(from, p)).toBe(to);
      expect(p.inserted.isWellFormed()).toBe(true);
      expect(from.slice(p.start, p.start + p.deleted).isWellFormed()).toBe(true);
    }
    expect(parts).toBeGreaterThan(1500);
  });

  it("is told whole where that is shorter", () => {
    expect(splice("short", "shorter")).toBeNull();
    expect(splice("x".repeat(100), "y".repeat(100))).toBeNull();
  });
});
