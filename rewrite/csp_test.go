package rewrite

import (
	"strings"
	"testing"
)

func TestCSP(t *testing.T) {
	need := CSPNeeds{Nonce: "N", Scripts: []string{"http://g/s.js"}, Connect: []string{"http://g/p/", "ws://g/p/"}}
	const connect = "; connect-src 'self' http://g/p/ ws://g/p/"
	for _, c := range []struct{ name, in, out string }{
		{"nothing about scripts stays", "img-src 'self'", "img-src 'self'"},
		{"script-src gets the nonce", "script-src 'self'", "script-src 'self' 'nonce-N'"},
		{"the more special directive counts", "script-src a; script-src-elem b", "script-src a; script-src-elem b 'nonce-N'"},
		{"none is replaced", "script-src 'none'; connect-src 'none'", "script-src 'nonce-N'; connect-src http://g/p/ ws://g/p/"},
		{"a nonce would switch off unsafe-inline", "script-src 'unsafe-inline' a", "script-src 'unsafe-inline' a http://g/s.js"},
		{"strict-dynamic ignores hosts", "script-src 'strict-dynamic' 'nonce-p' 'unsafe-inline'", "script-src 'strict-dynamic' 'nonce-p' 'unsafe-inline' 'nonce-N'"},
		{"default-src keeps its meaning", "default-src 'self'", "default-src 'self'; script-src 'self' 'nonce-N'" + connect},
		{"each of several policies", "script-src a, script-src b", "script-src a 'nonce-N', script-src b 'nonce-N'"},
		{"several policies, one of which says nothing", "img-src a,,script-src b", "img-src a,,script-src b 'nonce-N'"},
		{"a list of hashes", "script-src 'sha256-abc='", "script-src 'sha256-abc=' 'nonce-N'"},
		{"hashes switch off unsafe-inline already", "script-src 'unsafe-inline' 'sha256-abc='", "script-src 'unsafe-inline' 'sha256-abc=' 'nonce-N'"},
		{"an empty list allows nothing", "script-src;connect-src", "script-src 'nonce-N';connect-src http://g/p/ ws://g/p/"},
		{"none beside others", "script-src 'NONE' a", "script-src a 'nonce-N'"},
		{"case and white space", "\t Script-Src\n 'SELF'  a ;; IMG-SRC b ;", "\t Script-Src\n 'SELF'  a 'nonce-N';; IMG-SRC b ;"},
		{"default-src with a semicolon after it", "Default-Src 'none' ;", "Default-Src 'none' ; script-src 'nonce-N'; connect-src http://g/p/ ws://g/p/;"},
		{"default-src with unsafe-inline", "default-src 'unsafe-inline' a", "default-src 'unsafe-inline' a; script-src 'unsafe-inline' a http://g/s.js; connect-src 'unsafe-inline' a http://g/p/ ws://g/p/"},
		{"attributes and workers are another matter", "script-src-attr 'none'; worker-src 'none'", "script-src-attr 'none'; worker-src 'none'"},
		{"everything is allowed", "default-src *", "default-src *"},
		{"everything is allowed inline, too", "script-src * 'unsafe-inline'; connect-src *", "script-src * 'unsafe-inline'; connect-src *"},
		{"everything, but scripts by trust", "script-src * 'strict-dynamic'; connect-src *", "script-src * 'strict-dynamic' 'nonce-N'; connect-src *"},
		{"a scheme that is ours", "script-src http:; connect-src http: ws:", "script-src http:; connect-src http: ws:"},
		{"a scheme that covers no socket", "connect-src http:", "connect-src http: ws://g/p/"},
		{"a scheme that is not ours", "script-src https:; connect-src https: wss:", "script-src https: 'nonce-N'; connect-src https: wss: http://g/p/ ws://g/p/"},
		{"what is there already", "script-src 'nonce-N'; connect-src ws://g/p/ http://g/p/", "script-src 'nonce-N'; connect-src ws://g/p/ http://g/p/"},
		{"trusted types", "require-trusted-types-for 'script'; trusted-types a 'allow-duplicates'", "require-trusted-types-for 'script'; trusted-types a 'allow-duplicates'"},
		{"a sandbox, ancestors, reports", "sandbox allow-forms; frame-ancestors 'none'; report-uri /r; report-to g", "sandbox allow-forms; frame-ancestors 'none'; report-uri /r; report-to g"},
		{"white space alone", " ; ,", " ; ,"},
		{"secure requests stay without a table", "upgrade-insecure-requests; block-all-mixed-content", "upgrade-insecure-requests; block-all-mixed-content"},
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

func TestCSPWithoutNonce(t *testing.T) {
	need := CSPNeeds{Scripts: []string{"https://g/s.js"}}
	for _, c := range []struct{ name, in, out string }{
		{"the script's URL is allowed", "script-src a", "script-src a https://g/s.js"},
		{"it is allowed already", "script-src HTTPS:", "script-src HTTPS:"},
		{"by the lesser scheme, too", "script-src http:", "script-src http:"},
		{"connections are not touched", "connect-src 'none'", "connect-src 'none'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := CSP(c.in, need); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

func TestCSPSaysOfTheGatewayWhatItSaysOfTheSite(t *testing.T) {
	const from = gw + "/.pillion/from/"
	for _, c := range []struct{ name, in, out string }{
		{"an alias", "img-src legacy.internal", "img-src legacy.internal " + gw},
		{"an alias with scheme and path", "script-src https://legacy.internal/js/", "script-src https://legacy.internal/js/ " + gw + "/js/"},
		{"an alias beside self", "img-src 'self' legacy.internal", "img-src 'self' legacy.internal"},
		{"an alias by another port", "img-src legacy.internal:8443", "img-src legacy.internal:8443"},
		{"an alias by any port", "img-src http://10.0.0.7:*", "img-src http://10.0.0.7:* " + gw},
		{"upper case", "IMG-SRC HTTPS://Legacy.Internal/A", "IMG-SRC HTTPS://Legacy.Internal/A " + gw + "/A"},
		{"a wildcard", "form-action *.internal", "form-action *.internal " + gw},
		{"a wildcard of another name", "form-action *.legacy.internal", "form-action *.legacy.internal"},
		{"another site", "frame-ancestors https://shop.internal:8443", "frame-ancestors https://shop.internal:8443 https://shop.example.com"},
		{"several at once", "default-src *.internal https://*.internal:8443", "default-src *.internal https://*.internal:8443 " + gw + " https://shop.example.com"},
		{"a socket", "connect-src wss://legacy.internal", "connect-src wss://legacy.internal wss://help.example.com"},
		{"a base", "base-uri https://legacy.internal/x/", "base-uri https://legacy.internal/x/ " + gw + "/x/"},
		{"a scheme that covers the gateway, too", "img-src https:", "img-src https:"},
		{"none and keywords", "img-src 'none'; script-src 'self' 'unsafe-eval'", "img-src 'none'; script-src 'self' 'unsafe-eval'"},
		{"a third party", "img-src https://cdn.example.net", "img-src https://cdn.example.net " + from + "https/cdn.example.net/"},
		{"a third party's path", "style-src https://cdn.example.net/a.css", "style-src https://cdn.example.net/a.css " + from + "https/cdn.example.net/a.css"},
		{"a third party without a scheme", "font-src cdn.example.net", "font-src cdn.example.net " + from + "https/cdn.example.net/ " + from + "http/cdn.example.net/"},
		{"a third party's port", "font-src https://cdn.example.org:8443", "font-src https://cdn.example.org:8443 " + from + "https/cdn.example.org:8443/"},
		{"a third party beside self", "img-src 'self' cdn.example.net", "img-src 'self' cdn.example.net"},
		{"a third party's scripts stay there", "script-src https://cdn.example.net", "script-src https://cdn.example.net"},
		{"one of many subdomains", "img-src https://a.img.example.net", "img-src https://a.img.example.net " + from + "https/a.img.example.net/"},
		{"many subdomains", "img-src https://*.img.example.net", "img-src https://*.img.example.net " + from + "https/"},
		{"a wildcard for a third party", "media-src https://*.example.org:8443", "media-src https://*.example.org:8443 " + from + "https/cdn.example.org:8443/"},
		{"a third party that is not configured", "img-src https://other.example", "img-src https://other.example"},
		{"reports to the site", "report-uri /r https://legacy.internal/r", "report-uri /r " + gw + "/r"},
		{"a directive that does not count", "img-src a; img-src legacy.internal", "img-src a; img-src legacy.internal"},
		{"an unknown directive", "x-src legacy.internal", "x-src legacy.internal"},
		{"secure requests by https", "upgrade-insecure-requests", "upgrade-insecure-requests"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := CSP(c.in, CSPNeeds{Map: testOrigins(t, nil)}); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

func TestCSPOnAGatewayByHTTP(t *testing.T) {
	o := testOrigins(t, func(o *OriginsOptions) {
		o.Own = "http://localhost:8080"
		o.Hosts = []OriginPair{{"https://legacy.internal", o.Own}}
	})
	need := CSPNeeds{Nonce: "N", Scripts: []string{"http://localhost:8080/s.js"}, Connect: []string{"ws://localhost:8080/p/"}, Map: o}
	for _, c := range []struct{ name, in, out string }{
		{"secure requests cannot be", "img-src 'self'; upgrade-insecure-requests; media-src 'self'", "img-src 'self'; media-src 'self'"},
		{"a scheme that does not match", "img-src https:", "img-src https: http://localhost:8080"},
		{"a scheme that does not match the script", "default-src https: data:", "default-src https: data: http://localhost:8080; script-src https: data: http://localhost:8080 'nonce-N'; connect-src https: data: http://localhost:8080 ws://localhost:8080/p/"},
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
	f.Add("img-src https://*.internal:*/x cdn.example.net;report-uri https://legacy.internal;upgrade-insecure-requests")
	need := CSPNeeds{Nonce: "N", Scripts: []string{"http://g/s.js"}, Connect: []string{"ws://g/"}, Map: testOrigins(f, nil)}
	f.Fuzz(func(t *testing.T, s string) {
		once := CSP(s, need)
		if twice := CSP(once, need); twice != once {
			t.Errorf("%q became %q, then %q", s, once, twice)
		}
		if got := CSP(s, CSPNeeds{}); got != s {
			t.Errorf("nothing is needed, yet %q became %q", s, got)
		}
		if strings.Count(once, ",") != strings.Count(s, ",") {
			t.Errorf("%q has other policies than %q", once, s)
		}
	})
}
