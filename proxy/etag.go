package proxy

import (
	"net/http"
	"strings"
)

// A page with our tag is another variant of the site's: its entity tag is weak
// and bears the rewriter's version, so that an older copy is never confirmed.
// The letter says what the site's own validator was.
const (
	variant        = "pillion1"
	variantStrong  = `W/"` + variant + `s-`
	variantWeak    = `W/"` + variant + `w-`
	variantOfDates = `W/"` + variant + `d"` // the site sent Last-Modified alone
)

// variantTag puts our entity tag in place of the site's.
func variantTag(h http.Header) {
	tag := h.Get("Etag")
	weak, isWeak := strings.CutPrefix(tag, `W/"`)
	strong, isStrong := strings.CutPrefix(tag, `"`)
	switch {
	case isWeak:
		h.Set("Etag", variantWeak+weak)
	case isStrong:
		h.Set("Etag", variantStrong+strong)
	case h.Get("Last-Modified") != "":
		h.Set("Etag", variantOfDates)
	}
}

// mapConditions turns our entity tags back into the site's and reports whether
// there were any. A document without them is an old copy, from before the tag,
// and is asked for anew.
func mapConditions(h http.Header, document bool) bool {
	ours := false
	for _, name := range []string{"If-None-Match", "If-Match", "If-Range"} {
		var tags []string
		for _, line := range h[name] {
			for tag := range strings.SplitSeq(line, ",") {
				tag = strings.TrimSpace(tag)
				mapped, is := siteTag(tag)
				ours = ours || is
				if mapped != "" && (is || !document || name != "If-None-Match") {
					tags = append(tags, mapped)
				}
			}
		}
		h.Del(name)
		if len(tags) > 0 {
			h.Set(name, strings.Join(tags, ", "))
		}
	}
	if document && !ours {
		h.Del("If-Modified-Since")
	}
	return ours
}

// siteTag is the site's entity tag behind one of ours; empty when the site had none.
func siteTag(tag string) (string, bool) {
	if rest, ok := strings.CutPrefix(tag, variantStrong); ok {
		return `"` + rest, true
	}
	if rest, ok := strings.CutPrefix(tag, variantWeak); ok {
		return `W/"` + rest, true
	}
	if tag == variantOfDates {
		return "", true
	}
	return tag, false
}
