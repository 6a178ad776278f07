const MARK = "pillion";

/** Whether a session is on in this browser, as far as this site's storage says. */
export function marked(): boolean {
  try {
    return localStorage.getItem(MARK) !== null;
  } catch {
    return false;
  }
}

export function mark(on: boolean): void {
  try {
    if (on) localStorage.setItem(MARK, "1");
    else localStorage.removeItem(MARK);
  } catch {
    // storage is off: a reload does not go on by itself
  }
}
