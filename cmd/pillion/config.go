package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// commands are the flags of every subcommand. A flag can also be given in the
// environment (PILLION_UPSTREAM …) or in a YAML file; flags win, then the
// environment, then the file.
type commands struct {
	Config kong.ConfigFlag `help:"YAML file with the same names as the flags." type:"existingfile" placeholder:"FILE"`
	Log    logFlags        `embed:"" prefix:"log-"`

	Demo    demoCommand    `cmd:"" help:"A sample legacy site, the gateway in front of it, accounts and URLs; all embedded."`
	Serve   serveCommand   `cmd:"" help:"The gateway in front of a site."`
	Account accountCommand `cmd:"" help:"Accounts of agents, auditors and administrators."`
	Verify  verifyCommand  `cmd:"" help:"Check a recording: hashes, chain, signature, every asset."`
	Key     keyCommand     `cmd:"" help:"The keys that recordings are signed with."`
	Archive archiveCommand `cmd:"" help:"The archive: check and mend it, report what it takes, delete and hold recordings."`
	Export  exportCommand  `cmd:"" help:"Write a recording to one file that opens offline."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

type logFlags struct {
	Level  string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
	Format string `help:"text or json." enum:"text,json" default:"text"`
}

func (f logFlags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.Level)) // one of the enum
	options := &slog.HandlerOptions{Level: level}
	if f.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// gatewayFlags are those of a gateway, whatever site it stands in front of.
type gatewayFlags struct {
	Listen      string        `help:"Where users reach the site." default:"127.0.0.1:8080"`
	Console     string        `help:"Where agents and auditors reach the console: another origin than the site." default:"127.0.0.1:8081"`
	Admin       string        `help:"Where metrics and health are; for operators alone." default:"127.0.0.1:9090"`
	Data        string        `help:"Folder for everything that is kept." default:"pillion-data" type:"path"`
	Org         string        `help:"Organisation that the site's sessions belong to." default:"main"`
	Retention   string        `help:"How long recordings are kept after their end: 36h, 400d, 10y or forever. Organisations and sites can say otherwise in the configuration file." default:"forever"`
	QuietAfter  time.Duration `help:"A session in which nobody does anything for so long is ended; 0 for never." default:"1h"`
	SessionSize string        `help:"A session whose log has grown to so much is ended: 500MB, 1GB." default:"1GB"`
	stampFlags
	TrustProxy bool `help:"Trust X-Forwarded-For, -Host and -Proto: only behind a proxy of your own."`
	storeFlags
	tlsFlags
	forwardFlags

	organisations organisations // of the configuration file
}

// yamlFile reads a configuration file: the names of flags, with dashes or
// underscores, and those that only a file has.
func yamlFile(r io.Reader) (kong.Resolver, error) {
	values := settingsFile{}
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return values, values.flatten("s3", "url")
}

// flatten takes settings that stand below a name for flags that begin with it:
// s3: {url: …, key-file: …} are --s3 and --s3-key-file.
func (f settingsFile) flatten(name, itself string) error {
	below, is := f[name].(map[string]any)
	if !is {
		return nil
	}
	delete(f, name)
	for key, value := range below {
		flag := name + "-" + key
		if key == itself {
			flag = name
		}
		if _, twice := f[flag]; twice {
			return fmt.Errorf("configuration file: %s is there twice", flag)
		}
		f[flag] = value
	}
	return nil
}

// settingsFile is what a configuration file says, by name. It implements
// kong.Resolver.
type settingsFile map[string]any

// Validate tells of names that mean nothing: a mask that is silently ignored
// because of its name is worse than a start that fails.
func (f settingsFile) Validate(app *kong.Application) error {
	others := append([]string{"sites", "organisations"}, sharedNames...)
	known := slices.Clone(others)
	var add func(*kong.Node)
	add = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known = append(known, flag.Name, strings.ReplaceAll(flag.Name, "-", "_"))
		}
		for _, child := range n.Children {
			add(child)
		}
	}
	add(app.Node)
	for name := range f {
		if !slices.Contains(known, name) {
			return fmt.Errorf("configuration file: %q means nothing; it has the names of flags, and %s", name, strings.Join(others, ", "))
		}
	}
	return nil
}

// Resolve implements kong.Resolver.
func (f settingsFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	v, ok := f[flag.Name]
	if !ok {
		v, ok = f[strings.ReplaceAll(flag.Name, "-", "_")]
	}
	if list, is := v.([]any); is {
		return joined(list), nil
	}
	if !ok {
		return nil, nil
	}
	return fmt.Sprint(v), nil
}

// joined writes a list as a flag's value has it.
func joined(list []any) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ",")
}
