package rewrite

import (
	"bytes"
	"testing"
)

func TestPoliciesInTheHeadAreEdited(t *testing.T) {
	edit := func(v string) string { return CSP(v, CSPNeeds{Connect: []string{"http://gw/.pillion/"}}) }
	for _, c := range []struct{ name, in, out string }{
		{"quoted", `<head><meta http-equiv="Content-Security-Policy" content="connect-src 'none'"><p>`, `<head><meta http-equiv="Content-Security-Policy" content="connect-src http://gw/.pillion/"><p>`},
		{"order, case, unquoted name", `<META content='connect-src a.example' HTTP-EQUIV=content-security-policy />`, `<META content="connect-src a.example http://gw/.pillion/" HTTP-EQUIV=content-security-policy />`},
		{"falls back on default-src", `<meta http-equiv=content-security-policy content="default-src 'self'">`, `<meta http-equiv=content-security-policy content="default-src 'self'; connect-src 'self' http://gw/.pillion/">`},
		{"scripts are not touched", `<meta http-equiv=content-security-policy content="script-src 'self'">`, ``},
		{"another meta", `<meta name=description content="connect-src 'none'">`, ``},
		{"in a script", `<script>"<meta http-equiv=content-security-policy content=\"connect-src 'none'\">"</script>`, ``},
		{"in a comment", `<!--<meta http-equiv=content-security-policy content="connect-src 'none'">-->`, ``},
		{"in the body", `<body><meta http-equiv=content-security-policy content="connect-src 'none'">`, ``},
		{"after the head", `</head><meta http-equiv=content-security-policy content="connect-src 'none'">`, ``},
		{"cut off", `<head><meta http-equiv=content-security-policy content="connect-src`, ``},
		{"script without end", `<script>if (a<b) {`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.out
			if want == "" {
				want = c.in
			}
			for cut := range len(c.in) {
				if got := edited(t, edit, c.in[:cut], c.in[cut:]); got != want {
					t.Fatalf("cut at %d:\n%s\n%s", cut, got, want)
				}
			}
		})
	}
}

func edited(t *testing.T, edit func(string) string, parts ...string) string {
	t.Helper()
	var out bytes.Buffer
	p := EditPolicies(&out, edit)
	for _, part := range parts {
		if _, err := p.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func FuzzEditPolicies(f *testing.F) {
	f.Add(`<head><script>a</script><meta http-equiv=content-security-policy content="x">`, 5)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		same := func(v string) string { return v }
		cut = max(0, min(cut, len(s)))
		if got := edited(t, same, s[:cut], s[cut:]); got != s {
			t.Errorf("%q became %q", s, got)
		}
		change := func(v string) string { return v + "!" }
		if whole, parts := edited(t, change, s), edited(t, change, s[:cut], s[cut:]); whole != parts {
			t.Errorf("whole %q, in parts %q", whole, parts)
		}
	})
}
