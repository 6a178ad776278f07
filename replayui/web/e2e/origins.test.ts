import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Table } from "../src/capture/origins.ts";
import { anything, captureScript, Host } from "./origins-stage.ts";
import { pillion, share, signIn, startBrowser, startGateway } from "./stage.ts";

// URLs that the page's own scripts compute come to the gateway, whatever way
// they are used. The hosts that they name note every request: there are none.

let legacy: Host; // what the site calls itself
let cdn: Host; // a third party's
let own: Host; // where the gateway stands
let plain: Host; // a gateway without a table
let browser: Browser;
let context: BrowserContext;
let page: Page;
let trouble: string[];
const pages: Record<string, { html: string; headers?: Record<string, string> }> = {};

const from = () => cdn.origin.replace("://", "/").replace(/^/, "/.pillion/from/");

/** Serves the test's pages with the capture script, and anything else by its name. */
function gateway(table: () => Table | null): Parameters<typeof Host.start>[1] {
  return (req, res) => {
    const known = pages[req.url!.split("?")[0]!];
    if (req.url === "/.pillion/capture.js") res.setHeader("content-type", "text/javascript").end(captureScript(table()));
    else if (!known) anything(req, res);
    else {
      for (const name in known.headers) res.setHeader(name, known.headers[name]!);
      res.setHeader("content-type", "text/html").end(`<!DOCTYPE html><script src="/.pillion/capture.js"></script>${known.html}`);
    }
  };
}

beforeAll(async () => {
  [legacy, cdn] = [await Host.start("legacy.localhost", anything), await Host.start("cdn.localhost", anything)];
  const table = (): Table => ({ hosts: [[legacy.origin, ""]], assets: [new URL(cdn.origin).host], prefix: "/.pillion/from/" });
  [own, plain] = [await Host.start("site.localhost", gateway(table)), await Host.start("site.localhost", gateway(() => null))];
  pages["/page"] = { html: "<title>here</title><body><div id=at></div>" };
  pages[from() + "/frame.html"] = { html: "<title>frame</title><body><div id=at></div>" };
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  for (const host of [legacy, cdn, own, plain]) await host?.end();
});

async function open(path: string, origin = own.origin): Promise<void> {
  await context?.close();
  context = await browser.newContext();
  page = await context.newPage();
  trouble = [];
  page.on("console", (m) => /error|warning/.test(m.type()) && !/font|OTS/.test(m.text()) && trouble.push(m.text()));
  page.on("pageerror", (e) => trouble.push(e.message));
  await page.goto(origin + path);
}

/** Runs a page's script; LEGACY and CDN are the hosts' origins. */
const run = (script: string) => page.evaluate(script.replaceAll("LEGACY", legacy.origin).replaceAll("CDN", cdn.origin));

async function comes(request: string): Promise<void> {
  await expect.poll(() => own.asked, { timeout: 5000 }).toContain(request);
  expect([...legacy.asked, ...cdn.asked]).toEqual([]);
  expect(trouble).toEqual([]);
}

beforeEach(() => {
  for (const host of [legacy, cdn, own, plain]) host.asked.length = 0;
});

describe("a script's URL comes to the gateway", () => {
  beforeAll(() => open("/page"));

  const make = (tag: string, set: string) => `{ const el = document.createElement("${tag}"); ${set}; document.body.append(el) }`;
  const svg = (tag: string, set: string) => `{ const s = document.createElementNS("http://www.w3.org/2000/svg", "svg"), el = document.createElementNS(s.namespaceURI, "${tag}"); ${set}; s.append(el); document.body.append(s) }`;
  it.each([
    // hosts
    ["fetch, a string", `fetch("LEGACY/1.json?a=b").then(r => r.json())`, "GET /1.json?a=b"],
    ["fetch, a URL", `fetch(new URL("LEGACY/2.json")).then(r => r.json())`, "GET /2.json"],
    ["fetch, a Request with a body", `fetch(new Request("LEGACY/3.json", { method: "PUT", body: "x" })).then(r => r.json())`, "PUT /3.json"],
    ["fetch, a link", `{ const a = document.createElement("a"); a.href = "LEGACY/4.json"; fetch(a) }`, "GET /4.json"],
    ["a subclass of Request", `{ class Mine extends Request {}; const r = new Mine("LEGACY/5.json"); if (!(r instanceof Mine)) throw 0; fetch(r) }`, "GET /5.json"],
    ["XMLHttpRequest", `{ const x = new XMLHttpRequest(); x.open("POST", "LEGACY/6.json"); x.send("x") }`, "POST /6.json"],
    ["sendBeacon", `navigator.sendBeacon("LEGACY/7.json", "x")`, "POST /7.json"],
    ["EventSource", `window.source = new EventSource("LEGACY/8.events"); source.onerror = () => source.close()`, "GET /8.events"],
    ["WebSocket", `window.socket = new WebSocket("LEGACY/9".replace("http", "ws"))`, "GET /9"],
    ["Worker", `new Worker("LEGACY/10.js")`, "GET /10.js"],
    ["a script", make("script", `el.src = "LEGACY/11.js"`), "GET /11.js"],
    ["a script by attribute", make("script", `el.setAttribute("src", "LEGACY/12.js")`), "GET /12.js"],
    ["an image of the site's", make("img", `el.src = "LEGACY/13.png"`), "GET /13.png"],
    // assets
    ["fetch", `fetch("CDN/20.json", { credentials: "include" }).then(r => r.json())`, "GET FROM/20.json"],
    ["XMLHttpRequest of an asset", `{ const x = new XMLHttpRequest(); x.open("GET", "CDN/21.json"); x.send() }`, "GET FROM/21.json"],
    ["img.src", `new Image().src = "CDN/22.png"`, "GET FROM/22.png"],
    ["img.src, a URL", `new Image().src = new URL("CDN/23.png")`, "GET FROM/23.png"],
    ["img.srcset", make("img", `el.srcset = "/nothing.png 9x, CDN/24.png 1x"`), "GET FROM/24.png"],
    ["img by setAttribute", make("img", `el.setAttribute("SRC", "CDN/25.png")`), "GET FROM/25.png"],
    ["img by setAttributeNS", make("img", `el.setAttributeNS(null, "src", "CDN/26.png")`), "GET FROM/26.png"],
    ["source.srcset", `{ const p = document.createElement("picture"), s = document.createElement("source"); s.srcset = "CDN/27.png"; p.append(s, new Image()); document.body.append(p) }`, "GET FROM/27.png"],
    ["video.src", make("video", `el.src = "CDN/28.txt"`), "GET FROM/28.txt"],
    ["video.poster", make("video", `el.poster = "CDN/29.png"`), "GET FROM/29.png"],
    ["audio.src", make("audio", `el.src = "CDN/30.txt"`), "GET FROM/30.txt"],
    ["new Audio", `new Audio("CDN/31.txt").load()`, "GET FROM/31.txt"],
    ["link.href", make("link", `el.rel = "stylesheet"; el.href = "CDN/32.css"`), "GET FROM/32.css"],
    ["link.imageSrcset", make("link", `el.rel = "preload"; el.as = "image"; el.imageSrcset = "CDN/33.png"; setTimeout(() => (new Image().srcset = "CDN/33.png"))`), "GET FROM/33.png"],
    ["iframe.src", make("iframe", `el.src = "CDN/34.html"`), "GET FROM/34.html"],
    ["object.data", make("object", `el.data = "CDN/35.svg"`), "GET FROM/35.svg"],
    ["embed.src", make("embed", `el.src = "CDN/36.svg"`), "GET FROM/36.svg"],
    ["input.src", make("input", `el.type = "image"; el.src = "CDN/37.png"`), "GET FROM/37.png"],
    ["body.background", `document.body.background = "CDN/38.png"`, "GET FROM/38.png"],
    ["table by attribute", make("table", `el.setAttribute("background", "CDN/39.png")`), "GET FROM/39.png"],
    ["SVG image", svg("image", `el.setAttribute("href", "CDN/40.png")`), "GET FROM/40.png"],
    ["SVG image, xlink", svg("image", `el.setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", "CDN/41.png")`), "GET FROM/41.png"],
    ["SVG image, baseVal", svg("image", `el.href.baseVal = "CDN/42.png"`), "GET FROM/42.png"],
    ["SVG use", svg("use", `el.setAttribute("href", "CDN/43.svg#a")`), "GET FROM/43.svg"],
    // styles
    ["style.backgroundImage", make("div", `el.textContent = "x"; el.style.backgroundImage = "url(CDN/50.png)"`), "GET FROM/50.png"],
    ["style.cssText", `at.style.cssText = "height: 9px; background: url('CDN/51.png')"`, "GET FROM/51.png"],
    ["style.setProperty, a variable", `at.style.setProperty("--b", "url(CDN/52.png)"); at.style.background = "var(--b)"`, "GET FROM/52.png"],
    ["the style attribute", make("p", `el.setAttribute("style", "height: 9px; background: url(CDN/53.png)")`), "GET FROM/53.png"],
    ["a style element", make("style", `el.textContent = "body { border-image: url(CDN/54.png) 1 }"`), "GET FROM/54.png"],
    ["insertRule", make("style", `setTimeout(() => el.sheet.insertRule("html { background: url(CDN/55.png) }"))`), "GET FROM/55.png"],
    ["a constructed sheet", `{ const s = new CSSStyleSheet(); s.replaceSync("#at::before { content: url(CDN/56.png) }"); document.adoptedStyleSheets = [s] }`, "GET FROM/56.png"],
    ["a font", `new FontFace("f", "url(CDN/57.txt)").load().catch(() => 0)`, "GET FROM/57.txt"],
    // markup
    ["innerHTML", `at.innerHTML = '<p><img src="CDN/65.png"></p>'`, "GET FROM/65.png"],
    ["innerHTML before a place in the page", `document.createElement("div").innerHTML = '<img srcset="CDN/66.png">'`, "GET FROM/66.png"],
    ["outerHTML", make("p", `setTimeout(() => (el.outerHTML = '<img src="CDN/67.png">'))`), "GET FROM/67.png"],
    ["outerHTML before a place in the page", `{ const d = document.createElement("div"); d.append(document.createElement("p")); d.firstChild.outerHTML = '<img src="CDN/68.png">' }`, "GET FROM/68.png"],
    ["insertAdjacentHTML", `at.insertAdjacentHTML("beforebegin", '<img src="CDN/69.png">')`, "GET FROM/69.png"],
    ["innerHTML in a shadow root", `{ const s = document.createElement("div").attachShadow({ mode: "closed" }); s.innerHTML = '<p><img src="CDN/73.png"></p>' }`, "GET FROM/73.png"],
    ["innerHTML of more than images", `at.innerHTML = '<video poster="CDN/75.png"></video><input type=image src="CDN/76.png"><svg><image href="CDN/77.png"></image></svg>'`, "GET FROM/77.png"],
    ["nodes that are cloned", `{ const t = document.createElement("template"); t.innerHTML = '<p><img src="CDN/60.png"></p>'; document.body.append(t.content.cloneNode(true)) }`, ""],
    ["markup with a frame", `at.innerHTML = '<b><iframe src="CDN/61.html"></iframe></b>'`, ""],
    ["markup with a style", `at.innerHTML = '<p style="background: url(CDN/62.png)">x</p><style>p { border-image: url(CDN/63.png) 1 }</style>'`, "GET FROM/62.png"],
    ["a shadow root", `{ const s = document.body.appendChild(document.createElement("div")).attachShadow({ mode: "closed" }); s.innerHTML = '<p style="background: url(CDN/64.png)">x</p>' }`, "GET FROM/64.png"],
  ])("%s", async (_, script, request) => {
    await run(script + "; void 0");
    if (request) await comes(request.replace("FROM", from()));
    else await page.waitForTimeout(500); // what it may ask for is not the next one's
  });
});

it("markup that was asked for at once is mended", async () => {
  await open("/page");
  await run(`at.innerHTML = '<img id=i src="CDN/70.png"><iframe id=f src="CDN/71.html"></iframe><svg><image id=s xlink:href="CDN/72.png"></svg>'`);
  await expect.poll(() => own.asked).toEqual(expect.arrayContaining(["70.png", "71.html", "72.png"].map((name) => `GET ${from()}/${name}`)));
  for (const [id, name] of [["i", "src"], ["f", "src"], ["s", "xlink:href"]]) {
    expect(await run(`document.getElementById("${id}").getAttribute("${name}")`)).toContain(own.origin + from());
  }
});

describe("what is followed stays with the gateway", () => {
  beforeEach(() => open("/page"));

  const goes = async (script: string, path: string) => {
    await run(`setTimeout(() => { ${script} })`);
    await page.waitForURL(own.origin + path, { timeout: 5000 });
    await comes("GET " + path);
  };

  it.each([
    ["location.href", `location.href = "LEGACY/a.html?b"`, "/a.html?b"],
    ["location.assign", `location.assign("LEGACY/b.html")`, "/b.html"],
    ["location.replace", `location.replace("LEGACY/c.html")`, "/c.html"],
    ["a link without a place in the page", `{ const a = document.createElement("a"); a.href = "LEGACY/d.html"; a.click() }`, "/d.html"],
    ["a link in a closed shadow root", `{ const s = at.attachShadow({ mode: "closed" }); s.innerHTML = '<a href="LEGACY/e.html">x</a>'; s.firstChild.click() }`, "/e.html"],
    ["a form of queries", `at.innerHTML = '<form action="LEGACY/f.html"><input name=a value=b></form>'; at.firstChild.submit()`, "/f.html?a=b"],
  ])("%s", (_, script, path) => goes(script, path));

  it("a link, and its address stays as the page wrote it", async () => {
    await run(`at.innerHTML = '<a id=a href="LEGACY/g.html">go</a>'; a.onclick = (e) => { window.seen = a.href; e.preventDefault() }`);
    await page.locator("#a").click();
    await page.waitForTimeout(50);
    expect(await run("a.getAttribute('href')")).toBe(legacy.origin + "/g.html");
    await run("a.onclick = null; void 0");
    await page.locator("#a").click();
    await page.waitForURL(own.origin + "/g.html");
    await comes("GET /g.html");
  });

  it("a link to another window, by either button, and window.open", async () => {
    await run(`at.innerHTML = '<a id=a target=_blank href="LEGACY/h.html">go</a>'; void 0`);
    for (const open of [() => page.locator("#a").click(), () => page.locator("#a").click({ button: "middle" }), () => run(`window.open("LEGACY/h.html"); void 0`)]) {
      const [popup] = await Promise.all([context.waitForEvent("page"), open()]);
      await popup.waitForURL(own.origin + "/h.html");
      await popup.close();
    }
    await page.waitForTimeout(50);
    expect(await run("a.getAttribute('href')")).toBe(legacy.origin + "/h.html");
    await comes("GET /h.html");
  });

  it.each([
    ["its button", "", `document.querySelector("button").click()`, "/i.html"],
    ["its button's own address", `formaction="LEGACY/j.html"`, `document.querySelector("button").click()`, "/j.html"],
    ["requestSubmit", "", `document.forms[0].requestSubmit()`, "/i.html"],
    ["submit", "", `HTMLFormElement.prototype.submit.call(document.forms[0])`, "/i.html"],
  ])("a form, by %s", async (_, attribute, script, path) => {
    // Its controls hide the form's own properties, as old pages have it.
    await run(`at.innerHTML = '<form method=post action="LEGACY/i.html"><input name=action><input name=submit><button ${attribute}>go</button></form>'; void 0`);
    await run(`setTimeout(() => { ${script} })`);
    await page.waitForURL(own.origin + path);
    await comes("POST " + path);
  });

  it("the history's addresses", async () => {
    await run(`history.pushState({}, "", "LEGACY/k.html"); history.replaceState({}, "", "LEGACY/l.html?m"); void 0`);
    expect(page.url()).toBe(own.origin + "/l.html?m");
    expect(trouble).toEqual([]);
  });

  it("a page that document.open wrote anew", async () => {
    await run(`document.open(); document.write('<body><a id=a href="LEGACY/n.html">go</a>'); document.close()`);
    await page.waitForTimeout(50);
    await page.evaluate("navigation.onnavigate = null");
    const [popup] = await Promise.all([context.waitForEvent("page"), page.locator("#a").click({ modifiers: ["Control"] })]);
    await popup.waitForURL(own.origin + "/n.html");
    expect(legacy.asked).toEqual([]);
  });

  it("other sites are as far as ever", async () => {
    await run(`at.innerHTML = '<a id=a href="CDN/o.html">go</a>'; void 0`);
    await page.locator("#a").click();
    await page.waitForURL(cdn.origin + "/o.html");
  });
});

it("a frame of another host has its own root", async () => {
  await open(from() + "/frame.html");
  await run(`new Image().src = "/root.png"; fetch("/root.json"); void 0`);
  await comes(`GET ${from()}/root.png`);
  await comes(`GET ${from()}/root.json`);
  await run(`setTimeout(() => (location.href = "/next.html"))`);
  await page.waitForURL(own.origin + from() + "/next.html");
});

describe("a frame of another host leads to the site that it is below", () => {
  beforeEach(() => open(from() + "/frame.html"));

  it.each([
    ["a link to the site, as the gateway wrote it", `at.innerHTML = '<a href="OWN/a.html?b">x</a>'; at.firstChild.click()`, "OWN/a.html?b"],
    ["a link to the site by its own name", `at.innerHTML = '<a href="LEGACY/b.html">x</a>'; at.firstChild.click()`, "OWN/b.html"],
    ["that without a place in the page", `{ const a = document.createElement("a"); a.href = "LEGACY/c.html"; a.click() }`, "OWN/c.html"],
    ["a link to its own root", `at.innerHTML = '<a href="/d.html">x</a>'; at.firstChild.click()`, "FROM/d.html"],
    ["a form of queries", `at.innerHTML = '<form action="OWN/e.html"><input name=a value=b><button></form>'; document.querySelector("button").click()`, "OWN/e.html?a=b"],
    ["a form of its own", `at.innerHTML = '<form action="/f.html"><input name=a value=b></form>'; at.firstChild.submit()`, "FROM/f.html?a=b"],
    ["a form that posts", `at.innerHTML = '<form method=post action="OWN/g.html"><input name=a value=b></form>'; at.firstChild.requestSubmit()`, "OWN/g.html"],
    ["a script that names the site", `location.href = "LEGACY/h.html"`, "OWN/h.html"],
    ["a script that names its own root", `location.replace("/i.html")`, "FROM/i.html"],
    ["a click that a script follows with its own root", `at.innerHTML = '<a href="#">x</a>'; at.firstChild.onclick = () => { location.href = "/j.html" }; at.firstChild.click()`, "FROM/j.html"],
  ])("by %s", async (_, script, to) => {
    const named = (text: string) => text.replaceAll("FROM", own.origin + from()).replaceAll("OWN", own.origin);
    await run(named(`setTimeout(() => { ${script} })`));
    await page.waitForURL(named(to), { timeout: 5000 });
    expect([...legacy.asked, ...cdn.asked]).toEqual([]);
  });

  it("by its pictures", async () => {
    await run(`at.innerHTML = '<img src="${own.origin}/1.png"><img src="/2.png"><img src="LEGACY/3.png">'`);
    for (const request of ["GET /1.png", `GET ${from()}/2.png`, "GET /3.png"]) await comes(request);
  });
});

it("a link of the site's leads a third party's frame back", async () => {
  pages["/frames"] = { html: `<body><iframe name=f src="${from()}/frame.html"></iframe><a target=f href="/back.html">x</a>` };
  await open("/frames");
  await page.locator("a").click();
  await comes("GET /back.html");
});

it("works on a page that replaced built-ins before", async () => {
  pages["/replaced"] = {
    html: `<body><div id=at></div><script>
      Array.prototype.toJSON = String.prototype.toJSON = function () { return "broken" };
      window.calls = [];
      const f = window.fetch; window.fetch = function (u) { calls.push("fetch"); return f.apply(this, arguments) };
      const o = XMLHttpRequest.prototype.open; XMLHttpRequest.prototype.open = function () { calls.push("open"); return o.apply(this, arguments) };
      const s = Element.prototype.setAttribute; Element.prototype.setAttribute = function () { calls.push("set"); return s.apply(this, arguments) };
      Element.prototype.getAttribute = Element.prototype.querySelectorAll = function () { throw new Error("mine") };
      window.URL = function () { throw new Error("mine") }; window.Proxy = window.MutationObserver = Reflect.apply = undefined;
    </script>`,
  };
  await open("/replaced");
  await run(`fetch("LEGACY/1.json"); const x = new XMLHttpRequest(); x.open("GET", "CDN/2.json"); x.send(); new Image().setAttribute("src", "CDN/3.png"); at.style.background = "url(CDN/4.png)"; void 0`);
  for (const request of ["GET /1.json", `GET ${from()}/2.json`, `GET ${from()}/3.png`]) await comes(request);
  expect(await run("calls.slice(-3).join()")).toBe("fetch,open,set");
});

it("built-ins look as they did", async () => {
  await open("/page");
  const odd = await page.evaluate(() => {
    const frame = document.body.appendChild(document.createElement("iframe"));
    const theirs = frame.contentWindow as unknown as typeof globalThis;
    const odd: string[] = [];
    const same = (name: string, a: unknown, b: unknown) => {
      const tell = (f: unknown) => (f as { name: string; length: number }) && `${(f as { name: string }).name} ${(f as { length: number }).length} ${Object.keys(f as object)}`;
      if (tell(a) !== tell(b) || !/\[native code\]/.test(String(a))) odd.push(`${name}: ${tell(a)}, not ${tell(b)}`);
    };
    for (const name of ["fetch", "open", "Request", "WebSocket", "EventSource", "Worker", "Audio", "FontFace"] as const) same(name, window[name], theirs[name]);
    for (const [of, name] of [["Element", "setAttribute"], ["Element", "attachShadow"], ["XMLHttpRequest", "open"], ["HTMLFormElement", "submit"], ["CSSStyleSheet", "insertRule"]] as const) {
      same(name, (window[of].prototype as never)[name], (theirs[of].prototype as never)[name]);
    }
    const setter = (w: typeof globalThis) => Object.getOwnPropertyDescriptor(w.HTMLImageElement.prototype, "src")!.set;
    same("src", setter(window), setter(theirs));
    const html = (w: typeof globalThis) => Object.getOwnPropertyDescriptor(w.Element.prototype, "innerHTML")!.set!;
    same("innerHTML", html(window), html(theirs));
    if (Request.prototype.constructor !== Request || WebSocket.OPEN !== 1 || !(new Audio() instanceof Audio)) odd.push("prototypes");
    const thrown = (f: () => unknown) => { try { f(); return ""; } catch (e) { return String(e); } };
    for (const wrong of [() => Reflect.apply(setter(window)!, {}, ["x"]), () => Reflect.apply(WebSocket, undefined, ["ws://x"]), () => new WebSocket("nonsense:")]) {
      if (!/TypeError|SyntaxError/.test(thrown(wrong))) odd.push(thrown(wrong));
    }
    return odd;
  });
  expect(odd).toEqual([]);
});

it("touches nothing without a table", async () => {
  await open("/page", plain.origin);
  const sources = await page.evaluate(() => {
    const setter = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src")!.set;
    return [fetch, Request, WebSocket, open, XMLHttpRequest.prototype.open, Element.prototype.setAttribute, Element.prototype.insertAdjacentHTML, setter].map(String);
  });
  // A proxy's source has no name.
  expect(sources.map((s) => /^function ([\w ]+)\(\) \{ \[native code\] \}$/.exec(s)?.[1])).toEqual(["fetch", "Request", "WebSocket", "open", "open", "setAttribute", "insertAdjacentHTML", "set src"]);
  await run(`new Image().src = "CDN/80.png"; void 0`);
  await expect.poll(() => cdn.asked).toEqual(["GET /80.png"]);
});

describe("under a policy that requires trusted types", () => {
  const headers = { "content-security-policy": "require-trusted-types-for 'script'; trusted-types 'none'" };
  const html = `<title>Strict</title><body><template id=t><p><img src="CDN/90.png"><iframe src="CDN/91.html"></iframe><p style="background: url(CDN/92.png)">x</template><div id=at></div><input id=i aria-label=Field>`;
  const watched = `window.violations = []; addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective + " " + e.sample))`;

  it("URLs are mapped", async () => {
    pages["/strict"] = { headers, html: html.replaceAll("CDN", cdn.origin) };
    await open("/strict");
    await run(watched + `; new Image().src = "CDN/93.png"; fetch("LEGACY/94.json"); at.append(t.content.cloneNode(true)); void 0`);
    for (const request of ["90.png", "91.html", "92.png", "93.png"]) await expect.poll(() => own.asked).toContain(`GET ${from()}/${request}`);
    expect(await run("violations")).toEqual([]);
    expect(trouble).toEqual([]);
  });

  it("markup is the page's own trusted one", async () => {
    pages["/policy"] = { headers: { "content-security-policy": headers["content-security-policy"].replace("'none'", "mine") }, html };
    await open("/policy");
    await run(`window.seen = []; window.mine = trustedTypes.createPolicy("mine", { createHTML: (s) => (seen.push(s), s) }); ${watched};
      at.innerHTML = mine.createHTML('<b><img src="CDN/95.png"></b>'); at.firstChild.outerHTML = mine.createHTML('<i><img src="CDN/96.png"></i>');
      at.insertAdjacentHTML("beforeend", mine.createHTML('<img src="CDN/97.png">')); void 0`);
    for (const request of ["95.png", "96.png", "97.png"]) await comes(`GET ${from()}/${request}`);
    expect(await run("[seen.length, violations.length]")).toEqual([3, 0]);
    expect(await run(`try { at.innerHTML = "<u>x</u>"; "set" } catch (e) { e.name + " " + at.querySelectorAll("u").length }`)).toBe("TypeError 0");
  });

  it("a session runs", async () => {
    const site = await Host.start("127.0.0.1", (_, res) => res.writeHead(200, { ...headers, "content-type": "text/html" }).end("<!DOCTYPE html>" + html));
    const real = await startGateway(["serve", "--upstream", site.origin]);
    await pillion(["account", "add", "Ann", "--role", "agent", "--data", real.data], "pass-word\n");
    const agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), real, "Ann", "pass-word");
    await open("/", real.site);
    await run(watched);
    await share(page, agent);
    const box = (await agent.frameLocator("[data-testid=mirror]").locator("#i").boundingBox())!;
    await agent.mouse.click(box.x + 20, box.y + box.height / 2);
    await agent.getByTestId("editor").fill("from the agent");
    await agent.getByTestId("editor").press("Enter");
    await expect.poll(() => page.locator("#i").inputValue()).toBe("from the agent");
    await page.locator("pillion-assist [data-action=end]").click();
    expect(await run("violations")).toEqual([]);
    expect(trouble).toEqual([]);
    await real.program.end();
    await site.end();
  });
});
