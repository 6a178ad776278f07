import type { Action, EventRequest, Level } from "../protocol/format.ts";
import { nameOf } from "../view/naming.ts";

/** Why a request was denied, in words (events/FORMAT.md, EventConfirmation). */
const REASONS: Record<string, string> = {
  conflict: "the user changed it meanwhile", locked: "the user is busy with it", masked: "this is private", gone: "it is not on the page any more",
  disabled: "it is disabled", forbidden: "this is not allowed", refused: "the user said no", expired: "there was no answer within 30 seconds",
  failed: "it did not work on the user’s page", turn: "it is another agent’s turn", repeated: "it was asked for already",
  stale: "it was older than what came after it", flood: "too much was asked for at once", lost: "the connection was lost before an answer came",
  invalid: "the field does not take this",
};

export const reasonWords = (reason: string) => REASONS[reason] ?? reason;

/** What the user allows, as the agent is told. */
export const LEVELS: Record<Level, { name: string; words: string }> = {
  view: { name: "Look", words: "You may look at the page. The user does the rest." },
  point: { name: "Point", words: "You may point and draw. The user does the rest." },
  propose: { name: "Suggest", words: "You may suggest changes; the user confirms each." },
  act: { name: "Act", words: "You may change the page. The user is asked before a form is sent or the page is left." },
};

const ORDER: Level[] = ["view", "point", "propose", "act"];

export const reaches = (level: Level, needed: Level) => ORDER.indexOf(level) >= ORDER.indexOf(needed);

/** A request as the list shows it: what it is, and the change that it makes. */
export interface Described { what: string; old?: string; to?: string }

const VERBS: Partial<Record<Action, string>> = {
  click: "Click", doubleclick: "Double click", hover: "Point the mouse at", focus: "Go to", scroll: "Scroll", check: "Tick", uncheck: "Untick",
};

/** Puts a request into words, by the mirror as it is before the change. */
export function describe(r: EventRequest, n: Node | undefined): Described {
  const name = nameOf(n);
  const quoted = name.startsWith("the ") ? name : `“${name}”`;
  const el = n as HTMLInputElement | undefined;
  switch (r.action) {
    case "fill":
      return { what: `Fill ${quoted}`, old: el?.isContentEditable ? (el.textContent ?? "") : (el?.value ?? ""), to: r.value ?? "" };
    case "select":
      return { what: `Choose in ${quoted}`, ...chosen(n, r.value ?? "") };
    case "key":
      return { what: `Press ${r.value}` };
    case "navigate":
      return { what: `Go to ${r.value}` };
    case "back":
    case "forward":
      return { what: `Go ${r.action}` };
  }
  // Always a text: a forged action may be the name of what every object has.
  return { what: `${VERBS[r.action] ?? r.action} ${quoted}` };
}

const listed = (options: (HTMLOptionElement | undefined)[]) => options.map((o) => o?.label.trim() ?? "?").join(", ") || "nothing";

/** The options of a list that a value names by their places, as the mirror has them. */
export function optionsOf(n: Node | undefined, value: string): string {
  const { options } = (n ?? {}) as Partial<HTMLSelectElement>;
  return options ? listed(value.split(",").filter(Boolean).map((i) => options[Number(i)])) : value;
}

function chosen(n: Node | undefined, value: string): { old: string; to: string } {
  const { options } = (n ?? {}) as Partial<HTMLSelectElement>;
  return { old: options ? listed([...options].filter((o) => o.selected)) : "", to: optionsOf(n, value) };
}

/** What stands beside a field while a request for it waits. */
export function ghost(action: Action, d: Described): string {
  if (d.to !== undefined) return `→ ${d.to || "(empty)"}`;
  if (action === "check") return "→ ticked";
  if (action === "uncheck") return "→ not ticked";
  return d.what.split(" “")[0]! + "…";
}

/** Why a session ended. */
const ENDS: Record<string, string> = {
  user: "The user ended it.", agent: "It was ended on the console’s side.", left: "You left it. It goes on without you, if others are there.",
  expired: "Nobody came in time.", timeout: "The user’s browser did not come back.", quiet: "Nobody did anything for a long time.", size: "It was longer than a session may be.",
};

export const endWords = (reason: string) => ENDS[reason] ?? "";

/** Seconds, as a clock. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
