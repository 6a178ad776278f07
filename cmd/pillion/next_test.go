package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive/s3/miniotest"
)

// A session ended while the bucket was away, and the gateway with it: the next start
// finds it in the log and seals it.
func TestTheNextStartSealsWhatTheLastCouldNot(t *testing.T) {
	server := miniotest.Start(t)
	flags, args := onBucket(t, server, "next")
	data := filepath.Join(t.TempDir(), "data")
	site := siteConfig{Org: "main", Flags: siteFlags{Upstream: []string{"http://127.0.0.1:1"}}}
	start := func() *gateway {
		t.Helper()
		g, err := openGateway(t.Context(), gatewayFlags{Data: data, Org: "main", Retention: "forever", storeFlags: flags}, []siteConfig{site}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	server.Stop()
	g := start()
	id := g.helped(t, "http://site/")
	g.close()
	if _, err := catalogueOf(t, data).Get(t.Context(), id); err == nil {
		t.Fatal("it was sealed without its store")
	}
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
	g = start()
	sealed(t, data, id)
	if err := g.store.spool.Settle(t.Context()); err != nil {
		t.Error(err)
	}
	g.close()
	says(t, 0, "is whole", append([]string{"verify", string(id), "--data", data}, args...)...)
}

// A session in which nothing happens, and one that grows beyond its size, end by
// themselves and are sealed, as the operator set it.
func TestASessionThatIsQuietOrTooLargeIsSealed(t *testing.T) {
	for name, f := range map[string]gatewayFlags{
		"quiet": {QuietAfter: time.Second}, "large": {SessionSize: "50B"},
	} {
		t.Run(name, func(t *testing.T) {
			f.Data, f.Org, f.Retention = filepath.Join(t.TempDir(), "data"), "main", "forever"
			g := openWith(t, f)
			id := g.begun(t, "http://site/").Info().ID
			sealed(t, f.Data, id)
			g.close()
			says(t, 0, "is whole", "verify", string(id), "--data", f.Data)
		})
	}
}
