package rewrite

import (
	"bytes"
	"io"
	"strings"
)

// maxHold bounds how many bytes an Injector keeps back while it looks for the
// place of the tag. A page whose head starts later passes unchanged.
const maxHold = 64 << 10

// Options says what an [Injector] adds.
type Options struct {
	// Tag is the markup to add. It has to be short: it moves the page's own
	// <meta charset> towards the 1,024 bytes in which browsers look for it.
	Tag string
}

// ScriptTag is the markup of a classic script, well-formed as XML too. The
// nonce is left out when empty.
func ScriptTag(src, nonce string) string {
	if nonce == "" {
		return `<script src="` + escapeAttr(src) + `"></script>`
	}
	return `<script src="` + escapeAttr(src) + `" nonce="` + escapeAttr(nonce) + `"></script>`
}

func escapeAttr(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		switch s[i] {
		case '&':
			out = append(out, "&amp;"...)
		case '"':
			out = append(out, "&quot;"...)
		case '<':
			out = append(out, "&lt;"...)
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

// Injector copies an HTML document to a writer and adds one tag: right after
// the head's start tag, else before the first tag that is neither html nor
// head, else at the end. It never adds before the doctype nor within a comment.
// Every other byte is copied as it came.
type Injector struct {
	w    io.Writer
	tag  string
	held []byte // not written yet: the place may still be in it
	scan int    // all of held before it was looked at
	done bool   // the place was found, or given up
	hit  bool
}

// Inject returns an Injector that writes to w. Close has to be called at the
// document's end; it does not close w.
func Inject(w io.Writer, opts Options) *Injector {
	return &Injector{w: w, tag: opts.Tag}
}

// Injected reports whether the tag was added.
func (in *Injector) Injected() bool { return in.hit }

// Done reports whether every byte from here on is copied as it comes.
func (in *Injector) Done() bool { return in.done }

// Write implements io.Writer. What comes before the place of the tag may be
// kept back, at most 64 KiB of it; everything after it is written at once.
func (in *Injector) Write(p []byte) (int, error) {
	if in.done {
		return in.w.Write(p)
	}
	in.held = append(in.held, p...)
	at, found := in.place()
	if found {
		return len(p), in.insert(at)
	}
	if len(in.held) > maxHold {
		in.done = true
		return len(p), in.flush()
	}
	return len(p), nil
}

// Close writes what was kept back. A document without any tag gets its tag at
// the end; an empty one stays empty.
func (in *Injector) Close() error {
	if in.done {
		return nil
	}
	in.done = true
	if len(bytes.TrimSpace(in.held)) == 0 || in.scan < len(in.held) {
		// What is left is an unfinished tag or comment: nothing may follow it.
		return in.flush()
	}
	return in.insert(len(in.held))
}

func (in *Injector) flush() error {
	_, err := in.w.Write(in.held)
	in.held = nil
	return err
}

func (in *Injector) insert(at int) error {
	in.done, in.hit = true, true
	in.held = append(in.held, in.tag...)
	tail := in.held[at : len(in.held)-len(in.tag)]
	copy(in.held[at+len(in.tag):], tail)
	copy(in.held[at:], in.tag)
	return in.flush()
}

// place looks through held from scan on. It returns an index when a whole
// token decides; a token that is cut off at the end waits for more input.
func (in *Injector) place() (int, bool) {
	for in.scan < len(in.held) {
		rest := in.held[in.scan:]
		lt := bytes.IndexByte(rest, '<')
		if lt < 0 {
			in.scan = len(in.held)
			return 0, false
		}
		in.scan += lt
		end, kind, ok := token(in.held[in.scan:])
		if !ok {
			return 0, false
		}
		switch kind {
		case tokenHead:
			return in.scan + end, true
		case tokenOther:
			return in.scan, true
		case tokenSkip:
			in.scan += end
		}
	}
	return 0, false
}

type tokenKind int

const (
	tokenSkip  tokenKind = iota // text, comment, doctype, html, an end tag
	tokenHead                   // the head's start tag
	tokenOther                  // a start tag that opens head or body by itself
)

// token reads the token at the start of b, which begins with '<'. It returns
// its length, or false where more input has to decide.
func token(b []byte) (int, tokenKind, bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	switch c := b[1]; {
	case c == '!':
		return declaration(b)
	case c == '?':
		return until(b, ">", 2)
	case c == '/':
		if len(b) < 3 {
			return 0, 0, false
		}
		if !isLetter(b[2]) {
			return until(b, ">", 2)
		}
		end, ok := tagEnd(b)
		return end, tokenSkip, ok
	case !isLetter(c):
		return 1, tokenSkip, true
	}
	end, ok := tagEnd(b)
	if !ok {
		return 0, 0, false
	}
	switch name(b[1:end]) {
	case "html":
		return end, tokenSkip, true
	case "head":
		return end, tokenHead, true
	}
	return end, tokenOther, true
}

const commentStart = "<!--"

// declaration reads a comment, a doctype or a bogus comment.
func declaration(b []byte) (int, tokenKind, bool) {
	if len(b) < 4 && strings.HasPrefix(commentStart, string(b)) {
		return 0, 0, false
	}
	if !bytes.HasPrefix(b, []byte(commentStart)) {
		return doctype(b)
	}
	// <!--> and <!---> are whole comments (HTML, 13.2.5.43 and 44).
	for _, short := range []string{"<!-->", "<!--->"} {
		if bytes.HasPrefix(b, []byte(short)) {
			return len(short), tokenSkip, true
		}
	}
	n, _, ok := until(b, "-->", 4)
	if m, _, bang := until(b, "--!>", 4); bang && (!ok || m < n) {
		return m, tokenSkip, true
	}
	if ok {
		return n, tokenSkip, true
	}
	return 0, 0, false
}

// doctype ends at its first '>', whatever the quotes (HTML, 13.2.5.59). What
// an internal subset of XML leaves behind is read as text and declarations.
func doctype(b []byte) (int, tokenKind, bool) {
	return until(b, ">", 2)
}

func until(b []byte, end string, from int) (int, tokenKind, bool) {
	i := bytes.Index(b[from:], []byte(end))
	if i < 0 {
		return 0, 0, false
	}
	return from + i + len(end), tokenSkip, true
}

// tagEnd finds the '>' that ends a tag; those within quoted values do not.
// A quote counts only where a value may begin, as in the HTML tokenizer.
func tagEnd(b []byte) (int, bool) {
	var quote byte
	value := false // right after '=' and white space
	for i := 1; i < len(b); i++ {
		c := b[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return i + 1, true
		case value && (c == '"' || c == '\''):
			quote, value = c, false
		case c == '=':
			value = true
		case !isSpace(c):
			value = false
		}
	}
	return 0, false
}

func name(b []byte) string {
	end := 0
	for end < len(b) && !isSpace(b[end]) && b[end] != '/' && b[end] != '>' {
		end++
	}
	return string(bytes.ToLower(b[:end]))
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'
}
