package rewrite

import (
	"strings"
	"testing"
)

func TestPoliciesInTheHeadAreEdited(t *testing.T) {
	edit := func(v string) string {
		return strings.ReplaceAll(strings.ReplaceAll(v, "connect-src", "connect-src http://gw/.pillion/"), " 'none'", "")
	}
	for _, c := range []struct{ name, in, out string }{
		{"quoted", `<head><meta http-equiv="Content-Security-Policy" content="connect-src 'none'"><p>`, `<head><meta http-equiv="Content-Security-Policy" content="connect-src http://gw/.pillion/"><p>`},
		{"order, case, unquoted name", `<META content='connect-src a.example' HTTP-EQUIV=content-security-policy />`, `<META content="connect-src http://gw/.pillion/ a.example" HTTP-EQUIV=content-security-policy />`},
		{"references", `<meta http-equiv=content-security-policy content='connect-src &#39;none&#39; "&amp;'>`, `<meta http-equiv=content-security-policy content="connect-src http://gw/.pillion/ &quot;&amp;">`},
		{"unquoted", `<meta http-equiv=content-security-policy content=connect-src>`, `<meta http-equiv=content-security-policy content="connect-src http://gw/.pillion/">`},
		{"another policy", `<meta http-equiv=content-security-policy content="script-src 'self'">`, ``},
		{"another meta", `<meta name=description content="connect-src 'none'">`, ``},
		{"without content", `<meta http-equiv=content-security-policy>`, ``},
		{"the first content counts", `<meta http-equiv=content-security-policy content="" content="connect-src 'none'">`, ``},
		{"in a script", `<script>"<meta http-equiv=content-security-policy content=\"connect-src 'none'\">"</script>`, ``},
		{"in a title", `<title><meta http-equiv=content-security-policy content="connect-src 'none'"></title>`, ``},
		{"in a comment", `<!--<meta http-equiv=content-security-policy content="connect-src 'none'">-->`, ``},
		{"in a noscript", `<noscript><meta http-equiv=content-security-policy content="connect-src 'none'"></noscript>`, ``},
		{"in a template", `<template><p></p><meta http-equiv=content-security-policy content="connect-src 'none'"></template>`, ``},
		{"after a template", `<template><p></p></template><meta http-equiv=content-security-policy content=connect-src>`, `<template><p></p></template><meta http-equiv=content-security-policy content="connect-src http://gw/.pillion/">`},
		{"in the body", `<body><meta http-equiv=content-security-policy content="connect-src 'none'">`, ``},
		{"after what begins the body", `<head><p></p><meta http-equiv=content-security-policy content="connect-src 'none'">`, ``},
		{"after text", `<head>x<meta http-equiv=content-security-policy content="connect-src 'none'">`, ``},
		{"after the head's end a parser still puts it into the head", `<head></head> <meta http-equiv=content-security-policy content=connect-src>`, `<head></head> <meta http-equiv=content-security-policy content="connect-src http://gw/.pillion/">`},
		{"cut off", `<head><meta http-equiv=content-security-policy content="connect-src`, ``},
		{"script without end", `<script>if (a<b) {`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.out
			if want == "" {
				want = c.in
			}
			for _, m := range []Mapper{nil, same{}} {
				o := DocumentOptions{Policy: edit, Map: m}
				if got := everywhere(t, o, c.in); got != want {
					t.Errorf("\n%s\n%s", got, want)
				}
			}
		})
	}
}

// TestAPolicyIsEditedWhereAParserEnforcesIt puts a policy at each place of the
// test documents.
func TestAPolicyIsEditedWhereAParserEnforcesIt(t *testing.T) {
	const policy = `<meta http-equiv=content-security-policy content=old>`
	eachTreeInput(t, func(in string) {
		for i := range len(in) + 1 {
			if i < len(in) && in[i] != '<' || len(in) > 1000 {
				continue
			}
			page := in[:i] + policy + in[i:]
			out := document(t, DocumentOptions{Policy: func(string) string { return "new" }, Charset: "utf-8"}, page)
			for n := range parse(t, out).Descendants() {
				if n.Data != "meta" || !hasAttr(n, "http-equiv", "content-security-policy") {
					continue
				}
				head := n.Parent.Data == "head" && n.Parent.Parent.Data == "html" && n.Namespace == ""
				if edited := hasAttr(n, "content", "new"); edited != head {
					t.Errorf("%q: edited %v, in the head %v", page, edited, head)
				}
			}
		}
	})
}

func TestARefreshIsMappedInAMetaElement(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{`<meta http-equiv="refresh" content="0;url=//old.example/?a&amp;b">`, `<meta http-equiv="refresh" content="0;url=//new.example/?a&amp;b">`},
		{`<meta http-equiv=refresh content='0; URL="https://old.example/"'>`, `<meta http-equiv=refresh content='0; URL="https://new.example/"'>`},
		{`<body><meta content=0;//old.example/ http-equiv=REFRESH>`, `<body><meta content=0;//new.example/ http-equiv=REFRESH>`},
		{`<meta http-equiv=refreshing content="0;url=//old.example/">`, `<meta http-equiv=refreshing content="0;url=//old.example/">`},
	} {
		if got := everywhere(t, DocumentOptions{Map: renaming{}}, c.in); got != c.out {
			t.Errorf("got  %s\nwant %s", got, c.out)
		}
	}
}
