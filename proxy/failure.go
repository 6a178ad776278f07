package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
)

const failurePage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>STATUS</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:12vh auto;max-width:32rem;padding:0 1.5rem;color:#1c2430;background:#fff}
h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:.5rem 0;color:#4a5565}</style></head>
<body><h1>TITLE</h1><p>TEXT</p><p>Please try again in a moment.</p></body></html>
`

// failed is the answer where the upstream gave none. What went wrong inside is
// for the log, not for the browser.
func (g *Gateway) failed(x *exchange, err error) *http.Response {
	status, body := g.failure(x.in, err)
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: x.in, ContentLength: int64(len(body)),
		Header: failureHeader(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

func failureHeader(length int) http.Header {
	return http.Header{
		"Content-Type":   {"text/html; charset=utf-8"},
		"Content-Length": {strconv.Itoa(length)},
		"Cache-Control":  {"no-store"},
	}
}

func (g *Gateway) failure(in *http.Request, err error) (status int, body string) {
	status, kind := http.StatusBadGateway, "unreachable"
	title, text := "This site cannot be reached", "The site did not answer, or its answer could not be read."
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		status, kind = http.StatusGatewayTimeout, "timeout"
		title, text = "This site takes too long", "The site did not answer in time."
	}
	if !errors.Is(err, context.Canceled) {
		g.metrics.failures.WithLabelValues(kind).Inc()
		g.log.Error("the site did not answer", "path", in.URL.Path, "error", err)
	}
	name := strconv.Itoa(status) + " " + http.StatusText(status)
	return status, strings.NewReplacer("STATUS", name, "TITLE", title, "TEXT", text).Replace(failurePage)
}

// newUpgrades serves WebSocket and other upgrades with the standard library's
// reverse proxy: goproxy leaves sockets open on one side and knows WebSocket only.
func (g *Gateway) newUpgrades() http.Handler {
	return &httputil.ReverseProxy{
		Transport:     g.roundTrip,
		FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) {
			g.toUpstream(p.In, p.Out)
		},
		ModifyResponse: func(resp *http.Response) error {
			if x := exchangeOf(resp.Request); x != nil {
				g.fromUpstream(x, resp.Header)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			status, body := g.failure(r, err)
			for name, v := range failureHeader(len(body)) {
				w.Header()[name] = v
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		},
		ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelWarn),
	}
}
