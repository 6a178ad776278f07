// @vitest-environment jsdom
// @vitest-environment-options {"url": "https://site.example/home?token=query-secret"}
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Op } from "../src/protocol/format.ts";
import type { MaskPolicy } from "../src/page/masks.ts";
import { decodeBatch, decodeState } from "../src/page/reader.ts";
import { Recorder, type Kept } from "../src/page/recorder.ts";
import { MASK } from "../src/page/secrets.ts";

// What leaves the browser, by a policy and what happens in the page.

let kept: Kept;
let recorder: Recorder | undefined;
let told: Uint8Array[];

beforeEach(() => {
  kept = { roots: new WeakMap(), touched: new WeakSet(), recent: [], reached: new WeakSet(), hosts: [], secrets: new WeakSet(), switched: new WeakSet(), internals: new WeakMap(), stated: new Set(), heard: new WeakSet(), scrolled: new WeakSet() };
  told = [];
  document.head.innerHTML = "<title>Home</title>";
  document.body.innerHTML = "";
  history.replaceState(null, "", "/home");
});

afterEach(() => recorder?.stop());

/** Records the page; what was told so far is returned as text. */
async function record(policy?: MaskPolicy): Promise<string> {
  recorder = new Recorder(window, kept, { state: (b) => told.push(b), batch: (b) => told.push(b) }, () => false, policy);
  recorder.start();
  while (!recorder.ready) await new Promise((done) => setTimeout(done)); // it writes in slices
  return words();
}

/** Everything that was told since the last time, as it was encoded and as it is read. */
function words(): string {
  recorder!.flushNow();
  const texts = told.map((b, i) => new TextDecoder("latin1").decode(b) + new TextDecoder().decode(b) + JSON.stringify(i === 0 && first ? decodeState(b) : decodeBatch(b)));
  first = false;
  told = [];
  return texts.join("\n");
}
let first = true;
beforeEach(() => void (first = true));

/** What is told of markup. */
const hides = (markup: string, policy?: MaskPolicy) => {
  document.body.innerHTML = markup;
  return record(policy);
};

describe("by itself", () => {
  it.each([
    ["password", `<input type=password value=word-secret>`],
    ["password in capitals", `<input type=PassWord value=word-secret>`],
    ["hidden input", `<input type=hidden name=csrf value=word-secret>`],
    ["payment field", `<input autocomplete="section-a cc-number" value=word-secret>`],
    ["one-time code", `<input autocomplete=one-time-code value=word-secret>`],
    ["new password shown", `<input autocomplete=new-password value=word-secret>`],
    ["name of a card", `<input name=cardNumber value=word-secret>`],
    ["id of a code", `<input id=card_cvc value=word-secret>`],
    ["name of a password shown", `<input name=user[password] value=word-secret>`],
    ["text area", `<textarea autocomplete=cc-number>word-secret</textarea>`],
    ["options", `<select autocomplete=cc-exp-month><option label=word-secret>word-secret</select>`],
    ["more attributes", `<input type=password title=word-secret data-old=word-secret aria-description=word-secret>`],
    ["token in a meta element", `<meta name=csrf-token content=word-secret>`],
  ])("hides a %s", async (_, markup) => expect(await hides(markup)).not.toContain("secret"));

  it.each(["<input name=email value=shown>", "<input type=radio name=card value=shown>", "<input name=iban value=shown>", "<input name=pincode value=shown>", "<input name=company value=shown>", "<input name=passenger value=shown>"])("does not hide %s", async (markup) => {
    expect(await hides(markup)).toContain("shown");
  });

  it("tells of a secret control what it is called, and whether there is anything in it", async () => {
    const out = await hides(`<input type=password name=user-word placeholder="Your word" value=word-secret>`);
    for (const part of ["user-word", "Your word", "pillion-masked", MASK]) expect(out).toContain(part);
  });

  it.each([
    ["itself", (now: Element) => document.querySelector("input")!.replaceWith(now)],
    ["what is around it", (now: Element) => document.querySelector("label")!.replaceWith(Object.assign(document.createElement("label"), { innerHTML: now.outerHTML }))],
    ["itself, the new one first", (now: Element) => {
      const old = document.querySelector("input")!;
      old.after(now);
      old.remove();
    }],
  ])("hides a field that a toggle put in a password's place: of %s", async (_, swap) => {
    await hides(`<div><label><input type=password value=word-secret></label></div><p id=other></p>`);
    const now = document.createElement("input");
    now.setAttribute("value", "word-secret");
    swap(now);
    document.getElementById("other")!.innerHTML = "<input value=word-plain>";
    await new Promise((done) => setTimeout(done));
    const said = words();
    expect(said).not.toContain("word-secret");
    expect(said).toContain("word-plain");
  });

  it("shows the fields of a page that comes after one with a password", async () => {
    await hides(`<main><input name=who><input type=password></main>`);
    document.body.innerHTML = `<main><input name=a value=word-plain><input name=b value=word-open></main>`;
    await new Promise((done) => setTimeout(done));
    const said = words();
    expect(said).toContain("word-plain");
    expect(said).toContain("word-open");
  });

  it("hides a password after a toggle showed it, and typing in it", async () => {
    await hides(`<input type=password>`);
    const el = document.querySelector("input")!;
    el.type = "text";
    el.value = "word-secret";
    el.setAttribute("value", "word-secret");
    el.dispatchEvent(new Event("input", { bubbles: true }));
    el.dispatchEvent(new KeyboardEvent("keydown", { key: "Backspace", bubbles: true }));
    const out = words();
    expect(out).not.toContain("secret");
    expect(out).not.toContain("Backspace");
  });

  it("hides a control that becomes a password, as a new one", async () => {
    await hides(`<p><input value=word>`);
    const el = document.querySelector("input")!;
    el.type = "password";
    el.value = "word-secret";
    const out = words();
    expect(out).not.toContain("secret");
    expect(out).toContain(`"op":${Op.Remove}`);
    expect(out).toContain(`"op":${Op.Insert}`);
  });

  it("takes the digits of card numbers out of texts, values and attributes", async () => {
    const out = await hides(`<p title="5555 5555 5555 4444">No. 4111 1111 1111 1111, of 2024</p><!--378282246310005--><input value=4111111111111111><style>.a{width:4111111111111111px}</style>`);
    expect(out).not.toMatch(/5555|1111 |3782|"4111/);
    expect(out).toContain("No. •••• •••• •••• ••••, of 2024");
    expect(out).toContain(".a{width:4111111111111111px}");
    (document.querySelector("p")!.firstChild as Text).data = "No. 4111 1111 1111 1111, of 2025";
    document.querySelector("input")!.value = "6011111111111117";
    document.title = "Card 4111111111111111";
    recorder!.forms.poll(99, recorder!.emitter(0));
    expect(words()).not.toMatch(/4111|6011/);
  });
});

describe("by the page's marks and the operator's rules", () => {
  const markup = `<div class=a title=word-secret><p id=p data-x=word-secret>word-secret<!--word-secret--></p><a href="/word-secret?word-secret#word-secret">word-secret</a>
    <img src=/word-secret.png alt=word-secret srcset="/word-secret.png 2x"><form action=/word-secret><input value=word-secret placeholder=word-secret><textarea>word-secret</textarea>
    <input type=checkbox checked name=word-secret><select><option value=word-secret>word-secret<option selected label=word-secret>b</select><button value=word-secret>word-secret</button></form>
    <svg><title>word-secret</title><text x="1 2 3">word-secret</text><path d="M word-secret"></path><use href="#word-secret"></use></svg>
    <i style="color:red;background:url(/word-secret);--x:word-secret;content:'word-secret'">word-secret</i><table background=/word-secret><tr><td>word-secret</table></div>`;

  it("sends everything without them", async () => {
    const out = await hides(markup);
    expect(out.split("word-secret").length).toBeGreaterThan(30);
    expect(out).not.toContain("pillion-masked");
  });

  it.each<[string, string, MaskPolicy?]>([
    ["a mark", markup.replace("<div", "<div data-pillion-mask")],
    ["a rule", markup, { rules: [{ hide: [".b", "body > .a"] }] }],
    ["a rule of the path", markup, { rules: [{ path: "/ho*", hide: [".a"] }] }],
    ["all", markup, { rules: [{ all: true }] }],
    ["all of the path", markup, { rules: [{ path: "/**", all: true, show: ["head > title"] }] }],
    ["a selector that is none", markup, { rules: [{ hide: [".b[["] }] }],
  ])("hides all that %s is of", async (_, markup, policy) => {
    vi.spyOn(console, "warn").mockReturnValue();
    const out = await hides(markup, policy);
    expect(out).not.toContain("secret");
    expect(out).toContain("pillion-masked");
    expect(out).toContain("color: red".replace(" ", "")); // the look stays
  });

  it("tells once of a selector that is none", async () => {
    const warn = vi.spyOn(console, "warn").mockReset().mockReturnValue();
    await hides("<p>text", { rules: [{ path: "/home", hide: ["p[["] }] });
    history.pushState(null, "", "/other");
    words();
    history.pushState(null, "", "/home");
    words();
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it("shows within the inverse mode what is allowed, and hides in it what is hidden", async () => {
    const out = await hides(
      `<p>word-secret</p><p class=open>first-shown <b data-pillion-mask>word-secret</b> <input value=second-shown></p><p data-pillion-show>third-shown</p><p class="open shut">word-secret</p>`,
      { rules: [{ all: true, show: [".open"], hide: [".shut"] }] },
    );
    expect(out).not.toContain("secret");
    for (const n of ["first", "second", "third"]) expect(out).toContain(n + "-shown");
    expect(out.match(/pillion-shown/g)!.length).toBeGreaterThan(1);
  });

  it("shows nothing by a mark outside the inverse mode", async () => {
    expect(await hides(`<div data-pillion-mask><p data-pillion-show>word-secret</p></div>`)).not.toContain("secret");
  });

  it("hides in shadow roots and frames of what is hidden", async () => {
    document.body.innerHTML = "<div data-pillion-mask><section></section><iframe></iframe></div>";
    const closed = document.querySelector("section")!.attachShadow({ mode: "closed" });
    Object.defineProperty(closed, "styleSheets", { value: [] }); // jsdom has none
    closed.innerHTML = "<p title=word-secret>word-secret</p>";
    kept.roots.set(document.querySelector("section")!, closed);
    document.querySelector("iframe")!.contentDocument!.body.innerHTML = "<p>word-secret</p><input value=word-secret>";
    expect(await record()).not.toContain("secret");
  });

  it("hides the title, and what follows addresses", async () => {
    history.replaceState(null, "", "/home?token=word-secret&member=word-secret&page=2#id_token=word-secret");
    document.title = "word-secret";
    const out = await hides(`<a href="?session=word-secret">a</a><form action="/x?MEMBER=word-secret"></form>`, { rules: [{ hide: ["title"] }], query: ["Member"] });
    expect(out).not.toContain("secret");
    expect(out).toContain("page=2");
    document.title = "other-secret";
    history.pushState(null, "", "/home?member=other-secret&page=3");
    recorder!.forms.poll(1, recorder!.emitter(0));
    expect(words()).not.toContain("secret");
  });
});

describe("when a page changes", () => {
  const rule: MaskPolicy = { rules: [{ hide: [".a"] }] };

  it("hides what becomes hidden, and shows what is not any more, as new", async () => {
    await hides("<section><p>word</p></section>", rule);
    const p = document.querySelector("p")!;
    const id = recorder!.tree.id(p);
    p.className = "a";
    p.firstChild!.nodeValue = "word-secret";
    expect(words()).not.toContain("secret");
    expect(recorder!.tree.id(p)).toBeGreaterThan(id);
    expect(recorder!.isMasked(p.firstChild!)).toBe(true);
    p.className = "";
    p.firstChild!.nodeValue = "word-shown";
    expect(words()).toContain("word-shown");
    expect(recorder!.isMasked(p)).toBe(false);
  });

  it("hides by what is around an element, wherever that changes", async () => {
    await hides("<main><section><p>word</p></section></main>", { rules: [{ hide: ["main.b p", "i + section p"] }] });
    const p = document.querySelector("p")!;
    document.querySelector("main")!.className = "b";
    p.firstChild!.nodeValue = "first-secret";
    expect(words()).not.toContain("secret");
    document.querySelector("main")!.className = "";
    p.firstChild!.nodeValue = "word";
    expect(words()).toContain("word");
    document.querySelector("section")!.before(document.createElement("i"));
    p.firstChild!.nodeValue = "second-secret";
    expect(words()).not.toContain("secret");
  });

  it("hides what moves into what is hidden, by itself or in something new", async () => {
    await hides("<div class=a></div><section><p>word</p><b>word</b></section>", rule);
    const [p, b] = [document.querySelector("p")!, document.querySelector("b")!];
    document.querySelector(".a")!.append(p);
    p.firstChild!.nodeValue = "first-secret";
    const wrap = document.createElement("div");
    wrap.dataset["pillionMask"] = "";
    wrap.append(b);
    document.body.append(wrap);
    b.title = "second-secret";
    b.firstChild!.nodeValue = "third-secret";
    expect(words()).not.toContain("secret");
    document.body.append(p);
    p.firstChild!.nodeValue = "shown";
    expect(words()).toContain("shown");
  });

  it("hides what is put into what is hidden, and what is typed there", async () => {
    await hides("<div class=a><p contenteditable>x</p></div>", rule);
    document.querySelector("p")!.innerHTML = "<i>word-secret</i>";
    document.querySelector(".a")!.insertAdjacentHTML("beforeend", "<b title=word-secret>word-secret</b><input value=word-secret>");
    expect(words()).not.toContain("secret");
    document.querySelector("i")!.firstChild!.nodeValue = "longer than word-secret";
    expect(words()).toBe("");
  });

  it("follows the path, and keeps what was hidden under the one before", async () => {
    history.replaceState(null, "", "/account/1");
    await hides("<main><p>word-secret</p><input value=word-secret><b>x</b></main>", { rules: [{ path: "/account/**", hide: ["main"] }, { path: "/in/*", all: true }] });
    history.pushState(null, "", "/home");
    expect(words()).not.toContain("secret");
    document.querySelector("main")!.append("first-shown");
    document.querySelector("p")!.textContent = "second-shown";
    (document.querySelector("b")!.firstChild as Text).data = "third-shown";
    const out = words();
    expect(out).not.toContain("secret");
    for (const n of ["first", "second", "third"]) expect(out).toContain(n + "-shown");
    history.pushState(null, "", "/in/1");
    document.querySelector("main")!.append("next-secret");
    document.title = "title-secret";
    recorder!.forms.poll(9, recorder!.emitter(0));
    expect(words()).not.toContain("secret");
    history.pushState(null, "", "/in/1/2");
    document.querySelector("main")!.append("fourth-shown");
    const after = words();
    expect(after).not.toContain("secret");
    expect(after).toContain("fourth-shown");
  });

  it("says what is hidden, for those who act on it", async () => {
    await hides("<div data-pillion-mask><p>a</p></div><input type=password><i>b</i>");
    expect(["div", "p", "input", "i", "body"].map((s) => recorder!.isMasked(document.querySelector(s)!))).toEqual([true, true, true, false, false]);
  });
});
