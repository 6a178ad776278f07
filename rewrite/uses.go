package rewrite

import "bytes"

// use says what the URL in an attribute is for; false where there is none.
func (d *Document) use(tag []byte, a attribute, e element) (Use, bool) {
	switch a {
	case atHref:
		return d.hrefUse(tag, e)
	case atXlink:
		return xlinkUse(e), true
	case atSrc:
		return srcUse(e)
	case atAction:
		return UseNavigate, e == elForm
	case atFormaction:
		return UseNavigate, e == elButton || e == elInput
	case atCite:
		return UseMention, e == elCite || e == elQuote
	case atLongdesc:
		return UseMention, e == elImg || e == elIframe || e == elFrame
	case atPluginspage:
		return UseMention, e == elEmbed
	case atData:
		return UseFrame, e == elObject
	case atCodebase:
		return UseFrame, e == elObject || e == elApplet
	case atCode:
		return UseScript, e == elApplet
	case atPoster, atBackground, atLowsrc, atDynsrc:
		return UseImage, showsImage(a, e)
	case atManifest:
		return UseConnect, e == elHTML
	case atValue:
		return UseMedia, e == elParam && d.namesMedia(tag)
	}
	return 0, false
}

func showsImage(a attribute, e element) bool {
	switch a {
	case atPoster:
		return e == elVideo
	case atBackground:
		return e == elBody || e == elTable || e == elCell || e == elRow
	}
	return e == elImg || e == elInput
}

func (d *Document) hrefUse(tag []byte, e element) (Use, bool) {
	switch e {
	case elA, elArea:
		return UseNavigate, true
	case elBase:
		return UseBase, true
	case elLink:
		return d.linkUse(tag), true
	case elPicture, elUse:
		return UseImage, true
	case elScript:
		return UseScript, true // SVG's
	}
	return 0, false
}

func xlinkUse(e element) Use {
	switch e {
	case elA:
		return UseNavigate
	case elScript:
		return UseScript
	}
	return UseImage
}

func srcUse(e element) (Use, bool) {
	switch e {
	case elIframe, elFrame, elEmbed:
		return UseFrame, true
	case elImg, elInput, elPicture:
		return UseImage, true
	case elScript:
		return UseScript, true
	case elSource, elTrack, elVideo, elAudio, elSound:
		return UseMedia, true
	}
	return 0, false
}

// namesMedia reports whether a param element's value is a URL.
func (d *Document) namesMedia(tag []byte) bool {
	if equalFold(d.attrText(tag, atValuetype), "ref") {
		return true
	}
	name := d.attrText(tag, atName)
	for _, n := range []string{"movie", "src", "url", "filename", "href", "data", "code", "codebase", "archive"} {
		if equalFold(name, n) {
			return true
		}
	}
	return false
}

// relUses are the link types that say what a link leads to (HTML, 4.6.7), the
// ones that decide first in front.
var relUses = []struct {
	rel string
	use Use
}{
	{"stylesheet", UseStyle},
	{"modulepreload", UseScript},
	{"icon", UseImage}, {"apple-touch-icon", UseImage}, {"apple-touch-icon-precomposed", UseImage}, {"apple-touch-startup-image", UseImage}, {"mask-icon", UseImage}, {"fluid-icon", UseImage}, {"image_src", UseImage},
	{"manifest", UseConnect}, {"preconnect", UseConnect}, {"dns-prefetch", UseConnect}, {"pingback", UseConnect}, {"compression-dictionary", UseConnect},
	{"prerender", UseNavigate},
	{"canonical", UseMention}, {"shortlink", UseMention},
	{"alternate", UseNavigate}, {"next", UseNavigate}, {"prev", UseNavigate}, {"help", UseNavigate}, {"author", UseNavigate}, {"license", UseNavigate}, {"search", UseNavigate}, {"bookmark", UseNavigate},
}

func (d *Document) linkUse(tag []byte) Use {
	rel := d.attrText(tag, atRel)
	if hasWord(rel, "stylesheet") {
		return UseStyle
	}
	if hasWord(rel, "preload") || hasWord(rel, "prefetch") {
		return asUse(d.attrText(tag, atAs))
	}
	for _, r := range relUses {
		if hasWord(rel, r.rel) {
			return r.use
		}
	}
	return UseMention
}

func asUse(as []byte) Use {
	for _, a := range []struct {
		as  string
		use Use
	}{
		{"style", UseStyle}, {"script", UseScript}, {"worker", UseScript}, {"image", UseImage}, {"font", UseFont},
		{"audio", UseMedia}, {"video", UseMedia}, {"track", UseMedia}, {"document", UseFrame}, {"embed", UseFrame}, {"object", UseFrame},
	} {
		if equalFold(as, a.as) {
			return a.use
		}
	}
	return UseConnect
}

// hasWord reports whether a list with white space between holds a word.
func hasWord(list []byte, word string) bool {
	for len(list) > 0 {
		n := bytes.IndexAny(list, " \t\n\f\r")
		if n < 0 {
			n = len(list)
		}
		if equalFold(list[:n], word) {
			return true
		}
		list = list[min(n+1, len(list)):]
	}
	return false
}

// attrText returns the value of an attribute of the tag at hand, its references
// undone and white space around it stripped. It is good until the next one.
func (d *Document) attrText(tag []byte, name attribute) []byte {
	i := attr(d.spans, name)
	if i < 0 {
		return nil
	}
	return bytes.TrimSpace(d.plain(tag[d.spans[i].from:d.spans[i].to]))
}
