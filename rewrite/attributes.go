package rewrite

import "bytes"

// attribute is an attribute's name, as far as it means something to the rewriter.
type attribute uint8

const (
	atOther attribute = iota
	atHref
	atXlink
	atSrc
	atAction
	atFormaction
	atCite
	atData
	atPoster
	atLongdesc
	atManifest
	atProfile
	atCodebase
	atCode
	atBackground
	atLowsrc
	atDynsrc
	atPluginspage
	// Several URLs in a value.
	atSrcset
	atImagesrcset
	atPing
	atArchive
	atAttributionsrc
	// No URLs, or within something else.
	atStyle
	atSrcdoc
	atIntegrity
	atHandler // on…
	// Those from here on say what another attribute means: they alone need no look.
	atRel
	atAs
	atType
	atValuetype
	atName
	atValue
	atContent
	atHTTPEquiv
	atEncoding
	atColor
	atFace
	atSize
)

var attributes = newNames(map[attribute][]string{
	atHref: {"href"}, atXlink: {"xlink:href"}, atSrc: {"src"}, atAction: {"action"}, atFormaction: {"formaction"},
	atCite: {"cite"}, atData: {"data"}, atPoster: {"poster"}, atLongdesc: {"longdesc"}, atManifest: {"manifest"},
	atProfile: {"profile"}, atCodebase: {"codebase"}, atCode: {"code"}, atBackground: {"background"},
	atLowsrc: {"lowsrc"}, atDynsrc: {"dynsrc"}, atPluginspage: {"pluginspage"},
	atSrcset: {"srcset"}, atImagesrcset: {"imagesrcset"}, atPing: {"ping"}, atArchive: {"archive"}, atAttributionsrc: {"attributionsrc"},
	atStyle: {"style"}, atSrcdoc: {"srcdoc"}, atIntegrity: {"integrity"},
	atRel: {"rel"}, atAs: {"as"}, atType: {"type"}, atValuetype: {"valuetype"}, atName: {"name"}, atValue: {"value"},
	atContent: {"content"}, atHTTPEquiv: {"http-equiv"}, atEncoding: {"encoding"},
	atColor: {"color"}, atFace: {"face"}, atSize: {"size"},
})

// initials holds, for each length of a name, the first letters of the
// attributes that need a look: most others are passed over by that.
var initials = func() (t [16]uint32) {
	for _, name := range []string{
		"href", "xlink:href", "src", "action", "formaction", "cite", "data", "poster", "longdesc", "manifest", "profile", "codebase", "code", "background", "lowsrc", "dynsrc", "pluginspage",
		"srcset", "imagesrcset", "ping", "archive", "attributionsrc", "style", "srcdoc", "integrity",
	} {
		t[len(name)] |= 1 << (name[0] & 31)
	}
	for n := 3; n < len(t); n++ {
		t[n] |= 1 << ('o' & 31) // handlers
	}
	return t
}()

func isHandler(name []byte) bool {
	return len(name) > 2 && name[0]|0x20 == 'o' && name[1]|0x20 == 'n'
}

// presses reports whether an attribute may have to change. It is asked about those
// alone that initials let through.
func presses(name, value []byte, every bool) bool {
	switch string(name) { // the usual ones
	case "href", "src":
		return value[0] != '#' && (every || mayName(value))
	case "style":
		return mayNameInStyle(value, every)
	}
	if isHandler(name) {
		return bearsLiteral(value)
	}
	switch a := attributes.find(foldedKey(name)); {
	case a == atOther || a >= atRel:
		return false
	case a == atStyle:
		return mayNameInStyle(value, every)
	case a >= atSrcset:
		return every || a >= atSrcdoc || bytes.IndexByte(value, '/') >= 0 || bytes.IndexByte(value, ':') >= 0 || bytes.IndexByte(value, '\\') >= 0 || bytes.IndexByte(value, '&') >= 0
	}
	return value[0] != '#' && (every || mayName(value))
}

// mayNameInStyle reports whether a style attribute may hold a URL that the
// mapper has to see. Most of those with url() hold a relative one.
func mayNameInStyle(value []byte, every bool) bool {
	if bytes.IndexByte(value, '&') >= 0 {
		return true
	}
	if bytes.IndexByte(value, '(') < 0 {
		return false
	}
	if every || bytes.Contains(value, []byte("//")) || bytes.IndexByte(value, '\\') >= 0 || bytes.IndexByte(value, '\t') >= 0 {
		return true
	}
	for i := 0; ; i++ { // https:host needs no slashes
		n := bytes.IndexByte(value[i:], ':')
		if n < 0 {
			return false
		}
		if i += n; i >= 4 && (equalFold(value[i-4:i], "http") || equalFold(value[i-4:i], "ttps")) {
			return true
		}
	}
}

// span is an attribute in a tag, by places in the tag's bytes.
type span struct {
	name     attribute
	at, stop int  // the whole attribute, with the white space before it
	from, to int  // its value without quotes
	quote    byte // the quote in use, or 0
}

// spans reads the attributes of a start tag that mean something; i is where its
// name ends. Where a name comes twice the first one counts (HTML, 13.2.5.33); an
// integrity that is taken out would give way to the next, so that all are listed.
func spans(list []span, tag []byte, i int, find func(name []byte) attribute) []span {
	var seen uint64
	for i < len(tag) && tag[i] != '>' {
		before := i
		for i < len(tag) && classes[tag[i]]&classTagEnd != 0 && tag[i] != '>' {
			i++
		}
		if i == len(tag) || tag[i] == '>' {
			break
		}
		start := i
		for i++; i < len(tag) && classes[tag[i]]&classNameEnd == 0; i++ {
		}
		s := span{name: find(tag[start:i]), at: before, from: -1}
		i = s.value(tag, i)
		if s.name == atOther || seen>>s.name&1 != 0 && s.name != atHandler && s.name != atIntegrity {
			continue
		}
		seen |= 1 << s.name
		if s.from >= 0 {
			list = append(list, s)
		}
	}
	return list
}

// value reads what follows an attribute's name, which ends at i.
func (s *span) value(tag []byte, i int) int {
	s.stop = i
	for i < len(tag) && isSpace(tag[i]) {
		i++
	}
	if i == len(tag) || tag[i] != '=' {
		return i
	}
	for i++; i < len(tag) && isSpace(tag[i]); i++ {
	}
	if i == len(tag) || tag[i] == '>' {
		return i
	}
	if q := tag[i]; q == '"' || q == '\'' {
		n := bytes.IndexByte(tag[i+1:], q)
		if n < 0 {
			return len(tag)
		}
		s.quote, s.from, s.to, s.stop = q, i+1, i+1+n, i+n+2
		return s.stop
	}
	s.from = i
	for i < len(tag) && classes[tag[i]]&classUnquoted == 0 {
		i++
	}
	s.to, s.stop = i, i
	return i
}

// attributeHTML and attributeXML find a name as a document of their kind does.
func attributeHTML(name []byte) attribute {
	if isHandler(name) {
		return atHandler
	}
	return attributes.find(foldedKey(name))
}

func attributeXML(name []byte) attribute {
	if len(name) > 2 && name[0] == 'o' && name[1] == 'n' {
		return atHandler
	}
	return attributes.find(exactKey(name))
}

func exactKey(name []byte) (k key) {
	for i, c := range name {
		k = k.add(c, i)
	}
	return k
}

// attr returns the place of an attribute in a list, or -1.
func attr(list []span, name attribute) int {
	for i := range list {
		if list[i].name == name {
			return i
		}
	}
	return -1
}
