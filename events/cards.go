package events

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Payment card numbers in text. The capture script masks them before they leave
// the browser, by the same rule (web/src/page/cards.ts); testdata/golden/cards.json
// holds both to it.

const (
	minCard = 13
	maxCard = 19
)

// issuers are what card numbers begin with, and their lengths.
var issuers = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`4(?:\d{12}|\d{15}|\d{18})`,                                        // Visa
	`(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}`, // Mastercard
	`3[47]\d{13}`,                                        // American Express
	`3(?:0[0-5]|095|[689]\d)\d{11,16}`,                   // Diners Club
	`35(?:2[89]|[3-8]\d)\d{12,15}`,                       // JCB
	`(?:6011|64[4-9]\d|65\d\d|62\d\d)\d{12,15}`,          // Discover, UnionPay
	`(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15}`, // Maestro
	`(?:60|65|81|82)\d{14}|508\d{13}`,                    // RuPay
	`220[0-4]\d{12,15}`,                                  // Mir
}, "|") + `)$`)

// group is a run of digits in a text: where it is, in bytes.
type group struct{ start, end int }

// withoutCards replaces every digit of a card number by a dot. The text is as
// long as before in UTF-16, so that places in it stay true.
func withoutCards(s string) string {
	if len(s) < minCard {
		return s
	}
	var cut []group // of card numbers
	for at := 0; at < len(s); {
		if !isDigit(s[at]) {
			at++
			continue
		}
		end, digits := runOfDigits(s, at)
		if digits >= minCard {
			cut = appendCards(cut, s, groupsOf(s, at, end))
		}
		at = end
	}
	if cut == nil {
		return s
	}
	var out strings.Builder
	last := 0
	for _, c := range cut {
		out.WriteString(s[last:c.start])
		for _, r := range s[c.start:c.end] {
			if r >= '0' && r <= '9' {
				r = '•'
			}
			out.WriteRune(r)
		}
		last = c.end
	}
	out.WriteString(s[last:])
	return out.String()
}

// runOfDigits reads digits with at most one space or dash between two of them,
// and returns where they end and how many they are.
func runOfDigits(s string, at int) (end, digits int) {
	for {
		for at < len(s) && isDigit(s[at]) {
			at++
			digits++
		}
		if at == len(s) {
			return at, digits
		}
		r, size := utf8.DecodeRuneInString(s[at:])
		if next := at + size; !isGap(r) || next == len(s) || !isDigit(s[next]) {
			return at, digits
		}
		at += size
	}
}

func groupsOf(s string, from, to int) (groups []group) {
	for at := from; at < to; at++ {
		if !isDigit(s[at]) {
			continue
		}
		start := at
		for at < to && isDigit(s[at]) {
			at++
		}
		groups = append(groups, group{start, at})
	}
	return groups
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isGap(r rune) bool {
	switch r {
	case ' ', '-', '\u00a0', '\u2007', '\u2009', '\u202f', '\u2010', '\u2011', '\u2012', '\u2013':
		return true
	}
	return false
}

// appendCards finds card numbers that begin and end with a group: of those that
// begin with the same one, the longest.
func appendCards(cut []group, s string, groups []group) []group {
	for i := 0; i < len(groups); i++ {
		digits := make([]byte, 0, maxCard)
		last := -1
		for j := i; j < len(groups) && len(digits)+groups[j].end-groups[j].start <= maxCard; j++ {
			digits = append(digits, s[groups[j].start:groups[j].end]...)
			if len(digits) >= minCard && issuers.Match(digits) && luhn(digits) {
				last = j
			}
		}
		if last >= 0 {
			cut = append(cut, group{groups[i].start, groups[last].end})
			i = last
		}
	}
	return cut
}

// luhn reports whether the last digit checks the others (ISO/IEC 7812-1).
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
