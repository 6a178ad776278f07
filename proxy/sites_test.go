package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

func TestSeveralSitesByHostNameLinkToEachOtherOnTheGateway(t *testing.T) {
	legacy := startSite(t, says("text/html", `<html><head></head><a href="https://legacy.internal/a?b#c">1</a><a href="http://shop.internal/x">2</a><a href="https://elsewhere.example/">3</a>`))
	shop := startSite(t, says("text/html", `<html><head></head><a href="//legacy.internal/">1</a>`))
	gw := serveGateway(t, Options{Sites: []Site{
		{Hosts: []string{"help.example.com"}, Upstreams: []string{legacy}, Aliases: []string{"legacy.internal"}},
		{Hosts: []string{"shop.example.com", "www.shop.example.com"}, Upstreams: []string{shop}, Aliases: []string{"http://shop.internal"}},
	}})
	_, body := fetch(t, gw, "help.example.com", "/", "Sec-Fetch-Dest", "document")
	within(t, "legacy", body, `href="http://help.example.com/a?b#c"`, `href="http://shop.example.com/x"`, `href="https://elsewhere.example/"`)
	_, body = fetch(t, gw, "WWW.shop.example.com:8080", "/", "Sec-Fetch-Dest", "document")
	within(t, "shop", body, "help.example.com:8080/")
	if resp, body := fetch(t, gw, "other.example.com", "/"); resp.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(body, "no site under this name") {
		t.Errorf("another name: %s %s", resp.Status, body)
	}
}

func TestASiteIsAskedFromAnothersPageByTheNameItKnows(t *testing.T) {
	var seen http.Header
	legacy := startSite(t, func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() })
	gw := serveGateway(t, Options{Sites: []Site{
		{Hosts: []string{"help.example.com"}, Upstreams: []string{legacy}},
		{Hosts: []string{"shop.example.com"}, Upstreams: []string{"http://127.0.0.1:9"}, Host: "shop.internal"},
	}})
	fetch(t, gw, "help.example.com:81", "/", "Origin", "http://shop.example.com:81", "Referer", "http://shop.example.com:81/cart?x")
	if seen.Get("Origin") != "http://shop.internal" || seen.Get("Referer") != "http://shop.internal/cart?x" {
		t.Errorf("%v", seen)
	}
	fetch(t, gw, "help.example.com:81", "/", "Origin", "http://shop.example.com.evil:81", "Referer", "http://elsewhere/")
	if seen.Get("Origin") != "http://shop.example.com.evil:81" || seen.Get("Referer") != "http://elsewhere/" {
		t.Errorf("%v", seen)
	}
}

func TestWhatIsWrongWithSitesIsToldAtTheStart(t *testing.T) {
	up := []string{"http://127.0.0.1:1"}
	for name, c := range map[string]struct {
		sites []Site
		says  string
	}{
		"none":                    {nil, "no site"},
		"no upstream":             {[]Site{{}}, "no upstream"},
		"upstream with a path":    {[]Site{{Upstreams: []string{"http://h/path"}}}, "without path"},
		"upstream without scheme": {[]Site{{Upstreams: []string{"ftp://h"}}}, "http or https"},
		"the same host twice":     {[]Site{{Hosts: []string{"a"}, Upstreams: up}, {Hosts: []string{"A"}, Upstreams: up}}, "another site"},
		"two without hosts":       {[]Site{{Upstreams: up}, {Upstreams: up}}, "without hosts"},
		"a host that is a URL":    {[]Site{{Hosts: []string{"http://a/"}, Upstreams: up}}, "name as browsers use it"},
		"an alias that is none":   {[]Site{{Upstreams: up, Aliases: []string{"https://a b/"}}}, "site 1"},
		"unknown rewriting":       {[]Site{{Upstreams: up, Rewrite: "most"}}, "inject"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(Options{Sites: c.sites}); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

func TestUpstreamsTakeTurnsAndTheDeadAreLeftAlone(t *testing.T) {
	var asked [2]atomic.Int32
	one := startSite(t, func(http.ResponseWriter, *http.Request) { asked[0].Add(1) })
	two := startSite(t, func(http.ResponseWriter, *http.Request) { asked[1].Add(1) })
	dead := rawSite(t, "")
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{one, closedAddress(t), two}}}})
	for i := range 12 {
		if resp, _ := fetch(t, gw, "gw", "/"); resp.StatusCode != http.StatusOK {
			t.Fatalf("request %d: %s", i, resp.Status)
		}
	}
	if a, b := asked[0].Load(), asked[1].Load(); a+b != 12 || a < 4 || b < 4 {
		t.Errorf("%d and %d requests", a, b)
	}
	// One that takes a request and says nothing is no reason to ask another: it may have acted.
	gw = serveGateway(t, Options{Sites: []Site{{Upstreams: []string{dead}}}})
	if resp, _ := fetch(t, gw, "gw", "/"); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("no answer: %s", resp.Status)
	}
}

func closedAddress(t *testing.T) string {
	t.Helper()
	srv := startSite(t, nil)
	u, _ := url.Parse(srv)
	l, err := net.Listen("tcp", u.Hostname()+":0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	return "http://" + addr
}

func TestAStickySiteKeepsABrowserOnItsUpstream(t *testing.T) {
	var list []string
	for i := range 3 {
		list = append(list, startSite(t, says("text/plain", fmt.Sprint(i))))
	}
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: list, Sticky: true}}})
	seen := map[string]bool{}
	for b := range 20 {
		cookie := "pillion_visit=" + strings.Repeat(string(rune('a'+b)), visitLen)
		_, first := fetch(t, gw, "gw", "/", "Cookie", cookie)
		seen[first] = true
		for range 3 {
			if _, again := fetch(t, gw, "gw", "/", "Cookie", cookie); again != first {
				t.Fatalf("browser %d went from %s to %s", b, first, again)
			}
		}
	}
	if len(seen) < 2 {
		t.Error("all browsers went to one upstream")
	}
}

func TestASickUpstreamIsNotAskedUntilItIsWell(t *testing.T) {
	var sick atomic.Bool
	var asked, checks atomic.Int32
	sick.Store(true)
	one := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			checks.Add(1)
			if sick.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return
		}
		asked.Add(1)
	})
	two := startSite(t, func(http.ResponseWriter, *http.Request) {})
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{one, two}, Health: Health{Path: "/health", Every: 5 * time.Millisecond}}}})
	waitFor(t, "two checks", func() bool { return checks.Load() > 1 })
	for range 6 {
		fetch(t, gw, "gw", "/")
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the sick upstream got %d requests", n)
	}
	sick.Store(false)
	waitFor(t, "a request", func() bool {
		fetch(t, gw, "gw", "/")
		return asked.Load() > 0
	})
}

func waitFor(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

func TestThirdPartyAssetsComeByWayOfTheGateway(t *testing.T) {
	var asked http.Header
	cdn := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Clone()
		w.Header().Set("Set-Cookie", "track=1")
		switch r.URL.Path {
		case "/frame.html":
			says("text/html", `<html><head></head><img src="/pic.png"><a href="next.html">`)(w, r)
		case "/moved":
			http.Redirect(w, r, "/pic.png", http.StatusFound)
		default:
			says("text/css", `a{background:url(/pic.png)} b{background:url(near.png)}`)(w, r)
		}
	})
	host := strings.TrimPrefix(cdn, "http://")
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "img-src "+host)
		says("text/html", `<html><head><link rel=stylesheet integrity=sha256-x href="`+cdn+`/a/s.css"></head><a href="`+cdn+`/">there</a>`)(w, r)
	})
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}, Assets: []string{host}}}})
	at := strings.TrimPrefix(gw, "http://")
	resp, body := fetch(t, gw, at, "/", "Sec-Fetch-Dest", "document")
	within(t, "page", body, `href="`+gw+"/.pillion/from/http/"+host+`/a/s.css"`, `href="`+cdn+`/"`)
	if strings.Contains(body, "integrity") {
		t.Error("the integrity of a sheet that may change is still asked for")
	}
	within(t, "policy", resp.Header.Get("Content-Security-Policy"), gw+"/.pillion/from/http/"+host+"/")

	prefix := "/.pillion/from/http/" + host
	resp, body = fetch(t, gw, at, prefix+"/a/s.css", "Sec-Fetch-Dest", "style", "Cookie", "sid=secret", "Authorization", "Basic x", "Referer", gw+"/page")
	within(t, "sheet", body, prefix+"/pic.png", "url(near.png)")
	if asked.Get("Cookie") != "" || asked.Get("Authorization") != "" || resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("cookies: to it %v, from it %v", asked, resp.Header)
	}
	if got := asked.Get("Referer"); got != site+"/page" {
		t.Errorf("Referer: %s", got)
	}
	_, body = fetch(t, gw, at, prefix+"/frame.html", "Sec-Fetch-Dest", "iframe")
	within(t, "frame", body, captureScript(nil), prefix+"/pic.png", `href="next.html"`)
	if resp, _ = fetch(t, gw, at, prefix+"/moved", "Sec-Fetch-Dest", "image"); !strings.HasSuffix(resp.Header.Get("Location"), prefix+"/pic.png") {
		t.Errorf("Location: %v", resp.Header)
	}
	for _, path := range []string{"/.pillion/from/http/169.254.169.254/latest", "/.pillion/from/", "/.pillion/from/file/etc/passwd", "/.pillion/from/http/" + host + "@evil.example/"} {
		if resp, _ := fetch(t, gw, at, path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, _ := fetch(t, gw, at, prefix+"/sw.js", "Service-Worker", "script"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a service worker of a third party: %s", resp.Status)
	}
}

type copiesFunc func(string) (string, bool)

func (f copiesFunc) Copy(u string) (string, bool) { return f(u) }

func TestLinksLeadToArchivedCopiesWhereTheOperatorSaysSo(t *testing.T) {
	site := startSite(t, says("text/html", `<html><head><link rel=stylesheet href="/static/a.css?v=1"><script src="/static/a.js"></script></head><img src="other/b.png"><img src="static/new.png"><a href="/static/a.css">`))
	gw := serveGateway(t, Options{
		Sites: []Site{{Upstreams: []string{site}, RedirectAssets: []string{"/static/**"}}},
		Copies: copiesFunc(func(u string) (string, bool) {
			if strings.HasSuffix(u, "new.png") {
				return "", false
			}
			return "/.pillion/copy/sha256-0/" + strings.Replace(u, "://", "/", 1), true
		}),
	})
	at := strings.TrimPrefix(gw, "http://")
	_, body := fetch(t, gw, at, "/", "Sec-Fetch-Dest", "document")
	within(t, "page", body, `href="`+gw+`/.pillion/copy/sha256-0/http/`+at+`/static/a.css?v=1"`, `src="other/b.png"`, `src="static/new.png"`, `<a href="/static/a.css">`, `src="/static/a.js"`)
}

func TestAFailingRewriterCostsTheChangesAndNotThePage(t *testing.T) {
	page := `<html><head><link rel=stylesheet href="/static/a.css"></head>x`
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"strong"`)
		says("text/html", page)(w, r)
	})
	gw := serveGateway(t, Options{
		Sites:  []Site{{Upstreams: []string{site}, RedirectAssets: []string{"/**"}}},
		Copies: copiesFunc(func(string) (string, bool) { panic("the archive is broken") }),
	})
	resp, body := fetch(t, gw, strings.TrimPrefix(gw, "http://"), "/", "Sec-Fetch-Dest", "document")
	if body != page || resp.Header.Get("Etag") != `"strong"` || resp.ContentLength != int64(len(page)) {
		t.Errorf("%v %s", resp.Header, body)
	}
}

func TestASheetChangesOnlyWhereItMust(t *testing.T) {
	plain := "a{color:red} b{background:url(x.png)}"
	linked := `@import "https://legacy.internal/b.css"; a{background:url( 'https://legacy.internal/x.png' )}`
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		w.Header().Set("Etag", `"e"`)
		text := plain
		if strings.Contains(r.URL.Path, "linked") {
			text = linked
		}
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			_, _ = io.WriteString(w, text)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, text)
		_ = z.Close()
	})
	teed := &recordingTee{}
	gw := serveGateway(t, Options{Tee: teed, Sites: []Site{{Upstreams: []string{site}, Aliases: []string{"https://legacy.internal"}}}})
	at := strings.TrimPrefix(gw, "http://")
	direct, want := fetch(t, site, "x", "/plain.css", "Accept-Encoding", "gzip")
	resp, body := fetch(t, gw, at, "/plain.css", "Sec-Fetch-Dest", "style", "Accept-Encoding", "gzip")
	if body != want || resp.Header.Get("Etag") != `"e"` || resp.ContentLength != direct.ContentLength || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("a sheet with nothing to map was changed: %v", resp.Header)
	}
	if a := teed.last(); a.outcome() != "commit" || a.body.String() != plain {
		t.Errorf("archive: %s %q", a.end, a.body.String())
	}
	resp, body = fetch(t, gw, at, "/linked.css", "Sec-Fetch-Dest", "style")
	changed := strings.ReplaceAll(linked, "https://legacy.internal", gw)
	if body != changed || !strings.HasPrefix(resp.Header.Get("Etag"), `W/"pillion`) {
		t.Errorf("%v %s", resp.Header, body)
	}
	if a := teed.last(); a.outcome() != "commit" || a.body.String() != changed {
		t.Errorf("archive: %s %q", a.end, a.body.String())
	}
	// Asked again with our tag, the site is asked with its own.
	if resp, _ = fetch(t, gw, at, "/linked.css", "Sec-Fetch-Dest", "style", "If-None-Match", resp.Header.Get("Etag")); resp.StatusCode != http.StatusOK {
		t.Errorf("again: %s", resp.Status)
	}
}

func TestForwardSitesAreAskedUnderTheNameThatTheBrowserUses(t *testing.T) {
	var host string
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		host = r.Host
		html(plainPage)(w, r)
	})
	at := strings.TrimPrefix(site, "http://")
	gw := serveGateway(t, Options{Sites: []Site{{Forward: true}}})
	if _, body := fetch(t, gw, at, "/", "Sec-Fetch-Dest", "document"); body != tagged || host != at {
		t.Errorf("%s: %s", host, body)
	}
}
