package fetch_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/archive/fetch"
)

func TestWhichAddressesArePublic(t *testing.T) {
	for _, text := range []string{"93.184.215.14", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"} {
		if !fetch.Public(netip.MustParseAddr(text)) {
			t.Errorf("%s is refused", text)
		}
	}
	for _, text := range []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200",
		"192.0.0.192", "168.63.129.16", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a00:1::1", "::7f00:1", "2001:db8::1",
	} {
		if fetch.Public(netip.MustParseAddr(text)) {
			t.Errorf("%s is allowed", text)
		}
	}
	if fetch.Public(netip.Addr{}) {
		t.Error("no address is allowed")
	}
}

type stage struct {
	*fetch.Fetcher
	t         *testing.T
	collector *archive.Collector
	index     *disk.Captures
	mu        sync.Mutex
	asked     []string
	headers   http.Header
}

func newStage(t *testing.T, allowed func(netip.Addr) bool, origins ...string) *stage {
	t.Helper()
	dir := t.TempDir()
	store, err := disk.NewStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t}
	if s.index, err = disk.NewCaptures(filepath.Join(dir, "captures.db")); err != nil {
		t.Fatal(err)
	}
	vaults, err := archive.NewVaults(store, bytes.Repeat([]byte{1}, archive.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if s.collector, err = archive.NewCollector(archive.CollectorOptions{Store: store, Vaults: vaults, Captures: s.index}); err != nil {
		t.Fatal(err)
	}
	if s.Fetcher, err = fetch.New(fetch.Options{Collector: s.collector, Origins: origins, Allowed: allowed}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.index.Close() }) // read and written in the test
	return s
}

func (s *stage) serve(answer http.HandlerFunc) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked, s.headers = append(s.asked, r.URL.Path), r.Header
		s.mu.Unlock()
		answer(w, r)
	}))
	s.t.Cleanup(server.Close)
	return server
}

// settle lets what was asked for end.
func (s *stage) settle() {
	time.Sleep(300 * time.Millisecond)
	s.Close()
	s.collector.Close()
}

func anyAddress(netip.Addr) bool { return true }

func TestListedOriginsAreAskedAsNobody(t *testing.T) {
	var s *stage
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("an origin that is not listed was asked") }))
	defer elsewhere.Close()
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked, s.headers = append(s.asked, r.URL.Path), r.Header
		s.mu.Unlock()
		switch r.URL.Path {
		case "/moved.png":
			http.Redirect(w, r, "/a.png", http.StatusFound)
		case "/away.png":
			http.Redirect(w, r, elsewhere.URL+"/x.png", http.StatusFound)
		case "/loop.png":
			http.Redirect(w, r, "/loop.png", http.StatusFound)
		default:
			w.Header().Set("Content-Type", "image/png")
			w.Header().Set("Set-Cookie", "a=b")
			_, _ = w.Write([]byte("\x89PNG\r\n\x1a\n"))
		}
	})
	server.Start()
	defer server.Close()
	s = newStage(t, anyAddress, server.URL)
	for target, want := range map[string]bool{
		server.URL + "/moved.png?x": true, server.URL + "/away.png": true, server.URL + "/loop.png": true, elsewhere.URL + "/x.png": false,
		strings.Replace(server.URL, "http", "https", 1) + "/a.png": false, "ftp://" + server.Listener.Addr().String() + "/a": false,
		strings.Replace(server.URL, "://", "://user:pw@", 1) + "/a.png": false, "file:///etc/passwd": false, "//x": false,
	} {
		if got := s.Ask("v", target); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	s.settle()
	now := time.Now()
	find := func(path string) archive.Capture {
		c, err := s.index.Find(t.Context(), server.URL+path, "v", now.Add(-time.Minute), now.Add(time.Minute))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return c
	}
	if c := find("/moved.png?x"); c.Location != server.URL+"/a.png" || c.Source != archive.SourceFetched {
		t.Errorf("%+v", c)
	}
	if c := find("/a.png"); c.Ref == "" || c.Source != archive.SourceFetched || c.Type != "image/png" {
		t.Errorf("%+v", c)
	}
	if n := strings.Count(strings.Join(s.asked, " "), "/loop.png"); n > 7 {
		t.Errorf("went round %d times", n)
	}
	for _, name := range []string{"Cookie", "Authorization", "Referer"} {
		if v := s.headers.Get(name); v != "" {
			t.Errorf("%s: %s", name, v)
		}
	}
}

func TestANameThatLeadsInsideIsRefusedWhenItIsConnectedTo(t *testing.T) {
	s := newStage(t, nil)
	inside := s.serve(func(http.ResponseWriter, *http.Request) { t.Error("an address of this machine was asked") })
	s.settle()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	named := newStage(t, nil, "http://localhost:"+port, inside.URL)
	for _, target := range []string{"http://localhost:" + port + "/a.png", inside.URL + "/a.png"} {
		if !named.Ask("v", target) {
			t.Errorf("%s was not taken", target)
		}
	}
	named.settle()
	if len(s.asked) != 0 {
		t.Errorf("%q", s.asked)
	}
}

func TestARedirectInsideIsRefusedAsWell(t *testing.T) {
	refused := false
	var outside *httptest.Server
	s := newStage(t, anyAddress)
	inside := s.serve(func(http.ResponseWriter, *http.Request) { t.Error("the inside was asked") })
	s.settle()
	outside = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL+"/latest/meta-data", http.StatusFound)
	}))
	defer outside.Close()
	// Both origins are listed: the address alone decides.
	first := true
	two := newStage(t, func(netip.Addr) bool {
		was := first
		first = false
		refused = refused || !was
		return was
	}, outside.URL, inside.URL)
	two.Ask("v", outside.URL+"/a.png")
	two.settle()
	if !refused {
		t.Error("the second address was not looked at")
	}
}

func TestOriginsAreChecked(t *testing.T) {
	for _, text := range []string{"cdn.example.com", "https://", "https://a/b", "https://u@a", "file:///x", "https://a?b"} {
		if _, err := fetch.New(fetch.Options{Origins: []string{text}}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if errors.Is(fetch.ErrRefused, archive.ErrAbsent) {
		t.Error("a refusal is no absence")
	}
}
