import { defineConfig } from "vitest/config";

// One file at a time: each has a program and a browser of its own.
export default defineConfig({ test: { include: ["e2e/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false, bail: 1 } });
