package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

type serveCommand struct {
	Upstream string `help:"Origin of the site, for example http://10.0.0.7:8080." required:"" placeholder:"URL"`
	gatewayFlags
}

// Run serves until the program is told to end.
func (c *serveCommand) Run(p *program) error {
	upstream, err := origin(c.Upstream)
	if err != nil {
		return err
	}
	return serveGateway(p, c.gatewayFlags, upstream, func(on listening) {
		_, _ = fmt.Fprintf(p.out, "site     %s  in front of %s\n", on.site, upstream.Redacted())
		_, _ = fmt.Fprintf(p.out, "console  %s\n", on.console)
		_, _ = fmt.Fprintf(p.out, "admin    %s\n", on.admin)
		if _, err := os.Stat(accountsFile(c.Data)); err != nil {
			_, _ = fmt.Fprintf(p.out, "\nNobody can sign in yet. Add an agent, with the password on standard input:\n  pillion account add NAME --role agent --data %s\n", c.Data)
		}
	})
}

// listening are the URLs of the listeners.
type listening struct{ site, console, admin string }

// serveGateway opens a gateway, serves it and closes it in reverse order.
func serveGateway(p *program, f gatewayFlags, upstream *url.URL, ready func(listening)) error {
	g, err := openGateway(p.ctx, f, upstream, p.logger)
	if err != nil {
		return err
	}
	var servers []*http.Server
	failed := make(chan error, 3)
	urls := make([]string, 3)
	for i, l := range []struct {
		name, addr string
		handler    http.Handler
	}{{"listen", f.Listen, g.site}, {"console", f.Console, g.console}, {"admin", f.Admin, g.admin}} {
		listener, err := net.Listen("tcp", l.addr)
		if err != nil {
			closeServers(servers)
			g.close()
			return fmt.Errorf("--%s: %w", l.name, err)
		}
		urls[i] = "http://" + listener.Addr().String()
		s := newServer(l.handler, p.logger)
		servers = append(servers, s)
		go func() { failed <- s.Serve(listener) }() // ends with the server
	}
	ready(listening{urls[0], urls[1], urls[2]})
	select {
	case <-p.ctx.Done():
		p.logger.Info("closing: sockets are told to resume")
	case err = <-failed:
	}
	// Sockets first: they are no requests that end by themselves.
	g.hub.Close()
	closeServers(servers)
	g.close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func newServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

func closeServers(servers []*http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	for _, s := range servers {
		if s.Shutdown(ctx) != nil {
			_ = s.Close() // what has not ended is cut off
		}
	}
}
