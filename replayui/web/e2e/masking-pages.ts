// Pages full of secrets, each planted in another way, and what happens in them.
import type { Page } from "playwright-core";

/** How a page says what of it is private. */
export type Way = "marks" | "rules" | "all" | "none";

/** Distinct secrets, by the channel that they are planted in. */
export class Secrets {
  readonly all: { channel: string; text: string }[] = [];

  constructor(private readonly way: Way) {}

  /** A new secret. Letters alone: it is no card number, and stays as it is in a URL. */
  plant(channel: string): string {
    const text = `zq${this.way}${String.fromCharCode(...[...String(this.all.length + 1000)].map((d) => 97 + Number(d)))}x${Math.random().toString(36).replace(/[^a-z]/g, "").slice(0, 6)}`;
    this.all.push({ channel: `${this.way}: ${channel}`, text });
    return text;
  }
}

/** Channels of which nothing leaves the browser, whatever the settings. */
export const NEVER = /template|password|hidden input|one-time|card's|file|token|frame's address/;

/** Channels that leave the browser or not, as the format has it. */
export const MAYBE = /plug-in|animation/;

/** A picture whose address bears a text. */
const picture = (text: string) => `data:image/gif;x=${text};base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7`;

/** The markup of a page of secrets; what is typed and done comes later. */
export function markup(way: Way, secrets: Secrets): string {
  const p = (channel: string) => secrets.plant(channel);
  const mark = way === "marks" ? "data-pillion-mask" : "";
  return `<!DOCTYPE html><html lang=en><head><title ${mark}>${p("title")}</title><meta name=csrf-token content="${p("token in a meta element")}">
<style>.private{color:rgb(1,2,3)}</style></head><body>
<p id=open class=open data-pillion-show>shown to everybody</p>
<form id=plain action="/x?session=${p("token in an action")}"><a href="/x?token=${p("token in a link")}#id_token=${p("token in a link's fragment")}">away</a>
<input id=pw type=password value="${p("password in markup")}" title="${p("password's attribute")}"><input id=pw2 type=password><input id=before type=password><input id=otp autocomplete=one-time-code><input id=cc autocomplete=cc-number><input id=cvc name=cvc>
<input type=hidden value="${p("hidden input")}"><input id=file type=file><input id=named name=user_password value="${p("password by its name")}"></form>
<p id=late class=open>not private yet</p><p id=moved class=open>moves later</p>
<main class=private ${mark}>
<p id=text title="${p("title attribute")}" data-value="${p("data attribute")}" aria-label="${p("aria-label")}" aria-description="${p("aria-description")}">${p("text")}</p>
<p id=long>${p("start of a long text")} ${"more words ".repeat(20)}</p><p id=change>x</p><p id=comment><!--${p("comment")}--></p>
<a id=link href="/${p("path of a link")}?q=${p("query of a link")}#${p("fragment of a link")}" download="${p("download")}" hreflang=en>${p("text of a link")}</a>
<img alt="${p("alt")}" src="${picture(p("address of an image"))}" srcset="${picture(p("srcset"))} 2x"><video poster="${picture(p("poster"))}" title="${p("title of a video")}"></video>
<table summary="${p("summary")}" background="${picture(p("background"))}"><caption>${p("caption")}</caption><tr><th abbr="${p("abbr")}">${p("heading of a column")}<td>${p("cell")}</table>
<form id=f action="/${p("way of an action")}" name="${p("name of a form")}"><fieldset><legend>${p("legend")}</legend>
<input id=in value="${p("value in markup")}" placeholder="${p("placeholder")}" name="${p("name of a field")}" list=dl><datalist id=dl><option value="${p("datalist")}"></datalist>
<input id=typed><input id=pasted><input id=number type=number><textarea id=area placeholder="${p("placeholder of a text area")}">${p("text area in markup")}</textarea>
<label for=box>${p("label")}</label><input id=box type=checkbox value="${p("value of a check box")}"><input id=r1 type=radio name=r value="${p("value of a radio button")}"><input id=r2 type=radio name=r>
<select id=sel><optgroup label="${p("label of options")}"><option>${p("option")}<option value="${p("value of an option")}" label="${p("label of an option")}">b</optgroup></select>
<button id=b value="${p("value of a button")}" formaction="/${p("formaction")}">${p("button")}</button><input type=button value="${p("value of an input button")}"><output>${p("output")}</output></fieldset></form>
<div id=editable contenteditable>${p("editable")}</div><blockquote cite="/${p("cite")}">${p("quotation")}</blockquote><time datetime="${p("datetime")}">then</time><meter value=0.5 title="${p("title of a meter")}"></meter>
<i style="background:url('${picture(p("address in a style"))}');--x:'${p("custom property")}';content:'${p("content in a style")}'">i</i>
<svg width=20 height=20><title>${p("title of a drawing")}</title><desc>${p("description of a drawing")}</desc><text x=1 y=9>${p("text of a drawing")}</text><path d="M0 0L1 1" data-x="${p("data of a path")}"/><image href="${picture(p("image of a drawing"))}"/><use href="#${p("use of a drawing")}"/></svg>
<math><mtext>${p("formula")}</mtext><annotation>${p("annotation")}</annotation></math><details><summary>${p("summary of details")}</summary>${p("closed details")}</details>
<dialog id=dialog>${p("dialog")}</dialog><div id=pop popover>${p("popover")}</div><template><p>${p("template")}</p></template><x-own other="${p("attribute of one's own")}">${p("element of one's own")}</x-own>
<div id=host><b slot=s>${p("slotted")}</b></div><div id=shut></div><iframe id=frame name="${p("name of a frame")}" srcdoc="<title>t</title><p title='${p("attribute in a frame")}'>${p("frame")}</p><input id=fi>"></iframe><iframe id=far src="/frame?token=${p("token of a frame's address")}"></iframe>
<picture><source srcset="${picture(p("source of a picture"))}"><img></picture><object id=plug data="/x" title="${p("title of a plug-in")}" width=20 height=20></object>
<canvas id=canvas width=30 height=20></canvas><meta itemprop=x content="${p("content of a meta element")}"><span hidden>${p("hidden text")}</span><ruby>a<rt>${p("ruby")}</ruby><bdo dir=rtl>${p("bdo")}</bdo></main>
<div style="height:3000px">room to scroll as far, though masks are shorter</div>
<script>
document.getElementById("host").attachShadow({mode: "open"}).innerHTML = "<slot name=s></slot><p>${p("open shadow root")}</p>";
window.shut = document.getElementById("shut").attachShadow({mode: "closed"});
shut.innerHTML = "<p title='${p("attribute in a closed shadow root")}'>${p("closed shadow root")}</p><input id=si>";
const pen = document.getElementById("canvas").getContext("2d"); pen.fillStyle = "rgb(200,10,10)"; pen.fillRect(0, 0, 30, 20);
const was = document.getElementById("before"); was.value = "${p("password shown before")}"; was.type = "text";
</script></body></html>`;
}

/** What the page's script does, all in one task. */
export async function change(page: Page, way: Way, secrets: Secrets): Promise<void> {
  const p = (channel: string) => secrets.plant(channel);
  const plants = {
    title: p("title set by script"), text: p("text set by script"), part: p("part of a text"), added: p("added element"), html: p("markup set by script"), attribute: p("attribute set by script"),
    value: p("value set by script"), comment: p("comment set by script"), late: p("late class"), moved: p("moved node"), shadow: p("late shadow root"), inner: p("text in a closed shadow root"),
    frame: p("text in a frame"), rewritten: p("frame written anew"), query: p("token in the address"), hash: p("token in the fragment"), option: p("added option"), attr: p("value attribute set by script"),
    closed: p("value in a closed shadow root"), far: p("value in a frame"), svg: p("text of a drawing set by script"), password: p("password set by script"), style: p("style set by script"), link: p("link set by script"), animation: p("animation"),
  };
  await page.evaluate(async ({ way, s }) => {
    const at = (id: string) => document.getElementById(id)!;
    const main = document.querySelector("main")!;
    const late = at("late");
    if (way === "marks") late.setAttribute("data-pillion-mask", "");
    if (way === "rules") late.className = "private";
    if (way === "all") late.className = "";
    late.textContent = s.late;
    late.title = s.late;
    main.append(at("moved"));
    at("moved").className = "";
    at("moved").firstChild!.nodeValue = s.moved;
    document.title = s.title;
    (at("change").firstChild as Text).data = s.text;
    (at("long").firstChild as Text).insertData(40, s.part);
    main.append(Object.assign(document.createElement("b"), { textContent: s.added, title: s.added }));
    at("editable").innerHTML = `<i>${s.html}</i>`;
    at("text").setAttribute("data-more", s.attribute);
    (at("in") as HTMLInputElement).value = s.value;
    at("in").setAttribute("value", s.attr);
    (at("comment").firstChild as Comment).data = s.comment;
    const host = main.appendChild(document.createElement("div"));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    host.attachShadow({ mode: "closed" }).innerHTML = `<p>${s.shadow}</p>`;
    const shut = (window as unknown as { shut: ShadowRoot }).shut;
    shut.querySelector("p")!.textContent = s.inner;
    shut.querySelector("input")!.value = s.closed;
    const d = (at("frame") as HTMLIFrameElement).contentDocument!;
    d.querySelector("p")!.textContent = s.frame;
    d.querySelector("input")!.value = s.far;
    history.replaceState(null, "", `?page=2&access_token=${s.query}#id_token=${s.hash}`);
    (at("sel") as HTMLSelectElement).add(new Option(s.option, s.option, false, true));
    document.querySelector("svg text")!.textContent = s.svg;
    (at("pw") as HTMLInputElement).value = s.password;
    document.querySelector("i")!.setAttribute("style", `--y:'${s.style}'`);
    at("link").setAttribute("href", `/${s.link}`);
    at("text").animate([{ fontFamily: s.animation }, { fontFamily: s.animation }], 100_000);
    const far = (at("far") as HTMLIFrameElement).contentDocument!;
    far.open();
    far.write(`<!DOCTYPE html><p>${s.rewritten}</p>`);
    far.close();
  }, { way, s: plants });
}

/** What the user does: types, pastes, chooses, selects. */
export async function use(page: Page, secrets: Secrets): Promise<void> {
  const p = (channel: string) => secrets.plant(channel);
  const type = async (selector: string, channel: string) => {
    await page.locator(selector).click();
    await page.keyboard.type(p(channel));
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Backspace");
  };
  await type("#typed", "typed");
  await type("#area", "typed into a text area");
  await type("#editable", "typed into an editable");
  await page.frameLocator("#frame").locator("#fi").fill(p("typed into a frame"));
  await page.locator("#pasted").click();
  await page.evaluate((text) => navigator.clipboard.writeText(text), p("pasted"));
  await page.keyboard.press("Control+v");
  await type("#pw2", "password typed");
  await page.locator("#pw2").evaluate((el: HTMLInputElement) => (el.type = "text"));
  await type("#pw2", "password typed while shown");
  await type("#before", "password typed after it was shown");
  await type("#otp", "one-time code");
  await type("#cc", "card's number");
  await type("#cvc", "card's code");
  await page.locator("#file").setInputFiles({ name: p("file's name") + ".txt", mimeType: "text/plain", buffer: Buffer.from(p("file's content")) });
  await page.locator("#box").check();
  await page.locator("#r2").check();
  await page.locator("#sel").selectOption({ index: 1 });
  await page.locator("#text").selectText();
  await page.locator("#canvas").click({ position: { x: 3, y: 4 } });
  await page.locator("#dialog").evaluate((el: HTMLDialogElement) => el.show());
  await page.locator("#pop").evaluate((el) => (el as HTMLElement).showPopover());
}

/**
 * A page that is too large to be told at once, and changes all the while: what
 * becomes private gets the secret in the same task, and loses it before it is free again.
 */
export const restless = (secret: string) => `<!DOCTYPE html><title>restless</title><main data-pillion-mask><p>x</p></main><section id=all></section><script>
const all = document.getElementById("all"), main = document.querySelector("main");
for (let i = 0; i < 3000; i++) all.insertAdjacentHTML("beforeend", "<div><p title=t>word</p><p><b>word</b> <input value=v></p></div>");
let seed = 7;
const random = (n) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
const fill = (el, text) => {
  for (const b of [el, ...el.querySelectorAll("*")]) {
    b.title = text;
    for (const n of b.childNodes) if (n.nodeType === 3) n.data = text;
    if (b.localName === "input") b.value = text;
  }
};
const acts = [
  (el) => { el.className = "private"; fill(el, "${secret}"); },
  (el) => { main.append(el); fill(el, "${secret}"); },
  (el) => { const w = document.createElement("div"); w.dataset.pillionMask = ""; el.replaceWith(w); w.append(el); fill(el, "${secret}"); },
  (el) => { el.dataset.pillionMask = ""; el.innerHTML = "<i>${secret}</i>"; },
  (el) => { const i = el.querySelector("input"); if (i) { i.type = "password"; i.value = "${secret}"; i.setAttribute("value", "${secret}"); } },
  (el) => { const p = el.closest(".private") || el; fill(p, "word"); p.className = ""; if (!p.closest("[data-pillion-mask], .private")) return; all.append(p); },
];
const until = performance.now() + 6000;
const go = () => {
  for (let i = 0; i < 4; i++) {
    const list = document.querySelectorAll("div, p");
    acts[random(acts.length)](list[random(list.length)]);
  }
  if (performance.now() < until) setTimeout(go, 4);
  else document.title = "rested";
};
go();
</script>`;
