package archive

import (
	"bytes"
	"mime"
	"net/http"
	"path"
	"strings"
)

// class is what a file is to a page: bounds are set by it.
type class uint8

const (
	classNone class = iota
	classStyle
	classImage
	classFont
	classMedia
	classDocument // in a frame, or in a tab of its own
)

// Limits are the largest files that are kept, in bytes; 0 for the default. More
// than MaxLimit is not kept in any case.
type Limits struct{ Style, Image, Font, Media, Document int64 }

// MaxLimit bounds Limits.
const MaxLimit = maxObject

var defaultLimits = Limits{Style: 16 << 20, Image: 32 << 20, Font: 16 << 20, Media: 64 << 20, Document: 32 << 20}

func (l Limits) of(c class) int64 {
	pick := func(set, otherwise int64) int64 {
		if set <= 0 {
			set = otherwise
		}
		return min(set, MaxLimit)
	}
	switch c {
	case classStyle:
		return pick(l.Style, defaultLimits.Style)
	case classImage:
		return pick(l.Image, defaultLimits.Image)
	case classFont:
		return pick(l.Font, defaultLimits.Font)
	case classMedia:
		return pick(l.Media, defaultLimits.Media)
	}
	return pick(l.Document, defaultLimits.Document)
}

// classOf tells what a media type is to a page.
func classOf(kind string) class {
	switch kind {
	case "text/css":
		return classStyle
	case "application/font-woff", "application/x-font-woff", "application/font-woff2", "application/x-font-ttf", "application/x-font-truetype",
		"application/x-font-opentype", "application/font-sfnt", "application/vnd.ms-fontobject":
		return classFont
	case "text/vtt", "application/ogg":
		return classMedia
	case "application/pdf", "application/x-pdf", "text/html", "application/xhtml+xml":
		return classDocument
	}
	switch top, rest, _ := strings.Cut(kind, "/"); {
	case rest == "":
		return classNone
	case top == "image":
		return classImage
	case top == "font":
		return classFont
	case top == "audio" || top == "video":
		return classMedia
	}
	return classNone
}

// wanted is the class of what a browser asked for, by Sec-Fetch-Dest.
func wanted(dest string) class {
	switch dest {
	case "style":
		return classStyle
	case "image":
		return classImage
	case "font":
		return classFont
	case "audio", "video", "track":
		return classMedia
	case "document", "iframe", "frame", "object", "embed", "fencedframe":
		return classDocument
	}
	return classNone
}

// extensions stand in where neither the server nor the browser says what a file is.
var extensions = map[string]class{
	".woff2": classFont, ".woff": classFont, ".ttf": classFont, ".otf": classFont, ".ttc": classFont, ".eot": classFont,
	".png": classImage, ".jpg": classImage, ".jpeg": classImage, ".gif": classImage, ".webp": classImage, ".avif": classImage, ".bmp": classImage, ".ico": classImage,
	".mp4": classMedia, ".webm": classMedia, ".ogg": classMedia, ".mp3": classMedia, ".wav": classMedia, ".pdf": classDocument,
}

func byExtension(u string) class {
	u, _, _ = strings.Cut(u, "?")
	return extensions[strings.ToLower(path.Ext(u))]
}

// kind is what an answer may be, before its content is seen.
type kind struct {
	class
	given string // media type with its charset; empty: none that means anything
	sniff bool   // the content decides
}

// labelled reads a Content-Type: the media type, lower case, and it with its
// charset and nothing else. It is lenient, as browsers are: what follows the
// type need not be well-formed.
func labelled(given string) (media, label string) {
	media, params, err := mime.ParseMediaType(given)
	if err != nil && media == "" {
		media, _, _ = strings.Cut(given, ";")
		if media = strings.ToLower(strings.TrimSpace(media)); strings.ContainsAny(media, " \t\"(),;:@[]") {
			return "", ""
		}
	}
	if charset := params["charset"]; charset != "" {
		if label = mime.FormatMediaType(media, map[string]string{"charset": charset}); label != "" {
			return media, label
		}
	}
	return media, media
}

// vague are labels that say nothing.
var vague = map[string]bool{
	"": true, "application/octet-stream": true, "binary/octet-stream": true, "text/plain": true,
	"application/unknown": true, "unknown/unknown": true, "*/*": true,
}

// kindOf reads an answer's type as browsers do. A label that says nothing leaves
// it to what the file is for, and to its first bytes.
func kindOf(a *Answer) kind {
	media, label := labelled(a.Header.Get("Content-Type"))
	k := kind{class: classOf(media), given: label}
	want := wanted(a.Dest)
	switch {
	case (want == classImage || want == classFont) && (k.class == classNone || k.class == classDocument):
		return kind{class: want, sniff: true} // both are told by their bytes, whatever the label
	case k.class == classDocument && want != classDocument && media != "application/pdf":
		return kind{} // markup that is no frame's
	case k.class == classImage:
		k.sniff = media != "image/svg+xml" // browsers go by the bytes
	case !vague[media]:
	case want == classStyle:
		k.class = classStyle // pages in quirks mode take it
		if media == "" {
			k.given = "text/css"
		}
	case want != classNone:
		return kind{class: want, sniff: true}
	case a.Dest == "" || a.Refetched || a.Fetched:
		return kind{class: byExtension(a.URL), sniff: true}
	}
	return k
}

// settle is the media type of content; empty where it is none for the class.
func (k kind) settle(head []byte) string {
	if !k.sniff {
		return k.given
	}
	found := sniffed(head)
	if c := classOf(found); c == k.class || c == classMedia && found == "application/ogg" {
		return found
	}
	if k.given != "" && classOf(strings.TrimSpace(strings.SplitN(k.given, ";", 2)[0])) == k.class && !strings.HasPrefix(found, "text/html") {
		return k.given // a format that is not known here
	}
	return ""
}

// sniffLen is how much of the content tells what it is.
const sniffLen = 512

func sniffed(head []byte) string {
	if len(head) >= 12 && string(head[4:8]) == "ftyp" && bytes.HasPrefix(head[8:], []byte("avi")) {
		return "image/avif"
	}
	if bytes.HasPrefix(head, []byte("wOF2")) {
		return "font/woff2"
	}
	found, _, _ := strings.Cut(http.DetectContentType(head), ";")
	return found
}
