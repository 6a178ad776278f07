package archive_test

import (
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/archivetest"
)

func pool(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(b) {
		t.Fatal("no certificate")
	}
	return p
}

func TestAnAuthorityAttestsWhenARecordingWasThere(t *testing.T) {
	k := keep(t)
	url, root := archivetest.Authority(t)
	_, other := archivetest.Authority(t)
	ctx := t.Context()
	a := archive.Authority{URL: url, Roots: pool(t, root)}
	before := time.Now().Add(-2 * time.Second)
	first, err := a.Stamp(ctx, k.store, "s1")
	if err != nil || first.Time.Before(before) || first.Time.After(time.Now().Add(2*time.Second)) || !first.Trusted || !strings.Contains(first.By, "Test Authority") {
		t.Fatalf("%+v %v", first, err)
	}
	if again, err := a.Stamp(ctx, k.store, "s1"); err != nil || again != first {
		t.Errorf("asked again: %+v %v", again, err)
	}
	if any, err := archive.ReadStamp(ctx, k.store, "s1", nil); err != nil || any.Trusted || any.Time != first.Time {
		t.Errorf("by anybody: %+v %v", any, err)
	}
	if _, err := archive.ReadStamp(ctx, k.store, "s1", pool(t, other)); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("of another root: %v", err)
	}
	if _, err := archive.ReadStamp(ctx, k.store, "s2", nil); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("of a recording without one: %v", err)
	}
}

func TestAStampIsOfOneRecordingAndWhole(t *testing.T) {
	k := keep(t)
	url, root := archivetest.Authority(t)
	ctx := t.Context()
	a := archive.Authority{URL: url, Roots: pool(t, root)}
	first, err := a.Stamp(ctx, k.store, "s1")
	if err != nil {
		t.Fatal(err)
	}
	token, err := archive.ReadObject(ctx, k.store, "recordings/s1/stamp")
	if err != nil {
		t.Fatal(err)
	}
	problems := func(session string) []archive.Problem {
		t.Helper()
		list, err := archive.Verify(ctx, archive.Verifying{Store: k.store, Vaults: k.vaults, Session: session, All: true})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := problems("s1"); len(list) != 0 {
		t.Errorf("%q", list)
	}
	if err := archive.PutBytes(ctx, k.store, "recordings/s2/stamp", token); err != nil {
		t.Fatal(err)
	}
	if list := problems("s2"); len(list) != 1 || list[0].Object != "stamp" || !strings.Contains(list[0].What, "of another top") {
		t.Errorf("another recording's stamp: %q", list)
	}
	found := 0
	for i := 0; i < len(token); i += 37 {
		bad := append([]byte(nil), token...)
		bad[i] ^= 1
		if err := archive.PutBytes(ctx, k.store, "recordings/s1/stamp", bad); err != nil {
			t.Fatal(err)
		}
		// Some bytes say nothing: of them only the meaning counts.
		got, err := archive.ReadStamp(ctx, k.store, "s1", a.Roots)
		if err == nil && (got.Time != first.Time || got.By != first.By) {
			t.Errorf("a flipped bit at %d: %+v", i, got)
		}
		if err != nil {
			found++
		}
	}
	if 37*found < len(token)*2/3 {
		t.Errorf("%d flipped bits of %d were found", found, len(token)/37)
	}
	if s, err := a.Stamp(ctx, k.store, "s2"); err != nil || !s.Trusted || len(problems("s2")) != 0 {
		t.Errorf("a damaged stamp is not replaced: %+v %v", s, err)
	}
}

func TestWhatIsNoStampIsNotStored(t *testing.T) {
	k := keep(t)
	answers := map[string]http.HandlerFunc{
		"an error":        func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) },
		"something else":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		"nothing":         func(http.ResponseWriter, *http.Request) {},
		"an endless text": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
	}
	for name, answer := range answers {
		server := httptest.NewServer(answer)
		a := archive.Authority{URL: server.URL}
		if s, err := a.Stamp(t.Context(), k.store, "s1"); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
		server.Close()
	}
	if _, err := archive.ReadStamp(t.Context(), k.store, "s1", nil); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
	url, _ := archivetest.Authority(t)
	a := archive.Authority{URL: url}
	if _, err := a.Stamp(t.Context(), k.store, "nobody"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("of nothing: %v", err)
	}
}

// An authority's answer to another request is none to this one, though it is of the
// same top: who stands in between may play it again.
func TestAnAnswerToAnotherRequestIsNoStamp(t *testing.T) {
	k := keep(t)
	url, root := archivetest.Authority(t)
	var first []byte
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/timestamp-reply")
		if first == nil {
			resp, err := http.Post(url, r.Header.Get("Content-Type"), r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if first, err = io.ReadAll(resp.Body); err != nil {
				t.Error(err)
			}
		}
		_, _ = w.Write(first) // the client is gone, if anything
	}))
	defer between.Close()
	a := archive.Authority{URL: between.URL, Roots: pool(t, root)}
	if _, err := a.Stamp(t.Context(), k.store, "s1"); err != nil {
		t.Fatal(err)
	}
	if err := k.store.Delete(t.Context(), "recordings/s1/stamp"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Stamp(t.Context(), k.store, "s1"); err == nil || !strings.Contains(err.Error(), "another request") {
		t.Errorf("%v", err)
	}
}
