package rewrite

// element is a tag's name, as far as it means something to the rewriter.
type element uint8

const (
	elOther      element = iota
	elKnown              // of HTML, without a meaning of its own here
	elVoid               // of HTML and without content: col, wbr, keygen
	elPhrase             // ends foreign content: b, em, span
	elBlock              // ends foreign content and a paragraph: div, ul, h1
	elRule               // hr
	elBreak              // br
	elPara               // p
	elItem               // li, dd, dt
	elRow                // tr, tbody, option: ended by its own kind
	elCell               // td, th
	elTable              // table
	elA                  // a
	elArea               // area
	elForm               // form, isindex
	elButton             // button
	elImg                // img
	elInput              // input
	elFrame              // frame
	elSource             // source
	elTrack              // track
	elVideo              // video
	elAudio              // audio
	elEmbed              // embed
	elObject             // object
	elApplet             // applet
	elCite               // del, ins, q
	elQuote              // blockquote
	elFont               // font
	elSound              // bgsound, basefont
	elPicture            // image: SVG's; HTML reads it as img
	elUse                // use, feImage
	elHTMLInSVG          // foreignObject, desc
	elMathText           // mi, mo, mn, ms, mtext
	elMathGlyph          // mglyph, malignmark
	elAnnotation         // annotation-xml
	// Those from here on need a look whatever their attributes are.
	elSpecial
	elHTML
	elHead
	elBody
	elFrameset
	elBase
	elMeta
	elLink
	elScript
	elStyle
	elTitle
	elNoscript
	elTemplate
	elIframe
	elRaw // its content is text: textarea, xmp, noembed
	elNoframes
	elPlaintext
	elSelect
	elParam
	elSVG
	elMath
	elCount
)

var elements = newNames(elementNames)

var elementNames = map[element][]string{
	elKnown:      {"abbr", "acronym", "address", "article", "aside", "bdi", "bdo", "canvas", "caption", "cite", "colgroup", "data", "datalist", "details", "dfn", "dialog", "fieldset", "figcaption", "figure", "footer", "header", "hgroup", "kbd", "label", "legend", "main", "map", "mark", "marquee", "meter", "nav", "output", "picture", "progress", "rp", "rt", "samp", "search", "section", "slot", "summary", "time"},
	elVoid:       {"col", "keygen", "wbr"},
	elPhrase:     {"b", "big", "code", "em", "i", "nobr", "ruby", "s", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var"},
	elBlock:      {"center", "div", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "listing", "menu", "ol", "pre", "ul"},
	elRule:       {"hr"},
	elBreak:      {"br"},
	elPara:       {"p"},
	elItem:       {"li", "dd", "dt"},
	elRow:        {"tr", "tbody", "thead", "tfoot", "option", "optgroup"},
	elCell:       {"td", "th"},
	elTable:      {"table"},
	elA:          {"a"},
	elArea:       {"area"},
	elForm:       {"form", "isindex"},
	elButton:     {"button"},
	elImg:        {"img"},
	elFrame:      {"frame"},
	elSource:     {"source"},
	elTrack:      {"track"},
	elVideo:      {"video"},
	elAudio:      {"audio"},
	elEmbed:      {"embed"},
	elObject:     {"object"},
	elApplet:     {"applet"},
	elCite:       {"del", "ins", "q"},
	elQuote:      {"blockquote"},
	elFont:       {"font"},
	elSound:      {"bgsound", "basefont"},
	elPicture:    {"image"},
	elUse:        {"use", "feimage", "feImage"},
	elHTMLInSVG:  {"foreignobject", "desc"},
	elMathText:   {"mi", "mo", "mn", "ms", "mtext"},
	elMathGlyph:  {"mglyph", "malignmark"},
	elAnnotation: {"annotation-xml"},
	elHTML:       {"html"},
	elHead:       {"head"},
	elBody:       {"body"},
	elFrameset:   {"frameset"},
	elBase:       {"base"},
	elMeta:       {"meta"},
	elLink:       {"link"},
	elScript:     {"script"},
	elStyle:      {"style"},
	elTitle:      {"title"},
	elNoscript:   {"noscript"},
	elTemplate:   {"template"},
	elIframe:     {"iframe"},
	elRaw:        {"textarea", "xmp", "noembed"},
	elNoframes:   {"noframes"},
	elPlaintext:  {"plaintext"},
	elSelect:     {"select"},
	elInput:      {"input"},
	elParam:      {"param"},
	elSVG:        {"svg"},
	elMath:       {"math"},
}

// specials holds, for each length of a name, the first letters of the elements
// that need a look whatever their attributes are.
var specials = func() (t [9]uint32) {
	for e, spellings := range elementNames {
		for _, s := range spellings {
			if e >= elSpecial && len(s) < len(t) {
				t[len(s)] |= 1 << (s[0] & 31)
			}
		}
	}
	return t
}()

// trait is what the tree builder does with an element.
type trait uint8

const (
	inHead   trait = 1 << iota // allowed in a head (HTML, 13.2.6.4.4): does not end it
	noChild                    // void: has no content and no end tag
	breakout                   // ends foreign content (HTML, 13.2.6.5)
	rawText                    // its content is text up to its own end tag
)

var traits = [elCount]trait{
	elVoid: noChild, elRule: noChild | breakout, elBreak: noChild | breakout,
	elPhrase: breakout, elBlock: breakout, elPara: breakout, elItem: breakout, elQuote: breakout, elTable: breakout,
	elArea: noChild, elImg: noChild | breakout, elFrame: noChild, elSource: noChild, elTrack: noChild,
	elEmbed: noChild | breakout, elSound: noChild | inHead, elInput: noChild, elParam: noChild, elPicture: noChild,
	elHTML: inHead, elHead: inHead | breakout, elBody: breakout,
	elBase: noChild | inHead, elMeta: noChild | inHead | breakout, elLink: noChild | inHead,
	elScript: rawText | inHead, elStyle: rawText | inHead, elTitle: rawText | inHead, elNoscript: rawText | inHead,
	elNoframes: rawText | inHead, elTemplate: inHead,
	elIframe: rawText, elRaw: rawText, elPlaintext: rawText,
}

func (e element) has(t trait) bool { return traits[e]&t != 0 }
