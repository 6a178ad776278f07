package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/pillion-dev/pillion/proxy"
)

// newOurs is the gateway's proxy as cmd/pillion sets it up, without sessions.
// Its arguments are the site's origin, how far pages are changed ("inject" or
// "full"), what becomes of assets ("", "hash" or "store"), and a folder for them.
func newOurs(args []string) (http.Handler, error) {
	if len(args) < 4 {
		return nil, errors.New("give origin, rewriting, tee and folder")
	}
	site := proxy.Site{Upstreams: []string{args[0]}, Aliases: []string{legacyOrigin}}
	switch args[1] {
	case "full":
		site.Rewrite = proxy.RewriteFull
	case "inject":
		site.Rewrite = proxy.RewriteInject
	default:
		return nil, fmt.Errorf("rewriting %q: full or inject", args[1])
	}
	tee, err := newTee(args[2], args[3])
	if err != nil {
		return nil, err
	}
	g, err := proxy.New(proxy.Options{Sites: []proxy.Site{site}, Script: func([]byte) string { return scriptPath }, Tee: tee})
	return ours{g, tee}, err
}

// ours is the gateway with the tee that it copies to.
type ours struct {
	http.Handler
	tee proxy.Tee
}

// lost counts the copies that were given up.
func (o ours) lost() int {
	if t, ok := o.tee.(storeTee); ok {
		return t.c.Lost()
	}
	return 0
}
