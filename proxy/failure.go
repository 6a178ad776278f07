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
<body><h1>TITLE</h1><p>TEXT</p><p>ADVICE</p></body></html>
`

const tryAgain = "Please try again in a moment."

// fail is the answer where the upstream gave none. What went wrong inside is
// for the log, not for the browser.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to be told
	}
	status, kind := http.StatusBadGateway, "unreachable"
	title, text := "This site cannot be reached", "The site did not answer, or its answer could not be read."
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		status, kind = http.StatusGatewayTimeout, "timeout"
		title, text = "This site takes too long", "The site did not answer in time."
	}
	g.metrics.failures.WithLabelValues(kind).Inc()
	g.log.Error("the site did not answer", "host", r.Host, "path", r.URL.Path, "error", err)
	say(w, status, title, text, tryAgain)
}

// noSite is the answer under a name that is no site's.
func (g *Gateway) noSite(w http.ResponseWriter, r *http.Request) {
	g.log.Debug("no site of that name", "host", r.Host)
	say(w, http.StatusMisdirectedRequest, "There is no site under this name", "This gateway stands in front of other names.", "Please check the address.")
}

func say(w http.ResponseWriter, status int, title, text, advice string) {
	name := strconv.Itoa(status) + " " + http.StatusText(status)
	body := strings.NewReplacer("STATUS", name, "TITLE", title, "TEXT", text, "ADVICE", advice).Replace(failurePage)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // who asked may be gone
}

// newUpgrades serves WebSocket and other upgrades with the standard library's
// reverse proxy, which closes both sides when one does.
func (g *Gateway) newUpgrades() http.Handler {
	return &httputil.ReverseProxy{
		Transport:     g.transport,
		FlushInterval: -1,
		Rewrite:       g.prepareUpgrade,
		ModifyResponse: func(resp *http.Response) error {
			x := exchangeOf(resp.Request)
			mapped := http.Header{}
			upgrade, connection := resp.Header["Upgrade"], resp.Header["Connection"]
			x.answerHeader(mapped, resp)
			if resp.StatusCode == http.StatusSwitchingProtocols {
				mapped["Upgrade"], mapped["Connection"] = upgrade, connection
			}
			resp.Header = mapped
			return nil
		},
		ErrorHandler: g.fail,
		ErrorLog:     slog.NewLogLogger(g.log.Handler(), slog.LevelWarn),
	}
}

// prepareUpgrade aims an upgrade at the first upstream that answers.
func (g *Gateway) prepareUpgrade(p *httputil.ProxyRequest) {
	x := exchangeOf(p.In)
	g.prepare(x)
	x.lent = true
	upgrade, connection := p.Out.Header["Upgrade"], p.Out.Header["Connection"]
	p.Out.Header = x.header
	p.Out.Header["Upgrade"], p.Out.Header["Connection"] = upgrade, connection
	p.Out.URL.RawQuery = p.In.URL.RawQuery // ReverseProxy drops what does not parse
	if x.third != nil {
		p.Out.URL, p.Out.Host = x.third, x.third.Host
		return
	}
	p.Out.URL.Scheme, p.Out.URL.Host = scheme(x.v.secure), x.in.Host // of a forward site
	x.v.site.upstreams.order(x.visit, func(u *upstream) bool {
		p.Out.URL.Scheme, p.Out.URL.Host = u.url.Scheme, u.url.Host
		return false
	})
	p.Out.Host = x.v.site.host
	if p.Out.Host == "" {
		p.Out.Host = x.in.Host
	}
}
