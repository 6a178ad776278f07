import { computed, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Brand } from "../view/signin.tsx";
import { Stage } from "../view/stage.ts";
import { FidelityReport, type Now } from "./fidelity.tsx";
import { Playback } from "./playback.ts";
import type { Mark, Recording } from "./recording.ts";

declare global {
  interface Window {
    pillionPlayer?: { seek(ms: number): Promise<void>; readonly duration: number; readonly time: number };
  }
}

const TYPES = ["click", "input", "scroll", "key", "navigation", "request", "confirmation", "chat", "upload", "download", "session", "view"];
const SPEEDS = [0.5, 1, 2, 4, 8];

export const trouble = signal("");
/** the recording on show */
export const recording = signal<Recording | undefined>(undefined);
const time = signal(0);
const playing = signal(false);
const speed = signal(1);
const chosen = signal(new Set(TYPES));
const words = signal("");
const lacking = signal<Now>({ missing: [], blocked: new Map() });
const place = signal("");
/** the first picture is there: what stands beside it may come */
const pictured = signal(false);

const duration = computed(() => recording.value?.described.duration ?? 0);
const hits = computed(() => {
  const q = words.value.trim().toLowerCase();
  return q ? new Set(recording.value?.marks.filter((m) => m.label.toLowerCase().includes(q))) : undefined;
});
const listed = computed(() => ((pictured.value && recording.value?.marks) || []).filter((m) => chosen.value.has(m.type) && (!hits.value || hits.value.has(m))));
const present = computed(() => listed.value.findLast((m) => m.t <= time.value));

function clock(ms: number): string {
  const s = Math.floor(ms / 1000);
  const pad = (n: number) => String(n).padStart(2, "0");
  return (s >= 3600 ? Math.floor(s / 3600) + ":" : "") + pad(Math.floor(s / 60) % 60) + ":" + pad(s % 60);
}

/** Moves the page on show along with the clock. */
class Transport {
  private last = 0;
  private moving = false;

  constructor(private readonly playback: Playback, private readonly stage: Stage) {}

  async seek(ms: number): Promise<void> {
    time.value = Math.max(0, Math.min(ms, duration.value));
    try {
      await this.playback.seek(time.value);
    } catch (e) {
      playing.value = false;
      trouble.value = (e as Error).message;
      return;
    } finally {
      if (!pictured.value) requestAnimationFrame(() => setTimeout(() => (pictured.value = true)));
    }
    await this.stage.settled();
  }

  toggle(): void {
    playing.value = !playing.value;
    if (!playing.value) return;
    if (time.value >= duration.value) time.value = 0;
    this.last = performance.now();
    requestAnimationFrame(this.step);
  }

  private step = (): void => {
    if (!playing.value) return;
    const now = performance.now();
    time.value = Math.min(duration.value, time.value + (now - this.last) * speed.value);
    this.last = now;
    if (!this.moving) {
      this.moving = true;
      this.playback.seek(time.value).then(
        () => {
          this.moving = false;
          this.playback.ahead();
        },
        (e: Error) => {
          this.moving = false;
          playing.value = false;
          trouble.value = e.message;
        },
      );
    }
    if (time.value >= duration.value) playing.value = false;
    else requestAnimationFrame(this.step);
  };
}

/** How a viewer's frame comes about: where its document is from, and who builds the page in it. */
export type Staging = (room: HTMLElement, changed: (stage: Stage) => void) => Stage;

const served: Staging = (room, changed) => {
  const stage: Stage = new Stage(room, "page", false, () => changed(stage));
  return stage;
};

/**
 * The player of one recording. tools stand in its header. Its frame is made at once,
 * also while the recording is still on its way.
 */
export function Player({ recording, staging = served, home, tools }: { recording: Recording | undefined; staging?: Staging; home?: string; tools?: ComponentChildren }) {
  const room = useRef<HTMLDivElement>(null);
  const transport = useRef<Transport>(undefined);
  const staged = useRef<Stage>(undefined);
  useLayoutEffect(() => {
    staged.current = staging(room.current!, (s) => (lacking.value = { missing: [...s.missing], blocked: new Map(s.blocked) }));
  }, []);
  useLayoutEffect(() => {
    if (!recording) return;
    const stage = staged.current!;
    const playback = new Playback(recording, stage, () => (place.value = stage.mirror.shown.url));
    const t = (transport.current = new Transport(playback, stage));
    window.pillionPlayer = {
      seek: (ms) => t.seek(ms),
      get duration() { return duration.value; },
      get time() { return playback.time; },
    };
    const from = Number(new URLSearchParams(location.search).get("t"));
    void t.seek(Number.isFinite(from) && from > 0 ? from : (recording.described.pages[0]?.t ?? 0));
  }, [recording]);
  const seek = (ms: number) => void transport.current?.seek(ms);
  const key = (e: KeyboardEvent) => {
    if ((e.target as Element).matches("input, select, button")) return;
    if (e.key === " ") transport.current?.toggle();
    else if (e.key === "ArrowRight") seek(time.value + 5000);
    else if (e.key === "ArrowLeft") seek(time.value - 5000);
    else return;
    e.preventDefault();
  };
  const s = recording?.described.session;
  return (
    <div class="player" onKeyDown={key} tabIndex={-1}>
      <header class="top">
        {home ? <a href={home} aria-label="Pillion, back to the list"><Brand /></a> : <Brand />}
        <span class="place"><h1>{s?.title || "Recording"}</h1> <small>{place.value}</small></span>
        <span class="grow" />
        {recording && <FidelityReport missing={recording.described.missing} now={lacking.value} from={(n) => recording.fidelity(n)} />}
        {tools}
        {/* To write a date for the first time takes as long as to show a page. */}
        {recording && <small>{pictured.value && `${new Date(recording.described.start).toLocaleString()} · `}{s?.agents?.join(", ")}</small>}
      </header>
      <div class="work">
        <main class="room" ref={room} />
        {recording && <Events seek={seek} />}
        {!recording && <p class="banner" role="status">Opening the recording…</p>}
        {trouble.value && <p class="banner" role="alert">{trouble.value}</p>}
        {!trouble.value && recording && recording.damage.value.length > 0 && (
          <p class="banner" role="alert" data-testid="damaged">Part of this recording is not as it was sealed, and is left out: {recording.damage.value.join("; ")}</p>
        )}
      </div>
      <footer class="controls">
        <button class="primary play" data-testid="play" aria-label={playing.value ? "Pause" : "Play"} onClick={() => transport.current?.toggle()}>{playing.value ? "❚❚" : "▶"}</button>
        <span class="clock" data-testid="clock">{clock(time.value)} / {clock(duration.value)}</span>
        <div class="track">
          <div class="marks">
            {thinned(listed.value).map((m, i) => (
              <button key={i} class={`mark kind-${m.type}` + (hits.value ? " hit" : "")} data-testid="mark" title={`${clock(m.t)} ${m.label}`} tabIndex={-1}
                aria-hidden="true" style={{ left: `${duration.value ? (m.t / duration.value) * 100 : 0}%` }} onClick={() => seek(m.t)} />
            ))}
          </div>
          <input type="range" data-testid="scrubber" aria-label="Time" min={0} max={duration.value} step={1} value={time.value}
            aria-valuetext={clock(time.value)} onInput={(e) => seek(Number(e.currentTarget.value))} />
        </div>
        <select aria-label="Speed" value={speed.value} onChange={(e) => (speed.value = Number(e.currentTarget.value))}>
          {SPEEDS.map((v) => <option key={v} value={v}>{v} ×</option>)}
        </select>
      </footer>
    </div>
  );
}

/** So many marks stand on the track, and so many rows in the list: the rest is near what is shown of them. */
const MAX_SHOWN = 600;

function thinned(marks: readonly Mark[]): readonly Mark[] {
  const every = Math.ceil(marks.length / MAX_SHOWN);
  return every > 1 ? marks.filter((_, i) => i % every === 0) : marks;
}

/** The rows about the present one. */
function around(marks: readonly Mark[], now: Mark | undefined): readonly Mark[] {
  if (marks.length <= MAX_SHOWN) return marks;
  const at = Math.floor(Math.max(0, (now ? marks.indexOf(now) : 0) - MAX_SHOWN / 2) / 100) * 100;
  return marks.slice(at, at + MAX_SHOWN);
}

function Events({ seek }: { seek: (ms: number) => void }) {
  const there = new Set(recording.value!.marks.map((m) => m.type));
  const toggle = (type: string) => {
    const next = new Set(chosen.value);
    if (!next.delete(type)) next.add(type);
    chosen.value = next;
  };
  const row = (m: Mark, i: number) => (
    <li key={i} class={`kind-${m.type}` + (m === present.value ? " now" : "")} aria-current={m === present.value ? "true" : undefined}>
      <button data-testid={hits.value ? "search-hit" : "event-row"} onClick={() => seek(m.t)}>
        <time>{clock(m.t)}</time>
        <span>{m.label}<i>{m.by}</i></span>
      </button>
    </li>
  );
  return (
    <aside aria-label="Events">
      <input type="search" placeholder="Search events" aria-label="Search events" data-testid="search" value={words.value} onInput={(e) => (words.value = e.currentTarget.value)} />
      <div class="filters" role="group" aria-label="Types of events" data-testid="type-filter">
        {TYPES.filter((t) => there.has(t)).map((t) => (
          <button key={t} data-type={t} aria-pressed={chosen.value.has(t)} onClick={() => toggle(t)}>{t}</button>
        ))}
      </div>
      {pictured.value && listed.value.length === 0 && <p class="hint">{words.value ? "No event has these words." : "No event of the chosen types."}</p>}
      <ul class="events">{around(listed.value, present.value).map(row)}</ul>
    </aside>
  );
}
