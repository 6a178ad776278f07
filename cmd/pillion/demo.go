package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/pillion-dev/pillion/cmd/pillion/demosite"
	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/proxy/listen"
	"github.com/pillion-dev/pillion/replayui"
)

// demoPassword is of the demonstration's accounts alone, which listen on this machine.
const demoPassword = "pillion-demo"

type demoCommand struct {
	Site string `help:"Where the sample site itself listens." default:"127.0.0.1:8070"`
	gatewayFlags
}

// Run serves the sample site and a gateway in front of it.
func (c *demoCommand) Run(p *program) error {
	listener, err := net.Listen("tcp", c.Site)
	if err != nil {
		return fmt.Errorf("--site: %w", err)
	}
	site, err := listen.New(listen.Options{Listener: listener, Handler: demosite.New(), Logger: p.logger})
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- site.Serve() }() // ends with the server
	defer func() {
		_ = site.Close() // it has nothing to report
		_ = <-failed     //nolint:staticcheck // that it was closed is no news
	}()
	accounts := replayui.NewAccounts(accountsFile(c.Data))
	for _, a := range []replayui.Account{
		{Name: "Ann Agent", Org: events.OrgID(c.Org), Role: events.RoleAgent},
		{Name: "Susan Supervisor", Org: events.OrgID(c.Org), Role: events.RoleSupervisor},
		{Name: "Adam Administrator", Org: events.OrgID(c.Org), Role: events.RoleAdministrator},
		{Name: "Otto Auditor", Org: events.OrgID(c.Org), Role: events.RoleAuditor},
	} {
		if _, there := accounts.Get(a.Name); there {
			continue
		}
		if err := accounts.Add(a, demoPassword); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	sites := []siteConfig{{Org: c.Org, Flags: siteFlags{Upstream: []string{listener.Addr().String()}}}}
	return serveGateway(p, c.gatewayFlags, sites, func(on listening) {
		_, _ = fmt.Fprintf(p.out, demoText, on.site, on.console, on.admin, demoPassword, demoPassword, demosite.User, demosite.Password)
		if os.Getenv("DISPLAY") == "" {
			_, _ = fmt.Fprintln(p.out, "Stop with Ctrl-C.")
		}
	})
}

const demoText = `
Pillion is running in front of a sample site.

  site     %[1]s    the insurer Alder, as its users reach it
  console  %[2]s    agents and auditors
  admin    %[3]s    metrics and health

  agent    Ann Agent      password %[4]s
  auditor  Otto Auditor   password %[5]s
           (and Susan Supervisor, Adam Administrator, with the same)
  user     %[6]s           password %[7]s   (the sample site's own sign-in)

Try it with two browser windows:
  1. In one window open the site, go to “Enrol” and type a name.
  2. Choose “Need help?” and read the code.
  3. In the other window open the console, sign in as the agent, enter the code.
  4. Allow the agent on the site. The agent sees the page, can point, and can fill in for you.
  5. Stop the session, then open its recording from the console's list.

`
