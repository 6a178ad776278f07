package rewrite

import (
	"strings"
	"testing"
)

func testOrigins(t testing.TB, change func(*OriginsOptions)) *Origins {
	t.Helper()
	o := OriginsOptions{
		Own:  "https://help.example.com",
		Site: "http://10.0.0.7:8080",
		Hosts: []OriginPair{
			{"http://10.0.0.7:8080", "https://help.example.com"},
			{"legacy.internal", "https://help.example.com"},
			{"https://shop.internal:8443", "https://shop.example.com"},
			{"bücher.internal", "https://help.example.com"},
			{"http://[2001:db8::7]:81", "https://help.example.com"},
		},
		Assets: []string{"cdn.example.net", "cdn.example.org:8443", "*.img.example.net"},
		Prefix: "/.pillion/from/",
	}
	if change != nil {
		change(&o)
	}
	out, err := NewOrigins(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	gw  = "https://help.example.com"
	cdn = "https://help.example.com/.pillion/from/https/cdn.example.net"
)

type mapping struct {
	name      string
	use       Use
	base, ref string
	want      string // empty: kept
	fate      Fate
}

func (c mapping) run(t *testing.T, m Mapper) {
	t.Helper()
	got, fate := m.Map([]byte("dst:"), c.use, []byte(c.base), []byte(c.ref))
	if want := "dst:" + c.want; string(got) != want || fate != c.fate {
		t.Errorf("%q on base %q: %q with fate %d, want %q with %d", c.ref, c.base, got, fate, want, c.fate)
	}
}

func TestOriginsOnThePagesOfTheSite(t *testing.T) {
	m := testOrigins(t, nil).At(gw + "/app/page.html?q")
	if m.All() {
		t.Error("the site's own pages need not show every URL")
	}
	for _, c := range []mapping{
		{"the site's own origin", UseNavigate, "", "http://10.0.0.7:8080/a?b=c#d", gw + "/a?b=c#d", Move},
		{"an alias by https", UseNavigate, "", "https://legacy.internal/a", gw + "/a", Move},
		{"an alias by http", UseScript, "", "http://legacy.internal/a.js", gw + "/a.js", Move},
		{"an alias without a scheme", UseImage, "", "//legacy.internal/a.png", gw + "/a.png", Move},
		{"an alias as a person may write it", UseNavigate, "", "HTTPS:\\\\Legacy.INTERNAL\\a\\b", gw + `\a\b`, Move},
		{"any number of slashes", UseNavigate, "", "http:legacy.internal/a", gw + "/a", Move},
		{"more slashes than two", UseNavigate, "", "https://///legacy.internal/a", gw + "/a", Move},
		{"spaces and line breaks", UseNavigate, "", " \x01ht\ntps:/\t/leg\racy.internal/a\n ", gw + "/a", Move},
		{"a host with escapes", UseNavigate, "", "https://%6cegacy%2Einternal/a", gw + "/a", Move},
		{"a default port", UseNavigate, "", "https://legacy.internal:443/a", gw + "/a", Move},
		{"an empty port", UseNavigate, "", "https://legacy.internal:/a", gw + "/a", Move},
		{"another port is another origin", UseNavigate, "", "https://legacy.internal:8443/a", "", Keep},
		{"the other scheme's port is another origin", UseNavigate, "", "https://legacy.internal:80/a", "", Keep},
		{"a port that is none", UseNavigate, "", "https://legacy.internal:x/a", "", Keep},
		{"a dot at the end", UseNavigate, "", "https://legacy.internal./a", gw + "/a", Move},
		{"credentials", UseNavigate, "", "https://a:b@legacy.internal/a", gw + "/a", Move},
		{"an alias as user name", UseNavigate, "", "https://legacy.internal@evil.example/a", "", Keep},
		{"an alias as user name, with a backslash", UseNavigate, "", `https://legacy.internal\@evil.example/a`, gw + `\@evil.example/a`, Move},
		{"an alias as part of a name", UseNavigate, "", "https://legacy.internal.evil.example/a", "", Keep},
		{"no path", UseNavigate, "", "https://legacy.internal", gw, Move},
		{"a query without a path", UseNavigate, "", "https://legacy.internal?a", gw + "?a", Move},
		{"a fragment without a path", UseNavigate, "", "https://legacy.internal#a", gw + "#a", Move},
		{"bytes as authored", UseNavigate, "", "https://legacy.internal/ä b/%zz?\"'<", gw + "/ä b/%zz?\"'<", Move},
		{"a name of its own script", UseNavigate, "", "https://BÜCHER.internal/a", gw + "/a", Move},
		{"the same in Punycode", UseNavigate, "", "https://xn--bcher-kva.internal/a", gw + "/a", Move},
		{"the same with escapes", UseNavigate, "", "https://b%C3%BCcher.internal/a", gw + "/a", Move},
		{"an address written as one number", UseNavigate, "", "http://167772167:8080/a", gw + "/a", Move},
		{"an address in other bases", UseNavigate, "", "http://0xA.0.07:8080/a", gw + "/a", Move},
		{"IPv6", UseNavigate, "", "http://[2001:DB8:0::7]:81/a", gw + "/a", Move},
		{"a socket", UseConnect, "", "wss://legacy.internal/live", "wss://help.example.com/live", Move},
		{"another site", UseNavigate, "", "https://shop.internal:8443/cart", "https://shop.example.com/cart", Move},
		{"a document within", UseFrame, "", "https://legacy.internal/f", gw + "/f", Alter},
		{"a style sheet", UseStyle, "", "https://legacy.internal/s.css", gw + "/s.css", Alter},
		{"a style sheet of the site, relative", UseStyle, "", "s.css", "s.css", Alter},
		{"a style sheet of the site, by our name", UseStyle, "", gw + "/s.css", gw + "/s.css", Alter},
		{"what is only named", UseMention, "", "https://legacy.internal/a", gw + "/a", Move},
		{"our own name", UseNavigate, "", gw + "/a", "", Keep},
		{"a relative reference", UseImage, "", "../a.png", "", Keep},
		{"a relative reference with a scheme", UseImage, "", "https:a.png", "", Keep},
		{"a fragment", UseImage, "", "#a", "", Keep},
		{"nothing", UseNavigate, "", " ", "", Keep},
		{"data", UseImage, "", "data:image/png;base64,//legacy.internal/", "", Keep},
		{"script", UseNavigate, "", "javascript:location='//legacy.internal/'", "", Keep},
		{"mail", UseNavigate, "", "mailto:a@legacy.internal", "", Keep},
		{"a foreign host", UseImage, "", "https://other.example/a.png", "", Keep},
		{"no host", UseImage, "", "https:///", "", Keep},
		{"a third party's image", UseImage, "", "https://cdn.example.net/a.png?b#c", cdn + "/a.png?b#c", Move},
		{"a third party's style sheet", UseStyle, "", "//cdn.example.net/a.css", cdn + "/a.css", Alter},
		{"a third party's frame by http", UseFrame, "", "http://CDN.example.net", gw + "/.pillion/from/http/cdn.example.net/", Alter},
		{"a third party's query without a path", UseFont, "", "https://cdn.example.net?a", cdn + "/?a", Move},
		{"a third party's script stays", UseScript, "", "https://cdn.example.net/a.js", "", Keep},
		{"a third party's ping stays", UseConnect, "", "https://cdn.example.net/p", "", Keep},
		{"a link to a third party stays", UseNavigate, "", "https://cdn.example.net/p", "", Keep},
		{"a third party's port", UseImage, "", "https://cdn.example.org:8443/a", gw + "/.pillion/from/https/cdn.example.org:8443/a", Move},
		{"a third party's other port", UseImage, "", "https://cdn.example.org/a", "", Keep},
		{"a third party's subdomains", UseMedia, "", "https://a.b.img.example.net/a", gw + "/.pillion/from/https/a.b.img.example.net/a", Move},
		{"a wildcard is not the name itself", UseMedia, "", "https://img.example.net/a", "", Keep},
		{"a third party's dots lead out of nothing", UseImage, "", "https://cdn.example.net/../../../a/./b/%2E%2e/c", cdn + "/a/c", Move},
		{"a base is never a third party's", UseBase, "", "https://cdn.example.net/lib/", "", Keep},
		{"a base of the site", UseBase, "", "https://legacy.internal/lib/", gw + "/lib/", Move},
		{"relative to the site's base", UseImage, "https://legacy.internal/lib/", "a.png", "", Keep},
		{"relative to a relative base", UseImage, "/lib/", "../a.png", "", Keep},
		{"relative to another site's base", UseImage, "https://shop.internal:8443/", "a.png", "", Keep},
		{"relative to a foreign base", UseImage, "https://other.example/", "a.png", "", Keep},
		{"relative to a third party's base", UseImage, "https://cdn.example.net/lib/x.html", "a.png?b", cdn + "/lib/a.png?b", Move},
		{"from the root of a third party's base", UseStyle, "//cdn.example.net/lib/", "/a.css", cdn + "/a.css", Alter},
		{"up from a third party's base", UseImage, "https://cdn.example.net/lib/x/y", "../../../a.png", cdn + "/a.png", Move},
		{"a query to a third party's base", UseImage, "https://cdn.example.net/lib/x", "?a", cdn + "/lib/x?a", Move},
		{"a script relative to a third party's base", UseScript, "https://cdn.example.net/lib/", "a.js", "", Keep},
		{"a fragment with any base", UseImage, "https://cdn.example.net/lib/", "#a", "", Keep},
		{"a base that is none", UseImage, "data:text/html,x", "a.png", "", Keep},
		{"no scheme on a third party's base", UseImage, "http://other.example/", "//cdn.example.net/a", gw + "/.pillion/from/http/cdn.example.net/a", Move},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, m) })
	}
}

func TestOriginsOnThePagesOfAThirdParty(t *testing.T) {
	m := testOrigins(t, nil).At(cdn + "/lib/page.html?q=/a/b")
	if !m.All() {
		t.Error("a third party's pages have to show every URL")
	}
	for _, c := range []mapping{
		{"a relative reference", UseImage, "", "a.png", "", Keep},
		{"a relative style sheet may be changed", UseStyle, "", "a.css", "a.css", Alter},
		{"up within", UseImage, "", "../a.png", "", Keep},
		{"up and out", UseImage, "", "../../a.png", cdn + "/a.png", Move},
		{"out by a detour", UseImage, "", "x/%2e./../../a.png?b#c", cdn + "/a.png?b#c", Move},
		{"a query", UseNavigate, "", "?a", "", Keep},
		{"from the root", UseScript, "", "/a.js", cdn + "/a.js", Move},
		{"from the root, with a backslash", UseImage, "", `\a.png`, cdn + "/a.png", Move},
		{"a link from the root", UseNavigate, "", "/", cdn + "/", Move},
		{"what is only named", UseMention, "", "/a", "", Keep},
		{"its own name", UseScript, "", "//cdn.example.net/a.js", cdn + "/a.js", Move},
		{"its own name by the other scheme", UseScript, "", "http://cdn.example.net/a.js", "", Keep},
		{"a frame of its own", UseFrame, "", "/f", cdn + "/f", Alter},
		{"another third party's image", UseImage, "", "//a.img.example.net/a", gw + "/.pillion/from/https/a.img.example.net/a", Move},
		{"another third party's script", UseScript, "", "//a.img.example.net/a", "", Keep},
		{"the site", UseNavigate, "", "https://legacy.internal/a", gw + "/a", Move},
		{"its base from the root", UseBase, "", "/x/", cdn + "/x/", Move},
		{"its base by name", UseBase, "", "https://cdn.example.net/x/", cdn + "/x/", Move},
		{"another third party's base", UseBase, "", "https://a.img.example.net/x/", "", Keep},
		{"up from its base", UseImage, "/x/y/", "../../a.png", "", Keep},
		{"up and out from its base", UseImage, "https://cdn.example.net/x/", "../../a.png", cdn + "/a.png", Move},
		{"relative to another third party's base", UseImage, "https://a.img.example.net/x/", "a.png", gw + "/.pillion/from/https/a.img.example.net/x/a.png", Move},
		{"relative to the site's base", UseImage, "https://legacy.internal/x/", "/a.png", "", Keep},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, m) })
	}
}

func TestOriginsLeadToArchivedCopies(t *testing.T) {
	var asked []string
	o := testOrigins(t, func(o *OriginsOptions) {
		o.Archived = func(_ Use, u string) (string, bool) {
			asked = append(asked, u)
			return "/.pillion/copy/1", !strings.Contains(u, "miss")
		}
	})
	const hit = gw + "/.pillion/copy/1"
	m := o.At(gw + "/app/page.html")
	if !m.All() {
		t.Error("every URL has to be shown")
	}
	for _, c := range []struct {
		mapping
		asked string
	}{
		{mapping{"a relative image", UseImage, "", "../a b.png?c d#e", hit + "#e", Move}, gw + "/a%20b.png?c%20d"},
		{mapping{"a style sheet", UseStyle, "", "/s.css", hit, Alter}, gw + "/s.css"},
		{mapping{"by the site's name", UseFont, "", "//legacy.internal/a.woff", hit, Move}, gw + "/a.woff"},
		{mapping{"by our name", UseImage, "", gw + "/x/../a", hit, Move}, gw + "/a"},
		{mapping{"a third party's", UseImage, "", "https://cdn.example.net/a.png", hit, Move}, cdn + "/a.png"},
		{mapping{"a miss", UseImage, "", "miss.png", "", Keep}, gw + "/app/miss.png"},
		{mapping{"a miss that is mapped", UseImage, "", "//legacy.internal/miss", gw + "/miss", Move}, gw + "/miss"},
		{mapping{"relative to a base", UseImage, "https://legacy.internal/lib/", "a.png", hit, Move}, gw + "/lib/a.png"},
		{mapping{"a script", UseScript, "", "a.js", "", Keep}, ""},
		{mapping{"a foreign image", UseImage, "", "https://other.example/a", "", Keep}, ""},
		{mapping{"another site's image", UseImage, "", "https://shop.internal:8443/a", "https://shop.example.com/a", Move}, ""},
		{mapping{"data", UseImage, "", "data:,x", "", Keep}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked = nil
			c.run(t, m)
			if got := strings.Join(asked, " "); got != c.asked {
				t.Errorf("asked for %q, want %q", got, c.asked)
			}
		})
	}
	asked = nil
	mapping{"", UseImage, "", "../a.png", hit, Move}.run(t, o.At(cdn+"/lib/page.html"))
	if len(asked) != 1 || asked[0] != cdn+"/a.png" {
		t.Errorf("on a third party's page: asked for %q", asked)
	}
}

func TestMappingAllocatesNothing(t *testing.T) {
	o := testOrigins(t, nil)
	dst := make([]byte, 0, 1024)
	for _, page := range []string{gw + "/app/page.html", cdn + "/lib/page.html"} {
		m := o.At(page)
		for _, ref := range []string{"a.png", "//legacy.internal/a", "https://cdn.example.net/a/../b", "https://a.b.img.example.net/a", "https://other.example/", "http://10.0.0.7:8080/", "data:,a", "/a", "../../a"} {
			in, base := []byte(ref), []byte("https://legacy.internal/")
			if n := testing.AllocsPerRun(100, func() {
				m.Map(dst, UseImage, nil, in)
				m.Map(dst, UseStyle, nil, in)
				m.Map(dst, UseNavigate, base, in)
			}); n != 0 {
				t.Errorf("%s on %s: %v allocations", ref, page, n)
			}
		}
	}
}

func TestRealLeadsBack(t *testing.T) {
	o := testOrigins(t, nil)
	for _, c := range []struct{ name, in, out string }{
		{"an origin", gw, "http://10.0.0.7:8080"},
		{"a page", gw + "/a?b", "http://10.0.0.7:8080/a?b"},
		{"a third party's page", cdn + "/a?b", "https://cdn.example.net/a?b"},
		{"a third party that is not configured", gw + "/.pillion/from/https/evil.example/a", "http://10.0.0.7:8080/.pillion/from/https/evil.example/a"},
		{"another origin", "https://other.example/a", "https://other.example/a"},
		{"a name that begins like ours", gw + ".evil.example/a", gw + ".evil.example/a"},
		{"another port", gw + ":8443/a", gw + ":8443/a"},
		{"no origin", "null", "null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := o.Real(c.in); got != c.out {
				t.Errorf("%s, want %s", got, c.out)
			}
		})
	}
}

func TestAssetOfTakesConfiguredHostsAlone(t *testing.T) {
	o := testOrigins(t, nil)
	for _, c := range []struct{ name, in, out string }{
		{"a path and query", "/.pillion/from/https/cdn.example.net/x?y", "https://cdn.example.net/x?y"},
		{"a query with a semicolon", "/.pillion/from/https/cdn.example.net/x?a;b=%zz", "https://cdn.example.net/x?a;b=%zz"},
		{"escapes stay", "/.pillion/from/https/cdn.example.net/a%2Fb%20c", "https://cdn.example.net/a%2Fb%20c"},
		{"an empty query", "/.pillion/from/http/cdn.example.net/x?", "http://cdn.example.net/x?"},
		{"no path", "/.pillion/from/https/cdn.example.net", "https://cdn.example.net/"},
		{"a default port", "/.pillion/from/https/cdn.example.net:443/x", "https://cdn.example.net/x"},
		{"a port", "/.pillion/from/https/cdn.example.org:8443/x", "https://cdn.example.org:8443/x"},
		{"a subdomain", "/.pillion/from/https/a.img.example.net/x", "https://a.img.example.net/x"},
		{"a percent sign by itself", "/.pillion/from/https/cdn.example.net/100%", "https://cdn.example.net/100%25"},
		{"another host", "/.pillion/from/https/evil.example/x", ""},
		{"another port", "/.pillion/from/https/cdn.example.net:81/x", ""},
		{"another scheme", "/.pillion/from/ftp/cdn.example.net/x", ""},
		{"credentials", "/.pillion/from/https/a@cdn.example.net/x", ""},
		{"a host within a host", "/.pillion/from/https/cdn.example.net%2f.evil.example/x", ""},
		{"another prefix", "/other/https/cdn.example.net/x", ""},
		{"nothing", "/.pillion/from/", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if u, ok := o.AssetOf(c.in); ok {
				got = u.String()
			}
			if got != c.out {
				t.Errorf("%q, want %q", got, c.out)
			}
		})
	}
}

func TestTheScriptsTableIsTheSameUnderEveryName(t *testing.T) {
	const want = `{"hosts":[["http://10.0.0.7:8080",""],["http://legacy.internal",""],["https://legacy.internal",""],["https://shop.internal:8443","https://shop.example.com"],["https://help.example.com",""]],"assets":["cdn.example.net","*.img.example.net"],"prefix":"/.pillion/from/"}`
	for _, own := range []string{"https://help.example.com", "http://localhost:8080"} {
		o := testOrigins(t, func(o *OriginsOptions) {
			o.Own = own
			o.Hosts = []OriginPair{{"http://10.0.0.7:8080", own}, {"legacy.internal", own}, {"https://shop.internal:8443", "https://shop.example.com"}, {"https://help.example.com", own}}
			o.Assets = []string{"cdn.example.net", "*.img.example.net"}
		})
		if got := string(o.Script()); got != want {
			t.Errorf("as %s: %s, want %s", own, got, want)
		}
	}
}

func TestATableThatMapsNothingIsEmpty(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     OriginsOptions
		empty bool
	}{
		{"no entry", OriginsOptions{Own: gw}, true},
		{"an origin that stands for itself", OriginsOptions{Own: gw, Hosts: []OriginPair{{gw, gw}}}, true},
		{"a host", OriginsOptions{Own: gw, Hosts: []OriginPair{{"a.internal", gw}}}, false},
		{"an asset", OriginsOptions{Own: gw, Assets: []string{"a.internal"}, Prefix: "/p/"}, false},
		{"archived copies", OriginsOptions{Own: gw, Archived: func(Use, string) (string, bool) { return "", false }}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := NewOrigins(c.o)
			if err != nil {
				t.Fatal(err)
			}
			if o.Empty() != c.empty || (string(o.Script()) == "null") != c.empty {
				t.Errorf("empty: %v, script: %s", o.Empty(), o.Script())
			}
		})
	}
}

func TestErrorsNameTheEntry(t *testing.T) {
	for _, c := range []struct {
		name, want string
		o          OriginsOptions
	}{
		{"no own origin", `own origin: "" is no origin`, OriginsOptions{}},
		{"a site without a scheme", `site's origin: "legacy" is no origin`, OriginsOptions{Own: gw, Site: "legacy"}},
		{"a path", `hosts, entry 2: "https://a/b": give the origin alone`, OriginsOptions{Own: gw, Hosts: []OriginPair{{"a", gw}, {"https://a/b", gw}}}},
		{"a scheme", `hosts, entry 1: "ws://a": the scheme must be`, OriginsOptions{Own: gw, Hosts: []OriginPair{{"ws://a", gw}}}},
		{"a port", `hosts, entry 1: "http://a:99999" is no origin`, OriginsOptions{Own: gw, Hosts: []OriginPair{{"a:99999", gw}}}},
		{"credentials", `hosts, entry 1: "http://u@a": give the origin alone`, OriginsOptions{Own: gw, Hosts: []OriginPair{{"u@a", gw}}}},
		{"an asset with a scheme", `assets, entry 1: "https://a" is no host`, OriginsOptions{Own: gw, Assets: []string{"https://a"}, Prefix: "/p/"}},
		{"a prefix", `prefix "p": it must`, OriginsOptions{Own: gw, Assets: []string{"a"}, Prefix: "p"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewOrigins(c.o)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v, want %s…", err, c.want)
			}
		})
	}
}

func TestThePairThatLeadsToTheOwnOriginCounts(t *testing.T) {
	o := testOrigins(t, func(o *OriginsOptions) {
		o.Hosts = []OriginPair{{"shared.internal", "https://other.example.com"}, {"shared.internal", gw}, {"shared.internal", "https://third.example.com"}}
	})
	if got := o.MapURL("http://shared.internal/a", UseNavigate); got != gw+"/a" {
		t.Errorf("got %s", got)
	}
}

func FuzzOrigins(f *testing.F) {
	f.Add("https://legacy.internal/../a", "", uint8(5))
	f.Add("//cdn.example.net/..%2f/x", "https://cdn.example.net/lib", uint8(3))
	f.Add("ws:\\\\LEGACY.internal:80?x", "/a/", uint8(8))
	o := testOrigins(f, func(o *OriginsOptions) {
		o.Archived = func(_ Use, u string) (string, bool) { return "/copy", strings.HasSuffix(u, "copied") }
	})
	pages := []Mapper{o.At(gw + "/app/"), o.At(cdn + "/lib/x")}
	f.Fuzz(func(t *testing.T, ref, base string, use uint8) {
		for _, m := range pages {
			got, fate := m.Map([]byte("dst"), Use(use%10), []byte(base), []byte(ref))
			if !strings.HasPrefix(string(got), "dst") || fate == Keep && len(got) != 3 {
				t.Fatalf("%q on %q: %q with fate %d", ref, base, got, fate)
			}
			// What leads to the gateway is not mapped once more.
			if fate == Move && strings.HasPrefix(string(got[3:]), gw) {
				if again, fate := m.Map(nil, Use(use%10), nil, got[3:]); fate == Move && !strings.HasSuffix(string(again), "/copy") && !strings.Contains(string(again), "/copy#") {
					t.Errorf("%q became %q, then %q", ref, got[3:], again)
				}
			}
		}
	})
}

func BenchmarkMap(b *testing.B) {
	m := testOrigins(b, nil).At(gw + "/app/page.html")
	dst := make([]byte, 0, 1024)
	for _, c := range []struct{ name, ref string }{
		{"kept", "https://other.example/a/b.png"},
		{"a host", "https://legacy.internal/a/b.png"},
		{"a third party", "https://cdn.example.net/a/b.png"},
	} {
		ref := []byte(c.ref)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Map(dst, UseImage, nil, ref)
			}
		})
	}
}
