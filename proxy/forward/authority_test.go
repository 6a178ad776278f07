package forward

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elazarl/goproxy"
)

// opened is a proxy without a listener.
func opened(t *testing.T, dir string, now time.Time, hosts ...string) (*Proxy, *logged) {
	t.Helper()
	log := &logged{}
	p, err := New(Options{Hosts: hosts, Handler: http.NotFoundHandler(), Dir: dir, Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() }) // nothing is open
	return p, log
}

func TestTheAuthorityIsKeptAndUsedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "forward")
	first, log := opened(t, dir, time.Now(), "legacy.internal", "*.intranet.example")
	if !log.has("browsers must be given it") {
		t.Error("nobody was told of a new authority")
	}
	if info, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
	for _, hosts := range [][]string{{"legacy.internal"}, {"intranet.example", "a.intranet.example:8443"}} {
		again, log := opened(t, dir, time.Now(), hosts...)
		if !again.authority.cert.Equal(first.authority.cert) || log.has("browsers") {
			t.Errorf("%v made another authority", hosts)
		}
	}
}

func TestAnAuthorityThatDoesNotFitIsPutAside(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		hosts []string
		later time.Duration
		made  bool
		says  string
	}{
		"another host":         {[]string{"legacy.internal", "new.internal"}, 0, true, "not allowed to sign"},
		"the domain above":     {[]string{"*.internal.example", "internal"}, 0, true, "not allowed to sign"},
		"an address":           {[]string{"legacy.internal", "10.0.0.7"}, 0, true, "not allowed to sign"},
		"after its last day":   {[]string{"legacy.internal"}, authorityLife + time.Hour, true, "has expired"},
		"before its last day":  {[]string{"legacy.internal"}, authorityLife - 24*time.Hour, false, "expires soon"},
		"with time before it":  {[]string{"legacy.internal"}, 0, false, ""},
		"a host below the old": {[]string{"www.legacy.internal"}, 0, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old, _ := opened(t, dir, now, "legacy.internal")
			p, log := opened(t, dir, now.Add(c.later), c.hosts...)
			if made := !p.authority.cert.Equal(old.authority.cert); made != c.made || !log.has(c.says) {
				t.Errorf("a new one: %v; logged: %s", made, log.b.String())
			}
			aside, err := filepath.Glob(filepath.Join(dir, certFile+".until-*"))
			if err != nil || (len(aside) == 1) != c.made {
				t.Errorf("put aside: %v, %v", aside, err)
			}
			if c.made {
				if b, err := os.ReadFile(aside[0]); err != nil || string(b) != string(old.Authority()) {
					t.Errorf("what was put aside is not the old one: %v", err)
				}
			}
		})
	}
}

func TestAnAuthorityThatCannotBeTrustedIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string) error
		says  string
	}{
		"a key that others can read": {func(dir string) error { return os.Chmod(filepath.Join(dir, keyFile), 0o640) }, "chmod 600"},
		"a key that is none":         {func(dir string) error { return os.WriteFile(filepath.Join(dir, keyFile), []byte("x"), 0o600) }, "no PRIVATE KEY"},
		"a certificate that is none": {func(dir string) error { return os.WriteFile(filepath.Join(dir, certFile), nil, 0o600) }, "no CERTIFICATE"},
		"another's key": {func(dir string) error {
			other, err := newAuthority(patterns{{name: "legacy.internal"}}, time.Now())
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, certFile), other.pem(), 0o600)
		}, "the key is another's"},
		"goproxy's": {func(dir string) error {
			der, err := x509.MarshalPKCS8PrivateKey(goproxy.GoproxyCa.PrivateKey)
			if err != nil {
				return err
			}
			key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
			if err := os.WriteFile(filepath.Join(dir, keyFile), key, 0o600); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, certFile), goproxy.CA_CERT, 0o600)
		}, "not a key of ours"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			opened(t, dir, time.Now(), "legacy.internal")
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			_, err := New(Options{Hosts: []string{"legacy.internal"}, Handler: http.NotFoundHandler(), Dir: dir})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

func TestLeavesHoldOnlyForListedHosts(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		hosts      []string
		good, bads []string
	}{
		"a network's own top level": {[]string{"*.internal"}, []string{"a.internal"}, []string{"a.example"}},
		"names":                     {[]string{"legacy.internal", "*.intranet.example"}, []string{"legacy.internal", "a.b.intranet.example"}, []string{"bank.example", "intranet.example.org", "10.0.0.7", "::1"}},
		"addresses":                 {[]string{"10.0.0.7", "fd00::7"}, []string{"10.0.0.7", "fd00::7"}, []string{"10.0.0.8", "fd00::8", "bank.example"}},
		"both":                      {[]string{"10.0.0.7", "legacy.internal"}, []string{"10.0.0.7", "legacy.internal"}, []string{"10.0.0.8", "fd00::8", "bank.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := opened(t, t.TempDir(), now, c.hosts...)
			if !p.authority.cert.PermittedDNSDomainsCritical {
				t.Error("the constraints are not critical")
			}
			for _, host := range c.good {
				if err := verify(t, p.authority, host, now); err != nil {
					t.Errorf("%s: %v", host, err)
				}
			}
			for _, host := range c.bads {
				if err := verify(t, p.authority, host, now); err == nil {
					t.Errorf("a certificate for %s holds", host)
				}
			}
		})
	}
}

// verify signs a leaf and checks it as a browser does.
func verify(t *testing.T, a *authority, host string, now time.Time) error {
	t.Helper()
	der, _, err := a.leaf(host, now)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 90*24*time.Hour || leaf.Subject.CommonName != "" || leaf.IsCA {
		t.Errorf("a leaf of %v for %v, authority: %v", life, leaf.Subject, leaf.IsCA)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: hostName(host), Roots: pool, CurrentTime: now})
	return err
}

// hostName is how Verify wants addresses.
func hostName(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

func TestLeavesAreKeptUntilTheyAgeAndBounded(t *testing.T) {
	a, err := newAuthority(patterns{{name: "intranet.example", below: true}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	l := &leaves{authority: a, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	l.kept = map[string]*tls.Certificate{}
	first, err := l.of("a.intranet.example")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := l.of("a.intranet.example"); again != first || err != nil {
		t.Errorf("another one was signed: %v", err)
	}
	now = now.Add(leafLife * 3 / 4)
	if again, err := l.of("a.intranet.example"); again == first || err != nil {
		t.Errorf("an old one was used: %v", err)
	}
	for i := range maxLeaves {
		l.kept[string(rune(i))] = first
	}
	if _, err := l.of("b.intranet.example"); err != nil || len(l.kept) > maxLeaves {
		t.Errorf("%d are kept, %v", len(l.kept), err)
	}
	now = a.cert.NotAfter
	if _, err := l.of("a.intranet.example"); err == nil {
		t.Error("an authority that has expired signs")
	}
}

func TestOptionsThatCannotWorkAreToldOf(t *testing.T) {
	good := Options{Hosts: []string{"legacy.internal"}, Handler: http.NotFoundHandler(), Dir: t.TempDir()}
	for name, c := range map[string]struct {
		change func(*Options)
		says   string
	}{
		"no hosts":         {func(o *Options) { o.Hosts = nil }, "needs the hosts"},
		"no handler":       {func(o *Options) { o.Handler = nil }, "needs a handler"},
		"no folder":        {func(o *Options) { o.Dir = "" }, "a folder"},
		"unknown others":   {func(o *Options) { o.Others = "all" }, "tunnel"},
		"a URL":            {func(o *Options) { o.Hosts = []string{"http://legacy.internal/"} }, "give a name"},
		"a top level":      {func(o *Options) { o.Hosts = []string{"*.com"} }, "everybody"},
		"a public suffix":  {func(o *Options) { o.Hosts = []string{"co.uk"} }, "everybody"},
		"everything":       {func(o *Options) { o.Hosts = []string{"*"} }, "give a name"},
		"a star inside":    {func(o *Options) { o.Hosts = []string{"a.*.example"} }, "give a name"},
		"a port too large": {func(o *Options) { o.Hosts = []string{"a.example:70000"} }, "give a name"},
		"a zone":           {func(o *Options) { o.Hosts = []string{`fe80::1%";alert(1);"`} }, "zone"},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			c.change(&o)
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
