package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestEarlyHintsPassWithTheirLinksMapped(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} { // each has a transport of its own
		t.Run(method, func(t *testing.T) {
			site := startSite(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "<https://legacy.internal/a.css>; rel=preload; as=style")
				w.WriteHeader(http.StatusEarlyHints)
				w.Header().Del("Link")
				says("text/plain", "ok")(w, nil)
			})
			gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}, Aliases: []string{"https://legacy.internal"}}}})
			var hint string
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				if code == http.StatusEarlyHints {
					hint = h.Get("Link")
				}
				return nil
			}})
			req, _ := http.NewRequestWithContext(ctx, method, gw, strings.NewReader(map[string]string{http.MethodPost: "x"}[method]))
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if hint != "<"+gw+"/a.css>; rel=preload; as=style" || resp.Header.Get("Link") != "" {
				t.Errorf("hint %q, then %v", hint, resp.Header)
			}
		})
	}
}

func TestTrailersPass(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("Content-Type", "application/grpc-web")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Sum", "1")
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
	})
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
	resp, err := http.Get(gw)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if string(body) != "body" || resp.Trailer.Get("X-Sum") != "1" || resp.Trailer.Get("X-Late") != "2" {
		t.Errorf("%s %v", body, resp.Trailer)
	}
}

func TestUploadsStreamWhateverTheirSize(t *testing.T) {
	const size = 64 << 20
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n, r.ContentLength, err)
	})
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
	for name, length := range map[string]int64{"with a length": size, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, gw, io.LimitReader(zeros{}, size))
			req.ContentLength = length
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); string(body) != fmt.Sprint(size, length, nil) {
				t.Errorf("%s", body)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestAnUploadIsAskedForBeforeItIsSent(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	})
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
	for path, want := range map[string]int{"/yes": http.StatusContinue, "/no": http.StatusForbidden} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(gw, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "PUT "+path+" HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%s: %v %v", path, resp, err)
		}
		if want == http.StatusContinue {
			_, _ = io.WriteString(conn, "data")
			resp, err = http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(resp.Body); string(body) != "data" {
				t.Errorf("%q", body)
			}
		}
		_ = conn.Close()
	}
}

func TestMethodsAndRanges(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", "GET")
		w.Header().Set("X-Method", r.Method)
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("0123456789"))
	})
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
	if resp, body := fetch(t, gw, "gw", "/", "Range", "bytes=2-4", "Sec-Fetch-Dest", "video"); resp.StatusCode != http.StatusPartialContent || body != "234" || resp.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("range: %s %v %q", resp.Status, resp.Header, body)
	}
	for _, method := range []string{http.MethodOptions, http.MethodDelete, "PROPFIND", http.MethodHead, http.MethodPatch} {
		req, _ := http.NewRequestWithContext(t.Context(), method, gw, nil)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.Header.Get("X-Method") != method || resp.Header.Get("Allow") != "GET" {
			t.Errorf("%s: %v", method, resp.Header)
		}
	}
}

func TestHeadTellsOfAPageWhatGetDoes(t *testing.T) {
	for _, size := range []int{100, 5000} {
		site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"e"`)
			w.Header().Set("Content-Length", strconv.Itoa(size))
			says("text/html", "<html><head></head>"+strings.Repeat("x", size-19))(w, r)
		})
		gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
		var got [2]http.Header
		for i, method := range []string{http.MethodGet, http.MethodHead} {
			req, _ := http.NewRequestWithContext(t.Context(), method, gw, nil)
			req.Header.Set("Sec-Fetch-Dest", "document")
			req.Header.Set("Accept-Encoding", "gzip")
			req.Header.Set("Cookie", "pillion_visit="+strings.Repeat("a", visitLen))
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			got[i] = resp.Header
			got[i].Del("Content-Length") // HEAD may leave it out
			got[i].Del("Date")
		}
		if !reflect.DeepEqual(got[0], got[1]) {
			t.Errorf("%d bytes: GET %v, HEAD %v", size, got[0], got[1])
		}
	}
}

func TestTheTargetOfARequestPassesByteForByte(t *testing.T) {
	var seen string
	site := startSite(t, func(_ http.ResponseWriter, r *http.Request) { seen = r.RequestURI })
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
	for _, target := range []string{"/a%2Fb/../c;x?q=a;b&c=%zz", "/?", "//double//slash", "/ä", "/a|b?c|d", "/%41?%41=+"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(gw, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		if resp.StatusCode != http.StatusOK || seen != target {
			t.Errorf("%s: %s, the site saw %s", target, resp.Status, seen)
		}
	}
}

func TestUpstreamsOverTLSSpeakHTTP2AndAreVerified(t *testing.T) {
	site := httptest.NewUnstartedServer(says("text/html", "<html><head></head>"))
	site.EnableHTTP2 = true
	proto := make(chan string, 4)
	site.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto <- r.Proto
		says("text/html", "<html><head></head>")(w, r)
	})
	site.StartTLS()
	defer site.Close()
	trusting := newTransport()
	trusting.TLSClientConfig = &tls.Config{RootCAs: site.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	gw := serveGateway(t, Options{Transport: trusting, Sites: []Site{{Upstreams: []string{site.URL}}}})
	if _, body := fetch(t, gw, "gw", "/", "Sec-Fetch-Dest", "document"); !strings.Contains(body, "capture.js") || <-proto != "HTTP/2.0" {
		t.Error(body)
	}
	gw = serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site.URL}}}})
	if resp, body := fetch(t, gw, "gw", "/"); resp.StatusCode != http.StatusBadGateway || strings.Contains(body, "x509") {
		t.Errorf("a certificate that nobody signed: %s %s", resp.Status, body)
	}
}

func TestHTTP2BrowsersGetTheSame(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("b"); err != nil || c.Value != "2" {
			t.Errorf("cookies: %v", r.Header["Cookie"])
		}
		html(plainPage)(w, r)
	})
	g, err := New(Options{Script: captureScript, Sites: []Site{{Upstreams: []string{site}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	srv := httptest.NewUnstartedServer(g)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	req.Header.Set("Sec-Fetch-Dest", "document")
	req.Header.Add("Cookie", "a=1; b=2")
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.ProtoMajor != 2 || string(body) != tagged {
		t.Errorf("%s %s", resp.Proto, body)
	}
	if c := resp.Cookies(); len(c) != 1 || !c[0].Secure {
		t.Errorf("visit: %v", c)
	}
}

func TestADribblingPageGoesOnWithItsHead(t *testing.T) {
	for _, length := range []bool{true, false} {
		t.Run(fmt.Sprintf("length known %v", length), func(t *testing.T) {
			more := make(chan struct{})
			head, rest := "<html><head><title>x</title>", "</head><body></body></html>"
			site := startSite(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				if length {
					w.Header().Set("Content-Length", strconv.Itoa(len(head+rest)))
				}
				_, _ = io.WriteString(w, head)
				_ = http.NewResponseController(w).Flush()
				<-more
				_, _ = io.WriteString(w, rest)
			})
			gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, gw, nil)
			req.Header.Set("Sec-Fetch-Dest", "document")
			req.Header.Set("Accept-Encoding", "identity")
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			want := strings.Replace(head, "<title>", `<script src="/.pillion/capture.js"></script><title>`, 1)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want { // ends only if it need not go on first
				t.Fatalf("%q %v", got, err)
			}
			close(more)
			if tail, err := io.ReadAll(resp.Body); err != nil || string(tail) != rest {
				t.Errorf("%q %v", tail, err)
			}
		})
	}
}

func TestAnAnswerThatDoesNotGoOnIsBrokenOff(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} { // each has a transport of its own
		t.Run(method, func(t *testing.T) {
			end := make(chan struct{})
			defer close(end)
			site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, "begin")
				_ = http.NewResponseController(w).Flush()
				<-end
			})
			gw := serveGateway(t, Options{BodyIdle: 50 * time.Millisecond, Sites: []Site{{Upstreams: []string{site}}}})
			req, _ := http.NewRequestWithContext(t.Context(), method, gw, strings.NewReader(map[string]string{http.MethodPost: "x"}[method]))
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err == nil || string(body) != "begin" { // ends only if it is broken off
				t.Errorf("%q %v", body, err)
			}
		})
	}
}

func TestHeadersThatWouldLeadAroundUs(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for name, v := range map[string]string{
			"Alt-Svc": `h3=":443"`, "Nel": `{"report_to":"x"}`, "Strict-Transport-Security": "max-age=1",
			"X-Frame-Options": "DENY", "Clear-Site-Data": `"cache"`, "Cross-Origin-Opener-Policy": "same-origin",
		} {
			h.Set(name, v)
		}
	})
	gw := serveGateway(t, Options{TrustForwarded: true, Sites: []Site{{Upstreams: []string{site}}}})
	for _, proto := range []string{"http", "https"} {
		resp, _ := fetch(t, gw, "gw", "/", "X-Forwarded-Proto", proto)
		for name, want := range map[string]bool{
			"Alt-Svc": false, "Nel": false, "Strict-Transport-Security": proto == "https",
			"X-Frame-Options": true, "Clear-Site-Data": true, "Cross-Origin-Opener-Policy": true,
		} {
			if _, has := resp.Header[name]; has != want {
				t.Errorf("%s: %s there %v, want %v", proto, name, has, want)
			}
		}
	}
}

func TestTheListenersOwnAnnouncementOfHTTP3Stays(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Alt-Svc", `h3=":1"`) })
	g, err := New(Options{Sites: []Site{{Upstreams: []string{site}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	gw := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Alt-Svc", `h3=":443"`)
		g.ServeHTTP(w, r)
	})
	if resp, _ := fetch(t, gw, "", "/"); resp.Header.Get("Alt-Svc") != `h3=":443"` {
		t.Errorf("%v", resp.Header)
	}
}

func TestWhatAPageVariesByIsTold(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Cookie")
		html(plainPage)(w, r)
	})
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
	for _, dest := range []string{"document", "empty"} {
		resp, _ := fetch(t, gw, "gw", "/", "Sec-Fetch-Dest", dest)
		within(t, dest, strings.Join(resp.Header["Vary"], ", "), "Cookie", "Accept", "Sec-Fetch-Dest")
	}
}

func TestAPageWithoutALabelIsWhatABrowserTakesItFor(t *testing.T) {
	for body, page := range map[string]bool{"<!DOCTYPE html><head></head>": true, "plain < text": false, "": false} {
		site := rawSite(t, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
		gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
		resp, got := fetch(t, gw, "gw", "/", "Sec-Fetch-Dest", "document")
		if _, labelled := resp.Header["Content-Type"]; labelled || strings.Contains(got, "capture.js") != page {
			t.Errorf("%q: %q %v", body, got, resp.Header)
		}
	}
}

func TestEntityTagsMayHoldCommas(t *testing.T) {
	var got []string
	for tag := range entityTags(`"a,b", W/"c" ,,"d"`) {
		got = append(got, tag)
	}
	if strings.Join(got, "|") != `"a,b"|W/"c"|"d"` {
		t.Errorf("%q", got)
	}
}
