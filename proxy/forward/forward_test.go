package forward

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/elazarl/goproxy"
)

// tested is a proxy on a real listener.
type tested struct {
	*Proxy
	url  *url.URL
	pool *x509.CertPool
	log  *logged
}

// logged is a log to look into.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

// started serves a proxy until the test ends. Tunnels may lead to this machine
// where the options name ports: the test's other hosts are there.
func started(t *testing.T, opts Options) *tested {
	t.Helper()
	log := &logged{}
	opts.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	if opts.Handler == nil {
		opts.Handler = http.HandlerFunc(described)
	}
	if opts.Hosts == nil {
		opts.Hosts = []string{"legacy.internal", "*.intranet.example"}
	}
	p, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(opts.Ports) > 0 {
		p.reach.allowed = func(ip netip.Addr) bool { return ip.IsLoopback() }
	}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		_ = p.Close() // what is cut off has nothing to tell
		server.Close()
	})
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(p.Authority()) {
		t.Fatal("the authority is no PEM")
	}
	return &tested{Proxy: p, url: u, pool: pool, log: log}
}

// described answers with what the handler sees.
func described(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, "%s %s host=%s uri=%s abs=%v tls=%v proxy=%q body=%s", r.Method, r.Proto, r.Host, r.RequestURI, r.URL.IsAbs(), r.TLS != nil,
		r.Header.Get("Proxy-Connection")+r.Header.Get("Proxy-Authorization"), body)
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || host != "127.0.0.1" {
		_, _ = fmt.Fprintf(w, " from %s", r.RemoteAddr)
	}
}

func (p *tested) transport(t *testing.T, http2 bool) *http.Transport {
	t.Helper()
	tr := &http.Transport{Proxy: http.ProxyURL(p.url), TLSClientConfig: &tls.Config{RootCAs: p.pool}, Protocols: &http.Protocols{}}
	tr.Protocols.SetHTTP1(!http2)
	tr.Protocols.SetHTTP2(http2)
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func (p *tested) client(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{Transport: p.transport(t, false)}
}

func ask(t *testing.T, c *http.Client, address string) (int, string) {
	t.Helper()
	resp, err := c.Post(address, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// dial opens a raw connection to the proxy, on which nothing can wait for ever.
func (p *tested) dial(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", p.url.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// connect asks for a tunnel; it may send the first bytes with the question.
func (p *tested) connect(t *testing.T, host, early string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	c, r := p.dial(t)
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n%s", host, host, early); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
	if err != nil {
		t.Fatal(err)
	}
	return c, r, resp
}

func TestListedHostsReachTheHandlerAsIfThereWereNoProxy(t *testing.T) {
	p := started(t, Options{})
	for address, want := range map[string]string{
		"http://legacy.internal/a?b":           "POST HTTP/1.1 host=legacy.internal uri=/a?b abs=false tls=false",
		"http://legacy.internal:8080":          "POST HTTP/1.1 host=legacy.internal:8080 uri=/ abs=false tls=false",
		"http://a.b.Intranet.example/%2e%2f//": "POST HTTP/1.1 host=a.b.Intranet.example uri=/%2e%2f// abs=false tls=false",
		"https://legacy.internal/a?b":          "POST HTTP/1.1 host=legacy.internal uri=/a?b abs=false tls=true",
		"https://x.intranet.example:8443/":     "POST HTTP/1.1 host=x.intranet.example:8443 uri=/ abs=false tls=true",
	} {
		t.Run(address, func(t *testing.T) {
			if status, got := ask(t, p.client(t), address); got != want+` proxy="" body=hello` || status != http.StatusOK {
				t.Errorf("%d %s\nwant %s", status, got, want)
			}
		})
	}
	t.Run("HTTP/2", func(t *testing.T) {
		c := &http.Client{Transport: p.transport(t, true)}
		if _, got := ask(t, c, "https://legacy.internal/a"); got != `POST HTTP/2.0 host=legacy.internal uri=/a abs=false tls=true proxy="" body=hello` {
			t.Error(got)
		}
	})
}

func TestAPlainRequestInATunnelIsServedToo(t *testing.T) {
	request := "GET /a HTTP/1.1\r\nHost: legacy.internal\r\nProxy-Connection: keep-alive\r\n\r\n"
	p := started(t, Options{})
	for name, early := range map[string]string{"after the answer": "", "with the CONNECT": request, "in two parts": request[:5]} {
		t.Run(name, func(t *testing.T) {
			c, r, resp := p.connect(t, "legacy.internal:80", early)
			if resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
			if _, err := io.WriteString(c, request[len(early):]); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(answer.Body); err != nil || string(body) != `GET HTTP/1.1 host=legacy.internal uri=/a abs=false tls=false proxy="" body=` {
				t.Errorf("%s, %v", body, err)
			}
		})
	}
}

func TestARequestForAnotherHostThanTheTunnelsIsMisdirected(t *testing.T) {
	p := started(t, Options{})
	c := &http.Client{Transport: p.transport(t, false)}
	for host, want := range map[string]int{
		"legacy.internal": 200, "LEGACY.internal.": 200, "legacy.internal:443": 200, "legacy.internal:80": 421, "x.intranet.example": 421, "": 200,
	} {
		t.Run(host, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://legacy.internal/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s, want %d", resp.Status, want)
			}
		})
	}
	t.Run("another name in the handshake", func(t *testing.T) {
		conn, _, _ := p.connect(t, "legacy.internal:443", "")
		tc := tls.Client(conn, &tls.Config{RootCAs: p.pool, ServerName: "x.intranet.example"})
		if err := tc.Handshake(); err == nil {
			t.Error("it was accepted")
		}
	})
}

func TestAWebSocketPassesThroughATunnel(t *testing.T) {
	p := started(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow() //nolint:errcheck // closed in any case
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, data) != nil {
				return
			}
		}
	})})
	for _, address := range []string{"wss://legacy.internal/socket", "ws://legacy.internal/socket"} {
		t.Run(address, func(t *testing.T) {
			c, _, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{HTTPClient: p.client(t)})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.Read(t.Context()); string(got) != "hello" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

// events sends one event and waits until it is released.
func events(release <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: first\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
}

func TestTheFirstEventArrivesBeforeTheSecondIsThere(t *testing.T) {
	release := make(chan struct{})
	other := httptest.NewServer(events(release))
	defer other.Close()
	defer close(release)
	p := started(t, Options{Handler: events(release), Others: Tunnel, Ports: []int{portOf(t, other.URL)}})
	for _, address := range []string{"https://legacy.internal/", "http://legacy.internal/", other.URL} {
		for _, http2 := range []bool{false, true} {
			if http2 && !strings.HasPrefix(address, "https") {
				continue
			}
			t.Run(fmt.Sprint(address, " HTTP/2: ", http2), func(t *testing.T) {
				resp, err := (&http.Client{Transport: p.transport(t, http2)}).Get(address)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "data: first\n" || err != nil {
					t.Errorf("%q, %v", line, err)
				}
			})
		}
	}
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestHostsThatAreNotListedAreRefused(t *testing.T) {
	p := started(t, Options{Hosts: []string{"legacy.internal:443", "*.intranet.example"}})
	for _, host := range []string{"other.example:443", "legacy.internal:8443", "intranet.example:443", "xlegacy.internal:443", "legacy.internal.example:443", "127.0.0.1:80", "[::1]:443"} {
		t.Run("CONNECT "+host, func(t *testing.T) {
			_, r, resp := p.connect(t, host, "")
			page, err := io.ReadAll(r)
			if resp.StatusCode != http.StatusForbidden || err != nil || !bytes.Contains(page, []byte(refusedTitle)) {
				t.Errorf("%s %s, %v", resp.Status, page, err)
			}
		})
	}
	for address, want := range map[string]int{"http://other.example/": 403, "http://legacy.internal/": 403, "http://a.intranet.example/": 200} {
		t.Run(address, func(t *testing.T) {
			if status, _ := ask(t, p.client(t), address); status != want {
				t.Errorf("%d, want %d", status, want)
			}
		})
	}
	for _, target := range []string{"https://legacy.internal/", "ftp://legacy.internal/", "http://u:p@legacy.internal/", "http:///"} {
		t.Run("GET "+target, func(t *testing.T) {
			c, r := p.dial(t)
			if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: legacy.internal\r\n\r\n", target); err != nil {
				t.Fatal(err)
			}
			if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%v, %v", resp, err)
			}
		})
	}
}

func TestOtherHostsAreTunnelledUntouched(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(described))
	defer secure.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Proxy-Connection", "Proxy-Authorization", "X-Named", "Connection", "Accept-Encoding"} {
			_, _ = fmt.Fprintf(w, "%s=%q ", name, r.Header.Get(name))
		}
		w.Header()["Connection"] = nil
	}))
	defer plain.Close()
	p := started(t, Options{Others: Tunnel, Ports: []int{portOf(t, secure.URL), portOf(t, plain.URL)}})
	t.Run("https", func(t *testing.T) {
		tr := p.transport(t, false)
		tr.TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone() // its own certificate
		if _, got := ask(t, &http.Client{Transport: tr}, secure.URL); !strings.Contains(got, "tls=true") {
			t.Error(got)
		}
	})
	t.Run("http", func(t *testing.T) {
		c, r := p.dial(t)
		if _, err := fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: h\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nConnection: X-Named\r\nX-Named: y\r\nAccept-Encoding: br\r\n\r\n", plain.URL); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if want := `Proxy-Connection="" Proxy-Authorization="" X-Named="" Connection="" Accept-Encoding="br" `; string(body) != want || err != nil {
			t.Errorf("%s, %v", body, err)
		}
	})
}

func TestAnAnswerThatBreaksOffIsSeenToBreakOff(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer other.Close()
	p := started(t, Options{Others: Tunnel, Ports: []int{portOf(t, other.URL)}})
	resp, err := p.client(t).Get(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q came as if it were whole", body)
	}
}

func TestTunnelsLeadToNoAddressOfTheInside(t *testing.T) {
	p := started(t, Options{Others: Tunnel})
	own := httptest.NewServer(http.NotFoundHandler())
	defer own.Close()
	for _, host := range []string{"127.0.0.1:80", "localhost:443", "[::1]:443", "[::ffff:127.0.0.1]:443", "0.0.0.0:80", "169.254.169.254:80", "10.0.0.1:443", "192.168.1.1:80", "192.0.2.1:22", strings.TrimPrefix(own.URL, "http://")} {
		t.Run(host, func(t *testing.T) {
			if _, _, resp := p.connect(t, host, ""); resp.StatusCode != http.StatusForbidden {
				t.Errorf("CONNECT: %s", resp.Status)
			}
			if status, _ := ask(t, p.client(t), "http://"+host+"/"); status != http.StatusForbidden {
				t.Errorf("POST: %d", status)
			}
		})
	}
}

func TestAddressesAreJudged(t *testing.T) {
	strict, lax := newReach(Options{}), newReach(Options{AllowPrivate: true})
	for text, c := range map[string]struct{ strict, lax bool }{
		"8.8.8.8": {true, true}, "2606:4700::1111": {true, true},
		"10.1.2.3": {false, true}, "172.31.0.1": {false, true}, "192.168.0.1": {false, true}, "100.64.0.1": {false, true}, "fd00::1": {false, true}, "64:ff9b::a00:1": {false, true},
		"127.0.0.2": {}, "::1": {}, "0.0.0.0": {}, "169.254.169.254": {}, "fe80::1": {}, "224.0.0.1": {}, "255.255.255.255": {}, "100.100.100.200": {}, "168.63.129.16": {}, "fd00:ec2::254": {},
	} {
		ip := netip.MustParseAddr(text)
		if strict.allowed(ip) != c.strict || lax.allowed(ip) != c.lax {
			t.Errorf("%s: %v, with private ones %v", text, strict.allowed(ip), lax.allowed(ip))
		}
	}
}

func TestTheNumberOfTunnelsIsBounded(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() { // ends with the listener
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }() // ends with the tunnel
		}
	}()
	host := other.Addr().String()
	p := started(t, Options{Others: Tunnel, Tunnels: 1, Ports: []int{other.Addr().(*net.TCPAddr).Port}})
	first, r, resp := p.connect(t, host, "early ")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	if _, err := io.WriteString(first, "and late\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := r.ReadString('\n'); line != "early and late\n" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
	if _, _, resp := p.connect(t, host, ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the second tunnel: %s", resp.Status)
	}
	_ = first.Close() // never fails
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, _, resp := p.connect(t, host, ""); resp.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the place was not given back")
		}
	}
}

func TestClosingEndsTunnelsAndInterceptedConnections(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	p := started(t, Options{Others: Tunnel, Ports: []int{other.Addr().(*net.TCPAddr).Port}})
	tunnel, _, _ := p.connect(t, other.Addr().String(), "")
	silent, _, _ := p.connect(t, "legacy.internal:443", "")
	inside, _, _ := p.connect(t, "legacy.internal:443", "")
	tc := tls.Client(inside, &tls.Config{RootCAs: p.pool, ServerName: "legacy.internal"})
	if _, err := io.WriteString(tc, "GET / HTTP/1.1\r\nHost: legacy.internal\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := http.ReadResponse(bufio.NewReader(tc), nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]net.Conn{"the tunnel": tunnel, "one without a handshake": silent, "the site's": inside} {
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := p.reach.dial(context.Background(), "tcp", other.Addr().String()); err == nil {
		t.Errorf("%v was opened after the end", c)
	}
}

func TestTheProxyTellsBrowsersHowToUseIt(t *testing.T) {
	p := started(t, Options{Hosts: []string{"legacy.internal", "*.intranet.example:8443", "10.0.0.7"}})
	get := func(t *testing.T, path, host string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url.String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	t.Run("configuration", func(t *testing.T) {
		resp, got := get(t, "/proxy.pac", "gateway.example:8082")
		want := `function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/\.$/, "").replace(/^\[|\]$/g, "");
  var m = /^(\w+):\/\/(?:\[[^\]]*\]|[^\/:?#]*)(?::(\d+))?/.exec(url);
  var port = m && m[2] ? m[2] : m && (m[1] === "https" || m[1] === "wss") ? "443" : "80";
  if (host === "legacy.internal") return "PROXY gateway.example:8082";
  if (host.slice(-17) === ".intranet.example" && port === "8443") return "PROXY gateway.example:8082";
  if (host === "10.0.0.7") return "PROXY gateway.example:8082";
  return "DIRECT";
}
`
		if got != want || resp.Header.Get("Content-Type") != "application/x-ns-proxy-autoconfig" {
			t.Errorf("%v %s", resp.Header, got)
		}
	})
	t.Run("certificate", func(t *testing.T) {
		if resp, got := get(t, "/pillion-ca.pem", ""); got != string(p.Authority()) || resp.Header.Get("Content-Type") != "application/x-x509-ca-cert" {
			t.Errorf("%v %s", resp.Header, got)
		}
	})
	t.Run("page", func(t *testing.T) {
		_, got := get(t, "/", "gateway.example:8082")
		for _, want := range []string{"<code>*.intranet.example:8443</code>", "http://gateway.example:8082/proxy.pac", "/pillion-ca.pem", p.authority.fingerprint()} {
			if !strings.Contains(got, want) {
				t.Errorf("no %s in %s", want, got)
			}
		}
	})
	for path, want := range map[string]int{"/other": 404, "/": 200} {
		if resp, _ := get(t, path, ""); resp.StatusCode != want {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, body := get(t, "/proxy.pac", `x";alert(1);"`); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a Host that is script: %s %s", resp.Status, body)
	}
}

func TestNothingIsSignedByTheAuthorityWhoseKeyIsPublic(t *testing.T) {
	public, err := x509.ParseCertificate(goproxy.GoproxyCa.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, others := range []Others{Refuse, Tunnel} {
		p := started(t, Options{Others: others})
		for _, host := range []string{"legacy.internal", "a.intranet.example"} {
			c, _, _ := p.connect(t, host+":443", "")
			tc := tls.Client(c, &tls.Config{RootCAs: p.pool, ServerName: host})
			if err := tc.Handshake(); err != nil {
				t.Fatal(err)
			}
			leaf := tc.ConnectionState().PeerCertificates[0]
			if leaf.CheckSignatureFrom(public) == nil || leaf.CheckSignatureFrom(p.authority.cert) != nil {
				t.Errorf("%s was signed by %s", host, leaf.Issuer)
			}
		}
	}
}
