package rewrite

import (
	"strings"
	"testing"
)

func TestMapLink(t *testing.T) {
	uses := map[Use]string{UseNavigate: "n", UseFrame: "d", UseStyle: "s", UseScript: "j", UseImage: "i", UseFont: "f", UseMedia: "m", UseConnect: "c", UseMention: "o"}
	for _, c := range []struct{ name, in, out string }{
		{"a style sheet ahead", `</a.css>; rel=preload; as=style`, `<s:/a.css>; rel=preload; as=style`},
		{"a style sheet", `<a.css>;rel="stylesheet"`, `<s:a.css>;rel="stylesheet"`},
		{"a script module", `<a.js>; rel=modulepreload`, `<j:a.js>; rel=modulepreload`},
		{"scripts, fonts, images, films", `<a>;rel=preload;as=script, <b>;as=font;rel=preload;crossorigin, <c>;rel=preload;as="image", <d>;rel=preload;as=video`, `<j:a>;rel=preload;as=script, <f:b>;as=font;rel=preload;crossorigin, <i:c>;rel=preload;as="image", <m:d>;rel=preload;as=video`},
		{"something ahead", `<a>; rel=preload; as=fetch`, `<c:a>; rel=preload; as=fetch`},
		{"a connection", `<https://a>; rel=preconnect`, `<c:https://a>; rel=preconnect`},
		{"an icon", `<a>; rel="shortcut icon"`, `<i:a>; rel="shortcut icon"`},
		{"the next page", `<a?page=2>; rel="next"`, `<n:a?page=2>; rel="next"`},
		{"what is only named", `<a>; rel=canonical`, `<o:a>; rel=canonical`},
		{"upper case and white space", ` < a > ; REL = "StyleSheet"`, ` <s: a > ; REL = "StyleSheet"`},
		{"the first rel counts", `<a>; rel=stylesheet; rel=next`, `<s:a>; rel=stylesheet; rel=next`},
		{"commas and semicolons in a target", `<a,b;c>; rel=next, <d>`, `<n:a,b;c>; rel=next, <o:d>`},
		{"commas and brackets in quotes", `<a>; title="x, <y>; rel=next"; rel=stylesheet, <b>; rel=next`, `<s:a>; title="x, <y>; rel=next"; rel=stylesheet, <n:b>; rel=next`},
		{"a quote in quotes", `<a>; title="x\", <y>"; rel=next`, `<n:a>; title="x\", <y>"; rel=next`},
		{"an anchor", `<a>; rel=next; anchor="/x"`, `<n:a>; rel=next; anchor="o:/x"`},
		{"an empty target", `<>; rel=next`, `<n:>; rel=next`},
		{"empty elements", `, ,<a>; rel=next,, <b>;;rel=next;`, `, ,<n:a>; rel=next,, <n:b>;;rel=next;`},
		{"no parameter", `<a>`, `<o:a>`},
		{"something after the parameters", `<a>; rel=next x y, <b>; rel=next`, `<n:a>; rel=next x y, <n:b>; rel=next`},
		{"no link", `a; rel=next`, `a; rel=next`},
		{"no end", `<a>; rel=next, <b`, `<n:a>; rel=next, <b`},
		{"no end of a quote", `<a>; rel="next`, `<n:a>; rel="next`},
		{"nothing", ``, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := MapLink(c.in, func(target string, use Use) string { return uses[use] + ":" + target })
			if got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

func TestALinksTargetStaysWithinItsBrackets(t *testing.T) {
	got := MapLink(`<a>; rel=next; anchor="b", <c>`, func(string, Use) string { return `x>"\y` })
	if want := `<x%3E"\y>; rel=next; anchor="x>%22%5Cy", <x%3E"\y>`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzMapLink(f *testing.F) {
	f.Add(`<a,b>; rel="next"; anchor=x, <c>;as=style;rel=preload;title="\"<,;"`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := MapLink(s, func(u string, _ Use) string { return u }); got != s {
			t.Errorf("nothing to change, yet %q became %q", s, got)
		}
		var first, second []string
		mapped := MapLink(s, func(u string, _ Use) string { first = append(first, "m"+u); return "m" + u })
		MapLink(mapped, func(u string, _ Use) string { second = append(second, u); return u })
		// What could end a target or an anchor was escaped.
		if a, b := inQuotes(strings.Join(first, "|")), inQuotes(strings.Join(second, "|")); a != b {
			t.Errorf("%q: %q, then %q", s, a, b)
		}
	})
}
