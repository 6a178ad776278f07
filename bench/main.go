// Command bench compares what is ours with its floor and its peers, in one run
// on one machine, and prints ratios: only those mean anything on a shared one.
// Run it from the repository's root: go run ./bench
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// settings say what a run measures, and for how long.
type settings struct {
	only        []string      // sections; all where it is empty
	proxies     []string      // contenders of the proxy section; all where it is empty
	quick       bool          // one round of everything: does it work at all
	report      string        // file of the report; empty for none
	rounds      int           // how often each figure is taken, all contenders in turn
	window      time.Duration // of one contender's turn; requests under way then are finished
	sizes       []int         // of pages, in bytes
	codings     []string      // that the browser accepts: identity, gzip
	connections []int         // browsers at once
}

const defaultReport = "bench/REPORT.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the program; as "serve ROLE …" it is one of the servers it measures,
// as "seal …" it makes a recording for the browser's part.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 1 && args[0] == "serve" {
		return serve(args[1], args[2:], os.Stdin, out)
	}
	if len(args) > 0 && args[0] == "seal" {
		return sealSynthetic(ctx, args[1:], out)
	}
	set, err := parse(args)
	if err != nil {
		return err
	}
	rep := newReport(out)
	if set.quick {
		rep.note("A quick run: it shows that everything works; no figure counts.")
	}
	for _, s := range sections() {
		if !set.wants(s.name) {
			continue
		}
		if err := s.measure(ctx, set, rep); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	rep.printVerdicts()
	if set.report == "" {
		return nil
	}
	return rep.write(set.report)
}

// section is one part of the program, chosen with -only.
type section struct {
	name    string
	measure func(context.Context, settings, *report) error
}

func sections() []section {
	return []section{
		{"proxy/load", measureLoad}, {"proxy/dribble", measureDribble}, {"proxy/memory", measureMemory},
		{"proxy/allocations", measureAllocations}, {"proxy/connections", measureConnections}, {"proxy/assets", measureAssets},
		{"rewriter", measureRewriter}, {"codec", measureCodec}, {"durability", measureDurability},
		{"capture", measureCapture},
	}
}

func parse(args []string) (settings, error) {
	set := settings{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "sections, with commas between: "+strings.Join(sectionNames(), ", "))
	proxies := flags.String("proxies", "", "contenders of the proxy section, with commas between: "+strings.Join(contenderNames(), ", "))
	sizes := flags.String("sizes", "2048,40960,409600,4194304", "sizes of pages, in `bytes`")
	codings := flags.String("codings", "identity,gzip", "codings that the browser accepts")
	connections := flags.String("connections", "1,64", "browsers at once")
	flags.BoolVar(&set.quick, "quick", false, "one short round of everything but the 4 MB pages; no figure of it counts")
	flags.IntVar(&set.rounds, "rounds", 7, "how often each figure is taken")
	flags.DurationVar(&set.window, "window", 200*time.Millisecond, "length of one contender's turn")
	flags.StringVar(&set.report, "report", "", "`file` for the report ("+defaultReport+" where everything is measured)")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if flags.NArg() > 0 {
		return set, fmt.Errorf("argument %q: only flags are understood; see -help", flags.Arg(0))
	}
	if flags.NFlag() == 0 {
		set.report = defaultReport
	}
	set.only, set.proxies, set.codings = list(*only), list(*proxies), list(*codings)
	if set.quick {
		*sizes, set.rounds, set.window = "2048,40960,409600", 1, 50*time.Millisecond
	}
	var err, err2 error
	set.sizes, err = numbers("-sizes", *sizes)
	set.connections, err2 = numbers("-connections", *connections)
	return set, errors.Join(err, err2, known("-only", set.only, append(sectionNames(), "proxy")), known("-proxies", set.proxies, contenderNames()),
		known("-codings", set.codings, []string{"identity", "gzip"}))
}

func sectionNames() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func numbers(name, text string) ([]int, error) {
	var all []int
	for _, word := range list(text) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s %q: give whole numbers above 0, with commas between", name, word)
		}
		all = append(all, n)
	}
	return all, nil
}

func known(name string, given, names []string) error {
	for _, g := range given {
		if !slices.Contains(names, g) {
			return fmt.Errorf("%s %q: there are %s", name, g, strings.Join(names, ", "))
		}
	}
	return nil
}

// wants reports whether a section is to be measured: all are where none is
// named, and "proxy" names those of the proxy.
func (s settings) wants(section string) bool {
	group, _, _ := strings.Cut(section, "/")
	return len(s.only) == 0 || slices.Contains(s.only, section) || slices.Contains(s.only, group)
}
