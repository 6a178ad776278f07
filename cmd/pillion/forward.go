package main

import (
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"

	"github.com/pillion-dev/pillion/proxy/forward"
)

// forwardFlags are for sites whose DNS the operator does not control: browsers
// are set up to use the gateway as their proxy.
type forwardFlags struct {
	Forward       string   `help:"Where browsers find the gateway as their proxy; its /proxy.pac sets them up." placeholder:"ADDRESS"`
	ForwardHost   []string `help:"Host that is intercepted there: legacy.internal, *.intranet.example." placeholder:"HOST"`
	ForwardOthers string   `help:"What becomes of other hosts there: refuse or tunnel." enum:"refuse,tunnel" default:"refuse"`
}

// openForward makes the proxy; behind serves what is intercepted.
func (f forwardFlags) openForward(behind http.Handler, data string, logger *slog.Logger) (*forward.Proxy, error) {
	if len(f.ForwardHost) == 0 {
		return nil, errUsage{errors.New("--forward needs hosts to intercept: --forward-host legacy.internal")}
	}
	others := forward.Refuse
	if f.ForwardOthers == "tunnel" {
		others = forward.Tunnel
	}
	p, err := forward.New(forward.Options{
		Hosts: f.ForwardHost, Others: others, Handler: behind, Dir: filepath.Join(data, "forward"), Logger: logger,
	})
	if err != nil {
		return nil, errUsage{err}
	}
	return p, nil
}
