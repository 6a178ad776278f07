package proxy

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pillion-dev/pillion/rewrite"
)

// The cookies of ours that no site may see.
const (
	visitCookie   = "pillion_visit"
	sessionCookie = "pillion_session"
)

// isHopByHop tells the headers for one connection only (RFC 9110, 7.6.1).
func isHopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	}
	return false
}

// copyHeader copies what is not for one connection only. Values are shared:
// nobody changes them in place.
func copyHeader(to, from http.Header) {
	for name, values := range from {
		if !isHopByHop(name) {
			to[name] = values
		}
	}
	for _, line := range from["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" && !strings.EqualFold(name, "close") && !strings.EqualFold(name, "keep-alive") {
				to.Del(name)
			}
		}
	}
}

// mergeExpectations names an expectation once that is named twice, which means
// the same (RFC 9110, 10.1.1). Apache refuses the two, and then ends the
// connection without a word, which the next request on it would run into.
func mergeExpectations(h http.Header) {
	const known = "100-continue"
	lines := h["Expect"]
	if len(lines) == 0 {
		return
	}
	for _, line := range lines {
		for word := range strings.SplitSeq(line, ",") {
			if !strings.EqualFold(strings.TrimSpace(word), known) {
				return
			}
		}
	}
	h["Expect"] = []string{known}
}

// isUpgrade reports whether a request asks for another protocol. One that asks
// for HTTP/2 goes on without that: the connection it would get is a tunnel to the
// upstream, past everything that is done with requests here.
func isUpgrade(h http.Header) bool {
	if len(h["Upgrade"]) == 0 || asksForHTTP2(h["Upgrade"]) {
		return false
	}
	for _, line := range h["Connection"] {
		for word := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(word), "upgrade") {
				return true
			}
		}
	}
	return false
}

func asksForHTTP2(upgrade []string) bool {
	for _, line := range upgrade {
		for word := range strings.SplitSeq(strings.ToLower(line), ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(word), "/")
			if name == "h2c" || name == "h2" || name == "http" {
				return true
			}
		}
	}
	return false
}

// dropCookies removes the named cookies from a request and leaves every other
// byte of the header alone.
func dropCookies(h http.Header, names ...string) {
	lines := h["Cookie"]
	if !mentions(lines, names) {
		return
	}
	var kept []string
	for _, line := range lines {
		var pairs []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if !oneOf(name, names) {
				pairs = append(pairs, pair)
			}
		}
		if rest := strings.TrimLeft(strings.Join(pairs, ";"), " "); rest != "" {
			kept = append(kept, rest)
		}
	}
	if len(kept) == 0 {
		h.Del("Cookie")
		return
	}
	h["Cookie"] = kept
}

func mentions(lines, names []string) bool {
	for _, line := range lines {
		for _, name := range names {
			if strings.Contains(line, name) {
				return true
			}
		}
	}
	return false
}

func oneOf(s string, list []string) bool { return slices.Contains(list, s) }

func visitOf(r *http.Request) string {
	if !mentions(r.Header["Cookie"], visitNames) {
		return ""
	}
	c, err := r.Cookie(visitCookie)
	if err != nil || len(c.Value) != visitLen || strings.Trim(c.Value, visitAlphabet) != "" {
		return ""
	}
	return c.Value
}

var visitNames = []string{visitCookie}

// answerHeader copies the answer's header for the browser: what it says of the
// site's origins is mapped to the gateway's.
//
// Some headers are a choice (docs/DECISIONS.md): Alt-Svc and NEL would lead the
// browser, or what it reports, around the gateway, and are left out; HSTS is
// passed where the browser came by TLS; X-Frame-Options and Clear-Site-Data are
// passed as they are.
func (x *exchange) answerHeader(h http.Header, resp *http.Response) {
	own, announced := h["Alt-Svc"] // the listener's, for HTTP/3
	copyHeader(h, resp.Header)
	if delete(h, "Alt-Svc"); announced {
		h["Alt-Svc"] = own
	}
	delete(h, "Nel")
	if !x.v.secure {
		delete(h, "Strict-Transport-Security")
	}
	if x.third != nil {
		delete(h, "Set-Cookie") // it would be the site's
	}
	if x.v.origins.Empty() {
		return
	}
	x.mapHeader(h, "Location", x.use())
	for _, name := range [...]string{"Content-Location", "Sourcemap", "X-Sourcemap"} {
		x.mapHeader(h, name, rewrite.UseMention)
	}
	for _, name := range [...]string{"Access-Control-Allow-Origin", "Timing-Allow-Origin"} {
		x.mapHeader(h, name, rewrite.UseNavigate)
	}
	if values := h["Refresh"]; len(values) > 0 {
		h["Refresh"] = mapEach(values, x.mapRefresh)
	}
	if values := h["Link"]; len(values) > 0 {
		h["Link"] = x.mapLinks(values)
	}
	if values := h["Set-Cookie"]; len(values) > 0 {
		h["Set-Cookie"] = mapEach(values, x.v.origins.Cookie)
	}
}

// use is what the browser wants an answer for.
func (x *exchange) use() rewrite.Use {
	switch x.in.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "object", "embed":
		return rewrite.UseFrame
	case "style":
		return rewrite.UseStyle
	case "image":
		return rewrite.UseImage
	case "font":
		return rewrite.UseFont
	case "audio", "video", "track":
		return rewrite.UseMedia
	case "script", "worker", "sharedworker":
		return rewrite.UseScript
	}
	return rewrite.UseNavigate
}

// mapURL maps one URL of the answer.
func (x *exchange) mapURL(v string, use rewrite.Use) string {
	mapped, fate := x.v.origins.At(x.pageURL()).Map(nil, use, nil, []byte(v))
	if fate == rewrite.Keep {
		return v
	}
	return string(mapped)
}

func (x *exchange) mapHeader(h http.Header, name string, use rewrite.Use) {
	if values := h[name]; len(values) > 0 {
		h[name] = mapEach(values, func(v string) string { return x.mapURL(v, use) })
	}
}

// mapEach maps values into a list of their own: they are shared with the answer.
func mapEach(values []string, f func(string) string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

func (x *exchange) mapRefresh(v string) string {
	mapper := x.v.origins.At(x.pageURL())
	mapped, changed := rewrite.AppendRefresh(nil, []byte(v), func(dst, u []byte) ([]byte, bool) {
		dst, fate := mapper.Map(dst, rewrite.UseNavigate, nil, u)
		return dst, fate != rewrite.Keep
	})
	if !changed {
		return v
	}
	return string(mapped)
}

func (x *exchange) mapLinks(values []string) []string {
	return mapEach(values, func(v string) string { return rewrite.MapLink(v, x.mapURL) })
}

// changedHeader makes an answer's header that of a body that was changed.
func changedHeader(h http.Header, variant, coding string) {
	for _, name := range [...]string{
		"Content-Length", "Digest", "Content-Digest", "Repr-Digest", "Content-Md5", "Accept-Ranges", "Content-Encoding", "Trailer",
	} {
		delete(h, name)
	}
	if coding != "" {
		h["Content-Encoding"] = []string{coding}
	}
	addVary(h, "Accept-Encoding")
	variantTag(h, variant)
}

// addVary adds names to Vary, unless it has them or "*".
func addVary(h http.Header, names ...string) {
	lines := h["Vary"]
	for _, name := range names {
		if !variesBy(lines, name) {
			lines = append(slices.Clip(lines), name)
		}
	}
	h["Vary"] = lines
}

func variesBy(lines []string, name string) bool {
	for _, line := range lines {
		for word := range strings.SplitSeq(line, ",") {
			if word = strings.TrimSpace(word); word == "*" || strings.EqualFold(word, name) {
				return true
			}
		}
	}
	return false
}

// editPolicies lets the page's policies allow our script.
func editPolicies(h http.Header, need rewrite.CSPNeeds) {
	for _, name := range [...]string{"Content-Security-Policy", "Content-Security-Policy-Report-Only"} {
		if values := h[name]; len(values) > 0 {
			h[name] = mapEach(values, func(v string) string { return policyFor(v, need) })
		}
	}
}

// policyFor edits a policy; one that cannot be edited stays.
func policyFor(v string, need rewrite.CSPNeeds) (edited string) {
	defer func() {
		if recover() != nil {
			edited = v
		}
	}()
	return rewrite.CSP(v, need)
}
