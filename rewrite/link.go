package rewrite

import "strings"

// MapLink maps the targets of a Link header (RFC 8288, 3), and the anchor
// parameters, with f's answers; all other bytes stay. What a target is for
// follows from the parameters rel and as, as for link elements. From where the
// syntax is not understood, the value stays as it is.
func MapLink(v string, f func(target string, use Use) string) string {
	var out strings.Builder
	kept, pos := 0, 0
	replace := func(from, to int, use Use, write func(string) string) {
		text := v[from:to]
		if mapped := f(text, use); mapped != text {
			out.WriteString(v[kept:from])
			out.WriteString(write(mapped))
			kept = to
		}
	}
	for {
		l, ok := readLink(v, pos)
		if !ok {
			break
		}
		replace(l.from, l.to, relUse([]byte(l.rel), []byte(l.as)), inAngles)
		if l.anchorTo > l.anchorFrom {
			replace(l.anchorFrom, l.anchorTo, UseMention, inQuotes)
		}
		pos = l.end
	}
	if kept == 0 {
		return v
	}
	out.WriteString(v[kept:])
	return out.String()
}

// inAngles keeps a target within its brackets.
func inAngles(target string) string { return strings.ReplaceAll(target, ">", "%3E") }

// inQuotes keeps a target within its quotes, or without any.
func inQuotes(target string) string {
	return strings.NewReplacer(`"`, "%22", `\`, "%5C", ",", "%2C", ";", "%3B", " ", "%20").Replace(target)
}

// link is where the parts of one link of a Link header stand.
type link struct {
	from, to             int // the target, without its brackets
	anchorFrom, anchorTo int
	end                  int
	rel, as              string
	hasRel               bool
}

// readLink reads the link at pos (RFC 8288, B.2).
func readLink(v string, pos int) (l link, ok bool) {
	for pos < len(v) && (isBlank1(v[pos]) || v[pos] == ',') {
		pos++
	}
	if pos == len(v) || v[pos] != '<' {
		return l, false
	}
	n := strings.IndexByte(v[pos:], '>')
	if n < 0 {
		return l, false
	}
	l.from, l.to, l.end = pos+1, pos+n, pos+n+1
	for {
		l.end = skipBlanks(v, l.end)
		if l.end == len(v) || v[l.end] != ';' {
			break
		}
		l.param(v, skipBlanks(v, l.end+1))
	}
	// What follows the parameters and is none belongs to no link.
	for l.end < len(v) && v[l.end] != ',' {
		l.end++
	}
	return l, true
}

// param reads the parameter at pos.
func (l *link) param(v string, pos int) {
	end := pos
	for end < len(v) && !isBlank1(v[end]) && v[end] != '=' && v[end] != ';' && v[end] != ',' {
		end++
	}
	name := strings.ToLower(v[pos:end])
	l.end = skipBlanks(v, end)
	if l.end == len(v) || v[l.end] != '=' {
		return
	}
	from := skipBlanks(v, l.end+1)
	var to int
	if from < len(v) && v[from] == '"' {
		from++
		to = quotedEnd(v, from)
		l.end = min(to+1, len(v))
	} else {
		to = from
		for to < len(v) && v[to] != ';' && v[to] != ',' && !isBlank1(v[to]) {
			to++
		}
		l.end = to
	}
	switch name {
	case "rel":
		if !l.hasRel { // the first one counts (RFC 8288, 3.3)
			l.rel, l.hasRel = v[from:to], true
		}
	case "as":
		l.as = v[from:to]
	case "anchor":
		if l.anchorTo == 0 && strings.IndexByte(v[from:to], '\\') < 0 {
			l.anchorFrom, l.anchorTo = from, to
		}
	}
}

// quotedEnd returns where the quote is that ends a text.
func quotedEnd(v string, pos int) int {
	for pos < len(v) && v[pos] != '"' {
		if v[pos] == '\\' {
			pos++
		}
		pos++
	}
	return min(pos, len(v))
}

func isBlank1(c byte) bool { return c == ' ' || c == '\t' }

func skipBlanks(v string, pos int) int {
	for pos < len(v) && isBlank1(v[pos]) {
		pos++
	}
	return pos
}

// relUse is what a link of these types leads to; as counts for those that only
// load ahead.
func relUse(rel, as []byte) Use {
	if hasWord(rel, "stylesheet") {
		return UseStyle
	}
	if hasWord(rel, "preload") || hasWord(rel, "prefetch") {
		return asUse(as)
	}
	for _, r := range relUses {
		if hasWord(rel, r.rel) {
			return r.use
		}
	}
	return UseMention
}
