import { afterAll, beforeAll, expect, it } from "vitest";
import { HardStage } from "./hard-stage.ts";
import { looksIn, looksOf, sameLooks, samePicture } from "./same.ts";

// What a page looks like and its markup does not say: what is under the pointer,
// on top, playing, drawn, assigned, in a state of its own.

/** A second of silence for each second asked for. */
function wav(seconds: number): Buffer {
  const samples = 8000 * seconds;
  const b = Buffer.alloc(44 + samples, 128);
  b.write("RIFF", 0);
  b.writeUInt32LE(36 + samples, 4);
  b.write("WAVEfmt ", 8);
  for (const [at, v, size] of [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, 8000, 4], [28, 8000, 4], [32, 1, 2], [34, 8, 2]] as const) b.writeUIntLE(v, at, size);
  b.write("data", 36);
  b.writeUInt32LE(samples, 40);
  return b;
}

const POINTED = `<!DOCTYPE html><html lang=en><head><title>Pointed</title><link rel=stylesheet href=/hover.css><style>
button { outline: 0; padding: 9px } @media screen { @layer x { button:active { background: rgb(200,0,0) } } }
.menu ul { display: none; margin: 0 } .menu:hover > ul { display: block } a:not(:hover) { color: rgb(1,2,3) }
li { &:hover { font-weight: 700 } } label:hover + p, form:focus-within { background: rgb(255,255,200) }
input:focus { border: 3px solid rgb(0,90,0); outline: 0 } input:focus-visible { box-shadow: 0 0 4px red } [title=":hover"] { color: rgb(9,9,9) }
:target { background: rgb(220,255,220) } input:user-invalid { background: rgb(255,220,220) } input:invalid { font-style: italic }</style></head><body>
<div class=menu><b>Menu</b><ul><li><a href="#one" id=one>One</a><li id=two>Two</ul></div><button id=b>Press</button><p title=":hover">as it is</p>
<form><label id=l>Label <input id=in required></label><p>after the label</p><input id=mail type=email></form><x-card id=host></x-card><p id=deep>deep</p>
<script>document.getElementById("host").attachShadow({mode:"open"}).innerHTML = "<style>:host(:hover) { color: rgb(0,0,200) } b:hover { letter-spacing: 4px }</style><b id=inner>in the shadow</b>"</script>`;

const LAYERS = `<!DOCTYPE html><title>Layers</title><style>dialog::backdrop { background: rgba(0,0,100,.3) } :popover-open { background: tan; inset: auto; left: 40px; top: 40px }
#box:fullscreen { background: rgb(0,60,0) } #box { width: 100px; height: 50px } .closed { display: none } [inert] { opacity: .4 }</style>
<dialog id=a>First <button id=ab>x</button></dialog><dialog id=b>Second <input id=bi></dialog><dialog id=c>Third</dialog><div id=p popover>A popover</div><div id=q popover=manual>Another</div>
<details id=d name=g><summary>One</summary>inside</details><details id=e name=g open><summary>Two</summary>inside</details>
<div id=box><button id=go>Full</button></div><div id=in><button>inert</button></div><div hidden="until-found" id=hf>found later</div>`;

const PARTS = `<!DOCTYPE html><title>Parts</title><style>x-on:not(:defined) { display: none } x-on:state(ready) { color: rgb(0,150,0) } x-on { display: block }
x-off:defined { color: red } @keyframes spin { to { transform: rotate(360deg) } } #s { width: 40px; height: 40px; background: tan; animation: spin 8s linear infinite }</style>
<x-on id=on>on</x-on><x-off>off</x-off><div id=slots><i id=i1>1</i><i id=i2>2</i><i id=i3>3</i></div><div id=s></div><div id=m>moved</div>
<audio id=au controls src=/a.wav></audio><video id=vi src=/a.wav width=200 height=80></video><canvas id=cv width=60 height=40></canvas><canvas id=gl width=60 height=40></canvas>
<template id=tp><p>not here</p></template><div><template shadowrootmode=open><style>p{color:rgb(80,0,80)}</style><p>declared</p><slot></slot></template>slotted</div>
<script>
customElements.define("x-on", class extends HTMLElement { constructor() { super(); this.own = this.attachInternals(); this.own.states.add("ready"); } });
const root = document.getElementById("slots").attachShadow({ mode: "open", slotAssignment: "manual" });
root.innerHTML = "<b><slot id=s1></slot></b><u><slot id=s2></slot></u>";
root.getElementById("s1").assign(document.getElementById("i2"));
</script>`;

const SHAPES = `<!DOCTYPE html><html lang=ar dir=rtl><title>Shapes</title><style>
@layer low, high; @layer high { #lay { color: rgb(0,0,120) } } @layer low { #lay { color: red } }
@property --w { syntax: "<length>"; inherits: false; initial-value: 33px } #prop { width: var(--w); background: tan }
@scope (.card) to (.hole) { p { color: rgb(100,0,0) } } #cq { container-type: inline-size; width: 300px } @container (min-width: 200px) { #cq p { color: rgb(0,100,0) } }
.nest { color: rgb(5,5,5); & b { color: rgb(6,6,6); &::after { content: "!" } } } #rtl { width: 200px; overflow: auto; white-space: nowrap } #size { resize: both; overflow: auto; width: 90px; height: 40px }</style>
<svg id=svg viewBox="0 0 40 20" width=120 height=60 xml:lang=en><defs><circle id=dot cx=5 cy=5 r=4 fill=teal /><linearGradient id=lg><stop offset=0 stop-color=red /><stop offset=1 stop-color=blue /></linearGradient></defs>
<use href="#dot" x=10 /><use xlink:href="#dot" y=8 /><rect x=20 width=10 height=10 fill="url(#lg)" /><foreignObject x=30 width=10 height=20><p style="font-size:5px;margin:0">html</p></foreignObject><textPath></textPath></svg>
<math><mfrac><mi>a</mi><msqrt><mn>2</mn></msqrt></mfrac></math>
<p id=lay>layer</p><div id=prop>prop</div><div class=card><p>in scope</p><div class=hole><p>not</p></div></div><div id=cq><p>contained</p></div><div class=nest>n <b>b</b></div>
<div id=rtl>${"a long line of text ".repeat(30)}</div><select id=multi multiple size=3>${Array.from({ length: 30 }, (_, i) => `<option>${i}`).join("")}</select><textarea id=ta>${"line\n".repeat(50)}</textarea><div id=size>size</div>
<input id=date type=date value=2024-02-29><input id=time type=time value=10:30><input id=col type=color value="#336699"><input id=ran type=range value=30><input id=num type=number value=5><input id=file type=file><progress value=.4></progress><meter value=.6></meter>
<input id=bad><select id=one><option>x<option>y</select><p contenteditable id=ce>editable text</p>
<picture><source srcset="/wide.svg 2x, /one.svg 1x" media="(min-width: 10px)"><img id=pic src=/none.svg></picture><img id=set srcset="/one.svg 1x, /wide.svg 3x"><div style="height:3000px"></div><img id=lazy loading=lazy src=/lazy.svg width=50 height=50>`;

const picture = (colour: string, size: number) => ({ type: "image/svg+xml", body: `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"><rect width="100%" height="100%" fill="${colour}"/></svg>` });

let stage: HardStage;

beforeAll(async () => {
  stage = await HardStage.open({
    "/": "<!DOCTYPE html><title>Start</title><p>start", "/pointed": POINTED, "/layers": LAYERS, "/parts": PARTS, "/shapes": SHAPES, "/a.wav": { type: "audio/wav", body: wav(20) },
    "/hover.css": { type: "text/css", body: "#b:hover { border: 4px dotted rgb(0,0,255) }" },
    "/one.svg": picture("teal", 20), "/wide.svg": picture("navy", 40), "/lazy.svg": picture("olive", 50), "/none.svg": picture("red", 10),
  });
  await stage.visit("/");
});

afterAll(() => stage?.end());

const same = () => sameLooks(stage.user, stage.agent);

it("shows what the user's pointer and focus change", async () => {
  await stage.visit("/pointed");
  await samePicture(stage.user, stage.agent);
  for (const selector of [".menu b", "#two", "#one", "#b", "#l", "#inner", "#deep"]) {
    await stage.user.hover(selector);
    await stage.seen.remember("over " + selector);
    await same();
  }
  await stage.user.hover("#b");
  await stage.user.mouse.down();
  await same();
  expect(await stage.style("#b", "background-color")).toBe("rgb(200, 0, 0)");
  await stage.user.mouse.up();
  await same();
  await stage.user.mouse.move(800, 600);
  await stage.user.locator("#in").focus();
  await same();
  expect(await stage.style("#in", "box-shadow")).toContain("rgb(255, 0, 0)");
  await stage.user.keyboard.type("x");
  await stage.user.keyboard.press("Backspace");
  await stage.user.keyboard.press("Tab");
  await stage.seen.remember("left empty");
  await same();
  expect(await stage.style("#in", "background-color")).toBe("rgb(255, 220, 220)");
  await stage.step("its own validity", () => (document.getElementById("mail") as HTMLInputElement).setCustomValidity("no"));
  await same();
  await stage.step("a target", () => (location.hash = "#deep"));
  await same();
  expect(await stage.style("#deep", "background-color")).toBe("rgb(220, 255, 220)");
  await stage.user.evaluate(() => (document.activeElement as HTMLElement).blur());
  await samePicture(stage.user, stage.agent);
});

it("shows dialogs, popovers and full screen in their order", async () => {
  await stage.visit("/layers");
  await stage.step("two modal ones, the later one first", () => {
    (document.getElementById("b") as HTMLDialogElement).showModal();
    (document.getElementById("a") as HTMLDialogElement).showModal();
  });
  const onTop = () => stage.mirror.locator("html").evaluate((el) => el.ownerDocument.elementFromPoint(450, 320)?.closest("dialog")?.id);
  expect(await stage.user.evaluate(() => document.elementFromPoint(450, 320)?.closest("dialog")?.id)).toBe("a");
  await expect.poll(onTop).toBe("a");
  await samePicture(stage.user, stage.agent, "mirror", 0.002);
  await stage.step("a popover above them", () => document.getElementById("q")!.showPopover());
  await stage.step("one closed", () => (document.getElementById("a") as HTMLDialogElement).close());
  await stage.step("the other", () => (document.getElementById("b") as HTMLDialogElement).close("done"));
  await stage.step("not modal", () => (document.getElementById("c") as HTMLDialogElement).show());
  await stage.step("an automatic popover, which another closes", () => {
    document.getElementById("q")!.hidePopover();
    document.getElementById("p")!.showPopover();
  });
  await same();
  await stage.step("details", () => ((document.getElementById("d") as HTMLDetailsElement).open = true));
  await same();
  await stage.step("inert", () => document.getElementById("in")!.toggleAttribute("inert", true));
  await stage.step("found", () => document.getElementById("hf")!.removeAttribute("hidden"));
  await stage.user.evaluate(() => {
    document.getElementById("p")!.hidePopover();
    (document.getElementById("c") as HTMLDialogElement).close();
    document.getElementById("go")!.onclick = () => document.getElementById("box")!.requestFullscreen();
  });
  await stage.user.locator("#go").click();
  await expect.poll(() => stage.style("#box", "background-color")).toBe("rgb(0, 60, 0)");
  expect(await stage.mirror.locator("#box").evaluate((el) => el.getBoundingClientRect().width)).toBe(900);
  await stage.user.evaluate(() => document.exitFullscreen());
  await stage.user.mouse.move(800, 600);
  await same();
});

it("keeps the order of open dialogs for who comes late", async () => {
  await stage.step("opened in another order than they stand", () => {
    for (const id of ["b", "a"]) (document.getElementById(id) as HTMLDialogElement).showModal();
  });
  await stage.agent.reload();
  await stage.agent.getByTestId("state").filter({ hasText: "live" }).waitFor();
  await stage.seen.remember("joined again");
  await expect.poll(() => stage.mirror.locator("html").evaluate((el) => el.ownerDocument.elementFromPoint(450, 320)?.closest("dialog")?.id)).toBe("a");
});

it("shows custom elements, slots, animations, players and canvases", async () => {
  await stage.visit("/parts");
  await expect.poll(() => stage.style("#on", "color")).toBe("rgb(0, 150, 0)");
  await expect.poll(() => stage.mirror.locator("#slots #s1").evaluate((el) => (el as HTMLSlotElement).assignedNodes().map((n) => (n as Element).id).join())).toBe("i2");
  await stage.step("other nodes in the slots", () => {
    const root = document.getElementById("slots")!.shadowRoot!;
    (root.getElementById("s1") as HTMLSlotElement).assign(document.getElementById("i3")!, document.getElementById("i1")!);
    (root.getElementById("s2") as HTMLSlotElement).assign(document.getElementById("i2")!);
    (document.getElementById("on") as HTMLElement & { own: ElementInternals }).own.states.delete("ready");
  });
  await expect.poll(() => stage.mirror.locator("#slots #s1").evaluate((el) => (el as HTMLSlotElement).assignedNodes().map((n) => (n as Element).id).join())).toBe("i3,i1");
  await expect.poll(() => stage.style("#on", "color")).not.toBe("rgb(0, 150, 0)");
  await stage.step("defined late", () => customElements.define("x-off", class extends HTMLElement {}));
  await expect.poll(() => stage.style("x-off", "color")).toBe("rgb(255, 0, 0)");
  // The phase of an endless animation, within a twentieth of a turn.
  const phase = (of: { evaluate: (f: (el: Element) => number) => Promise<number> }) => of.evaluate((el) => Number(el.getAnimations()[0]?.currentTime ?? -1) % 8000);
  const apart = async () => Math.abs((await phase(stage.user.locator("#s"))) - (await phase(stage.mirror.locator("#s"))));
  await expect.poll(apart).toBeLessThan(400);
  await stage.step("stopped on its way", () => {
    const a = document.getElementById("s")!.getAnimations()[0]!;
    a.pause();
    a.currentTime = 2000;
  });
  await expect.poll(() => stage.style("#s", "transform")).toBe("matrix(0, 1, -1, 0, 0, 0)");
  await stage.step("made by script, and held at its end", () => {
    document.getElementById("m")!.animate([{ opacity: 1, marginLeft: "0px" }, { opacity: 0.25, marginLeft: "80px" }], { duration: 300, fill: "forwards", easing: "ease-in" });
  });
  await expect.poll(() => stage.style("#m", "margin-left")).toBe("80px");
  await same();
  await stage.step("taken back", () => document.getElementById("m")!.getAnimations()[0]!.cancel());
  await expect.poll(() => stage.style("#m", "margin-left")).toBe("0px");
  await stage.step("players", () => {
    for (const id of ["au", "vi"]) {
      const m = document.getElementById(id) as HTMLMediaElement;
      m.currentTime = id === "au" ? 7.5 : 3;
      m.volume = 0.4;
      m.playbackRate = 1.5;
    }
  });
  await expect.poll(() => stage.mirror.locator("#au").evaluate((el) => (el as HTMLMediaElement).currentTime)).toBe(7.5);
  await stage.user.evaluate(() => ((document.getElementById("vi") as HTMLMediaElement).muted = true));
  await stage.user.evaluate(() => (document.getElementById("vi") as HTMLMediaElement).play());
  await expect.poll(() => stage.mirror.locator("#vi").evaluate((el) => [(el as HTMLMediaElement).paused, (el as HTMLMediaElement).muted].join())).toBe("false,true");
  await stage.step("stopped", () => (document.getElementById("vi") as HTMLMediaElement).pause());
  const pixel = (id: string) => stage.mirror.locator(id).evaluate((el) => [...(el as HTMLCanvasElement).getContext("2d")!.getImageData(5, 5, 1, 1).data].join());
  await stage.user.evaluate(() => {
    const pen = (document.getElementById("cv") as HTMLCanvasElement).getContext("2d")!;
    pen.fillStyle = "rgb(200, 10, 10)";
    pen.fillRect(0, 0, 60, 40);
    const gl = (document.getElementById("gl") as HTMLCanvasElement).getContext("webgl");
    gl?.clearColor(0, 1, 0, 1);
    gl?.clear(gl.COLOR_BUFFER_BIT);
  });
  await expect.poll(() => pixel("#cv")).toBe("200,10,10,255");
  await expect.poll(() => pixel("#gl")).toBe("0,255,0,255");
  await stage.seen.remember("drawn");
});

it("shows shapes, layers of style, scrolled and resized things, and every control", async () => {
  await stage.visit("/shapes");
  await same();
  await samePicture(stage.user, stage.agent, "mirror", 0.002);
  await stage.step("scrolled and resized", () => {
    document.getElementById("rtl")!.scrollLeft = -150;
    document.getElementById("multi")!.scrollTop = 90;
    (document.getElementById("multi") as HTMLSelectElement).options[12]!.selected = true;
    document.getElementById("ta")!.scrollTop = 200;
    Object.assign(document.getElementById("ta")!.style, { width: "260px", height: "90px" });
    Object.assign(document.getElementById("size")!.style, { width: "200px" });
  });
  await same();
  await stage.step("values of all kinds", () => {
    const values: Record<string, string> = { date: "2025-12-24", time: "23:59", col: "#ff8800", ran: "77", num: "42", bad: "no" };
    for (const id in values) (document.getElementById(id) as HTMLInputElement).value = values[id]!;
    (document.getElementById("bad") as HTMLInputElement).setCustomValidity("wrong");
    (document.getElementById("one") as HTMLSelectElement).selectedIndex = -1;
    const words = document.getElementById("ce")!.firstChild!;
    getSelection()!.setBaseAndExtent(words, 2, words, 9);
  });
  await same();
  expect(await stage.mirror.locator("#ce").evaluate((el) => el.ownerDocument.getSelection()!.toString())).toBe("itable ");
  await expect.poll(() => stage.mirror.locator("#pic").evaluate((el) => [(el as HTMLImageElement).naturalWidth, (el as HTMLImageElement).currentSrc.split("/").pop()].join())).toBe("20,one.svg");
  await stage.user.evaluate(() => document.getElementById("lazy")!.scrollIntoView({ behavior: "instant" }));
  await stage.seen.remember("scrolled to the end");
  await expect.poll(() => stage.mirror.locator("#lazy").evaluate((el) => (el as HTMLImageElement).naturalWidth), { timeout: 8000 }).toBe(50);
  const [a, b] = [await looksOf(stage.user), await looksIn(stage.agent, "mirror")];
  expect(b).toEqual(a);
});

it("replays all of it", async () => {
  expect(await stage.replayed()).toEqual([]);
});
