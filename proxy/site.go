package proxy

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// site is a Site made ready.
type site struct {
	Site
	upstreams *upstreams
	host      string // Host for the upstreams; empty: as the browser says
	origin    string // the site's own origin, as its upstreams see it
	redirect  []pattern
}

func newSite(s Site, idleBody time.Duration) (*site, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	us, err := newUpstreams(&s, idleBody)
	if err != nil {
		return nil, err
	}
	out := &site{Site: s, upstreams: us}
	if !s.PreserveHost && !s.Forward {
		first := us.list[0].url
		out.host = s.Host
		if out.host == "" {
			out.host = first.Host
		}
		out.origin = first.Scheme + "://" + out.host
	}
	for _, p := range s.RedirectAssets {
		out.redirect = append(out.redirect, newPattern(p))
	}
	return out, nil
}

// aliases are all the origins by which the site calls itself.
func (s *site) aliases() []string {
	list := append([]string(nil), s.Aliases...)
	if s.origin == "" {
		return list
	}
	list = append(list, s.origin)
	for _, u := range s.upstreams.list {
		list = append(list, u.url.Scheme+"://"+u.url.Host)
	}
	return list
}

// siteFor is the site that a request's Host names; nil where there is none.
func (g *Gateway) siteFor(host string) *site {
	if len(g.byHost) == 0 {
		return g.fallback
	}
	if s := g.byHost[host]; s != nil {
		return s
	}
	host = strings.ToLower(host)
	if s := g.byHost[host]; s != nil {
		return s
	}
	if s := g.byHost[(&url.URL{Host: host}).Hostname()]; s != nil {
		return s
	}
	return g.fallback
}

// openSites makes the sites ready and starts to watch their upstreams.
func (g *Gateway) openSites(ctx context.Context, list []Site) error {
	g.byHost = map[string]*site{}
	for i, given := range list {
		s, err := newSite(given, g.opts.BodyIdle)
		if err != nil {
			return fmt.Errorf("site %d: %w", i+1, err)
		}
		g.sites = append(g.sites, s)
		for _, h := range given.Hosts {
			h = strings.ToLower(h)
			if g.byHost[h] != nil {
				return fmt.Errorf("site %d: host %s belongs to another site already", i+1, h)
			}
			g.byHost[h] = s
		}
		if len(given.Hosts) == 0 {
			if g.fallback != nil {
				return fmt.Errorf("site %d: there is a site without hosts already; give this one its hosts", i+1)
			}
			g.fallback = s
		}
	}
	// The tables are made anew for each name that browsers use; what is wrong in
	// them is told at once.
	for i, s := range g.sites {
		if _, err := g.newView(viewKey{site: s, host: "gateway.invalid"}); err != nil {
			return fmt.Errorf("site %d: %w", i+1, err)
		}
		if s.Health.Path != "" {
			g.owned.Go(func() { g.watch(ctx, s, s.Health) })
		}
	}
	return nil
}
