package rewrite

import (
	"strings"
	"testing"
)

func cookieOrigins(t testing.TB) *Origins {
	return testOrigins(t, func(o *OriginsOptions) {
		o.Own = "https://help.gw.example.com:8443"
		o.Site = "https://www.legacy.internal"
		o.Hosts = []OriginPair{
			{"https://www.legacy.internal", o.Own},
			{"https://old.legacy.internal", o.Own},
			{"https://shop.legacy.internal", "https://shop.gw.example.com"},
			{"https://pay.legacy.internal", "https://pay.example.com"},
			{"https://one.alone.internal", o.Own},
			{"https://www.apart.internal", o.Own},
			{"https://shop.apart.internal", "https://shop.example.org"},
			{"https://other.internal", "https://shop.gw.example.com"},
			{"http://10.0.0.7", o.Own},
		}
	})
}

func TestCookiesDomains(t *testing.T) {
	o := cookieOrigins(t)
	for _, c := range []struct{ name, in, out string }{
		{"no domain", "a=b; Path=/; HttpOnly", "a=b; Path=/; HttpOnly"},
		{"the site's own name", "a=b; Domain=www.legacy.internal; Path=/", "a=b; Path=/"},
		{"an address", "a=b; Domain=10.0.0.7", "a=b"},
		{"a domain of one site", "a=b;domain=.Alone.Internal;Secure", "a=b;Secure"},
		{"a domain of several sites", "a=b; Domain=legacy.internal; Path=/x", "a=b; Domain=example.com; Path=/x"},
		{"white space around it", "a=b; DOMAIN =  .legacy.internal \t; Path=/x", "a=b; DOMAIN =  example.com \t; Path=/x"},
		{"sites that have nothing in common", "a=b; Domain=apart.internal", "a=b"},
		{"a domain that a gateway's name allows", "a=b; Domain=gw.example.com", "a=b; Domain=gw.example.com"},
		{"the gateway's own name", "a=b; Domain=help.gw.example.com", "a=b; Domain=help.gw.example.com"},
		{"a public suffix of the gateway's name", "a=b; Domain=com", "a=b; Domain=com"},
		{"a foreign domain", "a=b; Domain=other.example", "a=b; Domain=other.example"},
		{"another site's domain", "a=b; Domain=other.internal", "a=b; Domain=other.internal"},
		{"part of a name", "a=b; Domain=gacy.internal", "a=b; Domain=gacy.internal"},
		{"an empty domain", "a=b; Domain=; Path=/", "a=b; Domain=; Path=/"},
		{"a domain without a value", "a=b; Domain; Path=/", "a=b; Domain; Path=/"},
		{"the last domain counts", "a=b; Domain=other.example; Domain=www.legacy.internal; Path=/", "a=b; Path=/"},
		{"the last domain counts and is mapped", "a=b; Domain=x; Domain=legacy.internal", "a=b; Domain=x; Domain=example.com"},
		{"the last domain counts and stays", "a=b; Domain=legacy.internal; Domain=other.example", "a=b; Domain=legacy.internal; Domain=other.example"},
		{"a domain in the value", "domain=legacy.internal; Path=/", "domain=legacy.internal; Path=/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := o.Cookie(c.in); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

func TestCookiesOtherBytesStay(t *testing.T) {
	o := cookieOrigins(t)
	for _, c := range []struct{ name, cookie string }{
		{"flags", "a=b; Secure; HttpOnly; SameSite=None; Partitioned; Priority=High@"},
		{"odd case and white space", "a=b ;sAmEsItE = lax;  secure @; pRiOrItY=low;"},
		{"a date with commas", "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT@; Max-Age=3600"},
		{"a quoted value", `a="b, c=d"; Path=/@`},
		{"a semicolon in quotes ends the value all the same", `a="b; c"; Path=/@`},
		{"no equals sign", "a@; Path=/"},
		{"no name", "=b@; Path=/"},
		{"the prefix for hosts", "__Host-a=b; Path=/; Secure@"},
		{"the prefix for secure ones", "__Secure-a=b; Secure@; Path=/"},
		{"a path", "a=b; Path=/app/;Path=\"/x\"@"},
		{"unknown attributes", "a=b; Version=1; Comment=x=y=z@; $x"},
		{"other bytes than ASCII", "a=\xe9ü; Path=/\xff@"},
		{"controls", "a=b\x01\t@;\x00"},
		{"many semicolons", ";;a=b;;@;"},
		{"nothing", "@"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plain := strings.Replace(c.cookie, "@", "", 1)
			if got := o.Cookie(plain); got != plain {
				t.Errorf("without a domain: %q became %q", plain, got)
			}
			if c.cookie == "@" {
				return // an attribute needs a cookie before it
			}
			in := strings.Replace(c.cookie, "@", "; Domain=www.legacy.internal", 1)
			if got := o.Cookie(in); got != plain {
				t.Errorf("%q became %q, want %q", in, got, plain)
			}
		})
	}
}

func TestSecureCookiesAreNotWeakenedByHTTP(t *testing.T) {
	o := testOrigins(t, func(o *OriginsOptions) { o.Own = "http://gateway.lan" })
	const in = "__Host-a=b; Path=/; Secure; SameSite=None"
	if got := o.Cookie(in); got != in {
		t.Errorf("got %s", got)
	}
}

func FuzzCookie(f *testing.F) {
	f.Add("a=b; Domain=.legacy.internal; domain=x; Path=/")
	o := cookieOrigins(f)
	f.Fuzz(func(t *testing.T, s string) {
		once := o.Cookie(s)
		if twice := o.Cookie(once); twice != once {
			t.Errorf("%q became %q, then %q", s, once, twice)
		}
		if before, _, _ := strings.Cut(s, ";"); !strings.HasPrefix(once, before) {
			t.Errorf("%q became %q", s, once)
		}
	})
}
