import { describe, expect, it } from "vitest";
import { sayer } from "../src/capture/assist-words.ts";
import { words as de } from "../src/capture/words/de.ts";
import { words as en } from "../src/capture/words/en.ts";
import { words as fr } from "../src/capture/words/fr.ts";

const puts = (text: string) => [...text.matchAll(/{\w+}/g)].map(([put]) => put).sort();

describe.each([["German", de], ["French", fr]])("the words in %s", (_, words) => {
  it("have the same things put in as the English ones", () => {
    for (const key of Object.keys(en) as (keyof typeof en)[]) expect(puts(words[key]), key).toEqual(puts(en[key]));
  });
});

it("takes the operator's own words before ours, and puts in what is known", () => {
  const say = sayer({ help: "{name} from Acme {who}" });
  expect(say("help", { name: "Ann" })).toBe("Ann from Acme {who}");
  expect(say("named", { what: "$& {name}" })).toBe("“$& {name}”");
});
