package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// The contenders' names.
const (
	plain      = "ReverseProxy"
	nginx      = "nginx"
	nginxSub   = "nginx-sub_filter"
	caddy      = "caddy-replace"
	oursInject = "ours-inject"
	oursFull   = "ours-full"
	oursHash   = "ours-tee-hash"
	oursStore  = "ours-tee-store"
)

// contender is a proxy in front of the site.
type contender struct {
	name, what string
	injects    bool // adds the tag
	maps       bool // leaves no link to legacyOrigin
	own        bool // a server of this program's, which tells its counters
	start      func(ctx context.Context, env environment) (*process, error)
}

// environment is what a contender is started in.
type environment struct {
	site *process
	dir  string
}

func (e environment) folder(name string) string { return filepath.Join(e.dir, name) }

func contenders() []contender {
	ours := func(name, rewriting, tee string) func(context.Context, environment) (*process, error) {
		return func(ctx context.Context, env environment) (*process, error) {
			return startOwn(ctx, name, "ours", "http://"+env.site.addr, rewriting, tee, env.folder(name))
		}
	}
	return []contender{
		{plain, "net/http/httputil.ReverseProxy, nothing changed", false, false, true, func(ctx context.Context, env environment) (*process, error) {
			return startOwn(ctx, plain, "plain", "http://"+env.site.addr)
		}},
		{nginx, "nginx, proxy_pass alone: the floor", false, false, false, func(ctx context.Context, env environment) (*process, error) {
			return startNginx(ctx, nginx, env, "")
		}},
		{nginxSub, "nginx with sub_filter: tag and the site's own origin; gzip level 1", true, true, false, func(ctx context.Context, env environment) (*process, error) {
			return startNginx(ctx, nginxSub, env, nginxReplaces)
		}},
		{caddy, "Caddy with replace-response, streaming: tag and the site's own origin; gzip level 1", true, true, false, func(ctx context.Context, env environment) (*process, error) {
			return startCaddy(ctx, caddy, env)
		}},
		{oursInject, "ours, the tag alone", true, false, true, ours(oursInject, "inject", "")},
		{oursFull, "ours, the tag and every URL", true, true, true, ours(oursFull, "full", "")},
		{oursHash, "ours, assets hashed and thrown away", true, true, true, ours(oursHash, "full", "hash")},
		{oursStore, "ours, assets hashed and stored by the archive", true, true, true, ours(oursStore, "full", "store")},
	}
}

// pageContenders are those that are compared on pages; the others differ in
// what they do with assets.
func pageContenders() []string {
	return []string{plain, nginx, nginxSub, caddy, oursInject, oursFull}
}

func contenderNames() []string {
	var names []string
	for _, c := range contenders() {
		names = append(names, c.name)
	}
	return names
}

// stage is a site with proxies in front of it, all running.
type stage struct {
	env     environment
	proxies []running
	rep     *report
}

// running is a contender's process.
type running struct {
	contender
	*process
}

// withStage starts the site and those of the contenders that the settings let
// in, and ends them after use.
func withStage(ctx context.Context, set settings, rep *report, names []string, use func(*stage) error) error {
	dir, err := os.MkdirTemp("", "pillion-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &stage{env: environment{dir: dir}, rep: rep}
	if s.env.site, err = startOwn(ctx, "site", "site"); err != nil {
		return err
	}
	defer s.env.site.stop()
	defer func() {
		for _, p := range s.proxies {
			p.stop()
		}
	}()
	for _, c := range contenders() {
		if !slices.Contains(names, c.name) || len(set.proxies) > 0 && !slices.Contains(set.proxies, c.name) {
			continue
		}
		if err := s.add(ctx, c); err != nil {
			return err
		}
	}
	return use(s)
}

func (s *stage) add(ctx context.Context, c contender) error {
	p, err := c.start(ctx, s.env)
	if err != nil && c.name == caddy {
		s.rep.note("Caddy is left out: " + err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	s.proxies = append(s.proxies, running{c, p})
	return nil
}

// prove fetches a page and notes where a contender does less than the others
// are measured with.
func (s *stage) prove(ctx context.Context, p running, size int, coding string) error {
	c := newClient(p.addr)
	defer c.close()
	var body bytes.Buffer
	a, err := c.fetch(ctx, pageRequest(size, coding).bytes(p.addr), &body)
	if err != nil {
		return fmt.Errorf("%s: %w", p.contender.name, err)
	}
	page, err := decode(a.encoding, &body)
	if err != nil {
		return fmt.Errorf("%s: page in %s: %w", p.contender.name, a.encoding, err)
	}
	switch {
	case len(page) < size/2:
		return fmt.Errorf("%s: a page of %d bytes came with %d", p.contender.name, size, len(page))
	case !p.injects && len(page) != size:
		return fmt.Errorf("%s: a page of %d bytes came with %d", p.contender.name, size, len(page))
	case p.injects && bytes.Count(page, []byte(scriptPath)) != 1:
		s.rep.note(fmt.Sprintf("%s, %s: the tag is %d times in the page, not once.", p.contender.name, coding, bytes.Count(page, []byte(scriptPath))))
	}
	if left := bytes.Count(page, []byte(legacyOrigin)); p.maps && left > 0 {
		s.rep.note(fmt.Sprintf("%s, %s: links to %s are left in the page: it does less than its figures say.", p.contender.name, coding, legacyOrigin))
	}
	if a.encoding == "" && coding != "identity" {
		s.rep.note(fmt.Sprintf("%s sends pages of %s uncompressed to a browser that accepts %s.", p.contender.name, sizeText(size), coding))
	}
	return nil
}

func decode(encoding string, body io.Reader) ([]byte, error) {
	switch encoding {
	case "", "identity":
		return io.ReadAll(body)
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "br":
		return io.ReadAll(brotli.NewReader(body))
	}
	return nil, errors.New("unknown coding")
}

// sizeText is a size as it is spoken of.
func sizeText(bytes int) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%g MB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%g KB", float64(bytes)/(1<<10))
}
