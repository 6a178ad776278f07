package rewrite

import "bytes"

// metaCharset returns the label that a meta element in head names, in lower
// case (HTML, 13.2.3.3, "prescan a byte stream").
func metaCharset(head []byte) string {
	for i := 0; i < len(head); {
		n := bytes.IndexByte(head[i:], '<')
		if n < 0 {
			return ""
		}
		i += n
		rest := head[i:]
		switch {
		case begins(rest, "<!--"):
			n = bytes.Index(rest[2:], []byte("-->"))
			if n < 0 {
				return ""
			}
			i += 2 + n + 3
		case len(rest) > 1 && isLetter(rest[1]), len(rest) > 2 && rest[1] == '/' && isLetter(rest[2]):
			end := prescanTag(rest)
			if end == 0 {
				return ""
			}
			if label := metaLabel(rest[:end]); label != "" {
				return label
			}
			i += end
		case len(rest) > 1 && (rest[1] == '!' || rest[1] == '/' || rest[1] == '?'):
			n = bytes.IndexByte(rest, '>')
			if n < 0 {
				return ""
			}
			i += n + 1
		default:
			i++
		}
	}
	return ""
}

// prescanTag returns the length of a tag, 0 where it is cut off.
func prescanTag(b []byte) int {
	var s span
	i := 1
	for i < len(b) && classes[b[i]]&classTagEnd == 0 {
		i++
	}
	for i < len(b) && b[i] != '>' {
		if classes[b[i]]&classTagEnd != 0 {
			i++
			continue
		}
		for i++; i < len(b) && classes[b[i]]&classNameEnd == 0; i++ {
		}
		i = s.value(b, i)
	}
	if i >= len(b) {
		return 0
	}
	return i + 1
}

func metaLabel(tag []byte) string {
	if len(tag) < 6 || !equalFold(tag[1:5], "meta") || classes[tag[5]]&classTagEnd == 0 {
		return ""
	}
	var pragma, content []byte
	var label []byte
	list := spans(nil, tag, 5, func(name []byte) attribute {
		if equalFold(name, "charset") {
			return atHref // any one that can be told apart
		}
		return attributes.find(foldedKey(name))
	})
	for _, s := range list {
		value := tag[s.from:s.to]
		switch s.name {
		case atHref:
			label = value
		case atHTTPEquiv:
			pragma = value
		case atContent:
			content = value
		}
	}
	if label == nil && equalFold(pragma, "content-type") {
		label = charsetOf(content)
	}
	return string(bytes.ToLower(bytes.TrimSpace(label)))
}

// charsetOf extracts an encoding from a content attribute (HTML, 2.5.5).
func charsetOf(content []byte) []byte {
	for i := 0; i+7 <= len(content); i++ {
		if !equalFold(content[i:i+7], "charset") {
			continue
		}
		j := skipSpace(content, i+7)
		if j == len(content) || content[j] != '=' {
			continue
		}
		value := content[skipSpace(content, j+1):]
		if len(value) > 0 && (value[0] == '"' || value[0] == '\'') {
			n := bytes.IndexByte(value[1:], value[0])
			if n < 0 {
				return nil
			}
			return value[1 : 1+n]
		}
		if n := bytes.IndexAny(value, "; \t\n\f\r"); n >= 0 {
			value = value[:n]
		}
		return value
	}
	return nil
}
