package rewrite

import (
	"slices"
	"strings"
	"testing"
)

func TestSrcsetFindsEachURLAndKeepsTheRest(t *testing.T) {
	tests := []struct {
		name, in string
		urls     []string
		want     string
	}{
		{"one without a descriptor", "a.png", []string{"a.png"}, "<a.png>"},
		{"densities", "a.png 1x, b.png 2x", []string{"a.png", "b.png"}, "<a.png> 1x, <b.png> 2x"},
		{"widths without a space after the comma", "a 100w,b 200w", []string{"a", "b"}, "<a> 100w,<b> 200w"},
		{"a comma within a URL", "a,b.png 1x", []string{"a,b.png"}, "<a,b.png> 1x"},
		{"a data URL", "data:image/gif;base64,AAAA 1x, b 2x", []string{"data:image/gif;base64,AAAA", "b"}, "<data:image/gif;base64,AAAA> 1x, <b> 2x"},
		{"a comma ends a URL", "a.png, b.png", []string{"a.png", "b.png"}, "<a.png>, <b.png>"},
		{"several commas end a URL", "a.png,,, b.png 2x", []string{"a.png", "b.png"}, "<a.png>,,, <b.png> 2x"},
		{"commas and space around", " ,, a.png 1x ,, ", []string{"a.png"}, " ,, <a.png> 1x ,, "},
		{"parentheses hide a comma", "a.png f(1,2), b.png", []string{"a.png", "b.png"}, "<a.png> f(1,2), <b.png>"},
		{"an open parenthesis runs to the end", "a.png f(1, b.png 2x", []string{"a.png"}, "<a.png> f(1, b.png 2x"},
		{"line breaks between", "\n\ta.png 1x,\n\tb.png 2x\n", []string{"a.png", "b.png"}, "\n\t<a.png> 1x,\n\t<b.png> 2x\n"},
		{"a vertical tab is no white space", "\va\v 1x, b", []string{"\va\v", "b"}, "<\va\v> 1x, <b>"},
		{"nor is a no-break space", "\u00a0a\u00a0,b", []string{"\u00a0a\u00a0,b"}, "<\u00a0a\u00a0,b>"},
		{"several open parentheses are one", "a 1x ((( , b 1x, ), c", []string{"a", "c"}, "<a> 1x ((( , b 1x, ), <c>"},
		{"brackets hide nothing", "a 1x [ , b 1x, ], c", []string{"a", "b", "]", "c"}, "<a> 1x [ , <b> 1x, <]>, <c>"},
		{"quotes hide nothing", `a 1x " , b 1x, ", c`, []string{"a", "b", `"`, "c"}, `<a> 1x " , <b> 1x, <">, <c>`},
		{"a parenthesis at the end", "a, b (", []string{"a", "b"}, "<a>, <b> ("},
		{"a backslash escapes nothing", `a 1x \,b:;\,c, d`, []string{"a", `b:;\,c`, "d"}, `<a> 1x \,<b:;\,c>, <d>`},
		{"a comment is none", "a 1x /*, b, c */", []string{"a", "b", "c"}, "<a> 1x /*, <b>, <c> */"},
		{"invalid descriptors stay", "a 1w 1x foo, b -0x", []string{"a", "b"}, "<a> 1w 1x foo, <b> -0x"},
		{"nothing", "", nil, ""},
		{"only commas", ",,", nil, ",,"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var urls []string
			got := Srcset(tt.in, func(url string) string {
				urls = append(urls, url)
				return "<" + url + ">"
			})
			if got != tt.want || !slices.Equal(urls, tt.urls) {
				t.Errorf("got %q with %q, want %q with %q", got, urls, tt.want, tt.urls)
			}
		})
	}
}

func TestSrcsetSaysWhetherAnyURLChanged(t *testing.T) {
	for _, changing := range []string{"a", "b", ""} {
		out, changed := AppendSrcset([]byte("x"), []byte("a 1x, b 2x"), func(dst, url []byte) ([]byte, bool) {
			if string(url) != changing {
				return dst, false
			}
			return append(dst, "new"...), true
		})
		want := "x" + strings.ReplaceAll("a 1x, b 2x", changing+" ", "new ")
		if changing == "" {
			want = "xa 1x, b 2x"
		}
		if string(out) != want || changed != (changing != "") {
			t.Errorf("%q changes: %q, %v, want %q", changing, out, changed, want)
		}
	}
}

func FuzzSrcset(f *testing.F) {
	f.Add("a.png 1x, b,c 2x")
	f.Add("a f(1,2),,b")
	f.Fuzz(func(t *testing.T, in string) {
		var first, second []string
		collect := func(list *[]string, prefix string) func(string) string {
			return func(url string) string {
				*list = append(*list, prefix+url)
				return prefix + url
			}
		}
		if out := Srcset(in, collect(&first, "")); out != in {
			t.Errorf("%q became %q though no URL changed", in, out)
		}
		first = nil
		Srcset(Srcset(in, collect(&first, "m")), collect(&second, ""))
		if !slices.Equal(first, second) {
			t.Errorf("%q: %q, then %q", in, first, second)
		}
	})
}
