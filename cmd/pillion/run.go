package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"
)

// program is what subcommands get beside their flags.
type program struct {
	ctx    context.Context
	in     io.Reader
	out    io.Writer
	err    io.Writer
	logger *slog.Logger
	config string // the configuration file; empty for none
}

// errQuiet ends with status 1 when everything was said already.
var errQuiet = errors.New("")

// errUsage marks what the caller has to write otherwise.
type errUsage struct{ error }

// run is the program; it returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) (status int) {
	var cli commands
	exited := false
	parser, err := kong.New(&cli,
		kong.Name("pillion"),
		kong.Description("A self-hosted co-browsing gateway."),
		kong.DefaultEnvars("PILLION"),
		kong.Configuration(yamlFile),
		kong.UsageOnError(),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { status, exited = code, true }),
	)
	if err != nil {
		_, _ = fmt.Fprintln(errOut, "pillion:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited {
		return status
	}
	if err != nil {
		_, _ = fmt.Fprintf(errOut, "pillion: %v\nRun `pillion --help` for the commands.\n", err)
		return 2
	}
	p := &program{ctx: ctx, in: in, out: out, err: errOut, logger: cli.Log.logger(errOut), config: string(cli.Config)}
	err = parsed.Run(p)
	var usage errUsage
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errQuiet):
		return 1
	case errors.As(err, &usage):
		_, _ = fmt.Fprintln(errOut, "pillion:", err)
		return 2
	}
	_, _ = fmt.Fprintln(errOut, "pillion:", err)
	return 1
}
