package rewrite

import (
	"bytes"
	"strings"
	"sync"
)

// CSS calls f for each URL of a style sheet, unescaped, and returns the sheet
// with f's answers in their places; all other bytes stay. URLs are those of
// url(), src(), @import, image() and image-set(), found by tokens as in CSS
// Syntax 3, so that comments, strings and @namespace hold none. A bad URL token
// stays, and so does one that is longer than 64 KiB.
func CSS(src string, f func(url string) string) string {
	if strings.IndexByte(src, '(') < 0 && strings.IndexByte(src, '@') < 0 {
		return src
	}
	s := cssScanners.Get().(*cssScanner)
	defer s.release()
	s.reset(nil, nil)
	s.each = f
	out, changed := s.whole(nil, []byte(src))
	if !changed {
		return src
	}
	return string(out)
}

// AppendCSS appends a style sheet, or what a style attribute holds, to dst, with
// m's answers in place of its URLs; all other bytes stay as they are in src. It
// reports whether any URL changed. base is the document's, as for [Mapper].
//
// A changed URL is written in the form in which it was: in the same quotes, or
// without quotes where its characters allow it.
func AppendCSS(dst, src, base []byte, m Mapper) ([]byte, bool) {
	if m == nil || bytes.IndexByte(src, '(') < 0 && bytes.IndexByte(src, '@') < 0 {
		return append(dst, src...), false
	}
	s := cssScanners.Get().(*cssScanner)
	defer s.release()
	s.reset(m, base)
	return s.whole(dst, src)
}

var cssScanners = sync.Pool{New: func() any { return new(cssScanner) }}

// release gives the scanner back, without what belongs to the caller.
func (s *cssScanner) release() {
	s.m, s.base, s.each, s.buf, s.out = nil, nil, nil, nil, nil
	cssScanners.Put(s)
}

// whole reads a sheet that is there as a whole.
func (s *cssScanner) whole(dst, src []byte) ([]byte, bool) {
	s.buf, s.out, s.final = src, dst, true
	s.run()
	return append(s.out, src[s.kept:]...), s.changed
}

// found asks what stands for the URL in buf[from:to], and writes it. Its token
// is buf[start:end]; quote is 0 for a URL without quotes.
func (s *cssScanner) found(start, end, from, to int, quote byte) {
	if s.each != nil {
		s.foundEach(start, end, from, to, quote)
		return
	}
	// The URL parser strips these itself (URL Standard, 4.4).
	ref := trimURL(s.decoded(s.buf[from:to], true))
	if len(ref) == 0 || !s.all && !NamesOrigin(ref) {
		return
	}
	mapped, fate := s.m.Map(s.mapped[:0], s.use, s.base, ref)
	if cap(mapped) <= maxToken {
		s.mapped = mapped[:0]
	}
	if fate == Keep || bytes.Equal(mapped, ref) {
		return
	}
	s.out = append(s.out, s.buf[s.kept:from]...)
	s.kept, s.changed = to, true
	switch {
	case quote != 0:
		s.out = appendCSSText(s.out, mapped, quote)
	case plainCSS(mapped):
		s.out = append(s.out, mapped...)
	default:
		s.out = append(appendCSSText(append(s.out, '"'), mapped, '"'), '"')
	}
}

// foundEach is found for [CSS], which writes every URL in double quotes.
func (s *cssScanner) foundEach(start, end, from, to int, quote byte) {
	text := string(s.decoded(s.buf[from:to], false))
	u := s.each(text)
	if u == text {
		return
	}
	s.out = append(s.out, s.buf[s.kept:start]...)
	s.kept, s.changed = end, true
	if quote == 0 {
		s.out = append(s.out, "url("...)
	}
	s.out = append(appendCSSText(append(s.out, '"'), []byte(u), '"'), '"')
	if quote == 0 {
		s.out = append(s.out, ')')
	}
}

// appendCSSText appends what stands between quotes for a text. Bytes past ASCII
// stay as they are: a style sheet need not be UTF-8. '<' and '>' are escaped,
// so that no URL ends the style element or CDATA section around it.
func appendCSSText(dst, text []byte, quote byte) []byte {
	const hex = "0123456789abcdef"
	for _, b := range text {
		switch {
		case b == quote || b == '\\':
			dst = append(dst, '\\', b)
		case b < 0x20 || b == 0x7f || b == '<' || b == '>':
			if b >= 0x10 {
				dst = append(dst, '\\', hex[b>>4], hex[b&15], ' ')
			} else {
				dst = append(dst, '\\', hex[b], ' ')
			}
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// plainCSS reports whether a URL may stand in url() without quotes.
func plainCSS(u []byte) bool {
	for _, b := range u {
		if cssClass[b]&cssURLStop != 0 || b == '<' || b == '>' {
			return false
		}
	}
	return true
}
