package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strconv"
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

// mediaType is the type of a Content-Type, in lower case, and its charset. It
// is lenient, as browsers are: what follows the type need not be well-formed.
func mediaType(h http.Header) (kind, charset string) {
	given := h.Get("Content-Type")
	kind, params, _ := strings.Cut(given, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	for params != "" {
		var one string
		one, params, _ = strings.Cut(params, ";")
		name, value, _ := strings.Cut(one, "=")
		if charset == "" && strings.EqualFold(strings.TrimSpace(name), "charset") {
			charset = strings.ToLower(strings.Trim(strings.TrimSpace(value), `"'`))
		}
	}
	return kind, charset
}

func isAttachment(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Disposition"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "attachment")
}

// respond passes the upstream's answer on.
func (g *Gateway) respond(x *exchange, resp *http.Response) {
	h := x.w.Header()
	kind, charset := mediaType(resp.Header)
	asset := g.asset(x, resp, kind)
	x.answerHeader(h, resp)
	if kind == "" {
		h["Content-Type"] = nil // else the server would guess one
	}
	markup := kind == "text/html" || kind == "application/xhtml+xml" || kind == "" && x.document && hasAnswerBody(resp) && h.Get("X-Content-Type-Options") == ""
	if markup {
		// A page and the same fetched by a script differ: a cache has to know.
		addVary(h, "Accept", "Sec-Fetch-Dest")
	}
	asset = g.told(x, resp, asset)
	g.watchDownload(x, resp, kind)
	off := x.v.site.Rewrite == RewriteOff || resp.StatusCode == http.StatusPartialContent || isAttachment(resp.Header)
	switch {
	case resp.StatusCode == http.StatusNotModified && x.ours:
		// The stored page bears the nonce of its own policy: a fresh policy would stop the tag.
		h.Del("Content-Security-Policy")
		h.Del("Content-Security-Policy-Report-Only")
		variantTag(h, x.v.variant)
		x.send(resp, nil)
	case markup && x.document && !off:
		if asset != nil {
			g.teeBody(x, resp, *asset)
		}
		g.respondPage(x, resp, kind, charset)
	case kind == "text/css" && x.v.maps && !off && !noTransform(resp) && resp.StatusCode == http.StatusOK && x.in.Method == http.MethodGet:
		g.respondSheet(x, resp, asset)
	case asset != nil:
		g.teeBody(x, resp, *asset)
		x.send(resp, nil)
	default:
		x.send(resp, nil)
	}
}

// respondPage adds the capture tag, the visit and what the tag needs, and maps
// the page's URLs.
func (g *Gateway) respondPage(x *exchange, resp *http.Response, kind, charset string) {
	h := x.w.Header()
	if x.visit == "" && x.v.tag != "" {
		x.startVisit(h)
	}
	list, known := codings(resp.Header)
	mapper := x.mapper()
	if !known || x.v.tag == "" && mapper == nil {
		g.metrics.unchanged.Inc()
		x.send(resp, nil)
		return
	}
	o := rewrite.DocumentOptions{Tag: x.v.tag, Map: mapper, XML: kind == "application/xhtml+xml", Charset: charset}
	need := x.v.needs
	if len(h["Content-Security-Policy"])+len(h["Content-Security-Policy-Report-Only"]) > 0 {
		need.Nonce = rand.Text()
		o.Tag = rewrite.ScriptTag(x.v.script, need.Nonce)
	}
	o.Policy = x.metaPolicy(need)
	header := func(h http.Header, coding string) {
		editPolicies(h, need)
		changedHeader(h, x.v.variant, coding)
	}
	if x.in.Method == http.MethodHead || !hasAnswerBody(resp) {
		header(h, x.codingFor(resp))
		x.w.WriteHeader(resp.StatusCode)
		return
	}
	p := newPage(g, x, resp)
	defer p.release()
	p.header, p.eager = header, true
	if err := p.decode(list); err != nil {
		p.giveUp(err)
		return
	}
	p.encode(x.codingFor(resp))
	d := documents.Get().(*rewrite.Document)
	d.Reset(p.sink(), o)
	p.rw = d
	p.run(func(first []byte) error { return x.looksLikePage(kind, first) })
	if d.Injected() {
		g.metrics.tagged.Inc()
	} else {
		g.metrics.unchanged.Inc()
	}
}

// metaPolicy edits the policies in a page: the tag comes before any of them, it
// is to connect that it needs leave.
func (x *exchange) metaPolicy(need rewrite.CSPNeeds) func(string) string {
	return func(policy string) string {
		return rewrite.CSP(policy, rewrite.CSPNeeds{Connect: need.Connect, Map: need.Map})
	}
}

// looksLikePage stops what does not start like markup, JSON or a fragment of
// text under a page's label, from being changed, where the browser did not say
// that it wants a page; and what has no label and is no page to a browser either.
func (x *exchange) looksLikePage(kind string, first []byte) error {
	if kind == "" && !strings.HasPrefix(http.DetectContentType(first), "text/html") {
		return errUnchanged
	}
	if x.in.Header.Get("Sec-Fetch-Dest") != "" || first[0] >= 0xFE {
		return nil
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(first, []byte("\xEF\xBB\xBF")), " \t\r\n\f\x00")
	if len(text) > 0 && text[0] != '<' {
		return errUnchanged
	}
	return nil
}

// respondSheet maps the URLs of a style sheet. One that holds none to be mapped
// passes as it came, byte for byte and in its own coding.
func (g *Gateway) respondSheet(x *exchange, resp *http.Response, asset *Asset) {
	list, known := codings(resp.Header)
	if !known {
		x.send(resp, nil)
		return
	}
	p := newPage(g, x, resp)
	defer p.release()
	p.header = func(h http.Header, coding string) { changedHeader(h, x.v.variant, coding) }
	if err := p.decode(list); err != nil {
		p.giveUp(err)
		return
	}
	x.accepts = chooseCoding(x.in.Header["Accept-Encoding"])
	p.encode(x.codingFor(resp))
	var copyTo AssetWriter
	if asset != nil {
		copyTo = x.tee(g).Begin(*asset)
	}
	css := rewrite.NewSheet(&fork{p.sink(), copyTo}, x.mapper())
	p.rw, p.keep = sheet{css}, func() bool { return !css.Changed() }
	p.run(nil)
	switch {
	case copyTo == nil:
	case x.broken == nil && !p.failed:
		copyTo.Commit()
	default:
		copyTo.Abort()
	}
}

// sheet makes a rewriter of a style sheet's.
type sheet struct{ *rewrite.Sheet }

func (sheet) Done() bool   { return false }
func (sheet) Altered() int { return 0 }

// fork writes to the browser and to the archive, which may fail.
type fork struct {
	io.Writer
	copyTo AssetWriter
}

func (f *fork) Write(p []byte) (int, error) {
	if f.copyTo != nil {
		_, _ = f.copyTo.Write(p) // what it could not take it tells when it is to be kept
	}
	return f.Writer.Write(p)
}

// codingFor is the coding that a changed body gets; empty for none.
func (x *exchange) codingFor(resp *http.Response) string {
	small := resp.ContentLength >= 0 && resp.ContentLength < 1<<10 && len(resp.Header["Content-Encoding"]) == 0
	if small || noTransform(resp) {
		return ""
	}
	return x.accepts
}

func noTransform(resp *http.Response) bool {
	for _, line := range resp.Header["Cache-Control"] {
		if strings.Contains(strings.ToLower(line), "no-transform") {
			return true
		}
	}
	return false
}

func hasAnswerBody(resp *http.Response) bool {
	return resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusNotModified && resp.Body != http.NoBody
}

// startVisit gives the browser the name under which its assets are kept.
func (x *exchange) startVisit(h http.Header) {
	raw := make([]byte, visitLen*3/4)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	c := visitCookie + "=" + base64.RawURLEncoding.EncodeToString(raw) + "; Path=/; HttpOnly; SameSite=Lax"
	if x.v.secure {
		c += "; Secure"
	}
	h["Set-Cookie"] = append(h["Set-Cookie"], c)
}

// tee is who keeps the site's answers; nil for nobody.
func (x *exchange) tee(g *Gateway) Tee {
	if x.v.site.Tee != nil {
		return x.v.site.Tee
	}
	return g.opts.Tee
}

// asset describes an answer for the archive; nil where it is not for it.
func (g *Gateway) asset(x *exchange, resp *http.Response, kind string) *Asset {
	if x.tee(g) == nil || x.in.Method != http.MethodGet || resp.StatusCode < http.StatusOK {
		return nil
	}
	if dest := x.in.Header.Get("Sec-Fetch-Dest"); x.document && (dest == "document" || dest == "") {
		// The page itself comes with its state; a picture or a PDF in its place does not.
		if resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode != http.StatusNotModified || kind == "" && resp.StatusCode == http.StatusOK || kind == "text/html" || kind == "application/xhtml+xml" {
			return nil
		}
	}
	credentials := x.in.Header.Get("Authorization") != "" && x.third == nil
	if x.third == nil && len(x.in.Header["Cookie"]) > 0 {
		cookies := http.Header{"Cookie": append([]string(nil), x.in.Header["Cookie"]...)}
		dropCookies(cookies, visitCookie, sessionCookie)
		credentials = credentials || cookies.Get("Cookie") != ""
	}
	return &Asset{
		Visit: x.visit, URL: x.pageURL(), Time: time.Now().UTC(), Status: resp.StatusCode,
		Header: resp.Header, Request: x.in.Header, Credentials: credentials, Refetched: x.in.Header.Get(RefetchHeader) != "",
	}
}

// told tells the archive of an answer without a body that is of use, and returns
// what is left to be copied.
func (g *Gateway) told(x *exchange, resp *http.Response, a *Asset) *Asset {
	if a == nil || resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent {
		return a
	}
	if to := x.w.Header().Get("Location"); to != "" {
		if base, err := url.Parse(a.URL); err == nil {
			if u, err := base.Parse(to); err == nil {
				a.Location = u.String()
			}
		}
	}
	if w := x.tee(g).Begin(*a); w != nil {
		w.Abort()
	}
	return nil
}

func (g *Gateway) teeBody(x *exchange, resp *http.Response, a Asset) {
	list, ok := codings(resp.Header)
	if !ok {
		return
	}
	w := x.tee(g).Begin(a)
	if w == nil {
		return
	}
	var sink teeSink = &plainSink{w: w}
	if len(list) > 0 || resp.ContentLength < 0 || resp.ContentLength > queueAbove || a.Status == http.StatusPartialContent {
		sink = newDecodingSink(w, list, g.metrics.teeLost.Inc)
	}
	resp.Body = &tee{src: resp.Body, sink: sink}
}

func setLength(h http.Header, n int64) { h["Content-Length"] = []string{strconv.FormatInt(n, 10)} }
