package rewrite

import "bytes"

// meta edits a pragma: a policy in the head, or a refresh. A policy in the body
// is ignored by browsers (HTML, 4.2.5.3), and so it stays.
func (d *Document) meta(tag []byte) {
	pragma := d.attrText(tag, atHTTPEquiv)
	i := attr(d.spans, atContent)
	if i < 0 {
		return
	}
	s := &d.spans[i]
	switch {
	case d.head && d.templates == 0 && equalFold(pragma, "content-security-policy"):
		d.policy(tag, s)
	case d.mapping && equalFold(pragma, "refresh"):
		d.list(tag, s, UseNavigate, AppendRefresh)
	}
}

// policy writes the edited policy in double quotes: most of what is in it is in
// single ones.
func (d *Document) policy(tag []byte, s *span) {
	value := string(d.plain(tag[s.from:s.to]))
	edited := d.opts.Policy(value)
	if edited == value {
		return
	}
	text := escape{quote: '"', xml: true, numeric: d.wide}.append([]byte{'"'}, []byte(edited))
	from, to := s.from, s.to
	if s.quote != 0 {
		from, to = from-1, to+1
	}
	d.put(from, to, append(text, '"'))
}

// literals maps the origins in a handler or a javascript: URL.
func (d *Document) literals(tag []byte, s *span, script []byte) {
	out, changed := d.appendScript(d.joined[:0], script)
	d.joined = out[:0]
	if changed {
		d.replace(tag, s, s.from, s.to, script, out)
	}
}

// appendScript appends script with the origins of literals in it mapped, and
// nothing else: scheme://host, and //host right after a quote, with the slashes
// escaped as in JSON or not.
func (d *Document) appendScript(dst, script []byte) ([]byte, bool) {
	changed, kept, floor := false, 0, 0
	if hasScheme(script, "javascript:") {
		floor = bytes.IndexByte(script, ':') + 1 // javascript://x is a comment
	}
	for i := floor; ; {
		n := bytes.IndexByte(script[i:], '/')
		if n < 0 {
			return append(dst, script[kept:]...), changed
		}
		i += n
		from, to, escaped := literal(script, floor, i)
		if to == 0 {
			i++
			continue
		}
		dst = append(dst, script[kept:from]...)
		var ok bool
		if dst, ok = d.appendOrigin(dst, script[from:to], escaped); !ok {
			dst = append(dst, script[from:to]...)
		}
		changed = changed || ok
		i, kept, floor = to, to, to
	}
}

// literal returns where the origin stands whose first slash is at i, and whether
// its slashes are escaped; to is 0 where there is none. It looks back no further
// than to floor.
func literal(script []byte, floor, i int) (from, to int, escaped bool) {
	from, host := i, i+1
	if i > floor && script[i-1] == '\\' {
		escaped, from = true, i-1
		if host == len(script) || script[host] != '\\' {
			return 0, 0, false
		}
		host++
	}
	if host >= len(script) || script[host] != '/' {
		return 0, 0, false
	}
	host++
	to = host
	for to < len(script) && isHost(script[to]) {
		to++
	}
	if to == host {
		return 0, 0, false
	}
	if from > floor && script[from-1] == ':' {
		from--
		for from > floor && (isLetter(script[from-1]) || isDigit(script[from-1])) {
			from--
		}
		return from, to, escaped
	}
	if from > floor && (script[from-1] == '"' || script[from-1] == '\'' || script[from-1] == '`') {
		return from, to, escaped
	}
	return 0, 0, false
}

// isHost reports whether a byte may stand in a host and port.
func isHost(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '.' || c == '-' || c == ':' || c == '_' || c == '[' || c == ']' || c >= 0x80
}

// appendOrigin appends what stands for an origin; the path that follows stays.
func (d *Document) appendOrigin(dst, origin []byte, escaped bool) ([]byte, bool) {
	ref := origin
	if escaped {
		d.origin = append(d.origin[:0], origin...)
		ref = dropBackslashes(d.origin)
	}
	start := len(dst)
	dst, ok := d.mapURL(dst, UseNavigate, ref, true)
	if !ok {
		return dst, false
	}
	dst = bytes.TrimSuffix(dst, []byte("/"))
	if escaped {
		d.origin = append(d.origin[:0], dst[start:]...)
		dst = dst[:start]
		for _, c := range d.origin {
			if c == '/' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
	}
	return dst, true
}

func dropBackslashes(b []byte) []byte {
	n := 0
	for _, c := range b {
		if c != '\\' {
			b[n] = c
			n++
		}
	}
	return b[:n]
}
