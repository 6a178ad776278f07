import { describe, expect, it } from "vitest";
import { caretIn, MAX_POINTS, pathOf, places, shares, thinned } from "../src/view/geometry.ts";

const box = { left: 100, top: 50, width: 200, height: 40 };

describe("places as shares of a node's box", () => {
  it("come back as they were, inside and outside of it", () => {
    for (const [x, y] of [[100, 50], [300, 90], [173, 61], [40, 500], [-12, -7]] as const) {
      const [px, py] = places(box, shares(box, x, y));
      expect(Math.abs(px! - x)).toBeLessThan(0.02);
      expect(Math.abs(py! - y)).toBeLessThan(0.02);
    }
  });

  it("follow the box when it moves and grows", () => {
    expect(places({ left: 0, top: 0, width: 400, height: 80 }, shares(box, 200, 70))).toEqual([200, 40]);
  });

  it("are the corner where there is no box", () => {
    expect(shares({ left: 5, top: 5, width: 0, height: 0 }, 9, 9)).toEqual([0, 0]);
  });
});

describe("a free drawing", () => {
  it("keeps its ends and at most as many points as may be sent", () => {
    for (const n of [2, MAX_POINTS, MAX_POINTS + 1, 3 * MAX_POINTS, 1001]) {
      const points = Array.from({ length: 2 * n }, (_, i) => i);
      const few = thinned(points);
      expect(few.length / 2).toBeLessThanOrEqual(MAX_POINTS);
      expect(few.slice(0, 2)).toEqual([0, 1]);
      expect(few.slice(-2)).toEqual([2 * n - 2, 2 * n - 1]);
      expect(few.every((v, i) => v % 2 === i % 2)).toBe(true);
    }
  });
});

describe("a shape's path", () => {
  it("is a rectangle for a box, whichever corner came first", () => {
    expect(pathOf("box", box, [30, 40, 10, 20])).toBe("M10 20H30V40H10Z");
  });

  it("goes around the node for a highlight", () => {
    expect(pathOf("highlight", box, [])).toBe("M96 46H304V94H96Z");
  });

  it("is a line with a head at its end for an arrow", () => {
    const d = pathOf("arrow", box, [0, 0, 100, 0]);
    expect(d.startsWith("M0 0L100 0M")).toBe(true);
    expect(d.match(/M[\d.]+ -?[\d.]+L100 0L/)).not.toBeNull();
  });

  it("goes through both ends of a free one", () => {
    const d = pathOf("free", box, [1, 2, 3, 4, 5, 6]);
    expect(d.startsWith("M1 2")).toBe(true);
    expect(d.endsWith("L5 6")).toBe(true);
  });

  it("is nothing with too few points", () => {
    expect(pathOf("arrow", box, [1, 2])).toBe("");
    expect(pathOf("free", box, [])).toBe("");
  });
});

describe("the typing cursor in text that wraps", () => {
  const measure = (s: string) => s.length;

  it("stands after what is before it in its line", () => {
    expect(caretIn("hello", 3, 100, measure)).toEqual({ line: 0, before: "hel" });
    expect(caretIn("one\ntwo", 5, 100, measure)).toEqual({ line: 1, before: "t" });
    expect(caretIn("one\ntwo", 3, 100, measure)).toEqual({ line: 0, before: "one" });
    expect(caretIn("a\n\n", 3, 100, measure)).toEqual({ line: 2, before: "" });
  });

  it("goes to the next line with the word that does not fit", () => {
    expect(caretIn("some words here", 12, 10, measure)).toEqual({ line: 1, before: "h" });
    expect(caretIn("some words here", 10, 10, measure)).toEqual({ line: 0, before: "some words" });
  });
});
