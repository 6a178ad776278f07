package rewrite

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// hardSheets hold what regular expressions get wrong, and the URLs that a
// browser finds in them, with s, f or i for what they are for.
var hardSheets = []struct{ name, sheet, urls string }{
	{"an import without a space", `@import"x";`, `s:x`},
	{"an import with layer, supports and media", `@import url(foo.css)layer(x) supports(display:grid) screen;`, `s:foo.css`},
	{"imports in all forms", `@IMPORT 'a';@import url('b');@import URL(c) print;@import src("d");@import/**/ /**/"e"/**/;`, `s:a s:b s:c s:d s:e`},
	{"an import with something before the URL", `@import layer(x) "a";@import x "b" url(c);`, `i:c`},
	{"an import in a block is none", `a{@import "x";}@media{@import "y";}`, ``},
	{"an import of more than one string", `@import "a" "b" supports("c");`, `s:a`},
	{"an escaped at-keyword", `@\69mport "a";@im\70 ort 'b';`, `s:a s:b`},
	{"not quite an import", `@imports "a";@-import "b";@import-x "c";`, ``},
	{"data", `a{b:url(data:image/png;base64,AAAA==) c:url("data:image/svg+xml;utf8,<svg xmlns='http://x/'>url(y)</svg>")}`, "i:data:image/png;base64,AAAA== i:data:image/svg+xml;utf8,<svg\u00a0xmlns='http://x/'>url(y)</svg>"},
	{"white space around a URL", "a{b:url(  a\t\n) c:url(\n'b'\r\n)}", `i:a i:b`},
	{"white space within a URL", `a{b:url( a b ) c:url(d)}`, `i:d`},
	{"quotes and brackets within a URL", `a{b:url(a"b) c:url(a'b) d:url(a(b) e:url(f)}`, `i:f`},
	{"a bad URL with an escaped bracket", `a{b:url(a b\) url(c) d:url(e)}`, `i:e`},
	{"control characters within a URL", "a{b:url(a\x01b) c:url(a\x7fb) d:url(a\x0bb) e:url(f)}", `i:f`},
	{"NUL is a character like others", "a{b:url(a\x00b) \x00url(c)}", `i:a%EF%BF%BDb`},
	{"escapes in the function's name", `a{b:u\72l(a) c:\55RL( "b") d:\000075\72\6c(c) e:\u\r\l(d)}`, `i:a i:b i:c i:d`},
	{"escapes that make another name", `a{b:\curl(a) c:url\28(b) d:u\72 l(c) e:\1url(d)}`, `i:c`},
	{"a comment within an unquoted URL is none", `a{b:url(/*x*/y) c:url(a/**/b)}`, `i:/*x*/y i:a/**/b`},
	{"a comment in a function", `a{b:url/**/(x) c:url(/**/"y") d:src(/**/"z")}`, `i:z`},
	{"a line that continues", "a{b:url(\"a\\\nb\") c:url('c\\\r\nd\\\fe')}", `i:ab i:cde`},
	{"escapes in URLs", `a{b:url(a\29 b\(\)\ c) d:url("\22\27x\A y")}`, "i:a)b()\u00a0c i:\"'x\ny"},
	{"escapes past ASCII", `a{b:url(\e9\0000e9\1F600 x) c:url(\d800\0)}`, `i:%C3%A9%C3%A9%F0%9F%98%80x i:%EF%BF%BD%EF%BF%BD`},
	{"semicolons and braces in strings", `a{b:";}url(x)";c:'{url(y)';d:url(";z}")}`, `i:;z}`},
	{"quotes within quotes", `a{b:"'";c:url(x);d:'"';e:url("y'z")}`, `i:x i:y'z`},
	{"a string that a line ends", "a{b:\"x\n;c:url(y);d:'\r;e:url(z)}", `i:y i:z`},
	{"a string URL that a line ends", "a{b:url(\"x\n);c:url(y)}", `i:y`},
	{"comments", `/*url(a)*/a{/* " */b:url(b)/*/url(c)*/}/**/c{d:url(d)/*`, `i:b i:d`},
	{"a comment's false start", `a{b:c/ *url(x)}`, `i:x`},
	{"functions within functions", `a{b:-webkit-cross-fade(url(a),image-set("b" 1x,url(c) 2x,linear-gradient(x,"no")),50%)}`, `i:a i:b i:c`},
	{"image-set with types", `a{b:image-set("a.avif" type("image/avif"), "b.png" type("image/png") 2x);c:-webkit-image-set(url(c) 1x)}`, `i:a.avif i:b.png i:c`},
	{"image", `a{b:image(ltr "a#xywh=1,2,3,4", red);c:image(url(b))}`, `i:a#xywh=1,2,3,4 i:b`},
	{"modifiers of a URL", `a{b:url("a" crossorigin(use-credentials) integrity("sha384-x"));c:src("b" x)}`, `i:a i:b`},
	{"custom properties", `a{--x: url(y);--y:{b:url("z")};--z:image-set("w" 1x)}`, `i:y i:z i:w`},
	{"namespaces", `@namespace url(z);@namespace svg "http://w/";@namespace x url("y");a{b:url(c)}`, `i:c`},
	{"pages that a rule is for", `@document url(http://a/),url-prefix("b"),domain(c),regexp("d"),url("e"){f{g:url(h)}}@-moz-document url(i){}`, `i:h`},
	{"functions that are none of ours", `a{b:url-prefix(x) c:my-url(y) d:urls(z) e:curl(w) f:_url(v) g:-url(u)}`, ``},
	{"a hash, a number, an at-keyword", `#url(a){b:1url(c) d:-2.5e3url(e) @url(f) g:#1url(h) .url(i) 1.url(j) 1e+url(k)`, `i:i i:j i:k`},
	{"a number with an escape", `a{b:1\75rl(x) #\75rl(y) \75rl(z)}`, `i:z`},
	{"fonts", `@font-face{font-family:"a";src:local("b"),url(c) format("woff2"),url("d")format("woff")}e{f:url(g)}`, `f:c f:d i:g`},
	{"fonts within a rule", `@media print{@font-face {src:url(a)}b{c:url(d)}}@font-face;e{f:url(g)}`, `f:a i:d i:g`},
	{"the end within a URL", `a{b:url(x`, `i:x`},
	{"the end after a URL", "a{b:url(x \n", `i:x`},
	{"the end within a quoted URL", `a{b:url("x`, `i:x`},
	{"the end within an import", `@import 'x`, `s:x`},
	{"the end after a backslash", `a{b:url(x\`, `i:x%EF%BF%BD`},
	{"the end after a backslash in a string", `@import "x\`, `s:x`},
	{"nothing in a URL", `a{b:url() c:url("") d:url( ) e:url('`, ``},
	{"a charset", `@charset "utf-8";@import "x";`, `s:x`},
	{"a byte order mark", "\xEF\xBB\xBF@import 'x';", `s:x`},
	{"a byte order mark before a name", "\xEF\xBB\xBFurl(x)", `i:x`},
	{"UTF-16", "\xFF\xFE@\x00i\x00m\x00p\x00o\x00r\x00t\x00\"\x00x\x00\"\x00url(y)", ``},
	{"HTML comments", `<!--url(a)--><!-- @import "b";-->url(c) <!-url(d)`, `i:a s:b i:c`},
	{"names past ASCII", "a{b:\xe9url(x) c:url(\xe9) ü{d:url(ü)}", "i:\xe9 i:ü"},
	{"brackets that do not close", `a{b:image-set( } c{content:"x"} d{e:image-set((("y"`, ``},
	{"brackets that were not open", `)))a{b:image-set("x" 1x)) "y"}`, `i:x`},
	{"a deep nest", `a{b:` + strings.Repeat("(", 1000) + `url(x)` + strings.Repeat(")", 1000) + `image-set("y" 1x)}`, `i:x i:y`},
	{"a condition", `@supports (background:url(x)) and (font-tech("y")) {a{b:url(z)}}`, `i:x i:z`},
	{"selectors", `a[href="url(x)"],b[c='d']{e:url(f)}`, `i:f`},
	{"a filter of old", `a{filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='x.png')}`, ``},
}

// collect notes the URLs and maps each with f, where there is one.
type collect struct {
	urls []string
	f    func(string) string
}

func (c *collect) All() bool { return true }

func (c *collect) Map(dst []byte, use Use, _, ref []byte) ([]byte, Fate) {
	letter := map[Use]string{UseStyle: "s:", UseFont: "f:", UseImage: "i:"}[use]
	c.urls = append(c.urls, letter+strings.ReplaceAll(string(ref), " ", "\u00a0"))
	if c.f == nil {
		return dst, Keep
	}
	return append(dst, c.f(string(ref))...), Move
}

func TestHardSheetsHaveTheirURLs(t *testing.T) {
	for _, c := range hardSheets {
		t.Run(c.name, func(t *testing.T) {
			m := &collect{}
			out, changed := AppendCSS([]byte("dst:"), []byte(c.sheet), nil, m)
			if got := strings.Join(m.urls, " "); got != c.urls {
				t.Errorf("URLs %q, want %q", got, c.urls)
			}
			if string(out) != "dst:"+c.sheet || changed {
				t.Errorf("nothing was to change: %q", out)
			}
		})
	}
}

func TestChangedURLsKeepTheirForm(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"unquoted", `a{b:url( x )}`, `a{b:url( /m/x )}`},
		{"unquoted, and unsafe", `a{b:url(  x\ y )}`, `a{b:url(  "/m/x y" )}`},
		{"single quotes", `a{b:u\72l( 'x"y' )}`, `a{b:u\72l( '/m/x"y' )}`},
		{"double quotes", `@import "x'\"y" print`, `@import "/m/x'\"y" print`},
		{"white space within quotes", `a{b:url(" x ")}`, `a{b:url("/m/x")}`},
		{"a backslash", `a{b:url(x\\y)}`, `a{b:url("/m/x\\y")}`},
		{"a line break", `a{b:url("x\a y")}`, `a{b:url("/m/x\a y")}`},
		{"what would end a style element", `a{b:url("x\3c/style>")}`, `a{b:url("/m/x\3c /style\3e ")}`},
		{"the same, unquoted", `a{b:url(x\3c/style\3e)}`, `a{b:url("/m/x\3c /style\3e ")}`},
		{"the end of the sheet", `a{b:url(x`, `a{b:url(/m/x`},
		{"the end of the sheet in a string", `@import 'x\`, `@import '/m/x\`},
		{"modifiers", `a{b:image-set("x"1x type("y"),url(z)2x)}`, `a{b:image-set("/m/x"1x type("y"),url(/m/z)2x)}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, changed := AppendCSS(nil, []byte(c.in), nil, &collect{f: func(u string) string { return "/m/" + u }})
			if string(got) != c.out || !changed {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

// some is a mapper that need not see every URL.
type some struct{ collect }

func (*some) All() bool { return false }

func TestOnlyURLsThatNameAnOriginAreShown(t *testing.T) {
	const sheet = `@import "a";b{c:url(//d/e) url(https:f) url(g/h) url("\2f\2f i") url(#j) url(/k)}`
	m := &some{}
	AppendCSS(nil, []byte(sheet), nil, m)
	if got, want := strings.Join(m.urls, " "), "i://d/e i:https:f i://i"; got != want {
		t.Errorf("without a base: %s, want %s", got, want)
	}
	m = &some{}
	AppendCSS(nil, []byte(sheet), []byte("/x/"), m)
	if got, want := strings.Join(m.urls, " "), "s:a i://d/e i:https:f i:g/h i://i i:#j i:/k"; got != want {
		t.Errorf("with a base: %s, want %s", got, want)
	}
}

// sheetOf streams a sheet in parts that end at cuts.
func sheetOf(t testing.TB, m Mapper, in string, cuts ...int) string {
	t.Helper()
	var out bytes.Buffer
	w := NewSheet(&out, m)
	from := 0
	for _, cut := range append(cuts, len(in)) {
		if _, err := w.Write([]byte(in[from:cut])); err != nil {
			t.Fatal(err)
		}
		from = cut
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func prefixed() *collect { return &collect{f: func(u string) string { return "//m/" + u }} }

func TestASheetIsTheSameWhereverItIsSplit(t *testing.T) {
	for _, c := range hardSheets {
		whole, changed := AppendCSS(nil, []byte(c.sheet), nil, prefixed())
		if changed != (c.urls != "") {
			t.Errorf("%s: changed is %v", c.name, changed)
		}
		every := make([]int, 0, len(c.sheet))
		for cut := range len(c.sheet) {
			every = append(every, cut)
			if got := sheetOf(t, prefixed(), c.sheet, cut); got != string(whole) {
				t.Errorf("%s, split at %d: %q, want %q", c.name, cut, got, whole)
			}
		}
		if got := sheetOf(t, prefixed(), c.sheet, every...); got != string(whole) {
			t.Errorf("%s, byte by byte: %q, want %q", c.name, got, whole)
		}
	}
}

func TestGiantTokensPassAndEndWhereTheyEnd(t *testing.T) {
	giant := strings.Repeat("A", maxToken)
	for _, c := range []struct{ name, in, out string }{
		{"an unquoted URL", "a{b:url(data:" + giant + ") c:url(x)}", "a{b:url(data:" + giant + ") c:url(//m/x)}"},
		{"a quoted URL", `a{b:url("data:` + giant + `") c:url(x)}`, `a{b:url("data:` + giant + `") c:url(//m/x)}`},
		{"one with escapes", `a{b:url("` + strings.Repeat(`\"`, maxToken) + `") c:url(x)}`, `a{b:url("` + strings.Repeat(`\"`, maxToken) + `") c:url(//m/x)}`},
		{"the longest that is looked at", "a{b:url(" + giant[5:] + ")}", "a{b:url(//m/" + giant[5:] + ")}"},
		{"one byte more", "a{b:url(" + giant[4:] + ")}", "a{b:url(" + giant[4:] + ")}"},
		{"a bad URL", "a{b:url(" + giant + " b) c:url(x)}", "a{b:url(" + giant + " b) c:url(//m/x)}"},
		{"a comment", "/*" + giant + "url(y)*/a{c:url(x)}", "/*" + giant + "url(y)*/a{c:url(//m/x)}"},
		{"white space in a URL", "a{b:url(" + strings.Repeat(" ", maxToken) + "'x')}", "a{b:url(" + strings.Repeat(" ", maxToken) + "'//m/x')}"},
		{"white space in an import", "@import" + strings.Repeat("\n", maxToken) + "'x'", "@import" + strings.Repeat("\n", maxToken) + "'//m/x'"},
		{"a name", giant + "url(y) url(x)", giant + "url(y) url(//m/x)"},
		{"a name with escapes", strings.Repeat(`\41`, maxToken) + "url(y) url(x)", strings.Repeat(`\41`, maxToken) + "url(y) url(//m/x)"},
		{"a hash", "#" + giant + "url(y) url(x)", "#" + giant + "url(y) url(//m/x)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole, _ := AppendCSS(nil, []byte(c.in), nil, prefixed())
			if string(whole) != c.out {
				t.Errorf("whole: not as it should be")
			}
			for _, step := range []int{7, 1000, 32 << 10, 1 << 20} {
				var cuts []int
				for cut := step; cut < len(c.in); cut += step {
					cuts = append(cuts, cut)
				}
				if got := sheetOf(t, prefixed(), c.in, cuts...); got != c.out {
					t.Errorf("in steps of %d: not as it should be", step)
				}
			}
		})
	}
}

func TestASheetTakesLittleMemoryAndCanBeUsedAgain(t *testing.T) {
	in := []byte("a{b:url(x) c:url('" + strings.Repeat("y", 10<<20) + `') /*` + strings.Repeat("z", 10<<20) + "*/}")
	var first, second bytes.Buffer
	s := NewSheet(&first, prefixed())
	for _, out := range []*bytes.Buffer{&first, &second} {
		s.Reset(out, prefixed())
		if _, err := s.Write(in); err != nil {
			t.Fatal(err)
		}
		if n := cap(s.s.buf) + cap(s.s.out) + cap(s.s.text); n > 4*maxToken {
			t.Errorf("%d bytes are held", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if !s.Changed() {
			t.Error("nothing changed")
		}
	}
	if first.Len() != len(in)+len("//m/") || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("not as it should be")
	}
}

func TestASheetWithoutMapperPasses(t *testing.T) {
	const in = `@import "x";a{b:url(y)}`
	if got := sheetOf(t, nil, in, 3); got != in {
		t.Errorf("got %s", got)
	}
}

type broken struct{ writes int }

func (b *broken) Write([]byte) (int, error) {
	b.writes++
	return 0, fmt.Errorf("broken")
}

func TestASheetTellsThatItCannotBeWritten(t *testing.T) {
	b := &broken{}
	s := NewSheet(b, prefixed())
	_, first := s.Write([]byte("a{b:url(x)}"))
	_, second := s.Write([]byte("a{b:url(x)}"))
	if third := s.Close(); first == nil || second == nil || third == nil || b.writes != 1 {
		t.Errorf("%v, %v, %v after %d writes", first, second, third, b.writes)
	}
}

// hostile sheets make careless scanners start again and again.
var hostile = []string{
	`url(`, `url("`, `url( `, `"`, `'`, `\`, `/*`, `/`, `(`, `@`, `@import `, `<!-`, `\75`, `#`, `u\72 l(`, "url(\\", `a`, `{`, `image-set("`, `url(x)`, `@import "x";`, "\"\n", `-`, "\x00",
}

func TestHostileSheetsTakeLinearTime(t *testing.T) {
	for _, unit := range hostile {
		in := []byte(strings.Repeat(unit, 512<<10/len(unit)))
		for _, step := range []int{len(in), 4096, 16} {
			began := time.Now()
			s := NewSheet(&bytes.Buffer{}, prefixed())
			for i := 0; i < len(in); i += step {
				if _, err := s.Write(in[i:min(i+step, len(in))]); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			// It takes some 5 ms; quadratic time would be minutes.
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%q in steps of %d: 512 KiB took %v", unit, step, took)
			}
		}
	}
}

func TestAppendCSSAllocatesNothingPerToken(t *testing.T) {
	in := []byte(strings.Repeat(`@import "a";b{c:url(x\ y);d:url("//z") image-set("w" 1x)}`, 100))
	m := testOrigins(t, nil).At(gw + "/")
	dst := make([]byte, 0, 2*len(in))
	if n := testing.AllocsPerRun(50, func() { AppendCSS(dst, in, []byte("/x/"), m) }); n > 10 { // of 400 tokens; the race detector empties pools at random
		t.Errorf("%v allocations", n)
	}
}

func FuzzCSS(f *testing.F) {
	for _, c := range hardSheets {
		f.Add(c.sheet)
	}
	for _, unit := range hostile {
		f.Add(strings.Repeat(unit, 5))
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := CSS(s, func(u string) string { return u }); got != s {
			t.Errorf("nothing to change, yet %q became %q", s, got)
		}
		keeps := &collect{}
		if got, changed := AppendCSS(nil, []byte(s), nil, keeps); string(got) != s || changed {
			t.Errorf("nothing to change, yet %q became %q", s, got)
		}
		first := prefixed()
		whole, _ := AppendCSS(nil, []byte(s), nil, first)
		every := make([]int, len(s))
		for cut := range every {
			every[cut] = cut
		}
		for _, cuts := range [][]int{nil, {len(s) / 2}, every} {
			if got := sheetOf(t, prefixed(), s, cuts...); got != string(whole) {
				t.Errorf("%q split at %v: %q, whole: %q", s, cuts, got, whole)
			}
		}
		// A mapped sheet holds the same URLs, mapped.
		second := &collect{}
		AppendCSS(nil, whole, nil, second)
		for i, u := range first.urls {
			first.urls[i] = u[:2] + "//m/" + u[2:]
		}
		if !slices.Equal(asRead(first.urls), asRead(second.urls)) {
			t.Errorf("%q: %q, then %q in %q", s, first.urls, second.urls, whole)
		}
		var third, fourth []string
		mapped := CSS(s, func(u string) string { third = append(third, "m"+u); return "m" + u })
		CSS(mapped, func(u string) string { fourth = append(fourth, u); return u })
		if !slices.Equal(asRead(third), asRead(fourth)) {
			t.Errorf("%q: %q, then %q", s, third, fourth)
		}
	})
}

// asRead is text after decoding and preprocessing (CSS Syntax 3, 3.3).
func asRead(urls []string) (out []string) {
	for _, u := range urls {
		u = strings.NewReplacer("\x00", "\uFFFD", "%EF%BF%BD", "\uFFFD").Replace(u)
		out = append(out, strings.ToValidUTF8(u, "\uFFFD"))
	}
	return out
}

func BenchmarkAppendCSS(b *testing.B) {
	rule := `.panel-header .title, .panel-header a:hover { color: #336699; margin: 0 auto 1.5em; font: bold 12px/1.4 "Helvetica Neue", Arial, sans-serif; background: #fff url("../img/header.png") no-repeat 0 0; }
/* Navigation */
#nav li.active > a { border-bottom: 1px solid rgba(0, 0, 0, .2); transition: opacity .3s ease-in-out; }
`
	in := []byte(strings.Repeat(rule, 400<<10/len(rule)))
	m := testOrigins(b, nil).At(gw + "/s.css")
	all := testOrigins(b, nil).At(cdn + "/s.css")
	dst := make([]byte, 0, 2*len(in))
	b.Run("some", func(b *testing.B) {
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			AppendCSS(dst, in, nil, m)
		}
	})
	b.Run("all", func(b *testing.B) {
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			AppendCSS(dst, in, nil, all)
		}
	})
	b.Run("sheet", func(b *testing.B) {
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		var out bytes.Buffer
		s := NewSheet(&out, m)
		for b.Loop() {
			out.Reset()
			s.Reset(&out, m)
			_, _ = s.Write(in)
			_ = s.Close()
		}
	})
}
