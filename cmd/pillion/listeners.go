package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pillion-dev/pillion/proxy/listen"
)

// tlsFlags say where the certificates of site and console come from.
type tlsFlags struct {
	TLSCert       string   `help:"Certificate chain of site and console, a PEM file; read again when it changes." placeholder:"FILE" type:"path"`
	TLSKey        string   `help:"Its key." placeholder:"FILE" type:"path"`
	AcmeDomain    []string `help:"Have a certificate for this name from an ACME authority, such as Let's Encrypt; the authority has to reach the site's listener at port 443, or --acme-http at port 80." placeholder:"NAME"`
	AcmeEmail     string   `help:"Where the authority may write to." placeholder:"ADDRESS"`
	AcmeDirectory string   `help:"The authority's directory; Let's Encrypt where not given." placeholder:"URL"`
	AcmeRoot      string   `help:"Root certificate of a private authority, a PEM file." placeholder:"FILE" type:"path"`
	AcmeHTTP      string   `help:"Where the authority's questions arrive by http; everything else there is sent to https." placeholder:"ADDRESS"`
	HTTP3         bool     `help:"Serve HTTP/3 too, on the UDP port of the same number." name:"http3" env:"PILLION_HTTP3"`
}

func (f tlsFlags) enabled() bool { return f.TLSCert != "" || f.TLSKey != "" || len(f.AcmeDomain) > 0 }

// listeners are the servers of a running gateway.
type listeners struct {
	flags   gatewayFlags
	logger  *slog.Logger
	refused *prometheus.CounterVec
	tls     listen.TLS

	servers []*listen.Server
	failed  chan error
}

func newListeners(f gatewayFlags, logger *slog.Logger, registry prometheus.Registerer) (*listeners, error) {
	l := &listeners{flags: f, logger: logger, failed: make(chan error, 8), refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "pillion", Name: "connections_refused_total", Help: "Connections refused by a listener, by reason.",
	}, []string{"listener", "reason"})}
	if err := registry.Register(l.refused); err != nil {
		return nil, err
	}
	if f.HTTP3 && !f.enabled() {
		return nil, errUsage{errors.New("--http3 needs a certificate: --tls-cert and --tls-key, or --acme-domain")}
	}
	l.tls = listen.TLS{CertFile: f.TLSCert, KeyFile: f.TLSKey}
	if len(f.AcmeDomain) == 0 {
		return l, nil
	}
	o := listen.ACMEOptions{
		Domains: f.AcmeDomain, Email: f.AcmeEmail, Directory: f.AcmeDirectory, Dir: filepath.Join(f.Data, "acme"), RootCA: f.AcmeRoot, Logger: logger,
	}
	if f.AcmeHTTP != "" {
		addr, err := net.ResolveTCPAddr("tcp", f.AcmeHTTP)
		if err != nil {
			return nil, errUsage{fmt.Errorf("--acme-http: %w", err)}
		}
		o.HTTPPort = addr.Port
	}
	var err error
	l.tls.ACME, err = listen.NewACME(o)
	return l, err
}

// open opens every listener of the gateway.
func (l *listeners) open(g *gateway) (on listening, err error) {
	f := l.flags
	secure := listen.Options{TLS: l.tls}
	site := secure
	site.HTTP3 = f.HTTP3
	if on.site, err = l.add("listen", f.Listen, g.site, site); err != nil {
		return on, err
	}
	if on.console, err = l.add("console", f.Console, g.console, secure); err != nil {
		return on, err
	}
	if on.admin, err = l.add("admin", f.Admin, g.admin, listen.Options{}); err != nil {
		return on, err
	}
	if f.AcmeHTTP != "" && l.tls.ACME != nil {
		if _, err = l.add("acme-http", f.AcmeHTTP, l.tls.ACME.HTTPHandler(http.HandlerFunc(toHTTPS)), listen.Options{}); err != nil {
			return on, err
		}
	}
	if g.forward != nil {
		on.forward, err = l.add("forward", f.Forward, g.forward, listen.Options{HTTP1: true})
	}
	return on, err
}

// add opens a listener and serves it; the URL is where it is reached.
func (l *listeners) add(name, addr string, h http.Handler, o listen.Options) (url string, err error) {
	o.Addr, o.Handler, o.Logger = addr, h, l.logger
	o.Refused = func(reason string) { l.refused.WithLabelValues(name, reason).Inc() }
	s, err := listen.New(o)
	if err != nil {
		return "", fmt.Errorf("--%s: %w", name, err)
	}
	l.servers = append(l.servers, s)
	go func() { l.failed <- s.Serve() }() // ends with the server
	scheme := "http://"
	if o.TLS != (listen.TLS{}) {
		scheme = "https://"
	}
	return scheme + s.Addr().String(), nil
}

// close ends the listeners: requests under way may end first.
func (l *listeners) close() {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	for _, s := range l.servers {
		if err := s.Shutdown(ctx); err != nil {
			l.logger.Debug("a listener was cut off", "error", err)
		}
	}
	if l.tls.ACME != nil {
		l.tls.ACME.Close()
	}
}

// toHTTPS sends browsers that came by http to where the site is.
func toHTTPS(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect)
}
