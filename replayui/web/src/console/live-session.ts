import { effect } from "@preact/signals";
import type { Action, EventConfirmation, EventRequest, Lifecycle } from "../protocol/format.ts";
import { Beside } from "../view/beside.ts";
import { Stage } from "../view/stage.ts";
import { LiveHand } from "./live-hand.ts";
import { LiveLink, type ToAgent } from "./live-link.ts";
import * as s from "./live-state.ts";
import { describe, ghost, optionsOf, reaches, type Described } from "./live-words.ts";

/** The parts of a live view, wired. */
export interface Parts { link: LiveLink; hand: LiveHand; stage: Stage; beside: Beside; request(node: number, action: Action, value?: string): void }

const TICK_MS = 250;

/** Opens a session in a room of the page. */
export function open(session: string, room: HTMLElement): Parts {
  const stage: Stage = new Stage(room, "mirror", true, () => (s.missing.value = stage?.missing.size ?? 0));
  const beside = new Beside(stage, () => s.me.value);
  const sent = new Map<string, Described & { action: Action; node: number }>();
  let hand: LiveHand | undefined;
  const link: LiveLink = new LiveLink(session, stage, beside, {
    text: (m) => {
      if (m.people) beside.know(m.people);
      if (m.type === "pong") s.latency.value = link.latency;
      if (m.type === "accepted") sent.delete(m.ref ?? "");
      if (m.type === "rejected") rejected(m, sent);
      hear(m, beside);
    },
    request: (r, from) => asked(r, from, link.page, stage),
    confirmation: (c) => answered(c, stage),
    lifecycle,
    turned: () => {
      stage.marks.removeAll("request ");
      for (const r of s.requests.value) if (r.state === "pending" && r.page === link.page) outline(r, stage);
      hand?.drop();
    },
    shown: () => {
      s.url.value = stage.mirror.shown.url;
      s.title.value = stage.mirror.shown.title;
      s.active.value = link.page;
      s.retitle(link.page, stage.mirror.shown);
    },
    connection: (up) => {
      if (up) return;
      s.state.value = "reconnecting";
      lose();
    },
  });
  const request = (node: number, action: Action, value?: string) => {
    const words = { ...describe({ id: 0, node, action, value: value ?? "", seen: 0 }, stage.mirror.node(node)), action, node };
    const ref = link.request(node, action, value);
    if (ref) sent.set(ref, words);
    else s.refuse(words, "lost");
  };
  hand = makeHand(stage, link, beside, request);
  stage.onPlaced(() => resize(stage));
  effect(() => {
    document.title = `${s.title.value || "Live session"} · Pillion`;
  });
  setInterval(() => {
    beside.tick(performance.now());
    s.now.value = Date.now();
  }, TICK_MS);
  link.connect().catch((e: Error) => {
    s.state.value = "ended";
    s.trouble.value = e.message;
  });
  return { link, hand, stage, beside, request };
}

function makeHand(stage: Stage, link: LiveLink, beside: Beside, request: Parts["request"]): LiveHand {
  const hand = new LiveHand(stage, {
    pointer: (p) => link.send({ type: "pointer", page: link.page, ...p }),
    draw: (d) => {
      beside.draw(s.me.value, d, performance.now()); // its own echo replaces it
      link.draw(d);
    },
    request,
    refused: (node) => s.refuse({ ...describe({ id: 0, node, action: "click", seen: 0 }, stage.mirror.node(node)), action: "click", node }, "masked"),
    keys: (on) => (s.keysOn.value = on),
    says: (words) => (s.notice.value = words),
    leave: () => document.querySelector<HTMLElement>(".modes button[aria-pressed=true]")?.focus(),
  });
  effect(() => {
    if (s.mode.value !== "control") s.keysOn.value = false;
    hand.set({ scrolls: !s.hindrance("control"), mode: s.mode.value, tool: s.tool.value, free: reaches(s.level.value, "act"), hovers: s.hovers.value, keysOn: s.keysOn.value });
  });
  return hand;
}

function resize(stage: Stage): void {
  const { width, height } = stage.mirror.shown;
  const before = s.size.value;
  if (before.width !== width || before.height !== height || before.scale !== stage.scale) s.size.value = { width, height, scale: stage.scale };
}

function asked(r: EventRequest, from: number, page: number, stage: Stage): void {
  const entry: s.Asked = { ...describe(r, stage.mirror.node(r.node)), id: r.id, from, action: r.action, node: r.node, page, state: "pending", reason: "" };
  s.ask(entry);
  outline(entry, stage);
}

/** Marks what waits, with the proposed value beside it: the page itself changes when it is confirmed. */
function outline(r: s.Asked, stage: Stage): void {
  if (r.node && !s.QUIET.has(r.action)) stage.marks.outline("request " + r.id, r.node, "pending", ghost(r.action, r));
}

function answered(c: EventConfirmation, stage: Stage): void {
  const r = s.requests.value.find((x) => x.id === c.request);
  const made = c.value !== undefined && r?.action === "select" ? optionsOf(stage.mirror.node(r.node), c.value) : c.value;
  s.settle(c.request, c.outcome, c.reason ?? "", made);
  stage.marks.remove("request " + c.request);
}

/** A rejected request is logged too, where it got a number; else nobody but us knows of it. */
function rejected(m: ToAgent, sent: Map<string, Described & { action: Action; node: number }>): void {
  const words = sent.get(m.ref ?? "");
  sent.delete(m.ref ?? "");
  if (m.id) s.settle(m.id, "denied", m.reason ?? "");
  else s.refuse(words ?? { what: "Request", action: "click", node: 0 }, m.reason ?? "");
}

/** What waits for an answer while the connection is gone may never hear it. */
function lose(): void {
  for (const r of s.requests.value) if (r.state === "pending") s.settle(r.id, "denied", "lost");
}

function lifecycle(l: Lifecycle): void {
  if (l.type === "control") s.control.value = l.participant ?? 0;
  if (l.level && (l.type === "level" || l.type === "consented")) s.level.value = l.level;
}

function codeOf(m: ToAgent): s.Code | undefined {
  return m.code ? { code: m.code, until: Date.now() + (m.codeExpires ?? 0) * 1000, link: safeLink(m.link) } : undefined;
}

/** Only an address of the web is shown as a link. */
function safeLink(link: string | undefined): string | undefined {
  return link && /^https?:\/\//i.test(link) ? link : undefined;
}

function hear(m: ToAgent, beside: Beside): void {
  if (m.people) people(m, beside);
  switch (m.type) {
    case "welcome":
      welcome(m);
      break;
    case "consent":
      s.state.value = m.allow ? "live" : "refused";
      s.level.value = m.level ?? s.level.value;
      break;
    case "state":
      s.state.value = (m.state as s.LiveState | undefined) ?? s.state.value;
      break;
    case "page":
      s.pages.value = m.pages ?? s.pages.value;
      break;
    case "level":
      s.level.value = m.level ?? s.level.value;
      break;
    case "invited":
      if (s.state.value === "offered") s.offer.value = codeOf(m);
      else s.invited.value = codeOf(m);
      break;
    case "suspended":
      s.state.value = "suspended";
      s.awaySince.value = Date.now();
      break;
    case "resumed":
      s.state.value = "live";
      break;
    case "ended":
      s.state.value = m.reason === "refused" ? "refused" : "ended";
      s.why.value = m.reason ?? "";
      s.trouble.value = m.detail ?? "";
  }
}

function people(m: ToAgent, beside: Beside): void {
  const there = m.people!;
  for (const p of s.people.value) if (!there.some((x) => x.participant === p.participant)) beside.leave(p.participant);
  s.people.value = there;
  s.control.value = m.control ?? 0;
}

function welcome(m: ToAgent): void {
  s.me.value = m.participant ?? 0;
  s.role.value = m.role ?? "";
  s.user.value = m.user ?? "";
  s.state.value = (m.state as s.LiveState | undefined) ?? "asking";
  s.level.value = m.level ?? s.level.value;
  s.pages.value = m.pages ?? [];
  s.active.value = m.page ?? 0;
  s.url.value ||= m.pages?.find((p) => p.page === m.page)?.url ?? m.pages?.[0]?.url ?? "";
  s.preview.value = m.preview ?? false;
}
