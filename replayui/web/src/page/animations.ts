import { Op } from "../protocol/format.ts";
import type { Emit } from "./forms.ts";
import * as dom from "./natives.ts";
import type { Tree } from "./tree.ts";

type Root = Document | ShadowRoot;

/** How far an animation's clock may be from where it was expected, in ms. */
const DRIFT_MS = 60;

interface Known { line: string; state: string; rate: number; start: number; at: number }

/** Animations: those that scripts made, and the times of those that style sheets did. */
export class Animations {
  readonly #tree: Tree;
  #known = new WeakMap<Animation, Known>();
  #told = new Map<Element, Animation[]>();
  /** whether there were any at the last look */
  busy = false;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  drop(n: Node): void {
    this.#told.delete(n as Element);
  }

  /** Tells what changed; with the page's state also where style sheets' animations are. */
  look(roots: Iterable<Root>, emit: Emit, state = false): void {
    const now = new Map<Element, Animation[]>();
    const changed = new Set<Element>();
    for (const root of roots) {
      for (const a of root.getAnimations?.() ?? []) {
        const el = (a.effect as KeyframeEffect | null)?.target;
        if (!el || !this.#tree.id(el) || this.#tree.veil.masked(el) || now.get(el)?.includes(a) || "transitionProperty" in a || a.timeline !== dom.ownerDocument(el)?.timeline) continue;
        if (this.#changed(a, state)) changed.add(el);
        if (!this.#known.get(a)?.line) continue;
        const list = now.get(el);
        if (list) list.push(a);
        else now.set(el, [a]);
      }
    }
    for (const el of new Set([...this.#told.keys(), ...now.keys()])) {
      const [before, list] = [this.#told.get(el), now.get(el)];
      if (before?.length !== list?.length || list?.some((a, i) => a !== before![i])) changed.add(el);
    }
    this.#told = now;
    this.busy = now.size > 0;
    for (const el of changed) this.#tell(el, now.get(el) ?? [], emit);
  }

  /** Whether an animation is to be told: one of a style sheet's where it is not at what it runs to by itself. */
  #changed(a: Animation, state: boolean): boolean {
    if (a.pending) return false;
    const before = this.#known.get(a);
    const start = Number(a.startTime ?? 0);
    const at = a.playState === "running" ? 0 : Number(a.currentTime ?? 0);
    if (before && before.state === a.playState && before.rate === a.playbackRate && before.at === at && Math.abs(before.start - start) < DRIFT_MS) return false;
    let line = before?.line ?? "";
    if (!("animationName" in a)) line = describe(a);
    else if (!line && (state || (before && a.playState !== "finished"))) line = describe(a);
    this.#known.set(a, { line, state: a.playState, rate: a.playbackRate, start, at });
    return line !== "";
  }

  #tell(el: Element, list: Animation[], emit: Emit): void {
    const id = this.#tree.id(el);
    if (!id) return;
    const lines = list.map((a) => timed(a, this.#known.get(a)!.line));
    emit(Op.Animations, (w) => {
      w.uint(id);
      w.uint(lines.length);
      for (const line of lines) w.str(line);
    });
  }
}

/** What does not change by itself: without the end of the object. */
function describe(a: Animation): string {
  const e = a.effect as KeyframeEffect;
  const pseudoElement = e.pseudoElement ?? undefined;
  const head = "animationName" in a ? { n: a.animationName, t: { pseudoElement } } : { k: e.getKeyframes(), t: { ...e.getTiming(), pseudoElement } };
  return json(head).slice(0, -1);
}

function timed(a: Animation, line: string): string {
  const rate = a.playbackRate === 1 ? "" : `,"r":${a.playbackRate}`;
  return `${line},"c":${Math.round(Number(a.currentTime ?? 0))},"s":"${a.playState}"${rate}}`;
}

/** JSON, whatever toJSON methods the page gave to its types. */
function json(v: unknown): string {
  if (Array.isArray(v)) return `[${v.map(json).join()}]`;
  if (!v || typeof v !== "object") return dom.quote(v) ?? "null";
  return `{${Object.entries(v).flatMap(([k, x]) => (x === undefined ? [] : [dom.quote(k) + ":" + json(x)])).join()}}`;
}
