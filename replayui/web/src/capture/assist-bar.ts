import type { Level, Person } from "../protocol/format.ts";
import type { Say } from "./assist-words.ts";
import { button, h, smaller } from "./element.ts";

/** Who may do what at the moment. */
export interface Shared {
  people: Person[];
  /** who acts: a participant */
  control: number;
  level: Level;
  /** the level that was stopped, to go on with */
  former: Level | undefined;
  lost: boolean;
  /** the user is in an element, which agents leave alone meanwhile */
  held: boolean;
}

interface Does {
  colour(name: string): string;
  level(level: Level): void;
  pause(): void;
  end(): void;
  free(): void;
}

/** The bar while the page is shared: who is there, what they may do, and how to stop it. */
export class Bar {
  readonly el: HTMLElement;
  readonly #say: Say;
  readonly #now: Shared;
  readonly #stopKey: string;
  readonly #does: Does;
  readonly #state = h("span", { "data-role": "state" });
  readonly #names = h("span", { "data-role": "people", class: "people" });
  readonly #menu: HTMLSelectElement;
  readonly #pause: HTMLButtonElement;
  readonly #free: HTMLButtonElement;
  #shown = "";

  constructor(say: Say, now: Shared, stopKey: string, levels: Level[], does: Does) {
    this.#say = say;
    this.#now = now;
    this.#stopKey = stopKey;
    this.#does = does;
    this.#menu = h("select", { "data-action": "level", "aria-label": say("level"), change: () => does.level(this.#menu.value as Level) },
      ...levels.map((value) => h("option", { value }, say(value))));
    this.#pause = button("quiet", "pause", "", () => does.pause());
    this.#free = button("quiet", "unlock", say("free"), () => does.free());
    this.el = h("section", { class: "bar", "aria-label": say("shared"), "data-role": "bar" },
      h("i", {}), this.#state, this.#names, this.#menu, this.#free, this.#pause, button("stop", "end", say("end"), () => does.end()), smaller(say("details")));
  }

  /** Shows what is now, in place: the focus may be in it. */
  update(): void {
    const say = this.#say;
    const { people, control, level, former, lost, held } = this.#now;
    const stopped = !!former;
    this.#menu.value = level;
    // An agent who looks in again changes nothing here.
    const shown = [control, level, former, lost, held, ...people.map((p) => p.participant + p.name)].join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#state.textContent = say(lost ? "lost" : stopped ? "paused" : "shared");
    this.el.classList.toggle("halted", stopped || lost);
    this.#names.replaceChildren(...people.map(({ participant, name }) => {
      const acts = participant === control && /^(propose|act)$/.test(level);
      const dot = h("i", {});
      dot.style.background = this.#does.colour(name);
      return h("b", {}, dot, name, ...(acts ? [h("span", {}, say("acts"))] : []));
    }));
    this.#free.hidden = !held || !control || !/^(propose|act)$/.test(level);
    const pause = this.#pause;
    pause.hidden = level === "view" && !stopped;
    pause.replaceChildren(say(stopped ? "resume" : "pause"), ...(stopped ? [] : [h("kbd", { "aria-hidden": "true" }, this.#stopKey)]));
    pause.setAttribute("aria-keyshortcuts", stopped ? "" : this.#stopKey);
  }
}
