import { defineConfig } from "vitest/config";

// One file at a time: each has a program and a browser of its own. Waits are
// long, since only a failure waits them out.
export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    bail: 1,
    expect: { poll: { timeout: 20_000 } },
  },
});
