const MARK = "pillion";

/** Whether a session is on in this browser, as far as this site's storage says. */
export function marked(): boolean {
  try {
    return localStorage.getItem(MARK) !== null;
  } catch {
    return false;
  }
}

/** A name for this tab, the same for the pages that follow each other in it. */
export function tab(): string {
  try {
    let name = sessionStorage.getItem(MARK);
    if (!name) sessionStorage.setItem(MARK, (name = Math.random().toString(36).slice(2)));
    return name;
  } catch {
    return "";
  }
}

/** Calls when a session begins in another tab of this site. */
export function onMarked(then: () => void): void {
  addEventListener("storage", (e) => e.key === MARK && e.newValue && then());
}

export function mark(on: boolean): void {
  try {
    if (on) localStorage.setItem(MARK, "1");
    else localStorage.removeItem(MARK);
  } catch {
    // storage is off: a reload does not go on by itself
  }
}
