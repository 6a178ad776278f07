package main

import (
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive/archivetest"
)

func TestARecordingIsStampedOnceTheAuthorityIsThere(t *testing.T) {
	at, root := archivetest.Authority(t)
	to, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	away.Store(true)
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	authority := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		behind.ServeHTTP(w, r)
	}))
	defer authority.Close()
	data := filepath.Join(t.TempDir(), "data")
	flags := gatewayFlags{Data: data, Org: "main", Retention: "forever", stampFlags: stampFlags{TimestampURL: authority.URL, TimestampCA: root}}
	id := sealedBy(t, flags)
	says(t, 0, "whole and as it was sealed.\n", "verify", string(id), "--data", data) // without a stamp, and sealed all the same
	away.Store(false)
	g := openWith(t, flags)
	list := catalogueOf(t, data)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		info, err := list.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if !info.Stamped.IsZero() {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not stamped")
		}
	}
	g.close()
	says(t, 0, "as CN=Test Authority attests, whose certificate leads to the roots given", "verify", string(id), "--data", data, "--timestamp-ca", root)
	says(t, 0, "give --timestamp-ca", "verify", string(id), "--data", data)
	_, other := archivetest.Authority(t)
	says(t, 1, "stamp: ", "verify", string(id), "--data", data, "--timestamp-ca", other)
	// The exported files bear the stamp, and are checked by it as the archive is.
	dir := t.TempDir()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger := file(t, publicKey{key: public}.line())
	for _, format := range []string{"html", "wacz"} {
		name := filepath.Join(dir, "recording."+format)
		says(t, 0, "100 %", "export", string(id), "-o", name, "--format", format, "--data", data)
		says(t, 0, "as CN=Test Authority attests, whose certificate leads to the roots given", "verify", name, "--data", data, "--timestamp-ca", root)
		says(t, 0, "give --timestamp-ca", "verify", name, "--data", data)
		says(t, 1, "stamp: ", "verify", name, "--data", data, "--timestamp-ca", other)
		says(t, 1, "none of this archive's", "verify", name, "--data", t.TempDir(), "--key", stranger)
	}
	says(t, 2, "--timestamp-url is an address", "serve", "--upstream", "http://127.0.0.1:1", "--timestamp-url", "tsa", "--data", filepath.Join(t.TempDir(), "data"))
}
