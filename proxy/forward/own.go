package forward

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"text/template"
	"time"
)

// own answers requests to the proxy itself.
func (p *Proxy) own(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		say(w, http.StatusMethodNotAllowed, "This is a proxy", "It takes no data for itself.")
		return
	}
	host, port, ok := ownAddress(r)
	if !ok {
		say(w, http.StatusBadRequest, "This is a proxy", "The request's Host is not valid.")
		return
	}
	at := net.JoinHostPort(host, port)
	switch r.URL.Path {
	case "/":
		p.index(w, r, at)
	case "/proxy.pac":
		send(w, "application/x-ns-proxy-autoconfig", p.pac(r, at))
	case "/pillion-ca.pem":
		w.Header().Set("Content-Disposition", `attachment; filename="pillion-ca.pem"`)
		send(w, "application/x-x509-ca-cert", p.authority.pem())
	default:
		say(w, http.StatusNotFound, "This is a proxy", "There is nothing at this address.")
	}
}

// ownAddress is where the browser reached the proxy.
func ownAddress(r *http.Request) (host, port string, ok bool) {
	if r.TLS != nil {
		return target(r.Host, "443")
	}
	return target(r.Host, "80")
}

func send(w http.ResponseWriter, kind string, body []byte) {
	pageHeader(w.Header(), kind, len(body))
	_, _ = w.Write(body) // who asked may be gone
}

func (p *Proxy) index(w http.ResponseWriter, r *http.Request, at string) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	var b bytes.Buffer
	_ = indexPage.Execute(&b, map[string]any{ // to memory
		"Hosts": p.opts.Hosts, "Tunnel": p.opts.Others == Tunnel, "PAC": scheme + at + "/proxy.pac",
		"Fingerprint": p.authority.fingerprint(), "Until": p.authority.cert.NotAfter.UTC().Format(time.DateOnly),
	})
	send(w, "text/html; charset=utf-8", b.Bytes())
}

// pacScript is proxy auto-configuration in the language of old browsers. The
// words that are put in are names, addresses and digits.
var pacScript = template.Must(template.New("pac").Parse(`function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/\.$/, "").replace(/^\[|\]$/g, "");
  var m = /^(\w+):\/\/(?:\[[^\]]*\]|[^\/:?#]*)(?::(\d+))?/.exec(url);
  var port = m && m[2] ? m[2] : m && (m[1] === "https" || m[1] === "wss") ? "443" : "80";
{{- range .Hosts}}
  if ({{.}}) return "{{$.Proxy}}";
{{- end}}
  return "DIRECT";
}
`))

// pac leads browsers here for the listed hosts, and to all others directly.
func (p *Proxy) pac(r *http.Request, at string) []byte {
	way := "PROXY "
	if r.TLS != nil {
		way = "HTTPS "
	}
	var tests []string
	for _, h := range p.hosts {
		test := `host === "` + h.name + `"`
		if h.below {
			// Not dnsDomainIs: browsers differ in what it does with short names.
			suffix := "." + h.name
			test = `host.slice(-` + strconv.Itoa(len(suffix)) + `) === "` + suffix + `"`
		}
		if h.port != "" {
			test += ` && port === "` + h.port + `"`
		}
		tests = append(tests, test)
	}
	var b bytes.Buffer
	_ = pacScript.Execute(&b, map[string]any{"Hosts": tests, "Proxy": way + at}) // to memory
	return b.Bytes()
}
