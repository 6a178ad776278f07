import { describe, expect, it } from "vitest";
import { Origins, type Table } from "../src/capture/origins.ts";

const OWN = "https://help.example.com";
const FROM = OWN + "/.pillion/from";
const TABLE: Table = {
  hosts: [["https://legacy.internal", ""], ["http://legacy.internal:8080", ""], ["https://shop.internal", "https://shop.example.com"], ["http://plain.internal", "http://plain.example.com:81"]],
  assets: ["cdn.example.com", "cdn.example.com:8443", "*.img.example.com"],
  prefix: "/.pillion/from/",
};

const at = (base: string) => new Origins(TABLE, OWN, () => base);
const page = at(OWN + "/shop/list");

describe("what a person follows or a script connects to", () => {
  it.each([
    ["https://legacy.internal", OWN + "/"],
    ["https://legacy.internal/a/b?c=d#e", OWN + "/a/b?c=d#e"],
    ["https://legacy.internal/a?#", OWN + "/a?#"],
    ["https://legacy.internal//evil.example.com/", OWN + "//evil.example.com/"],
    ["https://user:word@legacy.internal/a", OWN + "/a"],
    ["HTTPS://LEGACY.INTERNAL:443/A", OWN + "/A"],
    [" \thttps://legacy.internal/a\n", OWN + "/a"],
    ["ht\ntps:/\\legacy.internal\\a\\..\\b", OWN + "/b"],
    ["//legacy.internal/a", OWN + "/a"],
    ["\\\\legacy.internal/a", OWN + "/a"],
    ["http://legacy.internal:8080/a", OWN + "/a"],
    ["https://shop.internal/a", "https://shop.example.com/a"],
    ["wss://legacy.internal/socket", "wss://help.example.com/socket"],
    ["ws://plain.internal/socket", "ws://plain.example.com:81/socket"],
  ])("%j leads to %j", (url, to) => expect(page.link(url)).toBe(to));

  it.each([
    "", "#a", "?q", "/a", "a/b", "https://help.example.com/a", "https://other.example.com/", "https://legacy.internal.example.com/",
    "http://legacy.internal/", "https://legacy.internal:444/", "https://cdn.example.com/a.png", "ws://legacy.internal/", "wss://cdn.example.com/",
    "javascript:void 0", "mailto:a@legacy.internal", "data:text/plain,https://legacy.internal/", "blob:https://legacy.internal/1-2",
    "about:blank", "https://", "https://[::1", "https://legacy internal/", "ftp://legacy.internal/",
  ])("%j stays as it is", (url) => expect(page.link(url)).toBe(url));

  it("is resolved by the document's base", () => {
    expect(at("https://legacy.internal/b/").link("c?d")).toBe(OWN + "/b/c?d");
  });
});

describe("what a page is made of", () => {
  it.each([
    ["https://legacy.internal/a.png", OWN + "/a.png"],
    ["https://cdn.example.com/a.png?b#c", FROM + "/https/cdn.example.com/a.png?b#c"],
    ["//cdn.example.com/a.png", FROM + "/https/cdn.example.com/a.png"],
    ["http://CDN.example.com:80/a.png", FROM + "/http/cdn.example.com/a.png"],
    ["https://cdn.example.com:8443/a.png", FROM + "/https/cdn.example.com:8443/a.png"],
    ["https://a.b.img.example.com/", FROM + "/https/a.b.img.example.com/"],
  ])("%j comes from %j", (url, to) => expect(page.load(url)).toBe(to));

  it.each([
    "https://img.example.com/", "https://ximg.example.com/", "https://cdn.example.com:444/", "https://a.img.example.com:444/",
    "https://cdn.example.com.evil.example/", "wss://cdn.example.com/", FROM + "/https/cdn.example.com/a.png",
  ])("%j stays as it is", (url) => expect(page.load(url)).toBe(url));

  it("is not mapped twice", () => {
    const once = page.load("https://cdn.example.com/a.png");
    expect(page.load(once)).toBe(once);
  });
});

describe("a document of another host", () => {
  const HOME = FROM + "/https/cdn.example.com:8443";
  const frame = at(HOME + "/embed/a.html");

  it("has its own root", () => {
    expect(frame.load("/a.png")).toBe(HOME + "/a.png");
    expect(frame.load(" \t\\a.png")).toBe(HOME + "/a.png");
    expect(frame.link("/b.html")).toBe(HOME + "/b.html");
    expect(frame.link("../../../../../../b.html")).toBe(HOME + "/b.html");
    expect(frame.srcset("/a.png 1x, b.png 2x")).toBe(HOME + "/a.png 1x, b.png 2x");
    expect(frame.css("url(/a.png)")).toBe(`url(${HOME}/a.png)`);
  });

  it("keeps what is relative to it, and what is mapped", () => {
    for (const url of ["b.html", "../a.png", "#a", "", "?b", HOME + "/b.html"]) expect(frame.load(url)).toBe(url);
  });

  it.each([
    OWN, OWN + "/a", " \thttps://HELP.example.com:443/a\n", "//help.example.com/a", "\\\\help.example.com/a", "/\t/help.example.com/a", "https:\\\\help.example.com/a",
  ])("leads to the site that it is below where it names that: %j", (url) => {
    for (const map of [frame.link, frame.load]) expect(map(url)).toBe(url);
  });

  it("leads to the site by the site's own name", () => {
    for (const map of [frame.link, frame.load, frame.lead]) expect(map("https://legacy.internal/a?b#c")).toBe(OWN + "/a?b#c");
  });

  it("leads to its own host by that host's name", () => {
    for (const map of [frame.link, frame.load, frame.lead]) expect(map("https://cdn.example.com:8443/a")).toBe(HOME + "/a");
    for (const map of [frame.link, frame.lead]) expect(map("https://cdn.example.com/a")).toBe("https://cdn.example.com/a");
  });

  it("is led by its scripts from its own root", () => {
    expect(frame.lead(OWN + "/a?b#c")).toBe(HOME + "/a?b#c");
    expect(frame.lead(OWN + "//cdn.example.com/a")).toBe(HOME + "//cdn.example.com/a");
    expect(frame.lead(HOME + "/a")).toBe(HOME + "/a");
    expect(page.lead(OWN + "/a")).toBe(OWN + "/a");
  });

  it("is where its base element says", () => {
    expect(at(OWN + "/").load("/a.png")).toBe("/a.png");
    expect(at(FROM + "/http/cdn.example.com/").load("/a.png")).toBe(FROM + "/http/cdn.example.com/a.png");
    expect(at(OWN + "/.pillion/from/nonsense").load("/a.png")).toBe("/a.png");
  });

  it("loads from other hosts as a page does", () => {
    expect(frame.load("https://x.img.example.com/a")).toBe(FROM + "/https/x.img.example.com/a");
    expect(frame.link("https://x.img.example.com/a")).toBe("https://x.img.example.com/a");
  });
});

describe("srcset", () => {
  const cdn = "https://cdn.example.com/";
  const to = FROM + "/https/cdn.example.com/";
  it.each([
    [`${cdn}a.png`, `${to}a.png`],
    [`${cdn}a.png 1x, ${cdn}b.png 2x`, `${to}a.png 1x, ${to}b.png 2x`],
    [`/a.png, ${cdn}b.png`, `/a.png, ${to}b.png`],
    [`${cdn}a.png 1x,${cdn}b.png 2x`, `${to}a.png 1x,${to}b.png 2x`],
    [`${cdn}a,b.png 1x`, `${to}a,b.png 1x`],
    [`${cdn}a.png,, ${cdn}b.png 3x (x, y), ${cdn}c.png`, `${to}a.png,, ${to}b.png 3x (x, y), ${to}c.png`],
    [`,\n ${cdn}a.png\t100w ,\n${cdn}b.png 200w\n`, `,\n ${to}a.png\t100w ,\n${to}b.png 200w\n`],
    [`data:image/png;base64,AA== 1x, ${cdn}b.png 2x`, `data:image/png;base64,AA== 1x, ${to}b.png 2x`],
    ["", ""],
    [", ,", ", ,"],
  ])("%j becomes %j", (given, expected) => expect(page.srcset(given)).toBe(expected));
});

describe("CSS", () => {
  const cdn = "https://cdn.example.com/a.png";
  const to = FROM + "/https/cdn.example.com/a.png";
  it.each([
    [`url(${cdn})`, `url(${to})`],
    [`color: red; background: URL( "${cdn}" ) no-repeat, url('${cdn}')`, `color: red; background: URL( "${to}" ) no-repeat, url('${to}')`],
    [`@font-face { src: url(${cdn}) format("woff2"), url(/b.woff) }`, `@font-face { src: url(${to}) format("woff2"), url(/b.woff) }`],
    [`url("https://legacy.internal/x")`, `url("${OWN}/x")`],
    ["width: 1px", "width: 1px"],
    [`url("${cdn}`, `url("${cdn}`],
    [`url("https://cdn.example.com/\\61")`, `url("https://cdn.example.com/\\61")`],
  ])("%j becomes %j", (given, expected) => expect(page.css(given)).toBe(expected));
});
