package rewrite

import (
	"fmt"
	"strings"
	"testing"
)

// refreshes are values with the URL that a browser follows in angle brackets,
// none where it follows none; those of the web platform tests are among them.
var refreshes = func() []string {
	list := []string{
		"", "1", "1;", "1,", "0",
		"1url=foo", "1x;url=foo", "1 <x;url=foo>", "1;<;url=foo>",
		"  1  ;  url  =  <foo>", "  1  ,  url  =  <foo>", "  1  ;  <foo>", "  1  ,  <foo>", "  1  url  =  <foo>",
		"1; url=<foo> ", "1; url=<f\to\no>", `1; url="<foo>"bar`, `1; url='<foo>'bar`, `1; url="<foo'bar>`,
		"1; <url foo>", "1; <urlfoo>", "1; <urfoo>", "1; <ufoo>", `1; "<foo>"bar`,
		"; foo", ", foo", "foo", "0; url=<foo>", "0; <foo>",
		"1.9; url=<foo>", "1.9..5.; url=<foo>", ".9; url=<foo>", "0.9; url=<foo>",
		"1e0; url=foo", "1e1; url=foo", "10e-1; url=foo", "-0.1; url=foo",
		"1; url=", "1; url=''", `1; url="`, "1; URL=<foo>", "1; uRl = '<foo>", "1; u", "1;\"<foo>", "1;''", "1; url=<foo\">",
	}
	for i, v := range list {
		if v == "1; u" {
			list[i] = "1; <u>"
		}
	}
	for _, space := range []string{" ", "\t", "\r", "\n", "\f"} {
		list = append(list, "1"+space)
		for _, mark := range []string{";", ",", ""} {
			list = append(list, "1"+mark+space+"url=<foo>")
		}
	}
	for _, sign := range []string{"+1", "-1", "+0", "-0"} {
		list = append(list, sign, sign+"; foo", sign+"; url=foo")
	}
	return list
}()

func TestARefreshIsReadAsABrowserDoes(t *testing.T) {
	for _, marked := range refreshes {
		in := strings.NewReplacer("<", "", ">", "").Replace(marked)
		out, changed := AppendRefresh(nil, []byte(in), func(dst, url []byte) ([]byte, bool) {
			return fmt.Appendf(dst, "<%s>", url), true
		})
		if string(out) != marked || changed != strings.Contains(marked, "<") {
			t.Errorf("%q: %q, %v, want %q", in, out, changed, marked)
		}
	}
}

func TestAQuoteInAMappedRefreshDoesNotEndIt(t *testing.T) {
	for in, want := range map[string]string{
		`0;url='x'`: `0;url='a"%27b'`, `0;url="x"`: `0;url="a%22'b"`, `0;url=x`: `0;url=a"'b`,
	} {
		out, _ := AppendRefresh(nil, []byte(in), func(dst, _ []byte) ([]byte, bool) { return append(dst, `a"'b`...), true })
		if string(out) != want {
			t.Errorf("%s: %s, want %s", in, out, want)
		}
	}
}

func TestARefreshThatStaysIsCopied(t *testing.T) {
	out, changed := AppendRefresh([]byte("x"), []byte("0; url='a'b"), func(dst, _ []byte) ([]byte, bool) { return dst, false })
	if string(out) != "x0; url='a'b" || changed {
		t.Errorf("%q, %v", out, changed)
	}
}

func FuzzRefresh(f *testing.F) {
	for _, marked := range refreshes {
		f.Add(strings.NewReplacer("<", "", ">", "").Replace(marked))
	}
	f.Fuzz(func(t *testing.T, in string) {
		var first, second []byte
		same, changed := AppendRefresh(nil, []byte(in), func(dst, url []byte) ([]byte, bool) {
			first = append(first, url...)
			return dst, false
		})
		if string(same) != in || changed {
			t.Fatalf("%q became %q", in, same)
		}
		out, changed := AppendRefresh(nil, []byte(in), func(dst, url []byte) ([]byte, bool) { return append(append(dst, '/'), url...), true })
		AppendRefresh(nil, out, func(dst, url []byte) ([]byte, bool) {
			second = append(second, url...)
			return dst, false
		})
		if changed && string(second) != "/"+string(first) {
			t.Errorf("%q: %q, then %q in %q", in, first, second, out)
		}
	})
}
