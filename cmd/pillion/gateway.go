package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/jetstream"
	"github.com/pillion-dev/pillion/events/sqlite"
	"github.com/pillion-dev/pillion/proxy"
	"github.com/pillion-dev/pillion/replayui"
)

// gateway is all parts of the program, wired.
type gateway struct {
	site, console, admin http.Handler

	hub    *events.Hub
	closes []func() // in the order of opening
}

// open opens every part on embedded defaults.
func openGateway(ctx context.Context, f gatewayFlags, upstream *url.URL, logger *slog.Logger) (g *gateway, err error) {
	g = &gateway{}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return g, err
	}
	key, signing, err := keys(f.Data)
	if err != nil {
		return g, err
	}
	kept, err := g.openStores(ctx, f.Data)
	if err != nil {
		return g, err
	}
	collector := archive.NewCollector(kept.store, kept.captures, logger)
	g.onClose(collector.Close)
	sealer := replayui.NewSealer(replayui.SealerOptions{
		Log: kept.log, Directory: kept.directory, Catalogue: kept.catalogue, Objects: kept.store, Blobs: kept.store,
		Captures: kept.captures, Key: signing, Logger: logger,
	})
	g.onClose(sealer.Close)
	g.hub, err = events.NewHub(ctx, events.HubOptions{
		Log: kept.log, Directory: kept.directory, Key: key, Ended: sealer.Ended, Logger: logger, URLs: replayui.URLs,
	})
	if err != nil {
		return g, err
	}
	g.onClose(g.hub.Close)
	ui, err := replayui.New(replayui.Options{
		Hub: g.hub, Directory: kept.directory, Catalogue: kept.catalogue, Objects: kept.store, Blobs: kept.store,
		Captures: kept.captures, Accounts: replayui.NewAccounts(accountsFile(f.Data)), Key: key, Org: events.OrgID(f.Org), Logger: logger,
	})
	if err != nil {
		return g, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	site, err := proxy.New(proxy.Options{
		Upstream: upstream, Own: ui.Site(), Script: replayui.CaptureScript(), Tee: tee{collector}, Logger: logger, Metrics: registry,
		PreserveHost: f.PreserveHost, TrustForwarded: f.TrustProxy,
	})
	if err != nil {
		return g, errUsage{err}
	}
	g.onClose(func() { _ = site.Close() })
	g.site, g.console, g.admin = site, ui.Console(), adminHandler(registry)
	return g, nil
}

// stores is what is kept, and where.
type stores struct {
	log       events.Log
	directory events.Directory
	catalogue events.Catalogue
	store     *disk.Store
	captures  *disk.Captures
}

func (g *gateway) openStores(ctx context.Context, data string) (k stores, err error) {
	server, err := jetstream.Embed(filepath.Join(data, "log"))
	if err != nil {
		return k, err
	}
	g.onClose(server.Close)
	log, err := jetstream.NewLog(ctx, server.Conn, 1)
	if err != nil {
		return k, err
	}
	g.onClose(func() { _ = log.Close() }) // waits; it has nothing to report
	k.log = log
	if k.directory, err = jetstream.NewDirectory(ctx, server.Conn, 1); err != nil {
		return k, err
	}
	if k.store, err = disk.NewStore(filepath.Join(data, "archive")); err != nil {
		return k, err
	}
	if k.captures, err = disk.NewCaptures(filepath.Join(data, "archive", "captures.db")); err != nil {
		return k, err
	}
	g.onClose(func() { _ = k.captures.Close() }) // every write was waited for
	if k.catalogue, err = sqlite.Open(filepath.Join(data, "catalogue.db")); err != nil {
		return k, err
	}
	g.onClose(func() { _ = k.catalogue.Close() }) // every write was waited for
	return k, nil
}

func (g *gateway) onClose(f func()) { g.closes = append(g.closes, f) }

// close closes every part, in reverse order.
func (g *gateway) close() {
	for i := len(g.closes) - 1; i >= 0; i-- {
		g.closes[i]()
	}
}

// tee hands the proxy's copies to the archive: the two packages do not meet.
type tee struct{ c *archive.Collector }

// Begin implements proxy.Tee.
func (t tee) Begin(a proxy.Asset) proxy.AssetWriter {
	w := t.c.Begin(archive.Answer{Visit: a.Visit, URL: a.URL, Time: a.Time, Header: a.Header, Credentials: a.Credentials})
	if w == nil {
		return nil // not a nil *Collecting in an interface
	}
	return w
}

func accountsFile(data string) string { return filepath.Join(data, "accounts.json") }

// keys reads the gateway's two keys, and makes them the first time: one for
// codes and cookies, one that signs recordings.
func keys(data string) (key []byte, signing ed25519.PrivateKey, err error) {
	if key, err = keyFile(filepath.Join(data, "gateway.key")); err != nil {
		return nil, nil, err
	}
	seed, err := keyFile(filepath.Join(data, "signing.key"))
	if err != nil {
		return nil, nil, err
	}
	return key, ed25519.NewKeyFromSeed(seed), nil
}

func keyFile(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		b = make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(b) // never fails (crypto/rand)
		return b, os.WriteFile(name, b, 0o600)
	}
	if err == nil && len(b) != ed25519.SeedSize {
		err = fmt.Errorf("key %s: it has %d bytes, not %d", name, len(b), ed25519.SeedSize)
	}
	return b, err
}

func adminHandler(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) } // the client is gone, if anything
	mux.HandleFunc("GET /healthz", ok)
	mux.HandleFunc("GET /readyz", ok)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// drain is how long requests under way may take to end.
const drain = 10 * time.Second
