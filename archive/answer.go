package archive

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Answer describes an HTTP answer to a GET request that may be kept.
type Answer struct {
	Visit       string // the browser's visit; empty when it has none
	URL         string // absolute, as the browser sees it
	Time        time.Time
	Status      int
	Location    string      // of a redirect, as the browser gets it
	Header      http.Header // the upstream's
	Request     http.Header // the browser's; only what Vary names is looked at
	Dest        string      // Sec-Fetch-Dest: what the browser asked for it as
	Credentials bool        // the request bore Cookie or Authorization
	Refetched   bool        // the capture script asked for it once more
	Fetched     bool        // the gateway asked for it itself
	Rules       *Rules      // of its site; nil for none
}

// Rules are an operator's choices for a site. Nil functions say no.
type Rules struct {
	// NoStore lists paths whose answers are kept although they say no-store.
	NoStore func(path string) bool
	// Public lists paths whose answers are the same for everybody, although
	// requests bear cookies.
	Public func(path string) bool
	Limits Limits
}

func (a *Answer) limits() Limits {
	if a.Rules == nil {
		return Limits{}
	}
	return a.Rules.Limits
}

func (a *Answer) listed(choose func(r *Rules) func(string) bool) bool {
	if a.Rules == nil || choose(a.Rules) == nil {
		return false
	}
	u, err := url.Parse(a.URL)
	return err == nil && choose(a.Rules)(u.EscapedPath())
}

func (a *Answer) control(word string) bool {
	return strings.Contains(strings.ToLower(strings.Join(a.Header["Cache-Control"], ",")), word)
}

// forbidden says why an answer is not kept whatever it holds.
func (a *Answer) forbidden() Why {
	if disposition, _, _ := mime.ParseMediaType(a.Header.Get("Content-Disposition")); disposition == "attachment" {
		return WhyAttachment
	}
	if a.control("no-store") && !a.listed(func(r *Rules) func(string) bool { return r.NoStore }) {
		return WhyNoStore
	}
	return ""
}

// reach says whom an answer may serve.
type reach uint8

const (
	reachAll   reach = iota // everybody
	reachOwn                // the visit alone, with bytes that are no secret: another may get a variant
	reachVisit              // the visit alone, in its vault
)

// reach: an answer is public where the request bore nothing by which the site
// could tell its user, and the answer does not say otherwise (security.md).
func (a *Answer) reach() reach {
	var named []string
	for _, line := range a.Header["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			named = append(named, strings.ToLower(strings.TrimSpace(name)))
		}
	}
	own, public := false, !a.Credentials && !a.control("private") && len(a.Header["Set-Cookie"]) == 0
	for _, name := range named {
		switch name {
		case "", "accept-encoding", "origin":
		case "*", "cookie", "authorization":
			public = false
		default:
			own = true
		}
	}
	switch {
	case !public && !a.listed(func(r *Rules) func(string) bool { return r.Public }):
		return reachVisit
	case own:
		return reachOwn
	}
	return reachAll
}

// kept are the headers that are written down, by their canonical names.
var kept = []string{
	"Content-Type", "Content-Language", "Content-Disposition", "Last-Modified", "Etag", "Cache-Control", "Expires", "Vary",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Cross-Origin-Resource-Policy", "X-Content-Type-Options", "Timing-Allow-Origin",
}

// variants are request headers whose values are written down where Vary names them.
var variants = []string{
	"Accept", "Accept-Language", "User-Agent", "Save-Data", "Dpr", "Width", "Viewport-Width", "Sec-Ch-Dpr", "Sec-Ch-Width", "Sec-Ch-Viewport-Width",
	"Sec-Ch-Prefers-Color-Scheme", "Sec-Ch-Ua-Mobile",
}

// maxHeader bounds a header's value that is written down, in bytes.
const maxHeader = 512

// header is what of the answer's header is written down, with the request's
// values of what the answer varies by.
func (a *Answer) header() map[string]string {
	out := map[string]string{}
	put := func(h http.Header, name string) {
		if values := h[name]; len(values) > 0 {
			if text := strings.Join(values, ", "); len(text) <= maxHeader {
				out[name] = text
			}
		}
	}
	for _, name := range kept {
		put(a.Header, name)
	}
	if vary := strings.ToLower(out["Vary"]); vary != "" {
		for _, name := range variants {
			for by := range strings.SplitSeq(vary, ",") {
				if strings.TrimSpace(by) == strings.ToLower(name) {
					put(a.Request, name)
				}
			}
		}
	}
	return out
}

func (a *Answer) source() Source {
	switch {
	case a.Fetched:
		return SourceFetched
	case a.Refetched:
		return SourceRefetched
	}
	return SourceTapped
}

// capture is what is known before the body came.
func (a *Answer) capture(k kind) Capture {
	u, _, _ := strings.Cut(a.URL, "#")
	c := Capture{URL: u, Time: a.Time.UTC(), By: a.Visit, Type: k.given, Status: a.Status, Header: a.header(), Source: a.source()}
	switch a.reach() {
	case reachVisit:
		c.Visit, c.Own = a.Visit, true
	case reachOwn:
		c.Own = true
	}
	return c
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}
