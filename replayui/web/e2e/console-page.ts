// A site with every control that an agent may meet.

const options = (names: string[]) => names.map((n) => `<option>${n}</option>`).join("");

export const CONTROLS = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Controls</title>
<style>body { font: 15px/1.4 sans-serif; margin: 20px; display: grid; grid-template-columns: 1fr 1fr; gap: 10px 40px }
label { display: block } .scroll { height: 80px; width: 240px; overflow: auto; border: 1px solid #999 } .tall { height: 600px }
#menu b { display: none } #menu:hover b, #menu.open b { display: inline } input, select, textarea { font: inherit }</style></head><body>
<div>
<label>Name <input id="name" style="text-align: right; color: rgb(120, 20, 20)"></label>
<label>Amount <input id="amount" type="number" min="0" max="99"></label>
<label>Day <input id="date" type="date"></label>
<label>Hour <input id="time" type="time"></label>
<label>Month <input id="month" type="month"></label>
<label>Week <input id="week" type="week"></label>
<label>Moment <input id="moment" type="datetime-local"></label>
<label>Colour <input id="colour" type="color" value="#336699"></label>
<label>Level <input id="range" type="range" min="0" max="50" value="10"></label>
<label>Town <input id="town" list="towns"></label><datalist id="towns">${options(["Alderford", "Weir"])}</datalist>
<label>PIN <input id="pin" type="password" value="1234"></label>
<label>File <input id="file" type="file"></label>
<label>Search <input id="search" role="combobox"></label><ul id="found"></ul>
<label>Calendar <input id="calendar" readonly></label>
</div><div>
<label>State <select id="state"><option>Please choose</option><optgroup label="East">${options(["Ohio", "Vermont"])}</optgroup><optgroup label="West">${options(["Utah", "Wyoming"])}<option disabled>Oregon</option></optgroup></select></label>
<label>Cover <select id="cover" multiple size="3">${options(["Teeth", "Eyes", "Travel", "Home"])}</select></label>
<label id="tick-label"><input id="tick" type="checkbox"> Family too</label>
<label><input id="r1" type="radio" name="r" checked> Yearly</label><label><input id="r2" type="radio" name="r"> Monthly</label>
<label>Remarks <textarea id="remarks" rows="3" cols="30"></textarea></label>
<div id="rich" contenteditable style="border: 1px solid #999; min-height: 40px">Some <b>rich</b> text</div>
<div class="scroll" id="scroll"><div class="tall">tall</div></div>
<details id="more"><summary>More</summary>Here it is.</details>
<p id="menu">Menu <b id="item">Item</b></p>
<table><tr><td id="cell">A cell</td></tr></table>
<x-field id="host"></x-field>
<iframe id="frame" title="Inner" style="width: 260px; height: 60px" srcdoc="<label>Zip <input id=zip></label>"></iframe>
<button id="add" type="button">Add</button> <output id="count">0</output>
<p><a id="next" href="/next">Next page</a></p>
</div>
<script>
document.getElementById("host").attachShadow({ mode: "open" }).innerHTML = "<label>In shadow <input id=deep></label>";
let n = 0;
document.getElementById("add").onclick = () => (document.getElementById("count").textContent = ++n);
document.getElementById("cell").ondblclick = (e) => (e.target.textContent = "Twice");
document.getElementById("search").oninput = (e) => (document.getElementById("found").innerHTML = e.target.value ? "<li>" + e.target.value + " street</li>" : "");
document.getElementById("found").onclick = (e) => (document.getElementById("search").value = e.target.textContent);
document.getElementById("menu").onmouseover = () => document.getElementById("menu").classList.add("open");
</script></body></html>`;

export const NEXT = `<!DOCTYPE html><html lang="en"><title>Next</title><body><h1>The next page</h1><p style="height: 2000px">far</p></body></html>`;
