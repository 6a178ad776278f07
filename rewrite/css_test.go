package rewrite

import "testing"

func TestCSS(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"an unquoted url", `a{background:url(x.png)}`, `a{background:url("/m/x.png")}`},
		{"a quoted url", `a{background:url( "x.png" )}`, `a{background:url( "/m/x.png" )}`},
		{"single quotes and upper case", `A{BACKGROUND:URL('x.png') no-repeat}`, `A{BACKGROUND:URL("/m/x.png") no-repeat}`},
		{"an import as string", `@import "a.css" screen;b{}`, `@import "/m/a.css" screen;b{}`},
		{"an import as url with layer and supports", `@import url(a.css) layer(x) supports(background: url("q"));`, `@import url("/m/a.css") layer(x) supports(background: url("/m/q"));`},
		{"only the first string of an import", `@import "a.css" "b";`, `@import "/m/a.css" "b";`},
		{"a namespace is no resource", `@namespace url(http://x/);@namespace s "http://y/";`, `@namespace url(http://x/);@namespace s "http://y/";`},
		{"comments hold none", `/* url(x) */a{b:c/*url(y)*/}`, `/* url(x) */a{b:c/*url(y)*/}`},
		{"strings hold none", `a{content:"url(x)"}`, `a{content:"url(x)"}`},
		{"image-set takes strings and urls", `a{b:image-set("x.png" 1x, url(y.png) 2x type("image/png"))}`, `a{b:image-set("/m/x.png" 1x, url("/m/y.png") 2x type("image/png"))}`},
		{"src()", `a{b:src("x")}`, `a{b:src("/m/x")}`},
		{"escapes are undone", `a{b:\75rl(x\29 y)}`, `a{b:url("/m/x)y")}`},
		{"a bad url stays", `a{b:url(x"y) c:url(z)}`, `a{b:url(x"y) c:url("/m/z")}`},
		{"a name that only ends in url", `a{b:my-url(x)}`, `a{b:my-url(x)}`},
		{"an unterminated url ends with the sheet", `a{b:url(x`, `a{b:url("/m/x")`},
		{"an unterminated comment", `a{}/* url(x)`, `a{}/* url(x)`},
		{"a string broken by a line", "a{b:\"x\n;c:url(y)}", "a{b:\"x\n;c:url(\"/m/y\")}"},
		{"a charset stays", `@charset "utf-8";a{b:url(x)}`, `@charset "utf-8";a{b:url("/m/x")}`},
		{"a font face", `@font-face{src:local("A"),url(a.woff2)format("woff2")}`, `@font-face{src:local("A"),url("/m/a.woff2")format("woff2")}`},
		{"an empty url stays", `a{b:url()}`, `a{b:url()}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := CSS(c.in, func(u string) string { return "/m/" + u }); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}
