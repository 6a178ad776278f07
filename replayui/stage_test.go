package replayui

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/sqlite"
)

// stage is the whole console on stores of its own.
type stage struct {
	*Server
	side          *Site
	hub           *events.Hub
	log           *events.MemLog
	site, console *httptest.Server
	captures      *disk.Captures
	dir           string
	directory     *events.MemDirectory
	key           ed25519.PrivateKey
	store         *disk.Store
	vaults        *archive.Vaults
	collector     *archive.Collector
	wanted        *Wanted // not started: tests let it look
	catalogue     *sqlite.Catalogue
	custodian     *Custodian
	life          atomic.Int64 // of recordings, as time.Duration
	ahead         atomic.Int64 // of the custodian's clock, as time.Duration
}

// everyAccount is a file of accounts. It takes as long to make as passwords take to
// guess, and is the same for all tests.
var everyAccount = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "pillion-accounts-")
	if err != nil {
		return nil, err
	}
	accounts := NewAccounts(filepath.Join(dir, "accounts.json"))
	for _, a := range []Account{
		{"ann", "o", events.RoleAgent}, {"bob", "o", events.RoleAgent}, {"otto", "o", events.RoleAuditor}, {"eve", "p", events.RoleAuditor},
		{"adam", "o", events.RoleAdministrator}, {"dora", "p", events.RoleAdministrator},
	} {
		err = errors.Join(err, accounts.Add(a, "pass-word"))
	}
	b, rerr := os.ReadFile(filepath.Join(dir, "accounts.json"))
	return b, errors.Join(err, rerr, os.RemoveAll(dir))
})

func newStage(t *testing.T) *stage {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &stage{log: events.NewMemLog(), dir: dir, directory: events.NewMemDirectory()}
	var err error
	s.store, err = disk.NewStore(dir)
	must(err)
	s.captures, err = disk.NewCaptures(filepath.Join(dir, "captures.db"))
	must(err)
	s.catalogue, err = sqlite.Open(filepath.Join(dir, "catalogue.db"))
	must(err)
	_, s.key, err = ed25519.GenerateKey(nil)
	must(err)
	logger := slog.New(slog.DiscardHandler)
	s.vaults, err = archive.NewVaults(s.store, bytes.Repeat([]byte{5}, archive.KeySize))
	must(err)
	sealer := NewSealer(SealerOptions{
		Log: s.log, Directory: s.directory, Catalogue: s.catalogue, Store: s.store, Vaults: s.vaults, Captures: s.captures, Key: s.key, Logger: logger,
	})
	s.custodian = NewCustodian(CustodianOptions{
		Catalogue: s.catalogue, Store: s.store, Vaults: s.vaults, Captures: s.captures, Logger: logger, Still: true,
		Retention: func(events.OrgID, string) time.Duration { return time.Duration(s.life.Load()) },
		Now:       func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) },
	})
	secret := []byte("0123456789abcdef")
	s.collector, err = archive.NewCollector(archive.CollectorOptions{Store: s.store, Vaults: s.vaults, Captures: s.captures, Overflow: filepath.Join(dir, "overflow")})
	must(err)
	s.wanted = NewWanted(s.captures, archive.NewLibrary(s.store, s.vaults), nil)
	s.hub, err = events.NewHub(t.Context(), events.HubOptions{Log: s.log, Directory: s.directory, Key: secret, Ended: sealer.Ended, URLs: s.wanted.URLs})
	must(err)
	s.wanted.hub = s.hub
	people, err := everyAccount()
	must(err)
	must(os.WriteFile(filepath.Join(dir, "accounts.json"), people, 0o600))
	accounts := NewAccounts(filepath.Join(dir, "accounts.json"))
	s.Server, err = New(Options{
		Hub: s.hub, Directory: s.directory, Catalogue: s.catalogue, Store: s.store, Vaults: s.vaults, Captures: s.captures, Custodian: s.custodian, Collector: s.collector, Wanted: s.wanted,
		Accounts: accounts, Key: secret,
	})
	must(err)
	s.side = s.Site("o", SiteSettings{})
	s.site, s.console = httptest.NewServer(s.side.Handler()), httptest.NewServer(s.Console())
	t.Cleanup(func() {
		s.hub.Close()
		s.site.Close()
		s.console.Close()
		sealer.Close()
		s.collector.Close()
		_ = s.captures.Close()
		_ = s.catalogue.Close()
	})
	return s
}

// call sends a request as a person who signed in; who is empty for nobody.
func (s *stage) call(t *testing.T, who, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	status, _, answer := s.whole(t, who, method, path, body, headers...)
	return status, answer
}

// whole does as call, and returns the answer's header too.
func (s *stage) whole(t *testing.T, who, method, path, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.console.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+s.token(who, time.Now().Add(time.Hour)))
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}
