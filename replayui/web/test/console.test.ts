// @vitest-environment jsdom
import { afterEach, describe, expect, it } from "vitest";
import { groupsOf, rowsOf, valueOf } from "../src/console/options.ts";
import { clock, describe as inWords, ghost, reaches, reasonWords } from "../src/console/live-words.ts";
import { controls, intentOf } from "../src/console/live-intent.ts";
import { keyName } from "../src/console/live-keys.ts";
import { nameOf } from "../src/view/naming.ts";
import { maskedIn } from "../src/view/private.ts";
import type { EventRequest } from "../src/protocol/format.ts";

function page(markup: string): (selector: string) => HTMLElement {
  document.body.innerHTML = markup;
  return (selector) => document.querySelector(selector)!;
}
afterEach(() => (document.body.innerHTML = ""));

const request = (r: Partial<EventRequest>): EventRequest => ({ id: 1, node: 2, action: "click", seen: 0, ...r });

describe("the options of a native list", () => {
  const at = () => page(`<select multiple>
    <option value=x>One</option>
    <optgroup label=Fruit><option selected>Apple<option disabled>Pear</optgroup>
    <optgroup label=Stone disabled><option>Flint</optgroup>
    <option hidden>No</option><option label="Last one">z</option></select>`)("select") as HTMLSelectElement;

  it("are grouped as they are, with their indices", () => {
    const groups = groupsOf(at());
    expect(groups.map((g) => [g.heading, g.options.map((o) => o.index)])).toEqual([["", [0]], ["Fruit", [1, 2]], ["Stone", [3]], ["", [4, 5]]]);
    expect(groups.flatMap((g) => g.options).filter((o) => o.disabled).map((o) => o.text)).toEqual(["Pear", "Flint"]);
    expect(groups.flatMap((g) => g.options).filter((o) => o.selected).map((o) => o.text)).toEqual(["Apple"]);
    expect(groups.at(-1)!.options.at(-1)!.text).toBe("Last one");
    expect(rowsOf(groups)).toBe(7);
  });

  it("are sent by index", () => {
    page(`<select multiple><option value=0>a<option value=4 selected>b<option value=7 selected>c</select>`);
    expect(valueOf(document.querySelector("select")!)).toBe("4,7");
  });
});

describe("what a click comes to", () => {
  const kinds: [string, string, string][] = [
    ["<input id=t>", "#t", "edit"],
    ["<input id=t type=date>", "#t", "edit"],
    ["<input id=t type=color>", "#t", "edit"],
    ["<textarea id=t></textarea>", "#t", "edit"],
    ["<input id=t readonly>", "#t", "click"],
    ["<input id=t disabled>", "#t", "click"],
    ["<select id=t><option>a</select>", "#t", "choose"],
    ["<input id=t type=checkbox>", "#t", "tick"],
    ["<label><b id=t>Tick</b><input type=checkbox></label>", "#t", "tick"],
    ["<label for=x id=t>Name</label><input id=x>", "#t", "edit"],
    ["<button><i id=t>Go</i></button>", "#t", "click"],
    ["<input id=t type=password>", "#t", "private"],
    ["<input id=t type=file>", "#t", "private"],
    ["<input id=t value=••••••••>", "#t", "private"],
    ["<div pillion-masked><p id=t>x</p></div>", "#t", "private"],
    ["<input id=t autocomplete=cc-number>", "#t", "private"],
  ];
  for (const [markup, selector, kind] of kinds) {
    it(`is ${kind} on ${markup}`, () => expect(intentOf(page(markup)(selector)).kind).toBe(kind));
  }

  it("unticks what is ticked, but not a radio button", () => {
    const at = page("<input type=checkbox checked><input type=radio checked>");
    expect(intentOf(at("[type=checkbox]"))).toMatchObject({ action: "uncheck" });
    expect(intentOf(at("[type=radio]"))).toMatchObject({ action: "check" });
  });

  it("leaves double clicks to what answers to no single one", () => {
    const at = page("<table><tr><td>x</td></tr></table><a href=x>y</a>");
    expect(intentOf(at("td"))).toMatchObject({ kind: "click", plain: true });
    expect(intentOf(at("a"))).toMatchObject({ kind: "click", plain: false });
  });

  it("reaches out of shadow roots", () => {
    const host = page("<button><span id=h></span></button>")("#h");
    const inner = host.attachShadow({ mode: "open" }).appendChild(document.createElement("i"));
    expect(intentOf(inner).el.localName).toBe("button");
    expect(controls(document).length).toBe(1);
  });
});

describe("requests in words", () => {
  it("say what changes, from what to what", () => {
    const at = page(`<label>City<input value=Old></label><select aria-label=State><option>Ohio<option>Utah</select><button> Send
      it </button>`);
    expect(inWords(request({ action: "fill", value: "New" }), at("input"))).toEqual({ what: "Fill “City”", old: "Old", to: "New" });
    expect(inWords(request({ action: "select", value: "1" }), at("select"))).toEqual({ what: "Choose in “State”", old: "Ohio", to: "Utah" });
    expect(inWords(request({}), at("button")).what).toBe("Click “Send it”");
    expect(inWords(request({ action: "scroll" }), document).what).toBe("Scroll the page");
    expect(inWords(request({ action: "back", node: 0 }), undefined).what).toBe("Go back");
    expect(ghost("fill", { what: "", to: "New" })).toBe("→ New");
  });

  it("has words for every reason", () => {
    for (const r of ["conflict", "locked", "masked", "gone", "disabled", "forbidden", "refused", "expired", "failed", "turn", "repeated", "stale", "flood"]) {
      expect(reasonWords(r)).not.toBe(r);
    }
  });

  it("knows which level reaches which, and clocks", () => {
    expect(reaches("propose", "point")).toBe(true);
    expect(reaches("point", "propose")).toBe(false);
    expect(clock(125.7)).toBe("2:05");
    expect(clock(-3)).toBe("0:00");
  });
});

describe("names of elements", () => {
  it("are those that people see, old tables included", () => {
    const at = page(`<table><tr><td>Street: *</td><td><input id=a name=s></td></tr></table>
      <input type=radio id=b> Plan B <input type=submit id=c value=Go><a id=d href=x><img alt=Home></a><p>Zip: <input id=e></p>`);
    expect(["#a", "#b", "#c", "#d", "#e"].map((s) => nameOf(at(s)))).toEqual(["Street", "Plan B", "Go", "Home", "Zip"]);
  });
});

describe("masked elements", () => {
  it("are found in shadow roots too, the outermost only", () => {
    const host = page("<div pillion-masked><b pillion-masked>x</b></div><input type=password><input type=hidden value=••••••••><span id=h></span>")("#h");
    host.attachShadow({ mode: "open" }).innerHTML = "<p pillion-masked></p>";
    expect(maskedIn(document).map((e) => e.localName)).toEqual(["div", "input", "p"]);
  });
});

describe("keys for the page", () => {
  const key = (k: string, m: Partial<KeyboardEvent> = {}) => keyName({ key: k, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...m });
  it("are the closed set, and nothing with a modifier but Shift+Tab", () => {
    expect(["Enter", " ", "Tab", "a", "F5"].map((k) => key(k))).toEqual(["Enter", "Space", "Tab", "", ""]);
    expect(key("Tab", { shiftKey: true })).toBe("Shift+Tab");
    expect(key("Enter", { ctrlKey: true })).toBe("");
    expect(key("ArrowDown", { shiftKey: true })).toBe("");
  });
});
