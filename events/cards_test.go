package events

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

type cardCase struct{ In, Out string }

// cardCases are shared with the capture script.
func cardCases(t testing.TB) (cases []cardCase) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden", "cards.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestCardNumbersLoseTheirDigitsAndNothingElseDoes(t *testing.T) {
	for _, c := range cardCases(t) {
		if got := withoutCards(c.In); got != c.Out {
			t.Errorf("%q became %q, not %q", c.In, got, c.Out)
		}
	}
}

// runs finds what may be card numbers as the capture script does.
var runs = regexp.MustCompile(`\d(?:[ \x{00a0}\x{2007}\x{2009}\x{202f}\x{2010}-\x{2013}-]?\d){12,}`)

func FuzzWithoutCards(f *testing.F) {
	for _, c := range cardCases(f) {
		f.Add(c.In)
	}
	f.Add(strings.Repeat("4 ", 5000))
	f.Add(strings.Repeat("4111 1111 1111 1111 ", 500))
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // texts are decoded as UTF-8
		}
		got := withoutCards(s)
		if units := func(s string) int { return len(utf16.Encode([]rune(s))) }; units(got) != units(s) {
			t.Errorf("%q is of another length than %q", got, s)
		}
		if withoutCards(got) != got {
			t.Errorf("%q became %q, and something else the second time", s, got)
		}
		if !runs.MatchString(s) && got != s {
			t.Errorf("%q became %q without thirteen digits", s, got)
		}
		for _, run := range runs.FindAllString(got, -1) {
			digits := []byte(strings.Map(func(r rune) rune {
				if r < '0' || r > '9' {
					return -1
				}
				return r
			}, run))
			if issuers.Match(digits) && luhn(digits) {
				t.Errorf("%q is left in %q", run, got)
			}
		}
	})
}

func BenchmarkWithoutCards(b *testing.B) {
	text := strings.Repeat("Text of a page with 12 numbers in it, 0800 123 456 and 2024-01-02. ", 200)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		withoutCards(text)
	}
}
