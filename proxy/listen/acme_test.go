package listen

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pebbleVersion is that of the ACME server of the tests, Let's Encrypt's own
// small one. It is built once and kept outside the tree.
const pebbleVersion = "v2.10.1"

func pebbleBinary(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pillion")
	binary := filepath.Join(dir, "pebble-"+pebbleVersion)
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	build, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(build) //nolint:errcheck // a cache
	install := exec.CommandContext(t.Context(), "go", "install", "github.com/letsencrypt/pebble/v2/cmd/pebble@"+pebbleVersion)
	install.Dir, install.Env = build, append(os.Environ(), "GOBIN="+build, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("build the ACME server: %v\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(build, "pebble"), binary); err != nil {
		t.Fatal(err)
	}
	return binary
}

// pebble is a running ACME server.
type pebble struct {
	directory, management string
	rootFile              string // of its own listener
	roots                 *x509.CertPool
}

// freePort is a port that nobody has at the moment.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// startPebble starts an authority that validates names at the given ports.
func startPebble(t *testing.T, httpPort, tlsPort int) *pebble {
	t.Helper()
	binary, dir := pebbleBinary(t), t.TempDir()
	files, roots := writePair(t, dir, "authority")
	acme, management := fmt.Sprintf("localhost:%d", freePort(t)), fmt.Sprintf("localhost:%d", freePort(t))
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": acme, "managementListenAddress": management, "certificate": files.CertFile, "privateKey": files.KeyFile,
		"httpPort": httpPort, "tlsPort": tlsPort, "retryAfter": map[string]int{"authz": 1, "order": 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(config, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	var out logged
	run := exec.CommandContext(t.Context(), binary, "-config", config)
	run.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	run.Stdout, run.Stderr = &out, &out
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill() // the context has, perhaps
		_ = run.Wait()         // killed
		if t.Failed() {
			t.Log(out.b.String())
		}
	})
	p := &pebble{directory: "https://" + acme + "/dir", management: "https://" + management, rootFile: files.CertFile, roots: roots}
	p.await(t)
	return p
}

func (p *pebble) get(url string) ([]byte, error) {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func (p *pebble) await(t *testing.T) {
	t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err = p.get(p.directory); err == nil {
			return
		}
	}
	t.Fatalf("the ACME server does not answer: %v", err)
}

// issued trusts what the authority issues.
func (p *pebble) issued(t *testing.T) *x509.CertPool {
	t.Helper()
	root, err := p.get(p.management + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root) {
		t.Fatalf("no root in %q", root)
	}
	return pool
}

// awaitCertificate shakes hands until the authority's certificate is there.
func awaitCertificate(t *testing.T, s *Server, roots *x509.CertPool) {
	t.Helper()
	var err error
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		c := tls.Client(dial(t, s), &tls.Config{RootCAs: roots, ServerName: "localhost"})
		err = c.Handshake()
		_ = c.Close() // it has served
		if err == nil {
			return
		}
	}
	t.Fatalf("no certificate: %v", err)
}

func TestAnAuthorityIssuesACertificateByEitherChallenge(t *testing.T) {
	for _, challenge := range []string{"TLS-ALPN-01", "HTTP-01"} {
		t.Run(challenge, func(t *testing.T) {
			var log logged
			opts := ACMEOptions{Domains: []string{"localhost"}, Email: "operator@example.com", Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
			tcp, err := net.Listen("tcp", "localhost:0")
			if err != nil {
				t.Fatal(err)
			}
			tlsPort, httpPort := tcp.Addr().(*net.TCPAddr).Port, freePort(t)
			if challenge == "HTTP-01" {
				opts.HTTPPort = httpPort
				tlsPort = freePort(t) // nobody answers there
			}
			authority := startPebble(t, httpPort, tlsPort)
			opts.Directory, opts.RootCA = authority.directory, authority.rootFile
			acme, err := NewACME(opts)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(acme.Close)
			if challenge == "HTTP-01" {
				next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "elsewhere") })
				plain := started(t, Options{Addr: fmt.Sprintf("localhost:%d", httpPort), Handler: acme.HTTPHandler(next)})
				if got, _ := ask(t, http.DefaultClient, localURL(plain, "http")); got != "elsewhere" {
					t.Errorf("another request got %q", got)
				}
				acme.issuer.DisableTLSALPNChallenge = true // else either may be tried first
			}
			s := started(t, Options{Listener: tcp, TLS: TLS{ACME: acme}, Handler: http.HandlerFunc(described)})
			roots := authority.issued(t)
			awaitCertificate(t, s, roots)
			for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
				if got, _ := ask(t, client(t, s, version, roots), localURL(s, "https")); got != version+" true localhost hello" {
					t.Errorf("%q", got)
				}
			}
			if !log.has("certificate obtained successfully") {
				t.Error("nothing was logged")
			}
			again, err := NewACME(opts) // what was kept serves the next start
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(again.Close)
			awaitCertificate(t, started(t, Options{Addr: "localhost:0", TLS: TLS{ACME: again}, Handler: http.NotFoundHandler()}), roots)
		})
	}
}

func TestACMEOptionsThatCannotWorkAreToldOf(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		opts ACMEOptions
		says string
	}{
		"no domain":     {ACMEOptions{Dir: dir}, "needs domains"},
		"no folder":     {ACMEOptions{Domains: []string{"a.example"}}, "a folder"},
		"no root there": {ACMEOptions{Domains: []string{"a.example"}, Dir: dir, RootCA: filepath.Join(dir, "none")}, "none"},
		"no root in it": {ACMEOptions{Domains: []string{"a.example"}, Dir: dir, RootCA: empty}, "no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewACME(c.opts); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
