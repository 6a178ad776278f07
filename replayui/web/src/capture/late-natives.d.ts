/** In the first part: the built-ins that it kept, in the order in which the session's part takes them (build.mjs). */
declare module "all-natives" {
  export const all: readonly unknown[];
}

/**
 * In the session's part the bundler puts this in place of page/natives.ts: the
 * built-ins that the first part kept. Nothing may use them before take.
 */
declare module "late-natives" {
  export function take(natives: readonly unknown[]): void;
}
