package rewrite

import (
	"strings"
	"testing"
)

// told rewrites in with a mapper that tells what it sees.
func told(t testing.TB, in string) string {
	t.Helper()
	return everywhere(t, DocumentOptions{Map: telling{}}, in)
}

func TestEachAttributeIsMappedForItsUse(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{`<a href="x" ping="p q" attributionsrc="r">`, `<a href="navigate(x)" ping="connect(p) connect(q)" attributionsrc="connect(r)">`},
		{`<area href=x>`, `<area href=navigate(x)>`},
		{`<form action='x'>`, `<form action='navigate(x)'>`},
		{`<button formaction=x>`, `<button formaction=navigate(x)>`},
		{`<input type=image src=x formaction=y value=z>`, `<input type=image src=image(x) formaction=navigate(y) value=z>`},
		{`<iframe src=x longdesc=y>`, `<iframe src=frame(x) longdesc=mention(y)>`},
		{`<frame src=x longdesc=y>`, `<frame src=frame(x) longdesc=mention(y)>`},
		{`<embed src=x pluginspage=y>`, `<embed src=frame(x) pluginspage=mention(y)>`},
		{`<object data=x codebase=y archive="a b" classid="clsid:1">`, `<object data=frame(x) codebase=frame(y) archive="script(a) script(b)" classid="clsid:1">`},
		{`<applet code=x codebase=y archive="a, b">`, `<applet code=script(x) codebase=frame(y) archive="script(a), script(b)">`},
		{`<param name=movie value=x><param name=Src value=x>`, `<param name=movie value=media(x)><param name=Src value=media(x)>`},
		{`<param valuetype=ref value=x name=a><param name=quality value=high>`, `<param valuetype=ref value=media(x) name=a><param name=quality value=high>`},
		{`<img src=x longdesc=y lowsrc=z usemap=#m alt=//h>`, `<img src=image(x) longdesc=mention(y) lowsrc=image(z) usemap=#m alt=//h>`},
		{`<img srcset="a 1x, b 2x">`, `<img srcset="image(a) 1x, image(b) 2x">`},
		{`<script src=x></script>`, `<script src=script(x)></script>`},
		{`<source src=x srcset=y>`, `<source src=media(x) srcset=image(y)>`},
		{`<track src=x>`, `<track src=media(x)>`},
		{`<video src=x poster=y>`, `<video src=media(x) poster=image(y)>`},
		{`<audio src=x><bgsound src=y>`, `<audio src=media(x)><bgsound src=media(y)>`},
		{`<del cite=x><ins cite=x><q cite=x><blockquote cite=x>`, `<del cite=mention(x)><ins cite=mention(x)><q cite=mention(x)><blockquote cite=mention(x)>`},
		{`<body background=x><table background=x><tr background=x><td background=x><th background=x>`, `<body background=image(x)><table background=image(x)><tr background=image(x)><td background=image(x)><th background=image(x)>`},
		{`<html manifest=x><head profile="x y">`, `<html manifest=connect(x)><head profile="mention(x) mention(y)">`},
		{`<link rel=stylesheet href=x><link rel="alternate STYLESHEET" href=x>`, `<link rel=stylesheet href=style(x)><link rel="alternate STYLESHEET" href=style(x)>`},
		{`<link href=x rel="shortcut icon"><link rel=apple-touch-icon href=x>`, `<link href=image(x) rel="shortcut icon"><link rel=apple-touch-icon href=image(x)>`},
		{`<link rel=preload as=font href=x><link rel=preload as=script href=x><link rel=preload as=style href=x><link rel=preload as=fetch href=x>`, `<link rel=preload as=font href=font(x)><link rel=preload as=script href=script(x)><link rel=preload as=style href=style(x)><link rel=preload as=fetch href=connect(x)>`},
		{`<link rel=preload as=image href=x imagesrcset="a 1x">`, `<link rel=preload as=image href=image(x) imagesrcset="image(a) 1x">`},
		{`<link rel=preload as=video href=x><link rel=prefetch href=x>`, `<link rel=preload as=video href=media(x)><link rel=prefetch href=connect(x)>`},
		{`<link rel=modulepreload href=x>`, `<link rel=modulepreload href=script(x)>`},
		{`<link rel=manifest href=x><link rel=preconnect href=x><link rel=dns-prefetch href=x>`, `<link rel=manifest href=connect(x)><link rel=preconnect href=connect(x)><link rel=dns-prefetch href=connect(x)>`},
		{`<link rel=canonical href=x><link rel=alternate href=x><link rel=unknown href=x><link href=x>`, `<link rel=canonical href=mention(x)><link rel=alternate href=navigate(x)><link rel=unknown href=mention(x)><link href=mention(x)>`},
		{`<svg><image href=x xlink:href=y /><use href=x /><feImage href=x /><a xlink:href=x></a><script xlink:href=x></script><text xlink:href=x>`, `<svg><image href=image(x) xlink:href=image(y) /><use href=image(x) /><feImage href=image(x) /><a xlink:href=navigate(x)></a><script xlink:href=script(x)></script><text xlink:href=image(x)>`},
		{`<image src=x>`, `<image src=image(x)>`},
		{`<meta http-equiv=refresh content="0; url=x">`, `<meta http-equiv=refresh content="0; url=navigate(x)">`},
		{`<meta http-equiv=Refresh content='5'><meta name=refresh content="0; url=x">`, `<meta http-equiv=Refresh content='5'><meta name=refresh content="0; url=x">`},
		{`<meta property=og:image content=http://h/x>`, `<meta property=og:image content=http://h/x>`},
		{`<div src=x href=x action=x data=x value=x cite=x><p background=x>`, `<div src=x href=x action=x data=x value=x cite=x><p background=x>`},
		{`<p style="background: url(x)">`, `<p style="background: url(style(x))">`},
		{`<A HREF="x"><IMG SRC=x>`, `<A HREF="navigate(x)"><IMG SRC=image(x)>`},
	} {
		if got := told(t, c.in); got != strings.ReplaceAll(c.out, "url(style(x))", `url(&quot;image(x)&quot;)`) {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.out)
		}
	}
}

func TestValuesAreReadAndWrittenAsHTMLSays(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"single quotes", `<a href='//old.example/x'>`, `<a href='//new.example/x'>`},
		{"no quotes", `<a href=//old.example/x>`, `<a href=//new.example/x>`},
		{"no quotes, a slash at the end", `<a href=//old.example/>`, `<a href=//new.example/>`},
		{"white space around the value", "<a href = \n \"\t//old.example/x \">", "<a href = \n \"\t//new.example/x \">"},
		{"references in the part that stays", `<a href="//old.example/?a=1&amp;b=2&c=3&copy=4&#38;">`, `<a href="//new.example/?a=1&amp;b=2&c=3&copy=4&#38;">`},
		{"references in the part that changes", `<a href="https&colon;&#47;&#x2f;&#111;ld.example/">`, `<a href="https://new.example/">`},
		{"a reference without a semicolon", `<a href="https&#58//old.example/&amp">`, `<a href="https://new.example/&amp">`},
		{"no reference before an equals sign", `<a href="//old.example/?a&lt=1">`, `<a href="//new.example/?a&lt=1">`},
		{"a duplicate does not count", `<a href="x" href="//old.example/">`, `<a href="x" href="//old.example/">`},
		{"nor one after an empty one", `<a href href="//old.example/">`, `<a href href="//old.example/">`},
		{"nor one of another case", `<a href="//old.example/" HREF="//old.example/">`, `<a href="//new.example/" HREF="//old.example/">`},
		{"a bare fragment stays", `<a href="#//old.example/">`, `<a href="#//old.example/">`},
		{"an empty value", `<a href=""><a href><a href=>`, `<a href=""><a href><a href=>`},
		{"an attribute in another's value", `<a title="href=//old.example/" alt='>' href=//old.example/>`, `<a title="href=//old.example/" alt='>' href=//new.example/>`},
		{"a quote within a name", `<a b"c='>' href=//old.example/>`, `<a b"c='>' href=//new.example/>`},
		{"a quote after an equals sign in a value", `<a b=c="d href=//old.example/>`, `<a b=c="d href=//new.example/>`},
		{"an equals sign before a name", `<a ="x href=//old.example/>`, `<a ="x href=//new.example/>`},
		{"slashes between", `<img/src=//old.example/ /alt=x/>`, `<img/src=//new.example/ /alt=x/>`},
		{"no space between", `<img alt=""src="//old.example/"alt=x>`, `<img alt=""src="//new.example/"alt=x>`},
		{"an end tag has none", `</a href=//old.example/>`, `</a href=//old.example/>`},
		{"tabs and line breaks within", "<a href=\"ht\ttp://old.example/\">", "<a href=\"ht\ttp://new.example/\">"},
		{"an unfinished tag", `<a href="//old.example/"`, `<a href="//old.example/"`},
		{"another host", `<a href="//other.example/">`, `<a href="//other.example/">`},
		{"relative", `<a href="x/y?z=http://old.example/">`, `<a href="x/y?z=http://old.example/">`},
		{"accents in other encodings", "<a href=\"//old.example/\xe9&eacute;\" title=\"\xe9\">", "<a href=\"//new.example/\xe9&eacute;\" title=\"\xe9\">"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := everywhere(t, DocumentOptions{Map: renaming{}}, c.in); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

// prefixing puts something that needs escapes in front of each URL.
type prefixing struct{ prefix string }

func (prefixing) All() bool { return true }

func (m prefixing) Map(dst []byte, _ Use, _, ref []byte) ([]byte, Fate) {
	return append(append(dst, m.prefix...), ref...), Move
}

func TestWhatTheMapperAnswersIsEscaped(t *testing.T) {
	for _, c := range []struct{ prefix, in, out string }{
		{`/?a&b="'`, `<a href="x&amp;y">`, `<a href="/?a&amp;b=&quot;'x&amp;y">`},
		{`/?a&b="'`, `<a href='x&y'>`, `<a href='/?a&amp;b="&#39;x&y'>`},
		{`/?a&b="`, `<a href=x&y>`, `<a href="/?a&amp;b=&quot;x&amp;y">`},
		{`/?a&`, `<a href=x&y>`, `<a href=/?a&amp;x&y>`},
		{`a b`, `<a href=x/>`, `<a href="a bx/">`},
		{`=`, `<a href=x>`, `<a href="=x">`},
		{`/`, `<a href=" x&eacute;&#x20;">`, `<a href=" /x&#233;">`},
	} {
		if got := everywhere(t, DocumentOptions{Map: prefixing{c.prefix}}, c.in); got != c.out {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.out)
		}
	}
	if got, want := document(t, DocumentOptions{Map: prefixing{"/?<&"}, XML: true}, `<a href="x">`), `<a href="/?&lt;&amp;x">`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheFirstBaseIsShownWithLaterURLs(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"later ones only", `<link href=a><base href="/b&amp;c/"><a href=d>`, `<link href=mention(a)><base href="base(/b&amp;c/)"><a href=navigate(/b&c/|d)>`},
		{"the first only", `<base href=a><base href=b><a href=c>`, `<base href=base(a)><base href=base(b)><a href=navigate(a|c)>`},
		{"one without href is none", `<base target=x><base href=a><a href=c>`, `<base target=x><base href=base(a)><a href=navigate(a|c)>`},
		{"not within a template", `<template><base href=a></template><a href=c>`, `<template><base href=base(a)></template><a href=navigate(c)>`},
		{"not within SVG", `<svg><base href=a></base></svg><a href=c>`, `<svg><base href=base(a)></base></svg><a href=navigate(c)>`},
		{"style sheets too", `<base href=a><p style="b:url('c')">`, `<base href=base(a)><p style="b:url('image(a|c)')">`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.ReplaceAll(told(t, c.in), "&amp;c/|d", "&c/|d"); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
	in, want := `<a href=x><base href=y><a href=x>`, `<a href=x><base href=y><a href=navigate(y|x)>`
	if got := everywhere(t, DocumentOptions{Map: telling{some: true}}, in); got != want {
		t.Errorf("a mapper that need not see all: got %s, want %s", got, want)
	}
}

func TestIntegrityGoesWithTheBytesThatChange(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{`<script src="//old.example/x" integrity="sha256-x" crossorigin></script>`, `<script src="//new.example/x" integrity="sha256-x" crossorigin></script>`},
		{`<script src="//old.example/changed" integrity="sha256-x" crossorigin></script>`, `<script src="//new.example/changed" crossorigin></script>`},
		{`<script integrity='sha256-x' src="/changed"></script>`, `<script src="/changed"></script>`},
		{`<link integrity=sha256-x rel=stylesheet href=/changed>`, `<link rel=stylesheet href=/changed>`},
		{`<link rel=stylesheet href=/changed integrity=sha256-x>`, `<link rel=stylesheet href=/changed>`},
		{`<link rel=stylesheet href=/changed integrity="sha256-x"/>`, `<link rel=stylesheet href=/changed />`},
		{`<link rel=stylesheet href=/changed integrity="sha256-x"crossorigin>`, `<link rel=stylesheet href=/changed crossorigin>`},
		{`<script src=/changed integrity="x"integrity=y INTEGRITY=z></script>`, `<script src=/changed ></script>`},
		{`<link rel=stylesheet href=/same integrity=x><a href="//old.example/changed">`, `<link rel=stylesheet href=/same integrity=x><a href="//new.example/changed">`},
	} {
		if got := everywhere(t, DocumentOptions{Map: renaming{}}, c.in); got != c.out {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.out)
		}
	}
}

func TestScriptChangesInItsLiteralOriginsAlone(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{`<a onclick="location='https://old.example/a//b'">`, `<a onclick="location='https://new.example/a//b'">`},
		{`<a onclick='go("//old.example")' >`, `<a onclick='go("//new.example")' >`},
		{`<a onclick="go(&quot;https:\/\/old.example\/x&quot;)">`, `<a onclick="go(&quot;https:\/\/new.example\/x&quot;)">`},
		{`<a onclick="go('https://other.example/')">`, `<a onclick="go('https://other.example/')">`},
		{`<a onclick="x // old.example //old.example">`, `<a onclick="x // old.example //old.example">`},
		{`<a onclick="a / b; 'https://old.example:8080/'; '//old.example'">`, `<a onclick="a / b; 'https://new.example:8080/'; '//new.example'">`},
		{`<a href="javascript:open('http://old.example/?a&amp;b')">`, `<a href="javascript:open('http://new.example/?a&amp;b')">`},
		{`<a href="java&#10;script:open('x')">`, `<a href="java&#10;script:open('x')">`},
		{`<a href="javascript://old.example/">`, `<a href="javascript://old.example/">`},
		{`<a onclick="''+'//'+'/'">`, `<a onclick="''+'//'+'/'">`},
		{`<a on="//old.example" one='"//old.example"'>`, `<a on="//old.example" one='"//new.example"'>`},
	} {
		if got := everywhere(t, DocumentOptions{Map: renaming{}}, c.in); got != c.out {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.out)
		}
	}
}

func TestNamesOriginSaysNoOnlyWhereNoOriginCanBe(t *testing.T) {
	for ref, want := range map[string]bool{
		"https://h/": true, "//h": true, `\\h`: true, `/\h`: true, "https:h": true, "mailto:x": true, " //h": true, "/\t/h": true, "\n/\r\n/h": true, "ht\ntp:x": true, "\x01//h": true,
		"": false, "x": false, "/x": false, "/x:y": false, "x/y:z": false, "?a:b": false, "#a:b": false, "x//h": false, "/x//h": false, "/": false, "./a:b": false, " x/y": false,
	} {
		if got := NamesOrigin([]byte(ref)); got != want {
			t.Errorf("%q: %v", ref, got)
		}
	}
}
