package rewrite

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

const mark = `<script src="/x.js"></script>`

// document rewrites a page that comes in pieces.
func document(t testing.TB, o DocumentOptions, in string, cuts ...int) string {
	t.Helper()
	var out bytes.Buffer
	d := NewDocument(&out, o)
	from := 0
	for _, cut := range append(cuts, len(in)) {
		if n, err := d.Write([]byte(in[from:cut])); err != nil || n != cut-from {
			t.Fatalf("wrote %d of %d: %v", n, cut-from, err)
		}
		from = cut
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d.Altered() != out.Len()-len(in) {
		t.Errorf("altered by %d, said %d", out.Len()-len(in), d.Altered())
	}
	return out.String()
}

// everywhere rewrites a page whole, in two pieces cut at every place, and byte by
// byte; all of them have to agree.
func everywhere(t testing.TB, o DocumentOptions, in string) string {
	t.Helper()
	want := document(t, o, in)
	every := make([]int, 0, len(in))
	for cut := range len(in) {
		if got := document(t, o, in, cut); got != want {
			t.Fatalf("split at %d:\n%q\nwhole:\n%q", cut, got, want)
		}
		every = append(every, cut)
	}
	if got := document(t, o, in, every...); got != want {
		t.Fatalf("byte by byte:\n%q\nwhole:\n%q", got, want)
	}
	return want
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
			if got := everywhere(t, DocumentOptions{Tag: mark}, in); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestInXMLTheTagComesWithinTheRoot(t *testing.T) {
	for name, page := range map[string]string{
		"right after head":           `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head>@@<title>x</title></head></html>`,
		"a page without head":        `<html xmlns="http://www.w3.org/1999/xhtml">@@<body/></html>`,
		"an empty head":              `<html><head/>@@<body/></html>`,
		"an empty root":              `<html/>`,
		"another root":               `<svg xmlns="http://www.w3.org/2000/svg"><head/></svg>`,
		"a prefix":                   `<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head></h:head></h:html>`,
		"upper case is another":      `<HTML><HEAD/></HTML>`,
		"a subset":                   `<!DOCTYPE html PUBLIC "-//a>b" 'c' [<!ENTITY a "<head>"><!-- it's ] --> ] ><html><head>@@</head></html>`,
		"an instruction with head":   `<?x <head> ?><html><head>@@</head></html>`,
		"a section with head":        `<html><![CDATA[ <head> ]] > ]]><head>@@</head></html>`,
		"a comment ends at --> only": `<!--> <head> --!> --><html><head>@@</head></html>`,
		"text alone":                 `just text`,
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.Replace(page, "@@", "", 1)
			want := strings.Replace(page, "@@", mark, 1)
			if got := everywhere(t, DocumentOptions{Tag: mark, XML: true}, in); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestAHeadAfterALongCommentIsFound(t *testing.T) {
	in := "<!--" + strings.Repeat("x", 2*maxHold) + "--><head>"
	if got := document(t, DocumentOptions{Tag: mark}, in+"<title>", 5, 9000, maxHold+7); got != in+mark+"<title>" {
		t.Error("the tag is not after the head")
	}
}

func TestATagPastItsBoundPassesAsItIs(t *testing.T) {
	long := strings.Repeat("x=1 ", maxHold/4)
	for _, c := range []struct{ name, in, out string }{
		{"a head", `<head ` + long + `>`, `<head ` + long + `>` + mark},
		{"another", `<p ` + long + `>`, mark + `<p ` + long + `>`},
		{"one without end", `<p ` + long, mark + `<p ` + long},
		{"an end tag", `</p ` + long + `><head>`, `</p ` + long + `><head>` + mark},
		{"a quoted value with an end in it", `<head a="` + long + `>">`, `<head a="` + long + `>">` + mark},
		{"a name", `<head` + strings.Repeat("a", maxHold) + `>`, mark + `<head` + strings.Repeat("a", maxHold) + `>`},
		{"its links too", `<head>` + mark + `<a href=//old.example/ ` + long + `><a href=//old.example/>`, `<head>` + mark + mark + `<a href=//old.example/ ` + long + `><a href=//new.example/>`},
		{"a script", `<head><script ` + long + `><a href=//old.example/></script>`, `<head>` + mark + `<script ` + long + `><a href=//old.example/></script>`},
		{"an svg", `<head><p></p><svg ` + long + `></svg><style><a href=//old.example/></style>`, `<head>` + mark + `<p></p><svg ` + long + `></svg><style><a href=//old.example/></style>`},
		{"an svg image that is closed", `<head><svg><style ` + long + `/><style><a href=//old.example/>`, `<head>` + mark + `<svg><style ` + long + `/><style><a href=//new.example/>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := DocumentOptions{Tag: mark, Map: renaming{}}
			for _, cuts := range [][]int{nil, {1}, {3, 7, 100}, {len(c.in) / 2}, {len(c.in) - 2}, {max(2, strings.LastIndex(c.in, "x=1 ")+4)}, {7, maxHold - 1, maxHold, maxHold + 1}} {
				if got := document(t, o, c.in, cuts...); got != c.out {
					t.Fatalf("cut at %v: another output, of %d bytes", cuts, len(got))
				}
			}
		})
	}
}

func TestTheHeadGoesOnAtOnce(t *testing.T) {
	var out bytes.Buffer
	w := NewDocument(&out, DocumentOptions{Tag: mark, Map: renaming{}})
	if _, err := w.Write([]byte("<html><head><ti")); err != nil {
		t.Fatal(err)
	}
	if want := "<html><head>" + mark; out.String() != want {
		t.Errorf("after the first part: %q, want %q", out.String(), want)
	}
	if !w.Injected() || w.Done() {
		t.Errorf("injected %v, done %v", w.Injected(), w.Done())
	}
}

func TestWithNothingToDoADocumentIsDoneAtOnce(t *testing.T) {
	if !NewDocument(io.Discard, DocumentOptions{}).Done() {
		t.Error("not done")
	}
	in := "\xFF\xFE<\x00h\x00\x1B$B<!-- "
	if got := everywhere(t, DocumentOptions{}, in); got != in {
		t.Errorf("%q", got)
	}
}

func TestADocumentIsDoneOnceTheTagIsIn(t *testing.T) {
	var out bytes.Buffer
	d := NewDocument(&out, DocumentOptions{Tag: mark})
	if _, err := d.Write([]byte("<html><head><ti")); err != nil {
		t.Fatal(err)
	}
	if want := "<html><head>" + mark + "<ti"; out.String() != want || !d.Done() || d.Altered() != len(mark) {
		t.Errorf("%q, done %v, altered by %d", out.String(), d.Done(), d.Altered())
	}
}

func TestADocumentWithPoliciesIsDoneWhereTheBodyBegins(t *testing.T) {
	edit := func(v string) string { return v + "!" }
	for page, done := range map[string]bool{
		"<head>": false, "<head><title>x</title><script>y</script></head> ": false, "<head><p>": true, "<body>": true, "<head>text": true,
		"<head></head><template><p>x</p></template>": false, "<head></body>": true, "<frameset>": true, "<head><!-- x -->": false,
	} {
		d := NewDocument(io.Discard, DocumentOptions{Tag: mark, Policy: edit})
		if _, err := io.WriteString(d, page); err != nil {
			t.Fatal(err)
		}
		if d.Done() != done {
			t.Errorf("%s: done %v", page, d.Done())
		}
	}
}

func TestAttributesOfTheTagAreEscaped(t *testing.T) {
	want := `<script src="/a?b&amp;c" nonce="&quot;&lt;"></script>`
	if got := ScriptTag("/a?b&c", `"<`); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAResetDocumentIsAsNew(t *testing.T) {
	var d Document
	for _, in := range []string{`<base href="//old.example/"><svg><select><a href="`, "\x1B$B", "\xFE\xFF\x00", `<template><style>a{`, `<p a="` + strings.Repeat("x", 2*maxHold)} {
		d.Reset(io.Discard, DocumentOptions{Tag: mark, Map: renaming{}, Policy: strings.ToUpper})
		if _, err := io.WriteString(&d, in); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		d.Reset(&out, DocumentOptions{Tag: mark, Map: renaming{}})
		if _, err := io.WriteString(&d, `<head><style>p{background:url(//old.example/)}</style><a href=x>`); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if want := `<head>` + mark + `<style>p{background:url(//new.example/)}</style><a href=x>`; out.String() != want {
			t.Errorf("after %.20q: %q", in, out.String())
		}
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAnErrorOfTheWriterIsReturned(t *testing.T) {
	d := NewDocument(full{}, DocumentOptions{Tag: mark})
	if _, err := io.WriteString(d, "<head>"); !errors.Is(err, errFull) {
		t.Errorf("write: %v", err)
	}
	if err := d.Close(); !errors.Is(err, errFull) {
		t.Errorf("close: %v", err)
	}
}
