/** The longest run of items, in their new order, that need not move: indices into `was`, -1 for new ones. */
export function staying(was: number[]): Set<number> {
  // Patience sorting: tails[k] is where a rising run of length k + 1 ends lowest.
  const tails: number[] = [];
  const before = new Array<number>(was.length).fill(-1);
  for (let i = 0; i < was.length; i++) {
    const v = was[i]!;
    if (v < 0) continue;
    let lo = 0;
    let hi = tails.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (was[tails[mid]!]! < v) lo = mid + 1;
      else hi = mid;
    }
    if (lo > 0) before[i] = tails[lo - 1]!;
    tails[lo] = i;
  }
  const stay = new Set<number>();
  for (let i = tails.at(-1) ?? -1; i >= 0; i = before[i]!) stay.add(i);
  return stay;
}

/** How a text became another: units kept at the start, units taken out, units put in; null when a whole text is shorter. */
export function splice(from: string, to: string): { start: number; deleted: number; inserted: string } | null {
  const most = Math.min(from.length, to.length);
  let start = 0;
  while (start < most && from.charCodeAt(start) === to.charCodeAt(start)) start++;
  let end = 0;
  while (end < most - start && from.charCodeAt(from.length - 1 - end) === to.charCodeAt(to.length - 1 - end)) end++;
  // Never between the halves of a character: the encoding could not say so.
  if (start > 0 && isHigh(from.charCodeAt(start - 1))) start--;
  if (end > 0 && isLow(from.charCodeAt(from.length - end))) end--;
  const inserted = to.slice(start, to.length - end);
  if (inserted.length * 2 > to.length || to.length < 64) return null;
  return { start, deleted: from.length - end - start, inserted };
}

const isHigh = (c: number) => (c & 0xfc00) === 0xd800;
const isLow = (c: number) => (c & 0xfc00) === 0xdc00;
