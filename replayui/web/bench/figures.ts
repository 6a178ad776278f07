// Figures, the targets beside them, and how both are printed.

export interface Row {
  what: string;
  /** unit of the cells */
  unit: string;
  /** by contender; one that cannot do it is not there */
  cells: Record<string, number | string>;
}

export interface Table {
  title: string;
  how: string;
  rows: Row[];
}

export interface Verdict {
  figure: string;
  /** the most that it should be, or the least */
  limit: number;
  least?: boolean;
  got: number;
}

/** Everything that was measured, in the form in which it is handed on. */
export class Report {
  readonly tables: Table[] = [];
  readonly verdicts: Verdict[] = [];
  readonly versions: string[] = [];

  table(title: string, how: string): Table {
    const t = { title, how, rows: [] };
    this.tables.push(t);
    return t;
  }

  atMost(figure: string, limit: number, got: number | undefined): void {
    if (got !== undefined && !Number.isNaN(got)) this.verdicts.push({ figure, limit, got });
  }

  atLeast(figure: string, limit: number, got: number | undefined): void {
    if (got !== undefined && !Number.isNaN(got)) this.verdicts.push({ figure, limit, got, least: true });
  }
}

export function median(list: number[]): number {
  return percentile(list, 0.5);
}

export function percentile(list: number[], p: number): number {
  if (!list.length) return NaN;
  const sorted = [...list].sort((a, b) => a - b);
  const at = (sorted.length - 1) * p;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at % 1);
}

export function met(v: Verdict): boolean {
  return v.least ? v.got >= v.limit : v.got <= v.limit;
}

/** Three digits that count. */
export function figure(n: number | string): string {
  if (typeof n === "string") return n;
  const a = Math.abs(n);
  return n.toFixed(a >= 100 ? 0 : a >= 10 ? 1 : a >= 1 ? 2 : 3);
}

/** Prints a table, contenders as columns; peers with their ratio to ours. */
export function print(t: Table): void {
  const [head, ...lines] = cells(t);
  const all = [head!, ...lines];
  const widths = head!.map((_, i) => Math.max(...all.map((l) => (l[i] ?? "").length)));
  console.log(`\n${t.title}${t.how ? "\n" + t.how : ""}`);
  for (const line of all) console.log("  " + line.map((c, i) => (i ? c.padStart(widths[i]!) : c.padEnd(widths[i]!))).join("  ").trimEnd());
}

export const OURS = "ours";

/** A table's text: what and unit, ours, each peer, and how ours compares to the first of them. */
export function cells(t: Table): string[][] {
  const names = [...new Set(t.rows.flatMap((r) => Object.keys(r.cells)))];
  const peer = names.find((n) => n !== OURS);
  const out = [["", ...names, ...(peer ? [`ours × ${peer}`] : [])]];
  for (const r of t.rows) {
    const [a, b] = [r.cells[OURS], peer ? r.cells[peer] : undefined];
    const ratio = typeof a === "number" && typeof b === "number" && b ? (a / b).toFixed(2) : "–";
    out.push([`${r.what}, ${r.unit}`, ...names.map((n) => figure(r.cells[n] ?? "–")), ...(peer ? [ratio] : [])]);
  }
  return out;
}

export function printVerdicts(list: Verdict[]): void {
  console.log("\nTargets");
  for (const v of list) console.log(`  ${v.figure.padEnd(76)} ${v.least ? "≥" : "≤"} ${String(v.limit).padEnd(7)} ${figure(v.got).padStart(8)}  ${met(v) ? "met" : "not met"}`);
}
