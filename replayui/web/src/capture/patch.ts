const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;

/** Sees a call before the built-in does, and may put other arguments in place. */
export type Before = (args: unknown[], self: never) => void;
export type After = (result: never, self: never) => void;

/**
 * Puts something before (and after) a built-in method, constructor or setter.
 * Whatever goes wrong in that, the built-in gets the page's own arguments: a
 * Before changes them last. A proxy has the name, the length, the statics and
 * the source text of what it stands for.
 */
export function patch(of: object | null | undefined, name: string, before: Before, after?: After, part: "get" | "set" | "value" = "value"): void {
  const d = of && getOwnPropertyDescriptor(of, name);
  if (part === "value" && d?.set) part = "set";
  if (!of || !d?.[part] || !d.configurable) return;
  d[part] = new Proxy(d[part] as () => void, {
    apply(f, self, args) {
      attempt(before, args, self);
      const result = apply(f, self, args);
      attempt(after, result, self);
      return result;
    },
    construct(f, args, by) {
      attempt(before, args, by);
      return construct(f, args, by);
    },
  });
  defineProperty(of, name, d);
}

function attempt(hook: ((x: never, self: never) => void) | undefined, x: unknown, self: unknown): void {
  try {
    hook?.(x as never, self as never);
  } catch {
    // the page goes on without us
  }
}
