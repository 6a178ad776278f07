import { RecordKind, type Action, type Level, type Reason } from "../protocol/format.ts";
import * as dom from "../page/natives.ts";
import type { Recorder } from "../page/recorder.ts";
import type * as Acts from "./act.ts";
import { control, disabled, focused, leads, nameOf, nearest, target, typed, type Place } from "./around.ts";
import type { Cursor } from "./cursor.ts";
import type { Led } from "./leaving.ts";
import type { FromGateway } from "./link.ts";
import { Locks, USER } from "./locks.ts";
import { Turns, type Facts, type Page, type Request } from "./turns.ts";

/** What the user is asked before an agent's act. */
export interface Question {
  id: number;
  who: string;
  action: Action;
  /** what the element is called: a field's label, a link's text; where to, for navigate */
  what: string;
  /** what it has and what it would have, for acts that change a value */
  from?: string;
  to?: string;
  /** the user may put another value in its place */
  editable: boolean;
  /** which options of a list that may be chosen from */
  value?: string;
  /** what it leads to, where it leads anywhere */
  leads: "link" | "form" | "rule" | "";
  el: HTMLElement | null;
}

/** Who shows the user what agents want and do. */
export interface Asking {
  /** Asks; the answer comes once, unless the question is withdrawn. */
  ask(q: Question): Promise<{ allow: boolean; value?: string }>;
  withdraw(id: number): void;
  /** An agent is busy with an element (a name), or not any more (null). */
  locked(el: HTMLElement, name: string | null): void;
  /** The user is in an element, which agents leave alone meanwhile, or not any more. */
  held(on: boolean): void;
}

/** Where numbered frames go. */
export interface Out {
  frame(kind: number, payload: Uint8Array): number | undefined;
  readonly last: number;
}

/** How often leases and waiting times are looked at. */
const BEAT_MS = 500;
/** A focus is the user's where a key or a press of theirs came just before it. */
const CAUSED_MS = 500;
const WRITES = /^(Enter|Space|Backspace|Delete)$/;

const encoder = new TextEncoder();

/** The agents' hand on the user's page: what it is asked, what the user does meanwhile, and what comes of it. */
export class Hand implements Page {
  readonly #out: Out;
  readonly #asking: Asking;
  readonly #ask: () => readonly string[];
  readonly #locks = new Locks(dom.now, (node, held, by) => this.#lock(node, held, by));
  readonly #turns = new Turns(this, this.#locks, dom.now);
  #recorder: Recorder | undefined;
  readonly #load: () => Promise<typeof Acts>;
  #acts: typeof Acts | undefined;
  #loading = false;
  #place: Place | undefined;
  #cursor: Cursor | undefined;
  /** the frame in which the user's last change of a control went out, at the earliest */
  #changed = new WeakMap<Node, number>();
  /** what acts have led to, and the user is asked about */
  #led = new Map<number, Led>();
  #names = new Map<number, string>();
  #since = 0;
  #acting = false;
  #pressed = -CAUSED_MS;
  #beating = false;

  /** `load` fetches what performs; `ask`: selectors of elements that the operator wants the user asked about. */
  constructor(out: Out, asking: Asking, load: () => Promise<typeof Acts>, ask: () => readonly string[] = () => []) {
    this.#load = load;
    this.#out = out;
    this.#asking = asking;
    this.#ask = ask;
  }

  /** The page is recorded anew: what was asked about the old numbers cannot be done. */
  attend(recorder: Recorder): void {
    this.#turns.stop("gone");
    this.#locks.clear();
    this.#recorder = recorder;
    this.#place = { shadow: (el) => recorder.tree.shadow(el), masked: (el) => recorder.isMasked(el), users: null };
    this.#cursor = undefined;
    const heard = (e: Event) => this.#heard(e);
    for (const name of ["pointerdown", "keydown", "input", "change", "focusin", "focusout"]) recorder.heard[name] = heard;
  }

  /** The frame of a page state: what an agent saw before it had other numbers. */
  begun(frame: number): void {
    this.#since = frame;
  }

  set level(level: Level | undefined) {
    if (level) this.#turns.level = level;
  }

  /** The connection came or went. With void numbers the gateway has answered what was open. */
  connected(up: boolean, voided: boolean): void {
    if (up && voided) {
      this.#turns.drop();
      this.#changed = new WeakMap();
    }
    this.#turns.up = up;
  }

  /** The session is over, with all that was open in it. */
  over(): void {
    this.#turns.drop();
    this.#recorder = undefined;
  }

  request(m: FromGateway): void {
    const r: Request = { id: m.id ?? 0, from: m.from ?? 0, name: m.name ?? "", node: m.node ?? 0, action: m.action as Action, value: m.value ?? "", seen: m.seen ?? 0 };
    this.#names.set(r.from, r.name);
    this.#turns.request(r);
    this.#beat();
  }

  expire(id: number): void {
    this.#turns.expire(id);
  }

  /** The user stops it all. */
  stop(): void {
    this.#turns.stop("refused");
  }

  /** The user says that the element they are in is free. */
  unlock(): void {
    this.#locks.moved();
    this.#turns.pump();
  }

  /** Keeps time while there is anything that ends by it. */
  #beat(): void {
    if (this.#beating || !(this.#turns.any || this.#locks.any)) return;
    this.#beating = true;
    dom.later(() => {
      this.#beating = false;
      this.#turns.tick();
      this.#beat();
    }, BEAT_MS);
  }

  // What the user does.

  #heard(e: Event): void {
    // A browser trusts what our own commands bring about.
    if (!e.isTrusted || this.#acting || !this.#recorder?.ready) return;
    const tree = this.#recorder.tree;
    const el = e.composedPath()[0] as Element;
    if (el.nodeType !== 1 || !tree.id(el)) return this.unlock(); // it is ours: they are not in the page
    // An inner listener tells of what happens in a closed shadow root.
    if (tree.shadow(el)?.mode === "closed" && e.composed) return;
    if (/down$/.test(e.type)) this.#pressed = dom.now();
    const c = control(el, tree.shadow.bind(tree));
    if (e.type === "focusout") {
      // In a window that goes behind another the element keeps its focus, and the user their place.
      void dom.soon().then(() => {
        const at = focused(this.#shadow);
        if (c && tree.id(c) === this.#locks.users && !(at && control(at, this.#shadow) === c)) this.unlock();
      });
      return;
    }
    if (e.type === "focusin") {
      if (dom.now() - this.#pressed > CAUSED_MS) {
        if (c && tree.id(c) !== this.#locks.users) this.unlock();
        return;
      }
    }
    this.#place!.users = typed(el) ? el : c;
    if (!c) return e.type === "pointerdown" ? this.unlock() : undefined;
    if (e.type === "input" || e.type === "change") this.#changed.set(c, this.#out.last + 1);
    this.#turns.touched(tree.id(c));
    this.#beat();
  }

  // What turns ask of the page.

  ready(): boolean {
    if (!this.#acts && !this.#loading) void this.#fetch();
    return !!this.#acts && !!this.#recorder?.ready;
  }

  /** Requests wait for what performs them; where it does not come, the next look at them fetches it again. */
  async #fetch(): Promise<void> {
    this.#loading = true;
    try {
      this.#acts = await this.#load();
      this.#turns.pump();
    } catch {
      // the connection is down, or the gateway is another by now
    } finally {
      this.#loading = false;
    }
  }

  /** The element that a request is about. */
  #element(r: Request): HTMLElement | null {
    const n = this.#recorder!.tree.node(r.node);
    if (!n || !dom.isConnected(n)) return null;
    const type = dom.nodeType(n);
    if (type === 9) return (r.action === "scroll" ? (n as Document).scrollingElement : ((n as Document).body ?? (n as Document).documentElement)) as HTMLElement | null;
    return (type === 1 ? n : dom.parentNode(n)?.nodeType === 1 ? dom.parentNode(n) : null) as HTMLElement | null;
  }

  get #shadow() {
    return this.#place!.shadow;
  }

  control(r: Request): number {
    const el = this.#element(r);
    return el ? this.#recorder!.tree.id(control(el, this.#shadow) ?? el) : 0;
  }

  facts(r: Request): Facts {
    const f: Facts = { holder: 0, busy: false, changed: false, leads: false };
    if (LEAVES.test(r.action)) f.bar = leaving(r);
    else {
      const el = r.seen < this.#since ? null : this.#element(r);
      if (!el) return { ...f, bar: "gone" };
      const c = control(el, this.#shadow) ?? el;
      const node = this.#recorder!.tree.id(c);
      f.bar = this.#bar(el, r);
      f.holder = this.#locks.holder(node);
      f.busy = !!this.#locks.users && this.#locks.users !== node;
      f.changed = (this.#changed.get(c) ?? 0) > r.seen;
      f.leads = !!this.#leads(el, r, false);
    }
    return f;
  }

  #bar(el: HTMLElement, r: Request): Reason | undefined {
    if (r.action === "scroll") return undefined;
    const t = target(el, this.#shadow);
    if ([t, el].some((x) => this.#recorder!.isMasked(x))) return "masked";
    if (r.action === "hover") return undefined;
    const writes = r.action === "fill" || (r.action === "key" && WRITES.test(r.value) && dom.localName(t) === "textarea");
    return disabled(t, this.#shadow) || disabled(el, this.#shadow) || (writes && (t as HTMLInputElement).readOnly) ? "disabled" : undefined;
  }

  #leads(el: HTMLElement, r: Request, implicit: boolean): Question["leads"] {
    const where = leads(el, r.action, r.value, this.#shadow, implicit);
    if (where || /^(hover|scroll|focus)$/.test(r.action) || /Tab$|^Escape$/.test(r.action === "key" ? r.value : "")) return where;
    for (const selector of this.#ask()) {
      try {
        if (nearest(el, selector, this.#shadow) || nearest(target(el, this.#shadow), selector, this.#shadow)) return "rule";
      } catch {
        return "rule"; // a rule that the browser does not understand may mean this one
      }
    }
    return "";
  }

  ask(r: Request): void {
    const q: Question = { id: r.id, who: r.name, action: r.action, what: r.action === "key" ? r.value : "", editable: false, leads: "", el: null };
    const el = LEAVES.test(r.action) ? null : this.#element(r);
    if (el) {
      const t = target(el, this.#shadow);
      q.el = t;
      q.what = nameOf(t, this.#shadow);
      q.leads = this.#led.get(r.id)?.as ?? this.#leads(el, r, true);
      Object.assign(q, values(t, r));
    } else if (r.action === "navigate") q.what = new URL(r.value, document.baseURI).pathname;
    void this.#asking.ask(q).then((a) => {
      this.#turns.answered(r.id, a.allow, q.editable ? a.value : undefined);
      this.#beat();
    });
  }

  withdraw(id: number): void {
    this.#asking.withdraw(id);
  }

  act(r: Request, value: string, allowed: boolean): void {
    const recorder = this.#recorder!;
    const el = LEAVES.test(r.action) ? document.documentElement : this.#element(r)!;
    const step = (part: () => void) => {
      this.#acting = true;
      try {
        recorder.byRequest(part);
      } finally {
        this.#acting = false;
      }
    };
    const goes = () => recorder === this.#recorder && this.#turns.goes(r.id);
    const to = r.action === "navigate" ? new URL(value, document.baseURI).href : value;
    const { perform, Cursor } = this.#acts!;
    const cursor = (this.#cursor ??= new Cursor(this.#place!));
    perform(r.action, { el, value: to, cursor, allowed, led: this.#led.get(r.id), step, goes }).catch(() => false).then((ok) => {
      if (typeof ok == "object") this.#led.set(r.id, ok);
      this.#turns.done(r.id, ok);
    });
  }

  answer(id: number, denied: Reason | null, value?: string): void {
    this.#led.delete(id);
    this.#recorder?.flushNow();
    this.#send(RecordKind.EventConfirmation, { request: id, outcome: denied ? "denied" : "confirmed", reason: denied ?? undefined, value });
  }

  #lock(node: number, held: boolean, by: number): void {
    this.#recorder?.flushNow(); // what was done before it comes before it
    this.#send(RecordKind.Lock, { node, held, by });
    if (by === USER) this.#asking.held(held);
    const el = this.#recorder?.tree.node(node);
    const name = this.#names.get(by);
    if (el && name !== undefined) this.#asking.locked(el as HTMLElement, held ? name : null);
  }

  #send(kind: RecordKind, m: Record<string, string | number | boolean | undefined>): void {
    this.#out.frame(kind, encoder.encode(dom.json(m)));
  }
}

/** Of a longer list the user says yes or no. */
const MAX_OPTIONS = 300;
const LEAVES = /^(navigate|back|forward)$/;

/** What rules out leaving the page in some direction. */
function leaving(r: Request): Reason | undefined {
  if (r.action !== "navigate") {
    const { navigation } = window as { navigation?: { canGoBack: boolean; canGoForward: boolean } };
    return navigation && !(r.action === "back" ? navigation.canGoBack : navigation.canGoForward) ? "failed" : undefined;
  }
  let url: URL;
  try {
    url = new URL(r.value, document.baseURI);
  } catch {
    return "forbidden";
  }
  const own = url.origin === location.origin && /^https?:$/.test(url.protocol);
  return own && !url.username && !url.password && !url.pathname.startsWith("/.pillion/") ? undefined : "forbidden";
}

/** What a control has and would have, in words. */
function values(el: HTMLElement, r: Request): Partial<Question> {
  if (r.action === "fill") {
    return { from: el.isContentEditable ? (el.textContent ?? "") : (el as HTMLInputElement).value, to: r.value, editable: true };
  }
  if (r.action === "key") return { to: r.value };
  if (r.action !== "select") return {};
  const list = [...((el as HTMLSelectElement).options ?? [])];
  const named = (chosen: (i: number) => boolean | undefined) => list.filter((_, i) => chosen(i)).map((o) => o.text).join(", ");
  const to = r.value.split(",");
  const editable = list.length <= MAX_OPTIONS;
  return { from: named((i) => list[i]!.selected), to: named((i) => to.includes(String(i))), editable, ...(editable && { value: r.value }) };
}
