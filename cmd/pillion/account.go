package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/replayui"
)

type accountCommand struct {
	Add accountAdd `cmd:"" help:"Add an account, or give it another password; the password is read from standard input."`
}

type accountAdd struct {
	Name string `arg:"" help:"Name to sign in with, shown to users."`
	Role string `help:"agent, supervisor, auditor or administrator." required:"" enum:"agent,supervisor,auditor,administrator"`
	Org  string `help:"Organisation." default:"main"`
	Data string `help:"The gateway's folder." default:"pillion-data" type:"path"`
}

// Run adds the account.
func (c *accountAdd) Run(p *program) error {
	line, err := bufio.NewReader(p.in).ReadString('\n')
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return errUsage{fmt.Errorf("no password on standard input (%w)", err)}
	}
	account := replayui.Account{Name: c.Name, Org: events.OrgID(c.Org), Role: events.Role(c.Role)}
	if err := replayui.NewAccounts(accountsFile(c.Data)).Add(account, password); err != nil {
		return errUsage{err}
	}
	_, err = fmt.Fprintf(p.out, "%s can sign in as %s of %s.\n", c.Name, c.Role, c.Org)
	return err
}
