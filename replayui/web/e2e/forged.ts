// A page that nobody's capture script would send: markup and events that lead out, run or mislead.
import { Writer } from "../src/page/writer.ts";

type Forged = [name: string, attrs: Record<string, string>, children?: (Forged | string)[], ns?: "svg"];

function payloads(at: string): Forged[] {
  const run = "parent.pwned = top.pwned = window.pwned = 1";
  return [
    ["script", {}, [run]],
    ["SCRIPT", { src: `${at}/script` }],
    ["img", { src: "x", onerror: run }],
    ["img", { src: `${at}/img`, srcset: `${at}/srcset 1x` }],
    ["svg", { onload: run }, [["script", {}, [run], "svg"], ["image", { href: `${at}/image` }, [], "svg"], ["use", { href: `${at}/use#x` }, [], "svg"], ["set", { attributeName: "href", to: `javascript:${run}` }, [], "svg"]], "svg"],
    ["a", { href: `javascript:${run}`, id: "bad-link" }, ["click"]],
    ["a", { href: `\u0001java\nscript:${run}` }, ["click"]],
    ["iframe", { src: `javascript:${run}`, srcdoc: `<script>${run}</script>` }],
    ["iframe", { src: `${at}/iframe` }],
    ["object", { data: `${at}/object` }],
    ["embed", { src: `${at}/embed` }],
    ["base", { href: at }],
    ["meta", { "http-equiv": "refresh", content: `0;url=${at}/refresh` }],
    ["link", { rel: "stylesheet", href: `${at}/sheet` }],
    ["link", { rel: "preload prefetch", as: "script", href: `${at}/preload` }],
    ["link", { rel: "import", href: `${at}/import` }],
    ["style", {}, [`@import "${at}/css-import"; * { background: url(${at}/css) } @font-face { font-family: x; src: url(${at}/font) } body { font-family: x }`]],
    ["div", { style: `background: url(${at}/style)`, onclick: run, onpointerover: run, autofocus: "", onfocus: run, tabindex: "0" }, ["x"]],
    ["form", { action: `javascript:${run}` }, [["button", { formaction: `javascript:${run}`, type: "submit" }, ["go"]]]],
    ["input", { type: "image", src: `${at}/input`, onerror: run }],
    ["video", { src: `${at}/video`, poster: `${at}/poster`, autoplay: "" }],
    ["audio", { src: `${at}/audio`, autoplay: "" }],
    ["details", { open: "", ontoggle: run }, ["x"]],
    ["marquee", { onstart: run }, ["x"]],
    ["body", { onload: run, background: `${at}/background` }],
    ["math", {}, [["a", { "xlink:href": `javascript:${run}` }, ["x"]]]],
  ];
}

/** A page state, written by hand: the capture script would not. at is whom it asks. */
export function forgedState(at: string): number[] {
  const w = new Writer();
  let id = 0;
  w.u8(1);
  for (const v of [0, 900, 600, 100, 100]) w.uint(v);
  w.str("forged");
  const head = (kind: number) => {
    w.u8(kind);
    w.nodeId(++id);
  };
  const ids = new Map<string, number>();
  const write = (n: Forged | string) => {
    if (typeof n === "string") {
      head(2);
      w.str(n);
      return;
    }
    const [name, attrs, children = [], ns] = n;
    head(1 | (ns ? 0x40 : 0));
    if (!ids.has(name)) ids.set(name, id);
    w.str(name);
    const list = Object.entries(attrs);
    w.uint(list.length);
    for (const [k, v] of list) {
      w.str(k);
      w.str(v);
    }
    w.uint(children.length);
    children.forEach(write);
  };
  head(5);
  w.uint(0);
  w.str("http://x/");
  w.str("http://x/");
  w.uint(1);
  write(["html", {}, [["body", { id: "forged" }, payloads(at)]]]);
  events(w, at, (name) => ids.get(name)!);
  return [...w.bytes()];
}

/** Events that lead out, run or mislead if a viewer takes them at their word. */
function events(w: Writer, at: string, id: (name: string) => number): void {
  const run = "parent.pwned = top.pwned = window.pwned = 1";
  const list: [op: number, body: (number | string | string[])[]][] = [
    [21, [id("style"), [`@import "${at}/rule-import";`, `* { background: url("${at}/rule") }`, `@font-face { font-family: y; src: url(${at}/rule-font) }`, "} body { color: red"]]],
    [38, [id("link"), 2, `screen, url(${at}/media)`]],
    [40, [id("iframe"), 0, 0, `<script>${run}</script><img src=${at}/label onerror="${run}">`]],
    [40, [id("object"), 1e9, 1e9, `<img src=${at}/label2 onerror="${run}">`]],
    [41, [id("div"), ["fullscreen", "hover", `x"] { } * { background: url(${at}/state)`, "state(a) b", "invalid"]]],
    [42, [id("div"), [
      `{"k":[{"backgroundImage":"url(${at}/frame)","offset":0},{"backgroundImage":"u\\u0072l(${at}/frame2)","offset":1}],"t":{"duration":1000,"iterations":null},"c":0,"s":"running"}`,
      `{"k":[{"backgroundImage":"\\\\75rl(${at}/frame3)"}],"t":{"duration":1e308,"delay":-1e308},"c":1e308,"s":"paused","r":1e308}`, `{"n":"__proto__","t":{"pseudoElement":"::before"}}`, "[[[", "null", "7",
    ]]],
    [43, [id("a"), [] as string[]]],
    [45, [1, ["script", "x-y", "X-Y", "constructor", `x-${"y".repeat(10_000)}`, "x-<b>"]]],
    [46, [id("img"), 1000, `${at}/current 1x, ${at}/current2`]],
    [46, [id("img"), 0, `javascript:${run}`]],
    [46, [id("div"), 1000, `${at}/current3`]],
  ];
  w.uint(list.length);
  for (const [op, body] of list) {
    w.u8(op);
    for (const part of body) {
      if (typeof part === "number") w.uint(part);
      else if (typeof part === "string") w.str(part);
      else {
        w.uint(part.length);
        for (const s of part) w.str(s);
      }
    }
  }
}
