// The program with its clock moved, for what has to hold years later.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program, root } from "./stage.ts";

/**
 * Builds the program with a clock that is ahead, and returns where it is. It is
 * the same source: what moves is the standard library's clock under all of it,
 * so that everything in the process that looks at the time sees the other one.
 * A library put before libc would not do: Go asks the kernel itself.
 */
export async function builtAhead(days: number): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "pillion-ahead-"));
  const clock = join(execFileSync("go", ["env", "GOROOT"], { cwd: root }).toString().trim(), "src/time/time.go");
  const source = readFileSync(clock, "utf8");
  const reads = "\tsec, nsec, mono := runtimeNow()\n";
  if (source.split(reads).length !== 2) throw new Error(`${clock} reads the clock otherwise than this test knows`);
  // The monotonic clock, of which timers are made, stays.
  const moved = source.replace(reads, `${reads}\tsec += ${days * 86_400}\n`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "time.go"), moved);
  writeFileSync(join(dir, "overlay.json"), JSON.stringify({ Replace: { [clock]: join(dir, "time.go") } }));
  const built = join(dir, "pillion");
  const build = Program.start("go", ["build", "-overlay", join(dir, "overlay.json"), "-o", built, "./cmd/pillion"], { cwd: root });
  if ((await build.exit()) !== 0) throw new Error(build.output);
  return built;
}
