import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { freePort, pillion, Seen, share, signIn, startBrowser, startGateway, type Gateway } from "./stage.ts";

// What recorders are known to fall short of: each on a page of its own markup.

const PAGE = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Hard cases</title>
<style id="sheet">.a { color: rgb(1, 2, 3) } .late { color: rgb(9, 9, 9) }</style>
<script>Array.prototype.toJSON = function () { return "spoilt"; }; String.prototype.toJSON = function () { return "spoilt"; };</script></head>
<body>
<div id="open-host"></div><div id="closed-host"></div><x-card id="adopting"></x-card>
<form id="f" name="f"><input name="childNodes" value="clobber"><input id="cleared" value="default"><input id="ticked" type="checkbox"><input type="radio" name="r" value="1" checked><input type="radio" name="r" value="2" id="r2">
<select id="many" multiple><option>one<option selected>two<option>three</select><textarea id="area">text</textarea>
<input id="half" type="checkbox"><input type="hidden" name="token" value="hidden-secret"><input id="pw" type="password" value="default-secret"><input id="card" autocomplete="cc-number"></form>
<ul id="list"><li>1</li><li>2</li><li>3</li><li>4</li></ul>
<div id="box" style="height:80px;width:200px;overflow:auto"><div style="height:900px">tall</div></div>
<dialog id="dialog">A dialog</dialog><div id="pop" popover>A popover</div>
<canvas id="canvas" width="40" height="30"></canvas>
<iframe id="frame" srcdoc="<p id=inner>in a frame</p>"></iframe>
<p id="text">A long text that has more than sixty-four characters in it, so that parts of it are told. 😀</p>
<svg width="20" height="20"><a xlink:href="#x"><circle cx="5" cy="5" r="4"/></a></svg>
<noscript><img src="/never.png"></noscript><template><p>not here</p></template>
<div style="height:3000px">far</div><p id="end">end</p>
<script>
document.getElementById("open-host").attachShadow({mode: "open"}).innerHTML = "<style>p{color:rgb(4,5,6)}</style><p>open</p><slot></slot>";
window.closedRoot = document.getElementById("closed-host").attachShadow({mode: "closed"});
closedRoot.innerHTML = "<p id=in-closed>closed</p><input id=ci>";
const adopted = window.adopted = new CSSStyleSheet();
adopted.replaceSync("p { color: rgb(7, 8, 9) }");
const root = document.getElementById("adopting").attachShadow({mode: "open"});
root.innerHTML = "<p>adopted</p>"; root.adoptedStyleSheets = [adopted];
document.getElementById("sheet").sheet.insertRule(".b { color: rgb(11, 12, 13) }", 0);
const pen = document.getElementById("canvas").getContext("2d"); pen.fillStyle = "rgb(200, 10, 10)"; pen.fillRect(0, 0, 40, 30);
</script></body></html>`;

let site: Server;
let gateway: Gateway;
let browser: Browser;
let user: Page;
let agent: Page;
let session: string;
let seen: Seen;

beforeAll(async () => {
  const port = await freePort();
  site = createServer((req, res) => {
    res.setHeader("content-type", "text/html; charset=utf-8");
    // A strict policy: what we add has to run under it all the same.
    if (req.url === "/strict") res.setHeader("content-security-policy", "default-src 'none'; script-src 'nonce-own' 'strict-dynamic'; style-src 'none'");
    res.end(req.url === "/plain" ? "<!DOCTYPE html><title>plain</title><body><div>one</div><p>two <b>three</b></p>" : req.url === "/quirks" ? "<title>q</title><table width=50%><tr><td>quirks" : req.url === "/strict" ? `<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>s</title><p>strict` : PAGE);
  }).listen(port, "127.0.0.1");
  gateway = await startGateway(["serve", "--upstream", `http://127.0.0.1:${port}`]);
  await pillion(["account", "add", "Ann", "--role", "agent", "--data", gateway.data], "pass-word\n");
  browser = await startBrowser();
  user = await (await browser.newContext({ viewport: { width: 1000, height: 700 } })).newPage();
  agent = await signIn(await browser.newContext({ viewport: { width: 1400, height: 900 } }), gateway, "Ann", "pass-word");
  seen = new Seen(user, agent, gateway);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.program.end();
  site?.close();
});

const mirror = () => agent.frameLocator("[data-testid=mirror]");

/** Does something on the user's page and waits until the mirror has it. */
async function step(name: string, act: () => unknown): Promise<void> {
  await user.evaluate(act);
  await seen.remember(name);
}

const colour = (selector: string) => mirror().locator(selector).first().evaluate((el) => getComputedStyle(el).color);

it("takes the state that the page is in", async () => {
  await user.goto(gateway.site + "/");
  await user.evaluate(() => {
    document.getElementById("box")!.scrollTop = 300;
    (document.getElementById("cleared") as HTMLInputElement).value = "";
    (document.getElementById("half") as HTMLInputElement).indeterminate = true;
    (document.getElementById("dialog") as HTMLDialogElement).show();
  });
  await user.locator("#ticked").check();
  await user.locator("#r2").check();
  await user.locator("#pw").fill("typed-secret");
  await user.locator("#card").fill("4111 1111 1111 1111");
  await user.mouse.wheel(0, 400);
  await user.waitForTimeout(200);
  session = await share(user, agent);
  await seen.remember("state");
  expect(await mirror().locator("#box").evaluate((el) => el.scrollTop)).toBe(300);
  expect(await mirror().locator("html").evaluate((el) => el.scrollTop)).toBe(await user.evaluate(() => document.documentElement.scrollTop));
  expect(await mirror().locator("#dialog").evaluate((el) => (el as HTMLDialogElement).open)).toBe(true);
  expect(await mirror().locator("#half").evaluate((el) => (el as HTMLInputElement).indeterminate)).toBe(true);
  expect(await colour("#adopting p")).toBe("rgb(7, 8, 9)");
  expect(await colour("#open-host p")).toBe("rgb(4, 5, 6)");
  expect(await mirror().locator("#in-closed").textContent()).toBe("closed");
  expect(await mirror().locator("#sheet").evaluate((el) => (el as HTMLStyleElement).sheet!.cssRules[0]!.cssText)).toContain(".b");
  const pixel = () => mirror().locator("#canvas").evaluate((el) => [...(el as HTMLCanvasElement).getContext("2d")!.getImageData(5, 5, 1, 1).data].join());
  await expect.poll(pixel).toBe("200,10,10,255");
});

it("follows what a page does", async () => {
  await step("sorted", () => {
    const list = document.getElementById("list")!;
    [...list.children].reverse().forEach((li) => list.append(li));
  });
  await step("moved into a new parent", () => {
    const wrap = document.createElement("section");
    document.getElementById("list")!.replaceWith(wrap);
    wrap.append(Object.assign(document.createElement("ul"), { id: "list2" }));
    wrap.firstElementChild!.append(document.getElementById("text")!, document.getElementById("box")!);
  });
  await step("parent and child exchanged", () => {
    const outer = document.getElementById("list2")!;
    const inner = document.getElementById("box")!;
    outer.replaceWith(inner);
    inner.append(outer);
  });
  await step("text spliced beside a surrogate pair", () => {
    const t = document.getElementById("text")!.firstChild as Text;
    t.data = t.data.replace("😀", "😃 and more");
  });
  await step("closed shadow root changed", () => {
    ((window as never)["closedRoot"] as ShadowRoot).append(document.createElement("hr"), "more");
  });
  await step("a new shadow root on a known element", () => {
    document.getElementById("end")!.attachShadow({ mode: "open" }).innerHTML = "<b>attached late</b>";
  });
  await step("form reset", () => (document.forms[0] as HTMLFormElement).reset());
  await step("value by script alone", () => {
    (document.getElementById("area") as HTMLTextAreaElement).value = "set by script";
    (document.getElementById("ticked") as HTMLInputElement).checked = true;
    (document.getElementById("many") as HTMLSelectElement).options[2]!.selected = true;
  });
  await step("frame rewritten", () => {
    const d = (document.getElementById("frame") as HTMLIFrameElement).contentDocument!;
    d.open();
    d.write("<h1>written</h1><input value=x>");
    d.close();
  });
  await step("frame moved", () => document.body.prepend(document.getElementById("frame")!));
  await step("frame gone", () => document.getElementById("frame")!.remove());
  await step("attributes that only a parser can give", () => {
    document.getElementById("end")!.insertAdjacentHTML("afterend", `<p id=odd @click="x" (tap)="y" data-a='"'>odd</p>`);
  });
  await step("a thousand rows", () => {
    const t = document.createElement("table");
    for (let i = 0; i < 1000; i++) t.insertRow().insertCell().textContent = "row " + i;
    document.body.append(t);
  });
  await step("rows sorted by moving", () => {
    const body = document.querySelector("table tbody")!;
    [...body.children].sort((a, b) => (b.textContent! < a.textContent! ? -1 : 1)).forEach((r) => body.append(r));
  });
  await step("the whole body replaced", () => {
    const old = document.body;
    const fresh = document.createElement("body");
    fresh.append(...old.childNodes);
    old.replaceWith(fresh);
  });
});

it("follows what markup does not show", async () => {
  await user.evaluate(() => {
    (document.getElementById("sheet") as HTMLStyleElement).sheet!.insertRule(".a { color: rgb(21, 22, 23) }", 3);
    ((window as never)["adopted"] as CSSStyleSheet).replaceSync("p { color: rgb(31, 32, 33) }");
    const d = document.getElementById("dialog") as HTMLDialogElement;
    d.close();
    d.showModal();
    document.getElementById("pop")!.showPopover();
    const pen = (document.getElementById("canvas") as HTMLCanvasElement).getContext("2d")!;
    pen.fillStyle = "rgb(10, 200, 10)";
    pen.fillRect(0, 0, 40, 30);
  });
  await expect.poll(() => colour("#adopting p")).toBe("rgb(31, 32, 33)");
  expect(await mirror().locator("#sheet").evaluate((el) => (el as HTMLStyleElement).sheet!.cssRules.length)).toBe(4);
  expect(await mirror().locator("#dialog").evaluate((el) => el.matches(":modal"))).toBe(true);
  expect(await mirror().locator("#pop").evaluate((el) => el.matches(":popover-open"))).toBe(true);
  const pixel = () => mirror().locator("#canvas").evaluate((el) => [...(el as HTMLCanvasElement).getContext("2d")!.getImageData(5, 5, 1, 1).data].join());
  await expect.poll(pixel, { timeout: 10_000 }).toBe("10,200,10,255");
  await user.evaluate(() => (document.getElementById("dialog") as HTMLDialogElement).close());
  await expect.poll(() => mirror().locator("#dialog").evaluate((el) => (el as HTMLDialogElement).open)).toBe(false);
});

it("follows document.open, quirks mode and a strict policy", async () => {
  await step("document.open", () => {
    document.open();
    document.write("<!DOCTYPE html><title>again</title><p id=p>written anew<input id=i>");
    document.close();
  });
  await user.locator("#i").fill("still heard");
  await seen.remember("typed after document.open");
  await user.locator("pillion-assist").waitFor({ state: "attached" });
  await user.goto(gateway.site + "/quirks");
  await seen.remember("quirks");
  await user.goto(gateway.site + "/strict");
  await user.locator("pillion-assist [data-action=end]").waitFor();
  await seen.remember("strict policy");
});

it("follows whatever a page does, in any order", async () => {
  await user.goto(gateway.site + "/plain");
  await seen.remember("plain");
  await step("more at once than a frame holds", () => document.body.append("x".repeat(2_000_000)));
  await step("and gone again", () => document.body.lastChild!.remove());
  for (let round = 1; round <= 12; round++) {
    await user.evaluate(async (start) => {
      let seed = start * 7919;
      const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
      const all = () => [...document.body.querySelectorAll("*")].filter((el) => el.localName !== "pillion-assist");
      const pick = () => (all()[random(Math.max(1, all().length))] ?? document.body) as HTMLElement;
      const holds = (a: Node, b: Node) => a.contains(b);
      const make = (depth = 0): Element => {
        const el = document.createElement(["div", "p", "span", "ul", "li", "b", "input", "textarea", "select", "iframe"][random(depth > 2 ? 9 : 10)]!);
        if (el.localName === "select") el.innerHTML = "<option>a<option>b<option>c";
        else if (!/input|textarea|iframe/.test(el.localName)) for (let i = random(3); i > 0; i--) el.append(random(2) ? make(depth + 1) : `text ${random(1000)} 😀`);
        return el;
      };
      const acts = [
        () => pick().append(make()),
        () => pick().before(make()),
        () => pick().remove(),
        () => pick().setAttribute("data-" + "abc"[random(3)], String(random(100))),
        () => pick().removeAttribute("data-a"),
        () => {
          const [a, b] = [pick(), pick()];
          if (!holds(a, b)) b.append(a);
        },
        () => {
          const [a, b] = [pick(), pick()];
          if (!holds(a, b) && b.parentNode) b.before(a);
        },
        () => {
          const el = pick();
          el.append(...[...el.childNodes].reverse());
        },
        () => {
          const [el, wrap] = [pick(), make(9)];
          if (!/input|textarea|select|iframe/.test(wrap.localName)) {
            el.replaceWith(wrap);
            wrap.append(el);
          }
        },
        () => {
          const el = pick();
          el.replaceWith(...el.childNodes);
        },
        () => {
          const el = pick();
          if (el.parentElement && el.firstElementChild && el.parentElement !== document.documentElement) {
            const inner = el.firstElementChild;
            el.replaceWith(inner);
            inner.append(el);
          }
        },
        () => {
          const el = pick();
          if (!el.shadowRoot && /^(div|p|span)$/.test(el.localName)) el.attachShadow({ mode: "open" }).append(make(1), "in the shadow");
          else el.shadowRoot?.append(make(1));
        },
        () => {
          const texts = all().flatMap((el) => [...el.childNodes]).filter((n) => n.nodeType === 3) as Text[];
          const t = texts[random(Math.max(1, texts.length))];
          if (t) t.data = random(3) ? t.data.slice(0, random(9)) + "é" + t.data.slice(random(9)) + "x".repeat(random(90)) : "";
        },
        () => {
          const el = pick() as HTMLInputElement;
          if (/input|textarea/.test(el.localName)) el.value = "v" + random(99);
          if (el.localName === "select") (el as unknown as HTMLSelectElement).selectedIndex = random(3);
        },
        () => {
          const f = document.body.querySelector("iframe");
          f?.contentDocument?.body?.append(f.contentDocument.importNode(make(3), true));
        },
        () => pick().insertAdjacentHTML("beforeend", "<i>one</i><!-- two -->three"),
      ];
      for (let step = 0; step < 40; step++) {
        try {
          acts[random(acts.length)]!();
        } catch (e) {
          if (!(e instanceof DOMException)) throw e;
        }
        if (random(8) === 0) await new Promise((done) => requestAnimationFrame(done));
      }
    }, round);
    await seen.remember(`round ${round}`);
  }
});

it("never sends secrets, and replays every step", async () => {
  await user.locator("pillion-assist [data-action=end]").click();
  await agent.getByText("The session is over").waitFor();
  expect(seen.warnings).toEqual([]);
  await agent.goto(`${gateway.console}/replay/${session}`);
  await agent.getByTestId("event-row").first().waitFor();
  const segments = await agent.evaluate(async () => {
    const base = location.pathname.replace("/replay/", "/api/sessions/");
    const described = (await (await fetch(base + "/recording")).json()) as { segments: unknown[] };
    const parts = await Promise.all(described.segments.map(async (_, n) => (await fetch(`${base}/segments/${n}`)).text()));
    return parts.join("\n");
  });
  for (const secret of ["hidden-secret", "default-secret", "typed-secret", "4111"]) expect(segments).not.toContain(secret);
  expect(segments).toContain("set by script");
  await seen.replay(agent);
});
