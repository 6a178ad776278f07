// The pages that everybody records: tables and forms of the old kind, always the same.

const WORDS = "account address agreement annual balance billing branch broker cancel change claim client contract cover credit current customer damage date daily deposit district due evening first form household insurance interest invoice item letter limit line loan location member monthly morning name number office open order paid partner payment period personal plan policy premium private quarter rate reference region renewal report request return review risk safety schedule service standard state street sum tariff term total transfer travel valid value vehicle weekly window yearly".split(" ");

/** Numbers that look random and are the same each time. */
export function sequence(seed = 1): (below: number) => number {
  let x = seed;
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * below);
  };
}

function text(next: (below: number) => number, words: number): string {
  return Array.from({ length: words }, () => WORDS[next(WORDS.length)]).join(" ");
}

const page = (head: string, body: string) => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Rates and plans</title><style>body{font:13px sans-serif;margin:8px}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:2px 6px}.odd{background:#f4f4f4}.tag{color:#363}</style>${head}</head>
<body>${body}</body></html>`;

/** A row of 20 nodes, the spaces between cells not counted: there are none. */
function row(i: number, next: (below: number) => number): string {
  return `<tr class="row ${i % 2 ? "odd" : "even"}" id="r${i}"><td class="num">${next(10_000)}</td><td><a href="/rates/plan.asp?id=${i}&amp;tab=${i % 7}" class="link">Plan ${i}</a></td><td class="text">${text(next, 3 + next(6))}</td>` +
    `<td><span class="tag">${WORDS[next(WORDS.length)]}</span> <b>${next(500)}.${10 + next(90)}</b></td><td><img src="/icon${next(12)}.svg" width="12" height="12" alt=""><input type="checkbox" name="p${i}"></td><td>${text(next, 2)}<br>${next(28) + 1} March</td></tr>`;
}

const ROW_NODES = 23;

/** A page of about so many nodes. */
export function nodesPage(nodes: number): string {
  const next = sequence(nodes);
  const rows = Math.max(1, Math.round((nodes - 30) / ROW_NODES));
  return page("", `<h1>Rates and plans</h1><p id="mark">0</p><table id="t"><tbody>${Array.from({ length: rows }, (_, i) => row(i, next)).join("")}</tbody></table>`);
}

/** A form of 60 controls below a style sheet of 300 KB. */
export function formPage(): string {
  const next = sequence(7);
  const control = (i: number) => {
    const label = `<label for="f${i}">${text(next, 2)}</label>`;
    if (i % 6 === 5) return `${label}<select id="f${i}" name="f${i}">${Array.from({ length: 8 }, (_, n) => `<option value="${n}">${text(next, 1)}</option>`).join("")}</select>`;
    if (i % 6 === 4) return `${label}<input type="checkbox" id="f${i}" name="f${i}">`;
    if (i % 6 === 3) return `${label}<textarea id="f${i}" name="f${i}">${text(next, 8)}</textarea>`;
    return `${label}<input id="f${i}" name="f${i}" class="c${i}" value="${text(next, 1)}">`;
  };
  return page(`<link rel="stylesheet" href="/big.css">`, `<form id="form">${Array.from({ length: 60 }, (_, i) => `<p class="field">${control(i)}</p>`).join("")}</form>`);
}

/** A style sheet of 300 KB, as a framework's: some 3,000 rules. */
export function bigSheet(): string {
  const next = sequence(11);
  let css = "";
  for (let i = 0; css.length < 300_000; i++) css += `.${WORDS[next(WORDS.length)]}-${i} > .${WORDS[next(WORDS.length)]}:hover { padding: ${next(20)}px; border: 1px solid #${(next(0xffffff) | 0x100000).toString(16)}; margin-left: ${next(9)}em; }\n`;
  return css;
}

/** A page to work on: a form, a table of 200 rows that sorts, a list that grows, and far to scroll. */
export function workPage(): string {
  const next = sequence(3);
  const rows = Array.from({ length: 200 }, (_, i) =>
    `<tr class="row"><td>${next(10_000)}</td><td><a href="/plan?id=${i}">Plan ${i}</a></td><td>${text(next, 4)}</td><td><span class="tag">${WORDS[next(WORDS.length)]}</span></td></tr>`).join("");
  return page("<style>#list{height:120px;overflow:auto}#foot{height:2500px}</style>", `<h1>Desk</h1><p id="mark">0</p>
<form><p><label for="who">Name</label><input id="who" name="who"></p><p><label for="note">Note</label><textarea id="note" name="note" cols="60" rows="4"></textarea></p><p><select name="s"><option>one<option>two<option>three</select></p></form>
<ul id="list">${Array.from({ length: 40 }, (_, i) => `<li>${i}: ${text(next, 6)}</li>`).join("")}</ul>
<table id="t"><thead><tr><th id="sort">Number</th><th>Plan</th><th>Text</th><th>State</th></tr></thead><tbody>${rows}</tbody></table><div id="foot"></div>
<script>
let up = false;
document.getElementById("sort").onclick = () => {
  up = !up;
  const body = document.querySelector("#t tbody");
  body.append(...[...body.rows].sort((a, b) => (a.cells[0].textContent - b.cells[0].textContent) * (up ? 1 : -1)));
};
</script>`);
}
