package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
)

// plainProxy is httputil.ReverseProxy as one would write it down, but for the
// idle connections: by default two are kept for a site.
func plainProxy(site string) (http.Handler, error) {
	upstream, err := url.Parse(site)
	if err != nil {
		return nil, err
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(upstream) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
	}, nil
}
