// The part for files: it is fetched when a page is first recorded.
import type { Recorder } from "../page/recorder.ts";
import type { Link } from "./link.ts";
import { forget } from "./refetch.ts";
import { Vouching } from "./vouch.ts";

export { take } from "late-natives";
export { refetch } from "./refetch.ts";

let vouching: Vouching | undefined;

/** Looks for the names of files, for as long as the session lasts. */
export function watch(link: () => Link | undefined, recorder: () => Recorder | undefined): void {
  vouching ??= new Vouching((text, size) => link()?.text({ type: "file", text, size }), (n) => recorder()?.hides(n) ?? true);
}

/** The session is over. */
export function over(): void {
  vouching?.stop();
  vouching = undefined;
  forget();
}
