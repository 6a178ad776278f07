package proxy

import (
	"iter"
	"net/http"
	"strings"
)

// rewriterVersion goes up when the same page comes out of the rewriter as another.
const rewriterVersion = "2"

// A page that we changed is another variant of the site's: its entity tag is
// weak and bears the rewriter's version and a digest of what it depends on, so
// that an older copy is never confirmed. A letter after it says what the site's
// own validator was.
const (
	variantMark    = "pillion" + rewriterVersion + "-"
	variantStrong  = `s-`
	variantWeak    = `w-`
	variantOfDates = `d"` // the site sent Last-Modified alone
)

// variantTag puts our entity tag in place of the site's.
func variantTag(h http.Header, variant string) {
	tag := h.Get("Etag")
	weak, isWeak := strings.CutPrefix(tag, `W/"`)
	strong, isStrong := strings.CutPrefix(tag, `"`)
	switch {
	case isWeak:
		h.Set("Etag", `W/"`+variant+variantWeak+weak)
	case isStrong:
		h.Set("Etag", `W/"`+variant+variantStrong+strong)
	case h.Get("Last-Modified") != "":
		h.Set("Etag", `W/"`+variant+variantOfDates)
	}
}

// mapConditions turns our entity tags back into the site's and reports whether
// there were any. A document without them is an old copy, from before the tag,
// and is asked for anew.
func mapConditions(h http.Header, variant string, document bool) bool {
	ours := false
	for _, name := range [...]string{"If-None-Match", "If-Match", "If-Range"} {
		lines := h[name]
		if len(lines) == 0 {
			continue
		}
		var tags []string
		for _, line := range lines {
			for tag := range entityTags(line) {
				mapped, is := siteTag(tag, variant)
				ours = ours || is
				stale := !is && (document && name == "If-None-Match" || strings.HasPrefix(tag, `W/"`+variantMark[:len("pillion")]))
				if mapped != "" && !stale {
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

// entityTags yields the entity tags of a list; they may hold commas.
func entityTags(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for start, quoted, i := 0, false, 0; i <= len(list); i++ {
			switch {
			case i < len(list) && list[i] == '"':
				quoted = !quoted
			case i == len(list) || list[i] == ',' && !quoted:
				if tag := strings.TrimSpace(list[start:i]); tag != "" && !yield(tag) {
					return
				}
				start = i + 1
			}
		}
	}
}

// siteTag is the site's entity tag behind one of ours; empty when the site had none.
func siteTag(tag, variant string) (string, bool) {
	rest, is := strings.CutPrefix(tag, `W/"`)
	if is {
		rest, is = strings.CutPrefix(rest, variant)
	}
	if !is {
		return tag, false
	}
	if strong, ok := strings.CutPrefix(rest, variantStrong); ok {
		return `"` + strong, true
	}
	if weak, ok := strings.CutPrefix(rest, variantWeak); ok {
		return `W/"` + weak, true
	}
	if rest == variantOfDates {
		return "", true
	}
	return tag, false
}
