package rewrite

// Use says what a URL is for: what may become of it depends on that.
type Use uint8

// The uses of URLs in documents and style sheets.
const (
	UseNavigate Use = iota // followed by a person: a, area, form, meta refresh
	UseBase                // base href: other URLs are resolved against it
	UseFrame               // a document within the page: iframe, frame, object, embed
	UseStyle               // a style sheet
	UseScript              // a script, a module, an import map's entry, a worker
	UseImage
	UseFont
	UseMedia   // audio, video, tracks
	UseConnect // asked in the background: ping, attributionsrc, manifest, preconnect
	UseMention // named and not loaded: cite, longdesc, profile, canonical
)

// Fate is what becomes of a URL.
type Fate uint8

// The fates of URLs.
const (
	Keep  Fate = iota // the authored bytes stay
	Move              // another URL stands for it; what it leads to has the same bytes
	Alter             // what it leads to may come with other bytes (its integrity attribute has to go); the URL may be the same
)

// Mapper decides what stands for a URL. It is safe for concurrent use.
type Mapper interface {
	// Map appends to dst what stands for ref, and says what becomes of it; with
	// Keep, dst comes back as it was. ref is what a browser reads: character
	// references and CSS escapes undone, spaces around it stripped; it may be
	// relative. base is the href of the document's first base element, read in
	// the same way; empty where there is none (yet) and in style sheets.
	// Neither slice may be kept.
	Map(dst []byte, use Use, base, ref []byte) ([]byte, Fate)
	// All reports whether Map has to see every URL. Where it need not, it sees
	// those alone that may name a scheme or a host (see [NamesOrigin]), those of
	// elements with an integrity attribute, and every one of a document that
	// has a base element.
	All() bool
}
