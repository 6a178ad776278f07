package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// served is the whole program, with everything that can be switched on.
type served struct {
	out                           *lines
	site, console, admin, forward string // URLs
	roots                         *tls.Config
	stop                          context.CancelFunc
	status                        chan int
}

// startServe runs serve with settings, on ports of its own and with TLS.
func startServe(t *testing.T, settings string, names ...string) *served {
	t.Helper()
	dir := t.TempDir()
	cert, key, roots := pairFor(t, dir, names)
	settings += fmt.Sprintf("\nlisten: 127.0.0.1:0\nconsole: 127.0.0.1:0\nadmin: 127.0.0.1:0\nforward: 127.0.0.1:0\n"+
		"tls-cert: %s\ntls-key: %s\nhttp3: true\ndata: %s\n", cert, key, filepath.Join(dir, "data"))
	config := file(t, settings)
	for name, org := range map[string]string{"Ann": "east", "Bob": "west"} {
		args := []string{"account", "add", name, "--role", "agent", "--org", org, "--data", filepath.Join(dir, "data")}
		if status := run(t.Context(), args, strings.NewReader("pass-word\n"), io.Discard, os.Stderr); status != 0 {
			t.Fatalf("account add: status %d", status)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &served{out: &lines{}, roots: roots, stop: stop, status: make(chan int, 1)}
	go func() {
		s.status <- run(ctx, []string{"serve", "--config", config}, strings.NewReader(""), s.out, s.out)
	}() // ends by s.end
	t.Cleanup(stop)
	s.admin = strings.TrimSpace(s.out.wait(t, "admin    "))
	first := func(line string) string { return strings.Fields(s.out.wait(t, line))[0] }
	s.site, s.console, s.forward = first("site     "), first("console  "), first("forward  ")
	return s
}

// end is what a signal does.
func (s *served) end(t *testing.T) {
	t.Helper()
	s.stop()
	select {
	case status := <-s.status:
		if status != 0 {
			t.Errorf("status %d:\n%s", status, s.out)
		}
	case <-time.After(time.Minute):
		t.Fatalf("it did not end:\n%s", s.out)
	}
}

// pairFor makes a certificate for names, and who trusts it.
func pairFor(t *testing.T, dir string, names []string) (cert, key string, roots *tls.Config) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, b := range map[string][]byte{cert: chain, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = &tls.Config{RootCAs: x509.NewCertPool()}
	roots.RootCAs.AppendCertsFromPEM(chain)
	return cert, key, roots
}

// browser reaches the site's listener under any name, by one version of HTTP.
func (s *served) browser(t *testing.T, version int) *http.Client {
	t.Helper()
	u, err := url.Parse(s.site)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if version == 3 {
		tr := &http3.Transport{TLSClientConfig: s.roots.Clone(), Dial: func(ctx context.Context, _ string, config *tls.Config, q *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, u.Host, config, q)
		}}
		t.Cleanup(func() { _ = tr.Close() })
		return &http.Client{Transport: tr, Jar: jar}
	}
	tr := &http.Transport{TLSClientConfig: s.roots.Clone(), Protocols: &http.Protocols{}, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasSuffix(addr, ".test:443") {
			addr = u.Host
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	tr.Protocols.SetHTTP1(version == 1)
	tr.Protocols.SetHTTP2(version == 2)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Jar: jar}
}

// ask sends a request as a page does and returns the answer's body.
func ask(t *testing.T, c *http.Client, method, address, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodGet {
		req.Header.Set("Sec-Fetch-Dest", "document")
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// named is a site that says its name.
func named(t *testing.T, name string) (origin string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<html><head></head><body>%s %s</body></html>", name, r.Host)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
