// The part that performs what agents ask for: it is fetched when the first of them asks.

export { take } from "late-natives";
export { perform } from "./actions.ts";
export { Cursor } from "./cursor.ts";
