package listen

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// writePair writes a self-signed certificate for localhost; the pool trusts it.
func writePair(t *testing.T, dir, name string) (TLS, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, b := range map[string][]byte{files.CertFile: chain, files.KeyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return files, pool
}

// described answers with what the handler sees of the connection.
func described(w http.ResponseWriter, r *http.Request) {
	name := ""
	if r.TLS != nil {
		name = r.TLS.ServerName
	}
	body, _ := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, "%s %v %s %s", r.Proto, r.TLS != nil, name, body)
}

// client speaks one version to s.
func client(t *testing.T, s *Server, protocol string, roots *x509.CertPool) *http.Client {
	t.Helper()
	config := &tls.Config{RootCAs: roots}
	if protocol == "HTTP/3.0" {
		tr := &http3.Transport{TLSClientConfig: config}
		t.Cleanup(func() { _ = tr.Close() })
		return &http.Client{Transport: tr}
	}
	tr := &http.Transport{TLSClientConfig: config, Protocols: &http.Protocols{}}
	tr.Protocols.SetHTTP1(protocol == "HTTP/1.1")
	tr.Protocols.SetHTTP2(protocol == "HTTP/2.0")
	tr.Protocols.SetUnencryptedHTTP2(protocol == "HTTP/2.0")
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.Addr().String())
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func localURL(s *Server, scheme string) string {
	return fmt.Sprintf("%s://localhost:%d/", scheme, s.Addr().(*net.TCPAddr).Port)
}

// ask posts a body and returns the answer's.
func ask(t *testing.T, c *http.Client, url string) (string, http.Header) {
	t.Helper()
	resp, err := c.Post(url, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), resp.Header
}

func TestEachVersionIsServedOnOnePort(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	secure := started(t, Options{Addr: "localhost:0", TLS: files, HTTP3: true, Handler: http.HandlerFunc(described)})
	plain := started(t, Options{Handler: http.HandlerFunc(described)})
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		t.Run(version+" with TLS", func(t *testing.T) {
			got, header := ask(t, client(t, secure, version, pool), localURL(secure, "https"))
			if want := version + " true localhost hello"; got != want {
				t.Errorf("%q, want %q", got, want)
			}
			want := fmt.Sprintf(`h3=":%d"; ma=86400`, secure.Addr().(*net.TCPAddr).Port)
			if version == "HTTP/3.0" {
				want = "" // it is there already
			}
			if got := header.Get("Alt-Svc"); got != want {
				t.Errorf("Alt-Svc %q, want %q", got, want)
			}
		})
	}
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(version+" in plain", func(t *testing.T) {
			got, header := ask(t, client(t, plain, version, nil), localURL(plain, "http"))
			if want := version + " false  hello"; got != want || header.Get("Alt-Svc") != "" {
				t.Errorf("%q with %v, want %q", got, header, want)
			}
		})
	}
}

func TestHTTP1AloneIsServedWhereThatIsWanted(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	secure := started(t, Options{TLS: files, HTTP1: true, Handler: http.HandlerFunc(described)})
	c := tls.Client(dial(t, secure), &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{"h2", "http/1.1"}})
	if err := c.Handshake(); err != nil || c.ConnectionState().NegotiatedProtocol != "http/1.1" {
		t.Errorf("%q was agreed on, %v", c.ConnectionState().NegotiatedProtocol, err)
	}
	plain := dial(t, started(t, Options{HTTP1: true, Handler: http.HandlerFunc(described)}))
	if _, err := io.WriteString(plain, http2Preface); err != nil {
		t.Fatal(err)
	}
	wantOne400(t, plain)
}

func TestTheGuardStandsBehindTLS(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	reached := false
	s := started(t, Options{TLS: files, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })})
	for _, protocols := range [][]string{nil, {"http/1.1"}} {
		c := tls.Client(dial(t, s), &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: protocols})
		if _, err := io.WriteString(c, refusals["length and coding"].raw); err != nil {
			t.Fatal(err)
		}
		wantOne400(t, c)
	}
	c := tls.Client(dial(t, s), &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if _, err := io.WriteString(c, http2Preface); err != nil {
		t.Fatal(err)
	}
	wantOne400(t, c) // HTTP/2 was not agreed on
	if reached {
		t.Error("the handler was reached")
	}
}

func TestOldTLSAndPlaintextAreTurnedAway(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	why := make(chan string, 2)
	s := started(t, Options{TLS: files, Handler: http.NotFoundHandler(), Refused: func(reason string) { why <- reason }})
	c := tls.Client(dial(t, s), &tls.Config{RootCAs: pool, ServerName: "localhost", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	if err := c.Handshake(); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	plain := dial(t, s)
	if _, err := io.WriteString(plain, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(plain), nil); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("%v, %v", resp, err)
	}
	for range 2 {
		if got := <-why; got != ReasonHandshake {
			t.Errorf("refused for %q", got)
		}
	}
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

func TestARenewedCertificateIsUsedAndABadOneIsNot(t *testing.T) {
	dir := t.TempDir()
	files, _ := writePair(t, dir, "first")
	var log logged
	s := started(t, Options{TLS: files, Handler: http.NotFoundHandler(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	name := func() string {
		c := tls.Client(dial(t, s), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // whose certificate it is is the question
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := name(); got != "first" {
		t.Errorf("%s", got)
	}
	writePair(t, dir, "the second")
	if got := name(); got != "the second" {
		t.Errorf("%s after the renewal", got)
	}
	if err := os.WriteFile(files.KeyFile, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "the second" || !log.has("the old one stays") {
		t.Errorf("%s with a bad key; logged: %v", got, log.has("the old one stays"))
	}
	writePair(t, dir, "a third one")
	if got := name(); got != "a third one" {
		t.Errorf("%s after the repair", got)
	}
}

func TestOptionsThatCannotWorkAreToldOf(t *testing.T) {
	files, _ := writePair(t, t.TempDir(), "a")
	for name, c := range map[string]struct {
		opts Options
		says string
	}{
		"HTTP/3 in plain":      {Options{HTTP3: true}, "needs a certificate"},
		"HTTP/3 and HTTP/1":    {Options{HTTP3: true, HTTP1: true, TLS: files}, "only one"},
		"a chain without key":  {Options{TLS: TLS{CertFile: files.CertFile}}, "both files"},
		"files and ACME":       {Options{TLS: TLS{CertFile: files.CertFile, KeyFile: files.KeyFile, ACME: &ACME{}}}, "not both"},
		"no such file":         {Options{TLS: TLS{CertFile: "none", KeyFile: "none"}}, "no such file"},
		"a key as certificate": {Options{TLS: TLS{CertFile: files.KeyFile, KeyFile: files.KeyFile}}, files.KeyFile},
		"an address elsewhere": {Options{Addr: "192.0.2.1:0"}, "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.opts.Addr == "" {
				c.opts.Addr = "127.0.0.1:0"
			}
			if s, err := New(c.opts); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, %v; want %q", s, err, c.says)
			}
		})
	}
}
