package replayui

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/rewrite"
)

// archivePath is where assets are served from on the console's listener:
// /archive/{session}/{page}/{scheme}/{host}/{path}?{query}.
const archivePath = "/archive/"

// assetURLs visits the URLs of a page that lead to files which shape how it
// looks. It implements events.URLs.
type assetURLs struct {
	// visit is given an absolute URL without fragment, and returns what stands for it.
	visit func(u *url.URL) string
}

// toArchive leads URLs to the archive.
func toArchive(session events.SessionID, page events.PageID) assetURLs {
	prefix := archivePath + string(session) + "/" + strconv.FormatUint(uint64(page), 10) + "/"
	return assetURLs{func(u *url.URL) string {
		mapped := prefix + u.Scheme + "/" + u.Host + u.EscapedPath()
		if u.RawQuery != "" || u.ForceQuery {
			mapped += "?" + u.RawQuery
		}
		return mapped
	}}
}

// fromArchive is the URL behind a path below the prefix of a session and page.
func fromArchive(rest, query string) (string, bool) {
	scheme, rest, ok := strings.Cut(rest, "/")
	if !ok || scheme != "http" && scheme != "https" {
		return "", false
	}
	host, path, _ := strings.Cut(rest, "/")
	if host == "" {
		return "", false
	}
	u := scheme + "://" + host + "/" + path
	if query != "" {
		u += "?" + query
	}
	return u, true
}

// Attr implements events.URLs.
func (a assetURLs) Attr(base string, el *events.Node, name, value string) string {
	switch name {
	case "style":
		return a.CSS(base, value)
	case "fill", "stroke", "filter", "mask", "clip-path", "marker-start", "marker-mid", "marker-end", "cursor":
		if el.Namespace == events.SVGNamespace { // what attributes say as a style sheet would
			return a.CSS(base, value)
		}
	case "srcset", "imagesrcset":
		return rewrite.Srcset(value, func(u string) string { return a.one(base, u) })
	case "src", "poster", "background", "data":
		if el.Name == "script" || el.Name == "iframe" || el.Name == "frame" {
			return value
		}
		return a.one(base, value)
	case "href", "xlink:href":
		if loadsHref(el) {
			return a.one(base, value)
		}
	}
	return value
}

// loadsHref tells links that load a file from those that a person follows.
func loadsHref(el *events.Node) bool {
	switch el.Name {
	case "image", "feImage", "use":
		return true
	case "link":
		rel, _ := el.Attr("rel")
		for word := range strings.FieldsSeq(strings.ToLower(rel)) {
			if word == "stylesheet" || word == "icon" {
				return true
			}
		}
	}
	return false
}

// CSS implements events.URLs.
func (a assetURLs) CSS(base, text string) string {
	if !strings.Contains(text, "(") && !strings.Contains(text, "@") {
		return text
	}
	return rewrite.CSS(text, func(u string) string { return a.one(base, u) })
}

// one resolves a URL as a browser does, and lets it be visited.
func (a assetURLs) one(base, ref string) string {
	ref = strings.Trim(ref, " \t\r\n\f")
	if ref == "" || ref[0] == '#' {
		return ref
	}
	u := resolve(base, ref)
	if u == nil {
		return ref
	}
	fragment := ""
	if u.Fragment != "" {
		fragment = "#" + u.EscapedFragment()
		u.Fragment, u.RawFragment = "", ""
	}
	return a.visit(u) + fragment
}

// resolve returns an absolute http or https URL, nil for others.
func resolve(base, ref string) *url.URL {
	b, err := url.Parse(base)
	if err != nil {
		return nil
	}
	u, err := b.Parse(strings.ReplaceAll(ref, `\`, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	u.User = nil
	if u.Path == "" {
		u.Path = "/"
	}
	return u
}

// asSent is a URL as a browser sends it: what a capture was stored under.
func asSent(u *url.URL) string {
	out := *u
	out.Fragment, out.RawFragment = "", ""
	return out.String()
}
