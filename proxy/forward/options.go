package forward

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Others says what becomes of requests to hosts that are not listed.
type Others string

// What becomes of them.
const (
	Refuse Others = "" // 403
	Tunnel Others = "tunnel"
)

// Options configures a [Proxy].
type Options struct {
	// Hosts are the sites to stand in front of: "legacy.internal",
	// "*.intranet.example" (every name below, not itself), an IP address; with
	// ":port" that port alone.
	Hosts []string
	// Others is what becomes of all other hosts.
	Others Others
	// AllowPrivate also tunnels to private address ranges. Loopback, link-local
	// and this machine's own addresses stay refused.
	AllowPrivate bool
	// Ports are those that are tunnelled to; none: 80 and 443.
	Ports []int
	// Tunnels bounds the connections to other hosts at the same time; 1,000 where
	// it is 0.
	Tunnels int
	// Handler gets the requests to the listed hosts: in origin-form, with TLS set
	// where the browser used https, and the browser's address.
	Handler http.Handler
	// Dir is where the authority's certificate and key are kept.
	Dir string
	// Logger is told what the operator must know; nil for none.
	Logger *slog.Logger
	// Now replaces the clock; for tests.
	Now func() time.Time
}

func (o *Options) complete() error {
	switch {
	case len(o.Hosts) == 0:
		return errors.New("forward mode needs the hosts to stand in front of")
	case o.Handler == nil || o.Dir == "":
		return errors.New("forward mode needs a handler, and a folder for its certificate authority")
	case o.Others != Refuse && o.Others != Tunnel:
		return fmt.Errorf("other hosts %q: tunnel, or nothing to refuse them", o.Others)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Ports) == 0 {
		o.Ports = []int{80, 443}
	}
	if o.Tunnels <= 0 {
		o.Tunnels = 1000
	}
	return nil
}
