/** An animation as it is told (events/FORMAT.md, Animation). */
interface Told { n?: string; k?: Keyframe[]; t?: EffectTiming & { pseudoElement?: string }; c?: number; s?: string; r?: number }

/** The animations of a page's elements, kept at the times that the user's page has them at. */
export class Animations {
  #made = new WeakMap<Element, Animation[]>();
  #told = new Map<Element, { list: Told[]; at: number }>();

  clear(): void {
    this.#told.clear();
  }

  drop(el: Element): void {
    this.#told.delete(el);
  }

  show(el: Element, lines: string[]): void {
    for (const a of this.#made.get(el) ?? []) a.cancel();
    this.#made.delete(el);
    const list = lines.flatMap(parsed);
    if (!list.length) return void this.#told.delete(el);
    this.#told.set(el, { list, at: performance.now() });
    const made: Animation[] = [];
    for (const a of list) {
      const own = a.n === undefined ? make(el, a) : named(el, a);
      if (!own) continue;
      if (a.n === undefined) made.push(own);
      place(own, a, 0);
    }
    this.#made.set(el, made);
  }

  /** Style sheets have loaded: the animations in them started just now. */
  again(): void {
    for (const [el, { list, at }] of this.#told) {
      for (const a of list) {
        const own = a.n === undefined ? null : named(el, a);
        if (own) place(own, a, performance.now() - at);
      }
    }
  }
}

function parsed(line: string): Told[] {
  try {
    const v = JSON.parse(line) as Told | null;
    return v && typeof v === "object" ? [v] : [];
  } catch {
    return [];
  }
}

function make(el: Element, { k, t }: Told): Animation | null {
  if (!Array.isArray(k)) return null;
  try {
    // JSON has no Infinity.
    return el.animate(k, { ...t, iterations: t?.iterations ?? Infinity });
  } catch {
    return null; // of another browser's
  }
}

function named(el: Element, { n, t }: Told): Animation | null {
  const pseudo = t?.pseudoElement ?? null;
  return el.getAnimations({ subtree: pseudo !== null }).find((a) => {
    const of = a.effect as KeyframeEffect | null;
    return (a as CSSAnimation).animationName === n && of?.target === el && of.pseudoElement === pseudo;
  }) ?? null;
}

function place(own: Animation, { c, s, r }: Told, later: number): void {
  try {
    if (r !== undefined) own.playbackRate = r;
    if (s === "paused") own.pause();
    own.currentTime = Number(c ?? 0) + (s === "running" ? later * (r ?? 1) : 0);
    if (s !== "paused" && own.playState === "paused") own.play();
  } catch {
    // a time that it cannot be at
  }
}
