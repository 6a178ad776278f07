package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/proxy"
	"github.com/pillion-dev/pillion/replayui"
)

// siteFlags are those of one site. Several sites are listed in the
// configuration file, under sites, with the same names.
type siteFlags struct {
	Upstream       []string      `help:"Origin of the site, for example http://10.0.0.7:8080; several servers of the same site take turns." placeholder:"URL" yaml:"upstream"`
	Host           string        `help:"Host header for the site; its first upstream's where not given." yaml:"host"`
	PreserveHost   bool          `help:"Pass the browser's Host header on to the site." yaml:"preserve-host"`
	Alias          []string      `help:"Another origin or host that the site's links name, for example https://legacy.internal: they stay on the gateway." placeholder:"ORIGIN" yaml:"alias"`
	Assets         []string      `help:"Host of a third party whose style sheets, images, fonts and frames are brought under the gateway. Its frames get the site's origin: only hosts as trusted as the site." placeholder:"HOST" yaml:"assets"`
	RedirectAssets []string      `help:"Path pattern of assets whose links lead to their archived copies: /static/**, *.png." placeholder:"PATTERN" yaml:"redirect-assets"`
	Rewrite        string        `help:"How far pages are changed: full, inject (the capture tag alone), off." enum:"full,inject,off" default:"full" yaml:"rewrite"`
	HealthPath     string        `help:"Path that is asked for to see whether an upstream is well." placeholder:"PATH" yaml:"health-path"`
	HealthEvery    time.Duration `help:"Time between two such questions." default:"10s" yaml:"health-every"`
	PublicURL      string        `help:"Where browsers reach the site, for links that agents send: https://help.example.com." placeholder:"URL" yaml:"public-url"`
	Sticky         bool          `help:"Send a browser to the same upstream each time." yaml:"sticky"`
}

// siteConfig is a site of the configuration file.
type siteConfig struct {
	Hosts []string  `yaml:"hosts"`
	Org   string    `yaml:"org"`
	Flags siteFlags `yaml:",inline"`

	Shared sharedConfig `yaml:",inline"`
}

// side is the gateway's own side of a site.
type side func(events.OrgID, replayui.SiteSettings) (own http.Handler, script func(origins []byte) string)

func sideOf(ui *replayui.Server) side {
	return func(org events.OrgID, settings replayui.SiteSettings) (http.Handler, func([]byte) string) {
		t := ui.Site(org, settings)
		return t.Handler(), t.Script
	}
}

// site makes a site for the proxy; own makes the gateway's side of it.
func (c siteConfig) site(own side) (proxy.Site, error) {
	f := c.Flags
	settings, err := c.Shared.settings()
	if err != nil {
		return proxy.Site{}, err
	}
	settings.Name = c.name()
	s := proxy.Site{
		Hosts: c.Hosts, Host: f.Host, PreserveHost: f.PreserveHost, Aliases: f.Alias, Assets: f.Assets,
		RedirectAssets: f.RedirectAssets, Sticky: f.Sticky,
		Health: proxy.Health{Path: f.HealthPath, Every: f.HealthEvery},
	}
	s.Own, s.Script = own(events.OrgID(c.Org), settings)
	for _, u := range f.Upstream {
		if !strings.Contains(u, "://") {
			u = "http://" + u
		}
		s.Upstreams = append(s.Upstreams, u)
	}
	switch f.Rewrite {
	case "", "full":
	case "inject", "off":
		s.Rewrite = proxy.Rewriting(f.Rewrite)
	default:
		return s, fmt.Errorf("rewrite %q: full, inject or off", f.Rewrite)
	}
	return s, nil
}

// name is what a site is called in reports and for retention.
func (c siteConfig) name() string {
	switch {
	case len(c.Hosts) > 0:
		return c.Hosts[0]
	case len(c.Flags.Upstream) > 0:
		return c.Flags.Upstream[0]
	}
	return ""
}

// publicURL is where browsers reach the site, as far as the configuration tells:
// behind a proxy it does not.
func (c siteConfig) publicURL(f gatewayFlags) string {
	if c.Flags.PublicURL != "" {
		return strings.TrimSuffix(c.Flags.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(f.Listen)
	if err != nil || port == "0" || f.TrustProxy {
		return ""
	}
	if len(c.Hosts) > 0 {
		host, _, _ = strings.Cut(c.Hosts[0], ":")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() || strings.Contains(host, "*") {
		return ""
	}
	scheme := "http"
	if f.enabled() {
		scheme = "https"
	}
	if port == map[string]string{"http": "80", "https": "443"}[scheme] {
		return scheme + "://" + strings.TrimSuffix(net.JoinHostPort(host, ""), ":")
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// linkTo makes the links by which users come to a session that an agent opened:
// to the first site of the agent's organisation.
func linkTo(f gatewayFlags, sites []siteConfig) func(events.OrgID, events.JoinCode) string {
	return func(org events.OrgID, code events.JoinCode) string {
		for _, c := range sites {
			if at := c.publicURL(f); events.OrgID(c.Org) == org && at != "" {
				return at + "/#pillion=" + string(code)
			}
		}
		return ""
	}
}

// sitesOf are the sites of the flags and of the configuration file, and what that
// says of organisations.
func sitesOf(flags siteFlags, org, file string) ([]siteConfig, organisations, error) {
	in, err := readFile(file)
	if err != nil {
		return nil, nil, errUsage{err}
	}
	sites := in.Sites
	if len(flags.Upstream) > 0 {
		sites = append(sites, siteConfig{Flags: flags})
	}
	if len(sites) == 0 {
		return nil, nil, errUsage{errors.New("no site: give --upstream URL, for example --upstream http://10.0.0.7:8080, or sites in the configuration file")}
	}
	for i := range sites {
		if sites[i].Org == "" {
			sites[i].Org = org
		}
		if sites[i].Shared.Retention == "" {
			sites[i].Shared.Retention = in.Organisations[sites[i].Org].Retention
		}
		sites[i].Shared = sites[i].Shared.or(in.Shared)
		if _, err := sites[i].Shared.settings(); err != nil {
			return nil, nil, errUsage{err}
		}
	}
	return sites, in.Organisations, nil
}

// fileConfig is what the configuration file says beside flags.
type fileConfig struct {
	Sites         []siteConfig  `yaml:"sites"`
	Organisations organisations `yaml:"organisations"`
	Shared        sharedConfig  `yaml:",inline"` // for sites that have none of their own
}

// organisations are by name what holds for all sites of one.
type organisations map[string]organisation

type organisation struct {
	// Retention is how long recordings are kept where their site does not say it.
	Retention string `yaml:"retention"`
}

func readFile(file string) (in fileConfig, err error) {
	if file == "" {
		return in, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return in, err
	}
	if err := yaml.Unmarshal(b, &in); err != nil && !errors.Is(err, io.EOF) {
		return in, fmt.Errorf("configuration file %s: %w", file, err)
	}
	return in, strictFile(file, b)
}

// strictFile tells of names that mean nothing in sites and organisations: a setting
// that is silently ignored is worse than a start that fails.
func strictFile(file string, b []byte) error {
	var raw struct {
		Sites         []map[string]any          `yaml:"sites"`
		Organisations map[string]map[string]any `yaml:"organisations"`
		All           map[string]any            `yaml:",inline"`
	}
	if err := yaml.Unmarshal(b, &raw); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("configuration file %s: %w", file, err)
	}
	if err := strictShared(raw.All); err != nil {
		return fmt.Errorf("configuration file %s: %w", file, err)
	}
	for org, settings := range raw.Organisations {
		for name := range settings {
			if name != "retention" {
				return fmt.Errorf("configuration file %s: organisation %s: %q means nothing; an organisation has retention", file, org, name)
			}
		}
	}
	known := append([]string{"hosts", "org", "upstream", "host", "preserve-host", "alias", "assets", "redirect-assets", "rewrite", "health-path", "health-every", "sticky", "public-url"}, sharedNames...)
	for i, site := range raw.Sites {
		if err := strictShared(site); err != nil {
			return fmt.Errorf("configuration file %s: site %d: %w", file, i+1, err)
		}
		for name := range site {
			if !slices.Contains(known, name) {
				return fmt.Errorf("configuration file %s: site %d: %q means nothing; a site has %s", file, i+1, name, strings.Join(known, ", "))
			}
		}
	}
	return nil
}

// strictShared does so for what is within assist, mask and archive.
func strictShared(raw map[string]any) error {
	for name, into := range map[string]any{"assist": &assistConfig{}, "mask": &[]replayui.MaskRule{}, "archive": &archiveConfig{}} {
		if raw[name] == nil {
			continue
		}
		b, err := yaml.Marshal(raw[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := yaml.UnmarshalWithOptions(b, into, yaml.Strict()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
