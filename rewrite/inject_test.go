package rewrite

import (
	"bytes"
	"strings"
	"testing"
)

const mark = `<script src="/x.js"></script>`

func inject(t testing.TB, in string, cuts ...int) string {
	t.Helper()
	var out bytes.Buffer
	w := Inject(&out, Options{Tag: mark})
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

// places holds pages in which @@ stands where the tag has to come.
var places = map[string]string{
	"right after head":                         `<!DOCTYPE html><html><head>@@<title>x</title></head><body></body></html>`,
	"head with attributes":                     `<html><head profile="a>b" class='c'>@@<meta charset=utf-8>`,
	"upper case":                               "<HTML>\n<HEAD\n>@@<TITLE>",
	"a page without head":                      `<!doctype html><html lang=en>@@<title>x</title><p>`,
	"a page without html":                      `@@<p>Hello</p>`,
	"text before the first tag":                `Hello @@<b>you</b>`,
	"a comment that names head":                `<!-- <head> --><html><head>@@</head>`,
	"a conditional comment":                    `<!--[if IE]><html class="ie"><![endif]--><html><head>@@<link>`,
	"a downlevel-revealed conditional comment": `<![if !IE]><html><![endif]><head>@@`,
	"an empty comment":                         `<!--><html><head>@@`,
	"a comment that ends with a bang":          `<!-- x --!><head>@@<title>`,
	"an XML declaration and doctype":           `<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head>@@<title>`,
	"an XML doctype with a subset":             `<!DOCTYPE html [<!ENTITY a "b">]><html><head>@@`,
	"a frameset page":                          `<html><head>@@<title>f</title></head><frameset cols="1,2"><frame src=a></frameset></html>`,
	"a frameset page without head":             `<html>@@<frameset cols="1,2"><frame src=a></frameset></html>`,
	"header is not head":                       `<html>@@<header>x</header>`,
	"no tag at all":                            `just text@@`,
	"a lone less-than sign":                    `1 < 2@@`,
	"a byte order mark":                        "\xef\xbb\xbf<html><head>@@",
	"an end tag first":                         `</p><html><head>@@`,
	"only a doctype":                           `<!doctype html>@@`,
	"an unfinished comment":                    `<html><!-- <head>`,
	"an unfinished tag":                        `<html><he`,
	"nothing":                                  ``,
	"white space":                              "  \n",
}

func TestTheTagComesWhereTheHeadBegins(t *testing.T) {
	for name, page := range places {
		t.Run(name, func(t *testing.T) {
			in := strings.Replace(page, "@@", "", 1)
			want := strings.Replace(page, "@@", mark, 1)
			if got := inject(t, in); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestTheOutputIsTheSameWhereverTheInputIsSplit(t *testing.T) {
	for name, page := range places {
		in := strings.Replace(page, "@@", "", 1)
		want := inject(t, in)
		for cut := range len(in) {
			if got := inject(t, in, cut); got != want {
				t.Errorf("%s, split at %d: %q, want %q", name, cut, got, want)
			}
		}
		every := make([]int, 0, len(in))
		for cut := 1; cut < len(in); cut++ {
			every = append(every, cut)
		}
		if got := inject(t, in, every...); got != want {
			t.Errorf("%s, byte by byte: %q, want %q", name, got, want)
		}
	}
}

func TestAPageWhoseHeadComesTooLatePassesUnchanged(t *testing.T) {
	in := "<!--" + strings.Repeat("x", 2*maxHold) + "--><head><title>"
	var out bytes.Buffer
	w := Inject(&out, Options{Tag: mark})
	for i := 0; i < len(in); i += 4096 {
		if _, err := w.Write([]byte(in[i:min(i+4096, len(in))])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out.String() != in || w.Injected() {
		t.Error("the page was changed")
	}
}

func TestTheHeadGoesOnAtOnce(t *testing.T) {
	var out bytes.Buffer
	w := Inject(&out, Options{Tag: mark})
	if _, err := w.Write([]byte("<html><head><ti")); err != nil {
		t.Fatal(err)
	}
	if want := "<html><head>" + mark + "<ti"; out.String() != want {
		t.Errorf("after the first part: %q, want %q", out.String(), want)
	}
}

func TestAttributesOfTheTagAreEscaped(t *testing.T) {
	want := `<script src="/a?b&amp;c" nonce="&quot;&lt;"></script>`
	if got := ScriptTag("/a?b&c", `"<`); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzInject(f *testing.F) {
	for _, page := range places {
		f.Add(strings.Replace(page, "@@", "", 1), 3)
	}
	f.Fuzz(func(t *testing.T, in string, cut int) {
		if len(in) > maxHold || strings.Contains(in, mark) {
			return
		}
		out := inject(t, in)
		if strings.Replace(out, mark, "", 1) != in {
			t.Errorf("removing the tag from %q does not give %q", out, in)
		}
		if len(in) > 0 {
			cut = (cut%len(in) + len(in)) % len(in)
			if again := inject(t, in, cut); again != out {
				t.Errorf("split at %d: %q, whole: %q", cut, again, out)
			}
		}
	})
}
