/** What an act has led to and the user is to be asked about first: the page is left, or a form is sent. */
export interface Led {
  as: "form" | "link";
  /** does it after all */
  go(): void;
}

type Realm = Window & typeof globalThis;

/** The parts of the Navigation API that are used; older browsers have none. */
interface Leaving extends Event {
  destination: { url: string; sameDocument: boolean };
  formData: FormData | null;
  downloadRequest: string | null;
  navigationType: string;
  userInitiated: boolean;
}

/** A page of more frames than this is watched in the first ones. */
const MAX_REALMS = 50;

/**
 * Keeps scripts from leaving the page, or sending a form, as long as it is
 * there: what would have been done is noted, once. Agents' acts have listeners
 * of the page run, and what those do by `submit()`, `location` or `open` is not
 * to be seen in the element that was clicked. Other windows of the page's site
 * are not looked at.
 */
export class Guard {
  led: Led | undefined;
  /** a form was stopped that cannot be sent again: nobody saw which one */
  lost = false;
  readonly #undo: (() => void)[] = [];

  constructor(top: Window) {
    const realms = [top as Realm];
    for (const win of realms) {
      for (let i = 0; i < win.length && realms.length < MAX_REALMS; i++) if (ours(win[i]!)) realms.push(win[i] as Realm);
      this.#watch(win);
    }
  }

  end(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  #note(as: Led["as"], go: () => void): void {
    this.led ??= { as, go };
  }

  #watch(win: Realm): void {
    this.#hear(win, "submit", (e) => {
      const { submitter } = e as SubmitEvent;
      const form = e.target as HTMLFormElement;
      this.#stop(e, "form", () => win.HTMLFormElement.prototype.requestSubmit.call(form, submitter?.isConnected ? submitter : null));
    });
    const { navigation } = win as { navigation?: EventTarget };
    if (navigation) this.#hear(navigation, "navigate", (e) => this.#leaves(win, e as Leaving));
    this.#replace(win.HTMLFormElement?.prototype, "submit", "form");
    for (const name of ["back", "forward", "go"]) this.#replace(win.History?.prototype, name, "link");
    this.#replace(win, "open", "link");
  }

  #leaves(win: Realm, e: Leaving): void {
    if (e.userInitiated || e.destination.sameDocument || e.downloadRequest !== null || !e.cancelable) return;
    const { destination: { url }, navigationType, formData } = e;
    if (formData) {
      this.lost = true;
      return e.preventDefault();
    }
    this.#stop(e, "link", () => (navigationType === "reload" ? win.location.reload() : win.location.assign(url)));
  }

  #stop(e: Event, as: Led["as"], go: () => void): void {
    e.preventDefault();
    e.stopImmediatePropagation();
    this.#note(as, go);
  }

  #hear(at: EventTarget, name: string, f: (e: Event) => void): void {
    at.addEventListener(name, f, true);
    this.#undo.push(() => at.removeEventListener(name, f, true));
  }

  /** Puts something that only notes its call in a method's place. */
  #replace(of: object | undefined, name: string, as: Led["as"]): void {
    const d = of && Object.getOwnPropertyDescriptor(of, name);
    if (!d?.configurable || typeof d.value !== "function") return;
    const note = this.#note.bind(this);
    const own = function (this: unknown, ...args: unknown[]) {
      note(as, () => Reflect.apply(d.value as () => void, this, args));
      return null;
    };
    Object.defineProperty(of, name, { ...d, value: own });
    this.#undo.push(() => {
      if (Object.getOwnPropertyDescriptor(of, name)?.value === own) Object.defineProperty(of!, name, d);
    });
  }
}

function ours(win: Window): boolean {
  try {
    return !!win.document;
  } catch {
    return false; // another site's
  }
}
