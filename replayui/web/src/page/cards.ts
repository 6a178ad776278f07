// Payment card numbers in text: their digits are masked, the rest stays. The
// gateway does the same (events/cards.go); events/testdata/golden/cards.json
// holds both to one rule.

/** What may stand between two digits: one space or dash. */
const GAP = "[ \\u00a0\\u2007\\u2009\\u202f\\u2010-\\u2013-]?";
const RUN = new RegExp(`\\d(?:${GAP}\\d){12,}`, "g");

/** Issuers by what their numbers begin with, and their lengths. */
const ISSUERS = new RegExp(
  "^(?:" +
    [
      "4(?:\\d{12}|\\d{15}|\\d{18})", // Visa
      "(?:5[1-5]\\d\\d|222[1-9]|22[3-9]\\d|2[3-6]\\d\\d|27[01]\\d|2720)\\d{12}", // Mastercard
      "3[47]\\d{13}", // American Express
      "3(?:0[0-5]|095|[689]\\d)\\d{11,16}", // Diners Club
      "35(?:2[89]|[3-8]\\d)\\d{12,15}", // JCB
      "(?:6011|64[4-9]\\d|65\\d\\d|62\\d\\d)\\d{12,15}", // Discover, UnionPay
      "(?:5018|5020|5038|5893|6304|6759|676[1-3])\\d{9,15}", // Maestro
      "(?:60|65|81|82)\\d{14}|508\\d{13}", // RuPay
      "220[0-4]\\d{12,15}", // Mir
    ].join("|") +
    ")$",
);

/** The last digit checks the others (ISO/IEC 7812-1, Luhn). */
function checks(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const d = digits.charCodeAt(digits.length - 1 - i) - 48;
    sum += i % 2 ? (d > 4 ? 2 * d - 9 : 2 * d) : d;
  }
  return sum % 10 === 0;
}

/** A text with every digit of a card number replaced by a dot; of the same length. */
export function withoutCards(text: string): string {
  return text.length < 13 || text.search(RUN) < 0 ? text : text.replace(RUN, withoutCard);
}

/** In a run of groups of digits a number begins and ends with a group. */
function withoutCard(run: string): string {
  const groups = [...run.matchAll(/\d+/g)];
  let out = run;
  for (let i = 0; i < groups.length; i++) {
    let digits = "";
    let end = 0; // behind the longest number that begins here
    let last = i;
    for (let j = i; j < groups.length && digits.length + groups[j]![0].length <= 19; j++) {
      digits += groups[j]![0];
      if (digits.length < 13 || !ISSUERS.test(digits) || !checks(digits)) continue;
      end = groups[j]!.index + groups[j]![0].length;
      last = j;
    }
    if (!end) continue;
    const start = groups[i]!.index;
    out = out.slice(0, start) + out.slice(start, end).replace(/\d/g, "•") + out.slice(end);
    i = last;
  }
  return out;
}
