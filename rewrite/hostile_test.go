package rewrite

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// hostilePages are beginnings and parts that are repeated to megabytes: each is meant
// to make a scanner read the same bytes again and again.
var hostilePages = []struct{ start, part, end string }{
	{"", "<a ", ""},
	{"", "<", ""},
	{"", "<a", ""},
	{"", "</", ""},
	{"", "<!", ""},
	{"", "<!-", ""},
	{"", "<!--", ""},
	{"<!--", "-->", ""},
	{"<!--", "--!", ""},
	{"<!--", ">", ""},
	{"", "<!----!><!-->", ""},
	{"<a ", "b=c ", ">"},
	{"<a ", "b ", ""},
	{"<a b=\"", ">", ""},
	{"<a b=", ">'", ""},
	{"<a ", "href=//old.example/ ", ">"},
	{"<a ", "onclick='//x' ", ">"},
	{"", "<a href=\"//old.example/&amp\">", ""},
	{"<p title='", "&", "'>"},
	{"<a href=\"", "&#x0000000000", "//old.example/\">"},
	{"<a onclick=\"", "'//", "\">"},
	{"<a onclick=\"", `:\/\/`, "\">"},
	{"<img srcset='", ",", "'>"},
	{"<img srcset='", "//old.example/ (", "'>"},
	{"<meta http-equiv=refresh content='", "0.", "'>"},
	{"<script>", "<!--", ""},
	{"<script>", "<!--<script>", ""},
	{"<script><!--", "<script></script>", ""},
	{"<script>", "</script", ""},
	{"<style>", "</style", ""},
	{"<style>", "url(//old.example/", "</style>"},
	{"", "<style></style>", ""},
	{"<title>", "<", "</title>"},
	{"<noscript>", "<noscript>", "</noscript>"},
	{"<noscript>", "<a href=//old.example/>", "</noscript>"},
	{"", "<noscript>x</noscript>", ""},
	{"", "<svg>", ""},
	{"", "<svg></svg>", ""},
	{"<svg>", "<style>", ""},
	{"<svg>", "<style><![CDATA[", ""},
	{"<svg>", "<style>x</style>", ""},
	{"<svg>", "<g>", "</g>"},
	{"<svg>" + strings.Repeat("<g>", 400) + "<desc>", "</div>", ""},
	{"<svg>" + strings.Repeat("<desc>", 400), "<b></i>", ""},
	{"<svg>", "<![CDATA[", ""},
	{"<svg><![CDATA[", "]]", ""},
	{"<math>", "<annotation-xml encoding=x>", ""},
	{"", "<iframe srcdoc='<p>'></iframe>", ""},
	{"<iframe srcdoc=\"", "<p title='&amp;amp;'>", "\">"},
	{"", "<iframe srcdoc='<iframe srcdoc=x>'></iframe>", ""},
	{"<script type=importmap>{\"imports\":{", "\"a\":\"//old.example/\",", "\"b\":\"c\"}}</script>"},
	{"<script type=importmap>", "{\"imports\":", "</script>"},
	{"", "<script type=importmap>{}</script>", ""},
	{"", "<template>", ""},
	{"<base href=x>", "<a href=y>", ""},
	{"", "\x1B$B<", ""},
	{"<meta charset=iso-2022-jp>", "\x1B(B\x1B$B", ""},
}

// TestHostileInputIsReadInLinearTime is not timed: what is quadratic does not
// end within the test's time limit.
func TestHostileInputIsReadInLinearTime(t *testing.T) {
	for _, h := range hostilePages {
		readHostile(t, h.start, h.part, h.end, 4<<20, 4<<20, false)
		readHostile(t, h.start, h.part, h.end, 1<<20, 1400, false)
		readHostile(t, h.start, h.part, h.end, 1<<20, 64<<10, true)
	}
}

// readHostile reads a page of a size in pieces, and sees that little of it is
// held back.
func readHostile(t *testing.T, start, part, end string, size, piece int, xml bool) {
	t.Helper()
	page := start + strings.Repeat(part, size/len(part)) + end
	d := NewDocument(io.Discard, DocumentOptions{Tag: mark, Map: renaming{}, XML: xml})
	for i := 0; i < len(page); i += piece {
		if _, err := io.WriteString(d, page[i:min(i+piece, len(page))]); err != nil {
			t.Fatal(err)
		}
		if n := len(d.held); n > maxText+step {
			t.Fatalf("%.40q: %d bytes are held back", start+part, n)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// soupParts are what random pages are made of.
var soupParts = strings.Split(`<html>|<head>|</head>|<body>|<p>|</p>|<a href="//old.example/x">|<a href='y'>|<a href=//old.example/>|</a>|<svg>|</svg>|<math>|</math>|<mi>|</mi>|<desc>|</desc>|<foreignObject>|</foreignObject>|<title>|</title>|<style>|</style>|a{b:url(//old.example/z)}|<script>|</script>|<script type=importmap>|{"imports":{"a":"//old.example/"}}|<!--|-->|--!>|<![CDATA[|]]>|<select>|</select>|<textarea>|</textarea>|<noscript>|</noscript>|<template>|</template>|<base href=//old.example/b/>|<meta http-equiv=refresh content="0;url=//old.example/">|<meta http-equiv=content-security-policy content="x">|<iframe srcdoc="<p><a href='//old.example/'>">|<table>|<td background=//old.example/>|</table>|<img src=//old.example/changed integrity=x>|<|>|"|'|=|/|&amp;| |text|<plaintext>|<frameset>|<xmp>|</xmp>|<font color=x>|<br/>|<p style="a:url(//old.example/)">|<a onclick="go('//old.example/')">|<?xml ?>|<!doctype html>|`+"\x1B$B|\x1B(B|\x00|\r\n", "|")

func soup(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(25) {
		part := soupParts[r.IntN(len(soupParts))]
		if r.IntN(12) == 0 {
			part = part[:r.IntN(len(part)+1)]
		}
		b.WriteString(part)
	}
	return b.String()
}

func TestRandomSoupKeepsItsRules(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 6000 {
		in := soup(r)
		checkRules(t, in, n%5 == 0, r.IntN(1+len(in)))
		if n%20 == 0 {
			everywhere(t, DocumentOptions{Tag: mark, Map: renaming{}, Policy: strings.ToUpper}, in)
		}
		if t.Failed() {
			return
		}
	}
}

// checkRules checks what holds for any document.
func checkRules(t *testing.T, in string, xml bool, cut int) {
	t.Helper()
	if got := document(t, DocumentOptions{XML: xml}, in, cut); got != in {
		t.Errorf("with nothing to do %q became %q", in, got)
	}
	keep := func(v string) string { return v }
	if got := document(t, DocumentOptions{XML: xml, Map: same{}, Policy: keep}, in, cut); got != in {
		t.Errorf("with a mapper that changes nothing %q became %q", in, got)
	}
	if got := document(t, DocumentOptions{XML: xml, Tag: "\x01tag"}, in); !isWithout(got, "\x01tag", in) {
		t.Errorf("%q: without the tag %q is another", in, got)
	}
	o := DocumentOptions{XML: xml, Tag: mark, Map: renaming{}, Policy: func(v string) string { return v + "!" }}
	out := document(t, o, in)
	if got := document(t, o, in, cut); got != out {
		t.Errorf("%q\nsplit at %d: %q\nwhole: %q", in, cut, got, out)
	}
	// What was mapped is not there any more: a second pass finds nothing.
	once := document(t, DocumentOptions{XML: xml, Map: renaming{}}, in)
	if twice := document(t, DocumentOptions{XML: xml, Map: renaming{}}, once); twice != once {
		t.Errorf("%q\nbecame %q\nand then %q", in, once, twice)
	}
}

// isWithout reports whether page is in once the tag is taken out, which may be in
// UTF-16.
func isWithout(page, tag, in string) bool {
	for _, t := range []string{tag, utf16Bytes(tag, binary.LittleEndian), utf16Bytes(tag, binary.BigEndian)} {
		if strings.Replace(page, t, "", 1) == in {
			return true
		}
	}
	return page == in || strings.Contains(in, tag)
}

func FuzzDocument(f *testing.F) {
	for _, page := range places {
		f.Add(strings.Replace(page, "@@", "", 1), false, 3)
	}
	for _, h := range hostilePages {
		f.Add(h.start+h.part+h.part+h.end, false, 5)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 50 {
		f.Add(soup(r), n%4 == 0, 9)
	}
	f.Fuzz(func(t *testing.T, in string, xml bool, cut int) {
		checkRules(t, in, xml, (cut%(len(in)+1)+len(in)+1)%(len(in)+1))
	})
}

func ExampleDocument() {
	var out strings.Builder
	d := NewDocument(&out, DocumentOptions{Tag: ScriptTag("/pillion.js", ""), Map: renaming{}})
	_, _ = io.WriteString(d, `<html><head><title>Hi</title></head><body><img src="//old.example/x.png">`)
	_ = d.Close()
	fmt.Println(out.String())
	// Output: <html><head><script src="/pillion.js"></script><title>Hi</title></head><body><img src="//new.example/x.png">
}
