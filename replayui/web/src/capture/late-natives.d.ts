/**
 * In the session's part the bundler puts this in place of page/natives.ts: the
 * built-ins that the first part kept. Nothing may use them before take.
 */
declare module "late-natives" {
  export function take(natives: typeof import("../page/natives.ts")): void;
}
