package main

import (
	"fmt"
	"os"
	"strings"
)

type serveCommand struct {
	siteFlags
	gatewayFlags
}

// Run serves until the program is told to end.
func (c *serveCommand) Run(p *program) error {
	sites, orgs, err := sitesOf(c.siteFlags, c.Org, p.config)
	if err != nil {
		return err
	}
	c.organisations = orgs
	return serveGateway(p, c.gatewayFlags, sites, func(on listening) {
		for _, s := range sites {
			_, _ = fmt.Fprintf(p.out, "site     %s  %sin front of %s\n", on.site, under(s.Hosts), strings.Join(s.Flags.Upstream, ", "))
		}
		if on.forward != "" {
			_, _ = fmt.Fprintf(p.out, "forward  %s  for %s; it says there how browsers are set up\n", on.forward, strings.Join(c.ForwardHost, ", "))
		}
		_, _ = fmt.Fprintf(p.out, "console  %s\n", on.console)
		_, _ = fmt.Fprintf(p.out, "admin    %s\n", on.admin)
		if _, err := os.Stat(accountsFile(c.Data)); err != nil {
			_, _ = fmt.Fprintf(p.out, "\nNobody can sign in yet. Add an agent, with the password on standard input:\n  pillion account add NAME --role agent --data %s\n", c.Data)
		}
	})
}

// under tells under which names a site is reached.
func under(hosts []string) string {
	if len(hosts) == 0 {
		return ""
	}
	return "as " + strings.Join(hosts, ", ") + " "
}

// listening are the URLs of the listeners.
type listening struct{ site, console, admin, forward string }

// serveGateway opens a gateway, serves it and closes it in reverse order.
func serveGateway(p *program, f gatewayFlags, sites []siteConfig, ready func(listening)) error {
	g, err := openGateway(p.ctx, f, sites, p.logger)
	if err != nil {
		return err
	}
	defer g.close()
	l, err := newListeners(f, p.logger, g.registry)
	if err != nil {
		return err
	}
	defer l.close()
	// Sockets first: they are no requests that end by themselves.
	defer g.hub.Close()
	on, err := l.open(g)
	if err != nil {
		return err
	}
	ready(on)
	select {
	case <-p.ctx.Done():
		p.logger.Info("closing: sockets are told to resume")
		return nil
	case err = <-l.failed:
		return err
	}
}
