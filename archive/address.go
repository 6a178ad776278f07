package archive

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// listed are names of parameters whose values open something, as in the capture
// script (replayui/web/src/page/addresses.ts): what it masks in a page is found
// here under the same address.
var listed = regexp.MustCompile(`token|secret|passw|session|api[-_]?key|signature|csrf|xsrf|jwt|ticket|credential|^(?:code|key|auth|authorization|sid|sig|pass|pwd|pin|otp|samlresponse)$`)

var (
	userInfo  = regexp.MustCompile(`(?i)^([a-z][-+.\w]*:)?//[^/?#]*@`)
	pathParam = regexp.MustCompile(`(;)([^=&#;?]*)=([^&#;?]*)`)
	parameter = regexp.MustCompile(`([?&#])([^=&#;?]*)=([^&#;]*)`)
)

// Address is a URL as it is written down: without credentials, and without the
// values of parameters that open something, by the list or by names (in lower
// case), also where such a URL is a parameter itself. Applied again it changes nothing.
func Address(u string, names map[string]bool) string {
	if !strings.ContainsAny(u, "?#;@") {
		return u
	}
	u = userInfo.ReplaceAllString(u, "$1//")
	for _, form := range []*regexp.Regexp{pathParam, parameter} {
		u = form.ReplaceAllStringFunc(u, func(whole string) string {
			m := form.FindStringSubmatch(whole)
			if opens(plainText(m[2]), names) || withinAddress(plainText(m[3]), names) {
				return m[1] + m[2] + "=***"
			}
			return whole
		})
	}
	return u
}

func opens(name string, names map[string]bool) bool {
	name = strings.ToLower(name)
	return names[name] || listed.MatchString(name)
}

// withinAddress reports whether a value is a URL, or a query, that says too much.
func withinAddress(plain string, names map[string]bool) bool {
	if !strings.Contains(plain, "=") {
		return false
	}
	if !strings.ContainsAny(plain, "?#;") {
		plain = "?" + plain
	}
	return Address(plain, names) != plain
}

func plainText(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// Addressed is an index that writes addresses down as [Address] has them, and
// looks them up alike. Two URLs that differ in a token alone are one address in
// it: their times and visits tell them apart.
func Addressed(index CaptureIndex, names map[string]bool) CaptureIndex {
	return addressed{index, names}
}

type addressed struct {
	CaptureIndex
	names map[string]bool
}

func (a addressed) Add(ctx context.Context, captures []Capture) error {
	list := make([]Capture, len(captures))
	for i, c := range captures {
		c.URL, c.Location = Address(c.URL, a.names), Address(c.Location, a.names)
		list[i] = c
	}
	return a.CaptureIndex.Add(ctx, list)
}

func (a addressed) Find(ctx context.Context, u, visit string, from, to time.Time) (Capture, error) {
	return a.CaptureIndex.Find(ctx, Address(u, a.names), visit, from, to)
}
