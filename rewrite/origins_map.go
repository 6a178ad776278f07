package rewrite

import (
	"bytes"
	"strings"
)

// At returns the Mapper for a document or style sheet whose URL, as the browser
// sees it, is page. The page of a third party may be under the prefix.
func (o *Origins) At(page string) Mapper {
	m := &pageMapper{o: o}
	rest, ok := strings.CutPrefix(page, o.own.url)
	if !ok {
		rest = "/"
	}
	m.path = []byte(rest)
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		m.path = m.path[:i]
	}
	m.place = place{kind: atOwn, scheme: o.own.scheme, path: m.path}
	under, ok := strings.CutPrefix(string(m.path), o.prefix)
	if !ok || o.assets.empty() {
		return m
	}
	scheme, host, path, ok := o.cutAsset(under)
	if !ok {
		return m
	}
	m.place = place{kind: atAsset, scheme: schemeHTTPS, origin: scheme + "://" + host, path: []byte(path), visible: true}
	if scheme == "http" {
		m.place.scheme = schemeHTTP
	}
	return m
}

// MapURL maps a URL of a header of the site's front page.
func (o *Origins) MapURL(v string, use Use) string {
	mapped, fate := o.At(o.own.url+"/").Map(nil, use, nil, []byte(v))
	if fate == Keep {
		return v
	}
	return string(mapped)
}

// pageMapper is the Mapper of one page.
type pageMapper struct {
	o     *Origins
	place place
	path  []byte // of the page, as the browser sees it
}

type placeKind uint8

const (
	atOwn       placeKind = iota // the page's origin is the gateway's
	atAsset                      // a third party that is configured
	atElsewhere                  // any other origin
)

// place is what relative references are relative to.
type place struct {
	kind    placeKind
	scheme  urlScheme
	origin  string // of a third party
	path    []byte // on that origin
	visible bool   // the browser sees it under the prefix
}

// All implements Mapper: a third party's page has references that look like
// the site's own.
func (m *pageMapper) All() bool {
	return m.place.kind == atAsset || m.o.archived != nil
}

// Map implements Mapper.
func (m *pageMapper) Map(dst []byte, use Use, base, ref []byte) ([]byte, Fate) {
	if ref = trimURL(ref); len(ref) == 0 || ref[0] == '#' {
		return dst, Keep
	}
	at := m.place
	if len(base) > 0 && use != UseBase {
		var room [512]byte
		at = m.based(room[:0], base)
	}
	r := splitRef(ref, at.scheme)
	start := len(dst)
	fate := Keep
	switch r.kind {
	case refHost:
		dst, fate = m.absolute(dst, use, ref, r, at)
	case refRelative:
		dst, fate = m.relative(dst, use, ref, r, at)
	}
	if m.o.archived != nil && r.kind != refOther && isAsset(use) {
		return m.copyOf(dst, start, fate, use, ref, r, at)
	}
	return dst, fate
}

// isAsset tells the uses that may have an archived copy.
func isAsset(use Use) bool {
	return use == UseStyle || use == UseImage || use == UseFont || use == UseMedia
}

// isBrought tells the uses for which third parties are brought under the
// prefix: what shapes the page. Scripts and pings need not be captured.
func isBrought(use Use) bool { return isAsset(use) || use == UseFrame }

func fateOf(use Use) Fate {
	if use == UseStyle || use == UseFrame {
		return Alter
	}
	return Move
}

// stays is for what keeps its URL: a style sheet of ours may yet be changed.
func (m *pageMapper) stays(dst []byte, use Use, ref []byte) ([]byte, Fate) {
	if use == UseStyle && !m.o.Empty() {
		return append(dst, ref...), Alter
	}
	return dst, Keep
}

// absolute maps a reference that names a host.
func (m *pageMapper) absolute(dst []byte, use Use, ref []byte, r urlRef, at place) ([]byte, Fate) {
	var room [maxHost + 16]byte
	for _, scheme := range m.schemes(r.scheme, at) {
		origin, ok := appendOrigin(room[:0], scheme, r.host)
		if !ok {
			return dst, Keep
		}
		if t, ok := m.o.hosts[string(origin)]; ok {
			return append(append(dst, t.reached(r.scheme)...), r.rest...), fateOf(use)
		}
		if string(origin) == m.o.own.url {
			return m.stays(dst, use, ref)
		}
	}
	scheme := r.scheme
	if scheme == noScheme {
		scheme = m.brought(at)
	}
	if scheme != schemeHTTP && scheme != schemeHTTPS {
		return dst, Keep
	}
	origin, _ := appendOrigin(room[:0], scheme, r.host)
	if !m.brings(use, origin, scheme) {
		return dst, Keep
	}
	return m.appendAsset(dst, origin, r.rest), fateOf(use)
}

// reached is the target for a reference of that scheme.
func (t *target) reached(scheme urlScheme) string {
	if scheme == schemeWS || scheme == schemeWSS {
		return t.socket
	}
	return t.url
}

// schemes are those that a reference without one may mean: the site's own, when
// it is reached without the gateway, and that of the page.
func (m *pageMapper) schemes(scheme urlScheme, at place) []urlScheme {
	all := schemeList[:]
	switch {
	case scheme != noScheme:
		return all[scheme : scheme+1]
	case at.kind != atOwn:
		return all[at.scheme : at.scheme+1]
	case m.o.site.scheme == m.o.own.scheme:
		return all[m.o.own.scheme : m.o.own.scheme+1]
	case m.o.site.scheme == schemeHTTP:
		return all[schemeHTTP : schemeHTTPS+1]
	}
	return bothSchemes[:]
}

var (
	schemeList  = [...]urlScheme{noScheme, schemeHTTP, schemeHTTPS, schemeWS, schemeWSS, otherScheme}
	bothSchemes = [...]urlScheme{schemeHTTPS, schemeHTTP}
)

// brought is the scheme by which a third party is asked that a reference
// without a scheme names: never a weaker one than the browser would use.
func (m *pageMapper) brought(at place) urlScheme {
	if at.kind != atOwn {
		return at.scheme
	}
	return max(m.o.own.scheme, m.o.site.scheme)
}

// brings reports whether a third party's URL is brought under the prefix: on
// its own pages whatever it is for.
func (m *pageMapper) brings(use Use, origin []byte, scheme urlScheme) bool {
	if m.place.kind == atAsset && string(origin) == m.place.origin {
		return use != UseMention
	}
	return isBrought(use) && m.o.assets.has(origin[len(schemeNames[scheme])+len("://"):], scheme)
}

// appendAsset appends the URL under the prefix for one of a third party. Dots in
// it lead no further than to that party's root.
func (m *pageMapper) appendAsset(dst, origin, rest []byte) []byte {
	dst = m.appendPrefix(dst, origin)
	path, query := cutPath(rest)
	if len(path) == 0 || hasDots(path) {
		return append(appendPath(dst, len(dst), path), query...)
	}
	return append(dst, rest...)
}

// appendPrefix appends what stands for a third party's origin.
func (m *pageMapper) appendPrefix(dst, origin []byte) []byte {
	dst = append(append(dst, m.o.own.url...), m.o.prefix...)
	i := bytes.IndexByte(origin, ':')
	dst = append(append(dst, origin[:i]...), '/')
	return append(dst, origin[i+len("://"):]...)
}

// hasDots reports whether a path may have dot segments.
func hasDots(path []byte) bool {
	for len(path) > 0 {
		if !isSlash(path[0]) {
			path = path[1:]
			continue
		}
		path = path[1:]
		end := 0
		for end < len(path) && !isSlash(path[end]) {
			end++
		}
		if dotSegment(path[:end]) > 0 {
			return true
		}
		path = path[end:]
	}
	return false
}

// relative maps a reference to the origin of the page or of its base.
func (m *pageMapper) relative(dst []byte, use Use, ref []byte, r urlRef, at place) ([]byte, Fate) {
	switch {
	case at.kind == atOwn:
		return m.stays(dst, use, ref)
	case at.kind == atElsewhere:
		return dst, Keep
	case !at.visible:
		// The browser would ask the third party itself.
		if !isBrought(use) || len(r.rest) == 0 {
			return dst, Keep
		}
	case use == UseMention:
		return dst, Keep
	case r.scheme == noScheme && !isSlash(r.rest[0]) && !climbs(at.path, r.rest):
		return m.stays(dst, use, ref)
	}
	var room [maxHost + 16]byte
	dst = m.appendPrefix(dst, append(room[:0], at.origin...))
	return appendResolved(dst, at.path, r.rest), fateOf(use)
}

// based is what references are relative to in a document with a base element;
// room is for its path.
func (m *pageMapper) based(room, base []byte) place {
	base = trimURL(base)
	r := splitRef(base, m.place.scheme)
	switch r.kind {
	case refOther:
		return m.place // a base that is no URL, or data:, does not count
	case refRelative:
		at := m.place
		path, _ := cutPath(r.rest)
		if len(path) > 0 {
			at.path = appendResolved(room, at.path, path)
		}
		return at
	}
	return m.basedAt(r)
}

// basedAt is for a base that names a host.
func (m *pageMapper) basedAt(r urlRef) place {
	path, _ := cutPath(r.rest)
	if len(path) == 0 {
		path = []byte("/")
	}
	var room [maxHost + 16]byte
	at := place{kind: atElsewhere, scheme: r.scheme, path: path}
	for _, scheme := range m.schemes(r.scheme, m.place) {
		origin, ok := appendOrigin(room[:0], scheme, r.host)
		if !ok {
			return m.place
		}
		t, mapped := m.o.hosts[string(origin)]
		if mapped && t.own || string(origin) == m.o.own.url {
			at.kind, at.scheme = atOwn, m.o.own.scheme
		}
		if mapped || at.kind == atOwn {
			return at
		}
	}
	if at.scheme == noScheme {
		at.scheme = m.brought(m.place)
	}
	origin, _ := appendOrigin(room[:0], at.scheme, r.host)
	at.visible = m.place.kind == atAsset && string(origin) == m.place.origin
	if at.visible || m.brings(UseImage, origin, at.scheme.overHTTP()) {
		at.kind, at.origin = atAsset, string(origin)
	}
	return at
}

// copyOf asks for an archived copy of what a reference leads to; it was mapped
// to dst[start:] unless its fate is to be kept.
func (m *pageMapper) copyOf(dst []byte, start int, fate Fate, use Use, ref []byte, r urlRef, at place) ([]byte, Fate) {
	end := len(dst)
	var room [512]byte
	visible := m.appendVisible(room[:0], dst[start:end], fate, ref, r, at)
	if len(visible) == 0 {
		return dst, fate
	}
	path, ok := m.o.archived(use, string(visible))
	if !ok {
		return dst, fate
	}
	_, fragment := cutFragment(ref)
	dst = append(append(dst[:start], m.o.own.url...), path...)
	return append(dst, fragment...), fateOf(use)
}

// appendVisible appends the absolute URL, without fragment, that the browser
// would ask the gateway for; nothing where it would ask another.
func (m *pageMapper) appendVisible(dst, mapped []byte, fate Fate, ref []byte, r urlRef, at place) []byte {
	if fate != Keep && !bytes.Equal(mapped, ref) {
		rest, ok := bytes.CutPrefix(mapped, []byte(m.o.own.url))
		if !ok || len(rest) > 0 && !endsAuthority(rest[0]) {
			return nil
		}
		return m.appendOwn(dst, nil, rest)
	}
	switch {
	case r.kind == refHost && m.isOwn(r, at):
		return m.appendOwn(dst, nil, r.rest)
	case r.kind != refRelative:
		return nil
	case at.kind == atOwn:
		return m.appendOwn(dst, at.path, r.rest)
	case at.kind == atAsset && at.visible:
		full := m.appendPrefix(nil, []byte(at.origin))
		return m.appendOwn(dst, append(full[len(m.o.own.url):], at.path...), r.rest)
	}
	return nil
}

func (m *pageMapper) isOwn(r urlRef, at place) bool {
	var room [maxHost + 16]byte
	for _, scheme := range m.schemes(r.scheme, at) {
		if origin, ok := appendOrigin(room[:0], scheme, r.host); ok && string(origin) == m.o.own.url {
			return true
		}
	}
	return false
}

// appendOwn appends a URL of the gateway's, as browsers send it: what rest leads
// to from a page at path.
func (m *pageMapper) appendOwn(dst, path, rest []byte) []byte {
	rest, _ = cutFragment(rest)
	if len(path) == 0 {
		path = []byte("/")
	}
	dst = append(dst, m.o.own.url...)
	return appendSent(dst, appendResolved(nil, path, rest))
}
