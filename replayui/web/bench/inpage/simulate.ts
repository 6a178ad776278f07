// Ten minutes of work on a page, with clocks that run ahead of the real one.

export {};

declare global {
  /** makes so many changes, a step of ms of the page's time each; returns what each payload was and when */
  var simulate: (steps: number, ms: number) => Promise<void>;
  var simulated: number;
}

const PlainDate = Date;
const began = performance.timeOrigin;
const plainNow = performance.now.bind(performance);
globalThis.simulated = 0;
performance.now = () => plainNow() + simulated;
globalThis.Date = class extends PlainDate {
  constructor(...a: [number]) {
    if (a.length) super(...a);
    else super(globalThis.Date.now());
  }
  static override now(): number {
    return Math.round(began + performance.now());
  }
} as DateConstructor;

globalThis.simulate = async (steps, ms) => {
  const body = document.querySelector("#t tbody")!;
  const list = document.getElementById("list")!;
  const who = document.getElementById("who") as HTMLInputElement;
  for (let i = 0; i < steps; i++) {
    simulated += ms;
    const row = body.children[(i * 7) % body.children.length] as HTMLTableRowElement;
    switch (i % 20) {
      case 0: case 1:
        who.value = "customer " + i;
        who.dispatchEvent(new Event("input", { bubbles: true }));
        break;
      case 2: case 3: {
        const item = document.createElement("li");
        item.textContent = `${i}: another line of the list`;
        list.prepend(item);
        break;
      }
      case 4: case 5:
        list.lastElementChild!.remove();
        break;
      case 6: case 7: case 8:
        row.setAttribute("class", "row c" + (i % 50));
        break;
      default:
        row.cells[2]!.textContent = "text " + i;
    }
    document.getElementById("mark")!.textContent = String(i);
    if (i % 2500 === 2499) document.getElementById("sort")!.click();
    await null;
    globalThis.flushOurs?.();
  }
};
