package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/pprof"
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
	forward              http.Handler // nil for none

	hub      *events.Hub
	store    *opened
	registry *prometheus.Registry
	closes   []func() // in the order of opening
}

// open opens every part on embedded defaults.
func openGateway(ctx context.Context, f gatewayFlags, sites []siteConfig, logger *slog.Logger) (g *gateway, err error) {
	g = &gateway{}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return g, err
	}
	lock, err := lockData(f.Data)
	if err != nil {
		return g, err
	}
	g.onClose(func() { _ = lock.Close() }) // nothing was written
	key, signing, master, err := keys(f.Data)
	if err != nil {
		return g, err
	}
	kept, err := g.openStores(ctx, f, logger)
	if err != nil {
		return g, err
	}
	g.store = kept.store
	a, err := g.openArchive(f, sites, kept, signing, master, logger)
	if err != nil {
		return g, err
	}
	g.registry = prometheus.NewRegistry()
	wanted := replayui.NewWanted(a.captures, archive.NewLibrary(kept.store.Store, a.vaults), logger)
	if err := g.openHub(ctx, f, sites, kept, events.HubOptions{Key: key, Ended: a.sealer.Ended, Logger: logger, URLs: wanted.URLs}); err != nil {
		return g, err
	}
	if err := g.openFetcher(sites, a.collector, wanted, logger); err != nil {
		return g, err
	}
	wanted.Start(g.hub, kept.directory)
	g.onClose(wanted.Close)
	ui, err := replayui.New(replayui.Options{
		Hub: g.hub, Directory: kept.directory, Catalogue: kept.catalogue, Store: kept.store.Store,
		Vaults: a.vaults, Captures: a.captures, Custodian: a.custodian, Copies: a.copies, Collector: a.collector, Wanted: wanted,
		Accounts: replayui.NewAccounts(accountsFile(f.Data)), Key: key, Logger: logger, TrustForwarded: f.TrustProxy,
	})
	if err != nil {
		return g, err
	}
	g.count(a, kept)
	g.console, g.admin = ui.Console(), adminHandler(g.registry, readiness(kept.store))
	if err := g.openSites(f, sites, ui, a.collector, proxy.Options{Copies: a.copies, Files: files{ui}, Logger: logger, TrustForwarded: f.TrustProxy}); err != nil {
		return g, err
	}
	return g, nil
}

// archiving is what keeps a site's files and seals sessions.
type archiving struct {
	vaults    *archive.Vaults
	captures  archive.CaptureIndex
	collector *archive.Collector
	copies    *archive.Copies
	sealer    *replayui.Sealer
	custodian *replayui.Custodian
}

func (g *gateway) openArchive(f gatewayFlags, sites []siteConfig, kept stores, signing ed25519.PrivateKey, master []byte, logger *slog.Logger) (a archiving, err error) {
	store := kept.store.Store
	if a.vaults, err = archive.NewVaults(store, master); err != nil {
		return a, err
	}
	a.captures = archive.Addressed(kept.captures, maskedNames(sites))
	a.collector, err = archive.NewCollector(archive.CollectorOptions{
		Store: store, Vaults: a.vaults, Captures: a.captures, Logger: logger, Overflow: filepath.Join(f.Data, "overflow"),
	})
	if err != nil {
		return a, err
	}
	a.copies = archive.NewCopies(copyLife, maxCopies, nil)
	a.collector.Tell(a.copies)
	g.onClose(a.collector.Close)
	journal, err := archive.OpenJournal(filepath.Join(f.Data, journalFile))
	if err != nil {
		return a, err
	}
	g.onClose(func() { _ = journal.Close() }) // every write was waited for
	stamper, err := g.openStamper(f.stampFlags, replayui.StamperOptions{Store: store, Catalogue: kept.catalogue, Logger: logger})
	if err != nil {
		return a, err
	}
	a.sealer = replayui.NewSealer(replayui.SealerOptions{
		Log: kept.log, Directory: kept.directory, Catalogue: kept.catalogue, Store: store,
		Vaults: a.vaults, Captures: a.captures, Key: signing, Journal: journal, Sealed: stamper.Sealed, Logger: logger, LockFor: f.lockFor(),
	})
	g.onClose(a.sealer.Close)
	a.custodian, err = g.openCustodian(f, sites, replayui.CustodianOptions{
		Catalogue: kept.catalogue, Store: store, Vaults: a.vaults, Captures: a.captures, Logger: logger,
	})
	return a, err
}

func (g *gateway) openHub(ctx context.Context, f gatewayFlags, sites []siteConfig, kept stores, options events.HubOptions) error {
	patterns, err := patternsOf(sites)
	if err != nil {
		return errUsage{err}
	}
	most, err := size(cmp.Or(f.SessionSize, "1GB"))
	if err != nil {
		return errUsage{fmt.Errorf("--session-size: %w", err)}
	}
	options.Log, options.Directory, options.Link = kept.log, kept.directory, linkTo(f, sites)
	options.Meter, options.Patterns, options.Quiet, options.Size = newMeter(g.registry), patterns, f.QuietAfter, most
	if g.hub, err = events.NewHub(ctx, options); err != nil {
		return err
	}
	g.onClose(g.hub.Close)
	return nil
}

// count registers what operators watch beside what the hub counts.
func (g *gateway) count(a archiving, kept stores) {
	g.registry.MustRegister(sealMetrics(a.sealer)...)
	g.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "pillion", Subsystem: "archive", Name: "lost_total", Help: "Answers that the archive did not keep; they went to the browser all the same.",
		}, func() float64 { return float64(a.collector.Lost()) }))
	if kept.store.spool != nil {
		g.registry.MustRegister(spoolMeter{kept.store.spool})
	}
}

// openCustodian opens what ends recordings when their time is over.
func (g *gateway) openCustodian(f gatewayFlags, sites []siteConfig, options replayui.CustodianOptions) (*replayui.Custodian, error) {
	life, err := retention(f.Retention, sites, f.organisations)
	if err != nil {
		return nil, errUsage{err}
	}
	options.Retention = life
	c := replayui.NewCustodian(options)
	g.onClose(c.Close)
	return c, nil
}

// openSites opens the proxies: the one in front of the sites, and the one for
// browsers that are set up to use a proxy.
func (g *gateway) openSites(f gatewayFlags, sites []siteConfig, ui *replayui.Server, collector *archive.Collector, options proxy.Options) error {
	options.Metrics = g.mode("reverse")
	for _, c := range sites {
		s, err := c.site(sideOf(ui))
		if err != nil {
			return errUsage{err}
		}
		s.Tee = tee{collector, c.Shared.Archive.rules()}
		options.Sites = append(options.Sites, s)
	}
	site, err := g.openProxy(options)
	if err != nil {
		return err
	}
	g.site = site
	if f.Forward == "" {
		return nil
	}
	options.Metrics = g.mode("forward")
	settings, err := sites[0].Shared.settings() // one proxy for all: the first site's
	if err != nil {
		return errUsage{err}
	}
	own, script := sideOf(ui)(events.OrgID(f.Org), settings)
	options.Sites = []proxy.Site{{Forward: true, Own: own, Script: script, Tee: tee{collector, sites[0].Shared.Archive.rules()}}}
	behind, err := g.openProxy(options)
	if err != nil {
		return err
	}
	in, err := f.openForward(behind, f.Data, options.Logger)
	if err != nil {
		return err
	}
	g.forward = in
	g.onClose(func() { _ = in.Close() }) // it has nothing to report
	return nil
}

func (g *gateway) openProxy(options proxy.Options) (http.Handler, error) {
	p, err := proxy.New(options)
	if err != nil {
		return nil, errUsage{err}
	}
	g.onClose(func() { _ = p.Close() }) // it has nothing to report
	return p, nil
}

func (g *gateway) mode(name string) prometheus.Registerer {
	return prometheus.WrapRegistererWith(prometheus.Labels{"mode": name}, g.registry)
}

// stores is what is kept, and where.
type stores struct {
	log       events.Log
	directory events.Directory
	catalogue events.Catalogue
	store     *opened
	captures  *disk.Captures
}

func (g *gateway) openStores(ctx context.Context, f gatewayFlags, logger *slog.Logger) (k stores, err error) {
	data := f.Data
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
	if k.store, err = f.open(ctx, data, logger); err != nil {
		return k, err
	}
	g.onClose(k.store.close)
	if k.captures, err = disk.NewCaptures(filepath.Join(data, "captures.db")); err != nil {
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

func accountsFile(data string) string { return filepath.Join(data, "accounts.json") }

// keys reads the gateway's keys, and makes them the first time: one for codes
// and cookies, one that signs recordings, one under which the keys of vaults are.
func keys(data string) (key []byte, signing ed25519.PrivateKey, master []byte, err error) {
	var seed []byte
	for name, to := range map[string]*[]byte{"gateway.key": &key, "signing.key": &seed, "archive.key": &master} {
		if *to, err = keyFile(filepath.Join(data, name)); err != nil {
			return nil, nil, nil, err
		}
	}
	return key, ed25519.NewKeyFromSeed(seed), master, nil
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

func adminHandler(registry *prometheus.Registry, ready func() string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) } // the client is gone, if anything
	mux.HandleFunc("GET /healthz", ok)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(ready())) })
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// An archived copy stands for its asset's URL for so long; then the site is
// asked again.
const (
	copyLife  = 10 * time.Minute
	maxCopies = 50_000
)

// drain is how long requests under way may take to end.
const drain = 10 * time.Second
