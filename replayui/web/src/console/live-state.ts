import { computed, signal } from "@preact/signals";
import type { Action, Level, Person } from "../protocol/format.ts";
import type { Mode, Tool } from "./live-hand.ts";
import { reaches, type Described } from "./live-words.ts";

export type LiveState = "connecting" | "offered" | "waiting" | "asking" | "live" | "suspended" | "reconnecting" | "refused" | "ended";

/** A request as the list shows it. */
export interface Asked extends Described {
  id: number;
  from: number;
  action: Action;
  node: number;
  /** the page that it was asked of; 0 where it was not sent */
  page: number;
  state: "pending" | "confirmed" | "denied";
  reason: string;
  /** what the user made of it */
  made?: string | undefined;
}

export interface PageName { page: number; url: string; title: string }

/** A code for somebody, and when it is no longer good. */
export interface Code { code: string; until: number; link?: string | undefined }

const MAX_LISTED = 60;
/** Requests that say little when they worked. */
export const QUIET = new Set<Action>(["scroll", "hover", "focus"]);

export const state = signal<LiveState>("connecting");
export const trouble = signal("");
/** why the session is over (events/FORMAT.md, Lifecycle) */
export const why = signal("");
export const now = signal(Date.now());
export const awaySince = signal(0);
export const me = signal(0);
export const role = signal("");
/** an administrator looks at what agents would see; nothing is recorded */
export const preview = signal(new URLSearchParams(location.search).has("preview"));
export const user = signal("");
export const level = signal<Level>("view");
export const people = signal<Person[]>([]);
export const control = signal(0);
export const pages = signal<PageName[]>([]);
export const active = signal(0);
export const url = signal("");
export const title = signal("");
export const size = signal({ width: 0, height: 0, scale: 1 });
export const offer = signal<Code | undefined>(undefined);
export const invited = signal<Code | undefined>(undefined);
export const latency = signal(0);
export const missing = signal(0);
export const requests = signal<Asked[]>([]);
export const notice = signal("");

export const wish = signal<Mode>("control");
export const tool = signal<Tool>("pointer");
export const hovers = signal(false);
export const keysOn = signal(false);

const usable = computed(() => state.value === "live" || state.value === "suspended");
/** a panel stands over the page */
export const covered = computed(() => !usable.value && state.value !== "reconnecting");
export const acts = computed(() => control.value !== 0 && control.value === me.value);

/** Why a mode cannot be had now; "" where it can. */
export function hindrance(m: Mode): string {
  if (!usable.value) return "The page is not shared yet.";
  if (m === "view") return "";
  if (!reaches(level.value, "point")) return "The user lets you look only. Ask the user to allow more.";
  if (m === "point") return "";
  if (!reaches(level.value, "propose")) return "The user lets you look and point only. Ask the user to allow more.";
  if (acts.value) return "";
  return control.value ? `${nameOfPerson(control.value)} acts now. One at a time may.` : "Nobody acts now. Take over first.";
}

/** The mode that holds: the one wished for, or the next below it that is allowed. */
export const mode = computed<Mode>(() => {
  const modes: Mode[] = ["control", "point", "view"];
  return modes.slice(modes.indexOf(wish.value)).find((m) => !hindrance(m)) ?? "view";
});

export function nameOfPerson(participant: number): string {
  if (participant === 1) return "The user";
  return people.value.find((p) => p.participant === participant)?.name ?? "Another agent";
}

/** The list of pages was made before the page on show had a title, or moved on. */
export function retitle(page: number, { url, title }: { url: string; title: string }): void {
  const listed = pages.value.find((p) => p.page === page);
  if (!listed || (listed.title === title && listed.url === url)) return;
  pages.value = pages.value.map((p) => (p.page === page ? { page, url, title } : p));
}

export function ask(r: Asked): void {
  requests.value = [...requests.value.filter((x) => x.id !== r.id), r].slice(-MAX_LISTED);
}

/** Writes the answer to a request down. */
export function settle(id: number, to: "confirmed" | "denied", reason: string, made?: string): void {
  requests.value = requests.value
    .filter((r) => r.id !== id || to === "denied" || !QUIET.has(r.action))
    .map((r) => (r.id === id ? { ...r, state: to, reason, made } : r));
}

/** A request that was not even sent, or not even taken. */
export function refuse(r: Described & { action: Action; node: number }, reason: string): void {
  ask({ ...r, id: -performance.now(), from: me.value, page: 0, state: "denied", reason });
}
