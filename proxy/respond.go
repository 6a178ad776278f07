package proxy

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/rewrite"
)

const (
	visitLen      = 32
	visitAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// wantsDocument tells a page from a part of one, by Sec-Fetch-Dest and, from
// clients that do not send it, by what they accept.
func wantsDocument(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead {
		return false
	}
	switch dest := r.Header.Get("Sec-Fetch-Dest"); dest {
	case "document", "iframe", "frame", "object", "embed":
		return true
	case "":
		return r.Header.Get("X-Requested-With") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
	default:
		return false
	}
}

// isDocument reports whether an answer is markup that may bear the tag. UTF-16
// is left alone: the tag is ASCII.
func isDocument(h http.Header) bool {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	if kind != "text/html" && kind != "application/xhtml+xml" {
		return false
	}
	if disposition, _, _ := mime.ParseMediaType(h.Get("Content-Disposition")); disposition == "attachment" {
		return false
	}
	return !strings.HasPrefix(strings.ToLower(params["charset"]), "utf-16")
}

// respond prepares the upstream's answer for the browser.
func (g *Gateway) respond(x *exchange, resp *http.Response) *http.Response {
	asset := g.asset(x, resp)
	removeHopByHop(resp.Header)
	g.fromUpstream(x, resp.Header)
	x.length = resp.Header.Get("Content-Length")
	resp.Body = &guarded{ReadCloser: resp.Body, x: x}
	switch {
	case wantsDocument(x.in) && isDocument(resp.Header):
		g.respondDocument(x, resp)
	case resp.StatusCode == http.StatusNotModified && x.newTag:
		// The stored page bears the nonce of its own policy: a fresh policy would stop the tag.
		resp.Header.Del("Content-Security-Policy")
		resp.Header.Del("Content-Security-Policy-Report-Only")
		variantTag(resp.Header)
	case asset != nil:
		g.teeBody(resp, *asset)
	}
	return resp
}

// guarded remembers that an upstream's body broke off.
type guarded struct {
	io.ReadCloser
	x *exchange
}

func (b *guarded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.x.broken = err
	}
	return n, err
}

func (g *Gateway) asset(x *exchange, resp *http.Response) *Asset {
	if g.opts.Tee == nil || x.in.Method != http.MethodGet || resp.StatusCode != http.StatusOK || wantsDocument(x.in) {
		return nil
	}
	u := g.gatewayOrigin(x.in)
	u.Path, u.RawPath, u.RawQuery = x.in.URL.Path, x.in.URL.RawPath, x.in.URL.RawQuery
	credentials := x.in.Header.Get("Authorization") != ""
	cookies := http.Header{"Cookie": append([]string(nil), x.in.Header["Cookie"]...)}
	dropCookies(cookies, visitCookie, sessionCookie)
	return &Asset{
		Visit: x.visit, URL: u.String(), Time: time.Now().UTC(), Status: resp.StatusCode,
		Header: resp.Header.Clone(), Credentials: credentials || cookies.Get("Cookie") != "",
	}
}

func (g *Gateway) teeBody(resp *http.Response, a Asset) {
	list, ok := codings(resp.Header)
	if !ok {
		return
	}
	w := g.opts.Tee.Begin(a)
	if w == nil {
		return
	}
	var sink teeSink = &plainSink{w: w}
	if len(list) > 0 {
		sink = newDecodingSink(w, list, g.metrics.teeLost.Inc)
	}
	resp.Body = &tee{src: resp.Body, sink: sink}
}

// respondDocument adds the capture tag, the visit and what the tag needs.
func (g *Gateway) respondDocument(x *exchange, resp *http.Response) {
	if x.visit == "" {
		g.startVisit(x, resp.Header)
	}
	list, ok := codings(resp.Header)
	if g.opts.Script == "" || !ok {
		g.metrics.pages.WithLabelValues("none").Inc()
		return
	}
	variantTag(resp.Header)
	need := g.needs(x)
	nonce := allowScript(resp.Header, need)
	x.length = ""
	for _, name := range []string{"Content-Length", "Digest", "Content-Digest", "Repr-Digest", "Content-Md5", "Accept-Ranges"} {
		resp.Header.Del(name)
	}
	if len(list) > 1 {
		resp.Header.Set("Content-Encoding", list[len(list)-1])
	}
	if x.in.Method == http.MethodHead {
		return
	}
	g.metrics.pages.WithLabelValues("added").Inc()
	resp.Body = newDocument(resp.Body, list, rewrite.Options{Tag: rewrite.ScriptTag(g.opts.Script, nonce)}, func(policy string) string {
		// The tag comes before any policy in the page: it is to connect that it needs leave.
		return rewrite.CSP(policy, rewrite.CSPNeeds{Connect: need.Connect})
	}, x)
}

// startVisit gives the browser the name under which its assets are kept.
func (g *Gateway) startVisit(x *exchange, h http.Header) {
	raw := make([]byte, visitLen*3/4)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	c := http.Cookie{
		Name: visitCookie, Value: base64.RawURLEncoding.EncodeToString(raw), Path: "/", HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: g.gatewayOrigin(x.in).Scheme == "https",
	}
	h.Add("Set-Cookie", c.String())
}

// needs is what the capture script needs from a page's policies.
func (g *Gateway) needs(x *exchange) rewrite.CSPNeeds {
	own := g.gatewayOrigin(x.in)
	ws := "ws" + strings.TrimPrefix(own.Scheme, "http")
	path, _, _ := strings.Cut(g.opts.Script, "?")
	return rewrite.CSPNeeds{
		Nonce:   rand.Text(),
		Script:  own.String() + path, // a policy names no query
		Connect: []string{own.String() + OwnPrefix, ws + "://" + own.Host + OwnPrefix},
	}
}

// allowScript edits the policies in an answer's header and returns the nonce
// for the tag, empty where no policy asks for one.
func allowScript(h http.Header, need rewrite.CSPNeeds) string {
	names := []string{"Content-Security-Policy", "Content-Security-Policy-Report-Only"}
	if len(h[names[0]])+len(h[names[1]]) == 0 {
		return ""
	}
	for _, name := range names {
		for i, v := range h[name] {
			h[name][i] = rewrite.CSP(v, need)
		}
	}
	return need.Nonce
}
