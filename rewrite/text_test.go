package rewrite

import (
	"strings"
	"testing"
)

func TestWhatIsTextAndWhatIsMarkup(t *testing.T) {
	// Where @ stands a link comes, and ~ is one that has to stay.
	const old, changed = `<a href=//old.example/>`, `<a href=//new.example/>`
	for _, c := range []struct{ name, in, out string }{
		{"a comment", `<!-- @ -->@`, `<!-- ~ -->@`},
		{"a conditional comment", `<!--[if IE]>@<![endif]-->@`, `<!--[if IE]>~<![endif]-->@`},
		{"a downlevel-revealed one", `<![if !IE]>@<![endif]>@`, `<![if !IE]>@<![endif]>@`},
		{"a script", `<script>'@'</script>@`, `<script>'~'</script>@`},
		{"a script that hides one", `<script><!-- <script>@</script>@--></script>@`, `<script><!-- <script>~</script>~--></script>@`},
		{"a script's comment without an end", `<script><!-- @</script>@`, `<script><!-- ~</script>@`},
		{"a script's short comment", `<script><!--><script></script>@`, `<script><!--><script></script>@`},
		{"a script's end in capitals", `<SCRIPT>@</ScRiPt >@`, `<SCRIPT>~</ScRiPt >@`},
		{"an end tag that only begins like it", `<script>@</scripts></script/>@`, `<script>~</scripts></script/>@`},
		{"a title", `<title>@</title>@`, `<title>~</title>@`},
		{"a textarea", `<textarea>@</textarea>@`, `<textarea>~</textarea>@`},
		{"xmp, noembed, noframes and an iframe", `<xmp>@</xmp><noembed>@</noembed><noframes>@</noframes><iframe>@</iframe>@`, `<xmp>~</xmp><noembed>~</noembed><noframes>~</noframes><iframe>~</iframe>@`},
		{"plaintext", `<plaintext>@</plaintext>@`, `<plaintext>~</plaintext>~`},
		{"a noscript", `<noscript>@<!-- @</noscript>@`, `<noscript>@<!-- ~</noscript>@`},
		{"a style within a noscript ends with it", `<noscript><style>@</noscript>@`, `<noscript><style>~</noscript>@`},
		{"a template", `<template>@<template>@</template></template>`, `<template>@<template>@</template></template>`},
		{"a title of SVG", `<svg><title>@</title></svg>@`, `<svg><title>@</title></svg>@`},
		{"an image hidden in a style of SVG", `<svg><style>@</style>`, `<svg><style>@</style>`},
		{"a style of HTML within SVG", `<svg><foreignObject><style>@</style></foreignObject><style>@</style>`, `<svg><foreignObject><style>~</style></foreignObject><style>@</style>`},
		{"a section of SVG", `<svg><![CDATA[@]]>@</svg><![CDATA[@]]>`, `<svg><![CDATA[~]]>@</svg><![CDATA[~]]>`},
		{"MathML", `<math><mi><style>@</style></mi><annotation-xml><style>@</style></annotation-xml><annotation-xml encoding="Text/HTML"><style>@</style>`, `<math><mi><style>~</style></mi><annotation-xml><style>@</style></annotation-xml><annotation-xml encoding="Text/HTML"><style>~</style>`},
		{"a table ends SVG", `<svg><table><style>@</style>`, `<svg><table><style>~</style>`},
		{"a font with a colour ends SVG", `<svg><font><style>@</style></font><font color=x><style>@</style>`, `<svg><font><style>@</style></font><font color=x><style>~</style>`},
		{"SVG that is empty", `<svg/><style>@</style>`, `<svg/><style>~</style>`},
		{"what parsers disagree about", `@<select><xmp>@</xmp></select>@`, `@<select><xmp>~</xmp></select>~`},
		{"a select that ended", `<select></select><xmp>@</xmp>@<select><option><textarea>@</textarea>@`, `<select></select><xmp>~</xmp>@<select><option><textarea>~</textarea>@`},
		{"a frameset", `<frameset><frame src=//old.example/><noframes>@</noframes></frameset>@`, `<frameset><frame src=//new.example/><noframes>~</noframes></frameset>@`},
		{"a less-than sign", `1 < 2 @ <<@`, `1 < 2 @ <<@`},
		{"a bogus comment", `</ @>@<?x @>@`, `</ ~>@<?x ~>@`},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := strings.ReplaceAll(c.in, "@", old)
			want := strings.NewReplacer("@", changed, "~", old).Replace(c.out)
			if got := everywhere(t, DocumentOptions{Map: renaming{}}, in); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestStyleSheetsInAPageAreMapped(t *testing.T) {
	long := strings.Repeat("/**/", maxText/4)
	for _, c := range []struct {
		name, in, out string
		xml           bool
	}{
		{name: "a style element", in: `<style>a{b:url(//old.example/x)}</style>`, out: `<style>a{b:url(//new.example/x)}</style>`},
		{name: "an import", in: `<STYLE media=x>@import "//old.example/x";</STYLE >`, out: `<STYLE media=x>@import "//new.example/x";</STYLE >`},
		{name: "without an end", in: `<style>a{b:url(//old.example/x)}`, out: `<style>a{b:url(//old.example/x)}`},
		{name: "an attribute", in: `<p style='a:url("//old.example/&amp;x")'>`, out: `<p style='a:url("//new.example/&amp;x")'>`},
		{name: "an attribute with references", in: `<p style="a:url(&#39;//old.example/x&#39;)">`, out: `<p style="a:url('//new.example/x&#39;)">`},
		{name: "an attribute without quotes", in: `<p style=a:url(//old.example/x)>`, out: `<p style=a:url(//new.example/x)>`},
		{name: "of SVG", in: `<svg><style>a{b:url(//old.example/x)}</style><p style="a:url(//old.example/)">`, out: `<svg><style>a{b:url(//new.example/x)}</style><p style="a:url(//new.example/)">`},
		{name: "of SVG in sections", in: `<svg><style>a{} <![CDATA[ b{c:url(//old.example/x)} ]]> b{c:url(//old.example/?a&amp;b)}</style>`, out: `<svg><style>a{} <![CDATA[ b{c:url(//new.example/x)} ]]> b{c:url(//new.example/?a&amp;b)}</style>`},
		{name: "of SVG with markup in it", in: `<svg><style>a{b:url(//old.example/x)}<b></style>`, out: `<svg><style>a{b:url(//old.example/x)}<b></style>`},
		{name: "of XML", xml: true, in: `<html><head><style>/*<![CDATA[*/ a{b:url(//old.example/x)} /*]]>*/</style><style/><style>a&gt;b{c:url(//old.example/x)}</style></head></html>`, out: `<html><head><style>/*<![CDATA[*/ a{b:url(//new.example/x)} /*]]>*/</style><style/><style>a&gt;b{c:url(//new.example/x)}</style></head></html>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := everywhere(t, DocumentOptions{Map: renaming{}, XML: c.xml}, c.in)
			if c.xml {
				got = strings.ReplaceAll(got, "a>b{", "a&gt;b{")
			}
			if got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
	for _, in := range []string{`<style>a{b:url(//old.example/)}` + long + `</style>`, `<svg><style>a{b:url(//old.example/)}` + long + `</style></svg>`} {
		if got := document(t, DocumentOptions{Map: renaming{}}, in, 9, 100, maxText/2, maxText+20); got != in || got != document(t, DocumentOptions{Map: renaming{}}, in) {
			t.Error("a sheet past its bound changed")
		}
	}
}

func TestDocumentsWithinAttributesArePagesOfTheirOwn(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"one quoted", `<head>@@<iframe srcdoc="<a href='//old.example/?a&amp;amp;b'>x</a>">`, `<iframe srcdoc="<script src=&quot;/x.js&quot;></script><a href='//new.example/?a&amp;amp;b'>x</a>">`},
		{"its references are undone", `<head>@@<iframe srcdoc='&lt;head&gt;&lt;p&gt;'>`, `<iframe srcdoc='<head><script src="/x.js"></script&gt;&lt;p&gt;'>`},
		{"text alone", `<head>@@<iframe srcdoc="x &amp; y">`, `<iframe srcdoc="x &amp; y<script src=&quot;/x.js&quot;></script>">`},
		{"an empty one", `<head>@@<iframe srcdoc="">`, `<iframe srcdoc="">`},
		{"one within one", `<head>@@<iframe srcdoc="<head></head><iframe srcdoc='<head></head><p title=&amp;quot;>'>">`, `<iframe srcdoc="<head><script src=&quot;/x.js&quot;></script></head><iframe srcdoc='<head><script src=&quot;/x.js&quot;></script></head><p title=&amp;quot;>'>">`},
		{"on another element", `<head>@@<p srcdoc="<p>">`, `<p srcdoc="<p>">`},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := strings.Replace(c.in, "@@", "", 1)
			got := everywhere(t, DocumentOptions{Tag: mark, Map: renaming{}}, in)
			got, _ = strings.CutPrefix(got, "<head>"+mark)
			if got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
	in := `<base href=/b/><iframe srcdoc="<a href=x>"></iframe><a href=y>`
	want := `<base href=base(/b/)><iframe srcdoc="<a href=navigate(/b/|x)>"></iframe><a href=navigate(/b/|y)>`
	if got := told(t, in); got != want {
		t.Errorf("with a base: got %s, want %s", got, want)
	}
}

func TestImportMapsChangeInTheirURLsAlone(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"imports", `{ "imports" : { "a": "//old.example/a.js" , "b/":"./b/" } }`, `{ "imports" : { "a": "script(//old.example/a.js)" , "b/":"script(./b/)" } }`},
		{"keys that are URLs", `{"imports":{"./a":"x","/b":"x","https://c/":null,"d:e":1,"f":"x"}}`, `{"imports":{"script(./a)":"script(x)","script(/b)":"script(x)","script(https://c/)":null,"script(d:e)":1,"f":"script(x)"}}`},
		{"scopes", `{"scopes":{"/s/":{"a":"b"},"t":{},"u":1}}`, `{"scopes":{"script(/s/)":{"a":"script(b)"},"script(t)":{},"script(u)":1}}`},
		{"integrity", `{"integrity":{"./a":"sha-x"}}`, `{"integrity":{"script(./a)":"sha-x"}}`},
		{"other keys", `{"other":{"./a":"//b"},"imports":[{"a":"b"}],"scopes":"x"}`, `{"other":{"./a":"//b"},"imports":[{"a":"b"}],"scopes":"x"}`},
		{"escapes", `{"\u0069mports":{"a":"\/b\u0022\n"}}`, `{"\u0069mports":{"a":"script(/b\"\u000a)"}}`},
		{"not valid", `{"imports":{"a":"b",}}`, `{"imports":{"a":"b",}}`},
		{"not an object", `["imports"]`, `["imports"]`},
		{"a number", ` 1 `, ` 1 `},
		{"empty", ``, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, want := `<script type=" ImportMap ">`+c.in+`</script>`, `<script type=" ImportMap ">`+c.out+`</script>`
			if got := told(t, in); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	in := `<script type=importmap>{"integrity":{"/changed":"sha-x","/same":"sha-y"},"imports":{"a":"//old.example/<"}}</script>`
	want := `<script type=importmap>{"integrity":{"/changed":"","/same":"sha-y"},"imports":{"a":"//new.example/\u003c"}}</script>`
	if got := everywhere(t, DocumentOptions{Map: renaming{}}, in); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, in := range []string{`<script type=speculationrules>{"imports":{"a":"//old.example/"}}</script>`, `<script>{"imports":{"a":"//old.example/"}}</script>`} {
		if got := everywhere(t, DocumentOptions{Map: renaming{}}, in); got != in {
			t.Errorf("%s became %s", in, got)
		}
	}
}
