package rewrite

import "testing"

func TestCSP(t *testing.T) {
	need := CSPNeeds{Nonce: "N", Script: "http://g/s.js", Connect: []string{"http://g/p/", "ws://g/p/"}}
	const connect = "; connect-src 'self' http://g/p/ ws://g/p/"
	for _, c := range []struct{ name, in, out string }{
		{"nothing about scripts stays", "img-src 'self'", "img-src 'self'"},
		{"script-src gets the nonce", "script-src 'self'", "script-src 'self' 'nonce-N'"},
		{"the more special directive counts", "script-src a; script-src-elem b", "script-src a; script-src-elem b 'nonce-N'"},
		{"none is replaced", "script-src 'none'; connect-src 'none'", "script-src 'nonce-N'; connect-src http://g/p/ ws://g/p/"},
		{"a nonce would switch off unsafe-inline", "script-src 'unsafe-inline' a", "script-src 'unsafe-inline' a http://g/s.js"},
		{"strict-dynamic ignores hosts", "script-src 'strict-dynamic' 'nonce-p' 'unsafe-inline'", "script-src 'strict-dynamic' 'nonce-p' 'unsafe-inline' 'nonce-N'"},
		{"default-src keeps its meaning", "default-src 'self'", "default-src 'self'; script-src 'self' 'nonce-N'" + connect},
		{"each of several policies", "script-src a, script-src b", "script-src a 'nonce-N',script-src b 'nonce-N'"},
		{"the first of two same directives", "script-src a; script-src b", "script-src a 'nonce-N'; script-src b"},
		{"connections anywhere", "connect-src *", "connect-src *"},
		{"empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := CSP(c.in, need); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

func FuzzCSP(f *testing.F) {
	f.Add("default-src 'self'; script-src 'none', img-src *")
	f.Fuzz(func(_ *testing.T, s string) {
		CSP(s, CSPNeeds{Nonce: "N", Script: "http://g/s.js", Connect: []string{"ws://g/"}})
	})
}
