// What both ends of a live session are asked, by functions that need nothing of the page they run in.

export interface Probe {
  /** changes the page n times, at no fixed phase to its frames; says when */
  change(n: number, wait: number): Promise<[string, number][]>;
  scroll(n: number, wait: number): Promise<[string, number][]>;
  /** notes when the page's pointer is where */
  follow(): void;
  followed(): [string, number][];
  /** notes what a viewer's frame shows, when first; told: in the document, drawn: in a frame after that */
  watch(frame: HTMLIFrameElement, pointer: () => string): void;
  seen(): { told: [string, number][]; drawn: [string, number][]; scrolled: [string, number][]; pointers: [string, number][] };
}

declare global {
  var probe: Probe;
}

const now = () => performance.timeOrigin + performance.now();
const later = (ms: number) => new Promise((done) => setTimeout(done, ms));
const fraction = (i: number) => (i * 0.618034) % 1;

let places: [string, number][] = [];
let seen: ReturnType<Probe["seen"]> = { told: [], drawn: [], scrolled: [], pointers: [] };

globalThis.probe = {
  async change(n, wait) {
    const out: [string, number][] = [];
    for (let i = 0; i < n; i++) {
      await later(wait + fraction(i) * wait);
      const text = "m" + i + "." + n;
      document.getElementById("mark")!.textContent = text;
      out.push([text, now()]);
    }
    return out;
  },
  async scroll(n, wait) {
    const out: [string, number][] = [];
    for (let i = 0; i < n; i++) {
      await later(wait + fraction(i) * wait);
      const y = 100 + ((i * 37) % 900);
      scrollTo({ top: y, behavior: "instant" });
      out.push([String(y), now()]);
    }
    return out;
  },
  follow() {
    places = [];
    addEventListener("pointermove", (e) => places.push([e.clientX + "," + e.clientY, now()]), true);
  },
  followed: () => places,
  watch(frame, pointer) {
    let text = "";
    let top = -1;
    const look = () => {
      const is = frame.contentDocument?.getElementById("mark")?.textContent ?? "";
      if (is === text) return;
      text = is;
      const at = now();
      seen.told.push([text, at]);
      requestAnimationFrame(() => seen.drawn.push([is, now()]));
    };
    const scrolled = () => {
      const is = Math.round(frame.contentWindow?.scrollY ?? 0);
      if (is !== top) seen.scrolled.push([String((top = is)), now()]);
    };
    const win = frame.contentWindow as Window & typeof globalThis;
    // A viewer scrolls by one of these; where it is at once is where it is.
    for (const [of, name] of [[win.Element.prototype, "scrollTo"], [win, "scrollTo"]] as const) {
      const plain = (of as unknown as Record<string, (...a: unknown[]) => void>)[name]!;
      (of as unknown as Record<string, unknown>)[name] = function (this: unknown, ...a: unknown[]) {
        plain.apply(this, a);
        scrolled();
      };
    }
    win.addEventListener("scroll", scrolled, true);
    new MutationObserver(look).observe(frame.contentDocument!, { subtree: true, childList: true, characterData: true });
    let frames = 0;
    const each = () => {
      scrolled();
      const at = pointer();
      if (at) seen.pointers.push([at, now()]);
      if (frames++ < 1e6) requestAnimationFrame(each);
    };
    each();
  },
  seen() {
    const was = seen;
    seen = { told: [], drawn: [], scrolled: [], pointers: [] };
    return was;
  },
};
