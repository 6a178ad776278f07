package rewrite

import (
	"slices"
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

func FuzzSrcset(f *testing.F) {
	f.Add("a.png 1x, b,c 2x")
	f.Add("a f(1,2),,b")
	f.Fuzz(func(t *testing.T, in string) {
		if out := Srcset(in, func(url string) string { return url }); out != in {
			t.Errorf("%q became %q though no URL changed", in, out)
		}
	})
}
