import { afterAll, beforeAll, expect, it } from "vitest";
import { HardStage } from "./hard-stage.ts";
import { sameLooks, samePicture } from "./same.ts";
import { freePort } from "./stage.ts";
import { createServer, type Server } from "node:http";

// What old sites are made of: framesets, document.write, bases that move, no
// doctype, style sheets chosen late, plug-ins, frames of other sites.

const LIMITED = '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">';
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

let other: Server;
let stage: HardStage;

beforeAll(async () => {
  const port = await freePort();
  other = createServer((_, res) => res.setHeader("content-type", "text/html").end("<p>another site")).listen(port, "127.0.0.1");
  stage = await HardStage.open({
    "/": `<!DOCTYPE html><html lang=en><title>Start</title><body><h1>Start</h1><p id=p>text</p><div id=area></div>`,
    "/set": `<html><head><title>Set</title></head><frameset cols="200,*"><frame name=menu src=/menu><frameset rows="100,*"><frame name=top src=/top><frame name=main src=/main></frameset></frameset></html>`,
    "/menu": `<body bgcolor=#ddeeff><a href=/main2 target=main>Second</a>`,
    "/top": `${LIMITED}<body><h1>Top</h1>`,
    "/main": `<!DOCTYPE html><title>m</title><body><form><input name=n id=n></form><div style="height:2000px">tall</div>`,
    "/main2": `<title>m2</title><table width=100%><tr><td>quirks <input id=q></table>`,
    "/quirks": `<title>q</title><style>table{color:red} p{font-size:20px}</style><p>before<table id=t border=1><tr><td>cell<td><img src=/dot.png height=9 width=9></table>`,
    "/limited": `${LIMITED}<title>l</title><table id=t cellpadding=0 cellspacing=0><tr><td><img src=/dot.png height=19 width=9></table><p>after`,
    "/dot.png": { type: "image/png", body: PIXEL }, "/deep/dot.png": { type: "image/png", body: PIXEL },
    "/sheets": `<!DOCTYPE html><title>s</title><link rel=stylesheet href=/main.css><link rel="alternate stylesheet" title=dark href=/dark.css id=dark><link rel=stylesheet title=plain href=/plain.css id=plain>
      <style id=own media=print>#a{font-size:40px}</style><body><p id=a>first</p><p id=b class=late>second</p><p id=c>third</p>`,
    "/main.css": { type: "text/css", body: "@media screen { #a { color: rgb(1,1,1) } .late { color: rgb(2,2,2) } }\n#c { color: rgb(3,3,3); background: url(img/bg.png) }" },
    "/img/bg.png": { type: "image/png", body: PIXEL },
    "/dark.css": { type: "text/css", body: "body { background: rgb(10,10,10) }" },
    "/plain.css": { type: "text/css", body: "body { background: rgb(250,250,240) }" },
    "/late.css": { type: "text/css", body: "#b { text-decoration: underline }" },
    "/around": `<!DOCTYPE html><title>a</title><iframe id=f src=/framed></iframe><div id=host></div>
      <script>document.getElementById("host").attachShadow({mode:"open"}).innerHTML = "<link rel=stylesheet href=/shadow.css><p id=s>in the shadow"</script>`,
    "/framed": `<!DOCTYPE html><title>f</title><link rel=stylesheet href=/framed.css><p id=p>framed`,
    "/framed.css": { type: "text/css", body: "p { color: rgb(4, 4, 4) }" }, "/shadow.css": { type: "text/css", body: "p { color: rgb(5, 5, 5) }" },
    "/cross": `<!DOCTYPE html><title>c</title><body><p>before <iframe id=far width=300 height=100 src="http://localhost:${port}/x"></iframe> after</p>
      <iframe id=boxed sandbox srcdoc="<p>boxed"></iframe><iframe id=blank></iframe><iframe id=doc srcdoc="<p id=in>in srcdoc<input value=v>"></iframe>
      <object id=plug type="application/x-old" width=220 height=90 data=/none.swf></object><embed id=em type="application/x-older" width=100 height=50><p id=end>end`,
  });
  await stage.visit("/");
});

afterAll(async () => {
  await stage?.end();
  other?.close();
});

it("shows framesets, nested, and what is in their frames", async () => {
  await stage.visit("/set");
  await sameLooks(stage.user, stage.agent);
  const frames = stage.user.frames();
  await frames.find((f) => f.name() === "main")!.locator("#n").fill("typed");
  await stage.seen.remember("typed in a frame");
  await frames.find((f) => f.name() === "main")!.evaluate(() => scrollTo(0, 700));
  await stage.seen.remember("a frame scrolled");
  await frames.find((f) => f.name() === "menu")!.locator("a").click();
  await stage.user.frameLocator("[name=main]").locator("#q").waitFor();
  await stage.seen.remember("a frame navigated");
  await stage.user.frameLocator("[name=main]").locator("#q").fill("there");
  await stage.seen.remember("typed there");
  await stage.step("a column made wider", () => document.querySelector("frameset")!.setAttribute("cols", "320,*"));
  await samePicture(stage.user, stage.agent);
});

it("has the mode of each document", async () => {
  await stage.visit("/quirks");
  await samePicture(stage.user, stage.agent);
  await stage.visit("/limited");
  await samePicture(stage.user, stage.agent);
  await stage.step("rewritten without a doctype", () => {
    document.open();
    document.write("<title>now quirks</title><style>p{font-size:30px}table{color:green}</style><p>x<table id=t><tr><td>inherits nothing</table>");
    document.close();
  });
  expect(await stage.mirror.locator("html").evaluate((el) => el.ownerDocument.compatMode)).toBe("BackCompat");
  await sameLooks(stage.user, stage.agent);
  await stage.step("and with one again", () => {
    document.open();
    document.write("<!DOCTYPE html><title>standards</title><style>p{font-size:30px}table{color:green}</style><p>x<table id=t><tr><td>inherits</table>");
    document.close();
  });
  await sameLooks(stage.user, stage.agent);
});

it("follows document.write in all its parts, and a root that is replaced", async () => {
  await stage.visit("/");
  await stage.step("written in parts", async () => {
    document.open();
    document.write("<!DOCTYPE html><title>parts</title><ul id=u>");
    for (let i = 0; i < 5; i++) {
      document.write(`<li>${i}`);
      await new Promise((done) => setTimeout(done, 60));
    }
    document.write("</ul><iframe id=f></iframe>");
    document.close();
    const d = (document.getElementById("f") as HTMLIFrameElement).contentDocument!;
    d.write("<p>in a frame<input id=i value=1>");
    d.close();
  });
  await stage.step("a frame written as a whole", () => {
    const d = (document.getElementById("f") as HTMLIFrameElement).contentDocument!;
    d.open();
    d.write("<!DOCTYPE html><body style='background:tan'>anew");
    d.close();
  });
  await stage.step("another root", () => {
    const root = document.createElement("html");
    root.innerHTML = "<head><title>r</title></head><body><h1>Another root</h1></body>";
    document.documentElement.replaceWith(root);
  });
  await stage.step("and back", () => {
    const root = document.documentElement;
    root.remove();
    document.append(document.implementation.createHTMLDocument("x").documentElement);
    document.body.append("a third one");
  });
  await sameLooks(stage.user, stage.agent);
});

it("follows a base that comes late", async () => {
  await stage.visit("/");
  await stage.step("a base and a picture below it", () => {
    document.head.append(Object.assign(document.createElement("base"), { href: "/deep/" }));
    document.getElementById("area")!.innerHTML = `<img id=pic src="dot.png" width=30 height=30>`;
  });
  await expect.poll(() => stage.mirror.locator("#pic").evaluate((el) => (el as HTMLImageElement).naturalWidth)).toBe(1);
  expect(await stage.mirror.locator("#pic").getAttribute("src")).toContain("/deep/dot.png");
  await samePicture(stage.user, stage.agent);
});

it("follows style sheets that come, go and change", async () => {
  await stage.user.goto(stage.gateway.site + "/sheets");
  await stage.user.evaluate(() => {
    // Before the session's state: in a linked sheet, by a rule within another.
    const rules = (document.styleSheets[0]!.cssRules[0] as CSSMediaRule).cssRules;
    (rules[0] as CSSStyleRule).style.color = "rgb(91, 92, 93)";
  });
  await stage.user.reload();
  await stage.user.evaluate(() => ((document.styleSheets[0]!.cssRules[0] as CSSMediaRule).cssRules[0] as CSSStyleRule).style.setProperty("color", "rgb(91, 92, 93)"));
  await stage.seen.remember("sheets");
  const looks = async (name: string, act: () => unknown) => {
    await stage.step(name, act);
    await sameLooks(stage.user, stage.agent);
  };
  await looks("before", () => {});
  expect(await stage.style("#a", "color")).toBe("rgb(91, 92, 93)");
  const dark = () => stage.user.waitForFunction(() => getComputedStyle(document.body).backgroundColor === "rgb(10, 10, 10)");
  await looks("the other one of two", () => {
    for (const link of document.querySelectorAll<HTMLLinkElement>("link[title]")) {
      link.disabled = true;
      if (link.title === "dark") link.disabled = false;
    }
  });
  await dark();
  await expect.poll(() => stage.style("body", "background-color")).toBe("rgb(10, 10, 10)");
  await looks("and back", () => {
    for (const link of document.querySelectorAll<HTMLLinkElement>("link[title]")) link.disabled = link.title === "dark";
  });
  await looks("a link that comes late", () => document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/late.css", id: "late" })));
  await stage.user.waitForFunction(() => getComputedStyle(document.getElementById("b")!).textDecorationLine === "underline");
  await looks("arrived", () => {});
  await looks("disabled by its property", () => ((document.getElementById("late") as HTMLLinkElement).disabled = true));
  await looks("enabled again", () => ((document.getElementById("late") as HTMLLinkElement).disabled = false));
  await looks("for another medium", () => ((document.getElementById("own") as HTMLStyleElement).media = "screen"));
  await looks("for another medium, by the sheet alone", () => ((document.getElementById("own") as HTMLStyleElement).sheet!.media.mediaText = "print"));
  await looks("a rule within a rule", () => (document.styleSheets[0]!.cssRules[0] as CSSMediaRule).insertRule("#c { letter-spacing: 3px }", 0));
  await looks("another selector", () => ((document.styleSheets[0]!.cssRules[1] as CSSStyleRule).selectorText = "#b"));
  await looks("text of its own again", () => (document.getElementById("own")!.textContent = "#a { color: rgb(7, 7, 7) !important }"));
  await looks("used again", () => ((document.getElementById("own") as HTMLStyleElement).media = ""));
  expect(await stage.mirror.locator("#b").evaluate((el) => getComputedStyle(el).backgroundImage)).toContain("/img/bg.png");
});

it("asks again for a style sheet that was not there at first, in frames and shadow roots too", async () => {
  for (const name of ["framed", "shadow"]) await stage.agent.route(`**/${name}.css`, (r) => r.fulfill({ status: 404, contentType: "text/plain", body: "" }), { times: 1 });
  await stage.visit("/around");
  await expect.poll(() => stage.mirror.frameLocator("#f").locator("#p").evaluate((el) => getComputedStyle(el).color)).toBe("rgb(4, 4, 4)");
  await expect.poll(() => stage.style("#s", "color")).toBe("rgb(5, 5, 5)");
});

it("shows what stands for frames of other sites and for plug-ins", async () => {
  await stage.visit("/cross");
  await expect.poll(() => stage.mirror.frameLocator("#far").locator("body").textContent()).toContain("localhost");
  await expect.poll(() => stage.mirror.locator("pillion-gone[tag=object]").evaluate((el) => [(el as HTMLElement).offsetWidth, (el as HTMLElement).offsetHeight].join())).toBe("220,90");
  const top = (selector: string) => stage.user.locator(selector).evaluate((el) => Math.round(el.getBoundingClientRect().top));
  expect(await stage.mirror.locator("#end").evaluate((el) => Math.round(el.getBoundingClientRect().top))).toBe(await top("#end"));
  await stage.user.evaluate(() => ((document.getElementById("far") as HTMLIFrameElement).src = "/main2"));
  await stage.user.frameLocator("#far").locator("#q").waitFor();
  await stage.seen.remember("read");
  await expect.poll(() => stage.mirror.frameLocator("#far").locator("#q").count()).toBe(1);
  await stage.step("a blank frame filled", () => ((document.getElementById("blank") as HTMLIFrameElement).contentDocument!.body.innerHTML = "<b>filled</b>"));
  await sameLooks(stage.user, stage.agent);
});

it("replays all of it", async () => {
  expect(await stage.replayed()).toEqual([]);
});
