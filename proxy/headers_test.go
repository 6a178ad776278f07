package proxy

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRequestHeadersOnTheWayIn(t *testing.T) {
	var seen http.Header
	var host string
	site := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen, host = r.Header.Clone(), r.Host })
	gw, up := front(t, site, nil)
	get(t, gw+"/x",
		"Connection", "X-Secret, keep-alive", "X-Secret", "1", "Te", "trailers", "Proxy-Authorization", "Basic x",
		"X_Forwarded_For", "6.6.6.6", "X_REAL-ip", "6.6.6.6", "X_Own", "kept",
		"X-Forwarded-For", "6.6.6.6", "X-Forwarded-Host", "evil", "Forwarded", "for=6.6.6.6",
		"Origin", gw, "Referer", gw+"/a?b", "Cookie", "a=1; pillion_visit=v;b=2; pillion_session=s",
		"User-Agent", "", "Range", "bytes=0-5")
	gwHost := strings.TrimPrefix(gw, "http://")
	for name, want := range map[string]string{
		"X_forwarded_for": "", "X_real-Ip": "", "X_own": "kept",
		"X-Secret": "", "Te": "", "Proxy-Authorization": "", "Keep-Alive": "", "Forwarded": "",
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": gwHost, "X-Forwarded-Proto": "http",
		"Origin": up, "Referer": up + "/a?b", "Cookie": "a=1;b=2", "User-Agent": "", "Range": "",
	} {
		if got := seen.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if host != strings.TrimPrefix(up, "http://") {
		t.Errorf("Host: %q", host)
	}
	gw, _ = front(t, site, func(o *Options) { o.Sites[0].PreserveHost, o.TrustForwarded = true, true })
	get(t, gw, "X-Forwarded-For", "10.1.1.1", "X-Forwarded-Proto", "https", "Origin", "https://"+strings.TrimPrefix(gw, "http://"))
	if host != strings.TrimPrefix(gw, "http://") || seen.Get("X-Forwarded-For") != "10.1.1.1, 127.0.0.1" || seen.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("%s %v", host, seen)
	}
}

func TestAnswerHeadersOnTheWayOut(t *testing.T) {
	var up string
	gw, up := front(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Location", up+"/next?u="+url.QueryEscape(up))
		h.Set("Refresh", "5; url='"+up+"/r'")
		h.Set("Link", "<"+up+"/a.css>; rel=preload, <https://cdn.example/b.css>; rel=preload")
		h.Add("Set-Cookie", "sid=1;  Domain=127.0.0.1; Path=/; SameSite=lax; Partitioned")
		h.Add("Set-Cookie", "other=1; Domain=elsewhere.example")
		h.Set("Keep-Alive", "timeout=5")
		h.Set("Access-Control-Allow-Origin", up)
		w.WriteHeader(http.StatusFound)
	}), nil)
	resp, _ := get(t, gw)
	for name, want := range map[string]string{
		"Location": gw + "/next?u=" + url.QueryEscape(up), "Refresh": "5; url='" + gw + "/r'",
		"Link": "<" + gw + "/a.css>; rel=preload, <https://cdn.example/b.css>; rel=preload", "Keep-Alive": "",
		"Access-Control-Allow-Origin": gw,
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := resp.Header["Set-Cookie"]; got[0] != "sid=1;  Domain=127.0.0.1; Path=/; SameSite=lax; Partitioned" || got[1] != "other=1; Domain=elsewhere.example" {
		t.Errorf("cookies: %q", got)
	}
}

func TestEntityTagsAreOfOurVariant(t *testing.T) {
	var asked http.Header
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Clone()
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "script-src 'self' 'nonce-site'; default-src 'none'")
		if r.URL.Path != "/dates" {
			w.Header().Set("Etag", `"abc"`)
		}
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		if r.Header.Get("If-None-Match") == `"abc"` || r.URL.Path == "/dates" && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, plainPage)
	}), nil)
	resp, body := get(t, gw)
	tag := resp.Header.Get("Etag")
	if !strings.HasPrefix(tag, `W/"pillion2-`) || !strings.HasSuffix(tag, `s-abc"`) || !strings.Contains(body, `nonce="`) {
		t.Fatalf("%q %v %s", tag, resp.Header, body)
	}
	nonce := strings.Split(strings.Split(body, `nonce="`)[1], `"`)[0]
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "'nonce-"+nonce+"'") || !strings.Contains(csp, "'nonce-site'") || !strings.Contains(csp, "connect-src "+gw+"/.pillion/") {
		t.Errorf("policy %q, tag %q", csp, nonce)
	}
	resp, _ = get(t, gw, "If-None-Match", tag)
	if resp.StatusCode != http.StatusNotModified || resp.Header.Get("Etag") != tag || resp.Header.Get("Content-Security-Policy") != "" {
		t.Errorf("again: %s %v", resp.Status, resp.Header)
	}
	// A copy from before the gateway stood there lacks the tag: never confirmed.
	resp, _ = get(t, gw, "If-None-Match", `"abc"`, "If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT")
	if resp.StatusCode != http.StatusOK || asked.Get("If-Modified-Since") != "" {
		t.Errorf("old copy: %s", resp.Status)
	}
	resp, _ = get(t, gw+"/dates")
	if tag = resp.Header.Get("Etag"); !strings.HasSuffix(tag, `d"`) {
		t.Errorf("dates: %q", tag)
	}
	resp, _ = get(t, gw+"/dates", "If-None-Match", tag, "If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT")
	if resp.StatusCode != http.StatusNotModified || asked.Get("If-None-Match") != "" {
		t.Errorf("dates again: %s %v", resp.Status, asked)
	}
}

func TestTheVisitStartsWithADocument(t *testing.T) {
	gw, _ := front(t, html(plainPage), nil)
	resp, _ := get(t, gw)
	if len(resp.Cookies()) != 1 || resp.Cookies()[0].Name != visitCookie || !resp.Cookies()[0].HttpOnly {
		t.Fatalf("%v", resp.Header)
	}
	if resp, _ = get(t, gw, "Cookie", resp.Cookies()[0].String()); len(resp.Cookies()) != 0 {
		t.Errorf("again %v", resp.Header)
	}
	if resp, _ = get(t, gw, "Sec-Fetch-Dest", "image"); len(resp.Cookies()) != 0 {
		t.Errorf("image %v", resp.Header)
	}
}

func TestTheRestPassesByteForByte(t *testing.T) {
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/gif")
		w.Header().Set("Content-Length", "6")
		w.Header().Set("Etag", `"x"`)
		w.Header().Set("X-Own", "kept")
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, "GIF89a")
		}
	}), nil)
	resp, body := get(t, gw, "Sec-Fetch-Dest", "image")
	if body != "GIF89a" || resp.ContentLength != 6 || resp.Header.Get("Etag") != `"x"` || resp.Header.Get("X-Own") != "kept" {
		t.Errorf("%q %d %v", body, resp.ContentLength, resp.Header)
	}
	head, err := http.Head(gw)
	if err != nil {
		t.Fatal(err)
	}
	_ = head.Body.Close()
	if head.ContentLength != 6 {
		t.Errorf("HEAD: length %d", head.ContentLength)
	}
}

func TestAnUpgradeToHTTP2IsNoTunnel(t *testing.T) {
	for _, upgrade := range []string{"h2c", "websocket, H2C", "HTTP/2.0"} {
		var seen http.Header
		gw, _ := front(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }), nil)
		resp, _ := get(t, gw, "Connection", "Upgrade, HTTP2-Settings", "Upgrade", upgrade, "HTTP2-Settings", "AAMAAABkAAQAAP__")
		if resp.StatusCode != http.StatusOK || seen.Get("Upgrade") != "" || seen.Get("Http2-Settings") != "" {
			t.Errorf("%s: %s %v", upgrade, resp.Status, seen)
		}
	}
}
