package main

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/fetch"
	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/proxy"
	"github.com/pillion-dev/pillion/replayui"
)

// archiveConfig is what is kept of a site, in the configuration file.
type archiveConfig struct {
	// NoStore lists paths that are kept although the site says no-store.
	NoStore []string `yaml:"no-store"`
	// Public lists paths that are the same for everybody, whoever asks.
	Public []string `yaml:"public"`
	// Fetch lists other origins that the gateway may ask for files that pages name.
	Fetch []string `yaml:"fetch"`
	// Limits are the largest files that are kept, by what they are.
	Limits map[string]string `yaml:"limits"`
}

// check says what of the file means nothing.
func (c *archiveConfig) check() error {
	if c == nil {
		return nil
	}
	for _, list := range [][]string{c.NoStore, c.Public} {
		for _, text := range list {
			if text == "" {
				return fmt.Errorf("archive: an empty path pattern; give /static/**, or *.png")
			}
		}
	}
	var limits archive.Limits
	for name, text := range c.Limits {
		n, err := size(text)
		if err != nil {
			return fmt.Errorf("archive: limits: %s: %w", name, err)
		}
		if to := limitOf(&limits, name); to == nil {
			return fmt.Errorf("archive: limits: %q: style, image, font, media or document", name)
		} else if n > archive.MaxLimit {
			return fmt.Errorf("archive: limits: %s: %s is more than %d MB", name, text, archive.MaxLimit>>20)
		}
	}
	return nil
}

func limitOf(l *archive.Limits, name string) *int64 {
	return map[string]*int64{"style": &l.Style, "image": &l.Image, "font": &l.Font, "media": &l.Media, "document": &l.Document}[name]
}

// rules are the choices as the archive takes them; they were checked.
func (c *archiveConfig) rules() *archive.Rules {
	if c == nil {
		return nil
	}
	r := &archive.Rules{NoStore: proxy.Paths(c.NoStore), Public: proxy.Paths(c.Public)}
	for name, text := range c.Limits {
		if to := limitOf(&r.Limits, name); to != nil {
			*to, _ = size(text)
		}
	}
	return r
}

// openFetcher lets the gateway ask other origins, where the sites' operators list any.
func (g *gateway) openFetcher(sites []siteConfig, collector *archive.Collector, wanted *replayui.Wanted, logger *slog.Logger) error {
	var origins []string
	for _, c := range sites {
		if c.Shared.Archive != nil {
			origins = append(origins, c.Shared.Archive.Fetch...)
		}
	}
	if len(origins) == 0 {
		return nil
	}
	f, err := fetch.New(fetch.Options{Collector: collector, Origins: origins, Logger: logger})
	if err != nil {
		return errUsage{err}
	}
	g.onClose(f.Close)
	wanted.FetchWith(f.Ask)
	return nil
}

// maskedNames are the query parameters whose values the sites' operators hide.
func maskedNames(sites []siteConfig) map[string]bool {
	names := map[string]bool{}
	for _, c := range sites {
		for _, name := range c.Shared.MaskQuery {
			names[strings.ToLower(name)] = true
		}
	}
	return names
}

// tee hands the proxy's copies to the archive: the two packages do not meet.
type tee struct {
	c     *archive.Collector
	rules *archive.Rules
}

// Begin implements proxy.Tee.
func (t tee) Begin(a proxy.Asset) proxy.AssetWriter {
	w := t.c.Begin(archive.Answer{
		Visit: a.Visit, URL: a.URL, Time: a.Time, Status: a.Status, Location: a.Location, Header: a.Header, Request: a.Request,
		Dest: a.Request.Get("Sec-Fetch-Dest"), Credentials: a.Credentials, Refetched: a.Refetched, Rules: t.rules,
	})
	if w == nil {
		return nil // not a nil *Collecting in an interface
	}
	return w
}

// files hands the files that pass to their sessions.
type files struct{ ui *replayui.Server }

// Watched implements proxy.Files.
func (f files) Watched(visit string) bool { return f.ui.Visiting(visit) != nil }

// Passed implements proxy.Files.
func (f files) Passed(file proxy.File) {
	if s := f.ui.Visiting(file.Visit); s != nil {
		s.Passed(events.File{Up: file.Up, Name: file.Name, Type: file.Type, URL: archive.Address(file.URL, nil), Size: file.Size, Hash: file.Hash})
	}
}
