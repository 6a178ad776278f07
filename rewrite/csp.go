package rewrite

import (
	"slices"
	"strings"
)

// CSPNeeds is what our own script needs from a page's policy, and what the
// policy has to say of origins that are mapped.
type CSPNeeds struct {
	Nonce string // of the script tag; with Scripts empty too, the script needs nothing
	// Scripts are the absolute URL of the script, and what it imports from: by
	// a nonce alone both run, since an import has its script's nonce.
	Scripts []string
	// Connect are source expressions that the script connects to.
	Connect []string
	// Map is what the page's URLs are mapped by; nil where they are not.
	Map *Origins
}

// CSP edits the value of a Content-Security-Policy header (or meta element) so
// that our script runs and connects, and what the policy allows is allowed under
// the name by which the browser reaches it. Nothing else is that was not before.
// Each of several policies, separated by commas, is edited, since all of them
// must agree (CSP 3, 3.1). What restricts neither stays byte for byte: trusted
// types (our script uses no sink), sandbox, 'report-to' and unknown directives.
func CSP(value string, need CSPNeeds) string {
	policies := strings.Split(value, ",")
	for i, p := range policies {
		policies[i] = editPolicy(p, need)
	}
	return strings.Join(policies, ",")
}

func editPolicy(text string, need CSPNeeds) string {
	p := policy(strings.Split(text, ";"))
	// The site's sources first: ours are no reason to map anything.
	if need.Map != nil {
		p = need.Map.policy(p)
	}
	if need.Nonce != "" || len(need.Scripts) > 0 {
		p = p.allow(need.scriptSources, "script-src-elem", "script-src")
	}
	p = p.allow(need.connectSources, "connect-src")
	return strings.Join(p, ";")
}

// policy is a policy's directives, as they were written.
type policy []string

// directiveName is the name of a directive, in lower case.
func directiveName(directive string) string {
	words := cspWords(directive)
	if len(words) == 0 {
		return ""
	}
	return strings.ToLower(words[0])
}

// cspWords splits at ASCII white space, and at no other.
func cspWords(text string) []string { return strings.FieldsFunc(text, isCSPSpace) }

func isCSPSpace(r rune) bool { return r < 0x80 && isSpace(byte(r)) }

// find returns the first directive of that name: later ones are ignored by
// browsers (CSP 3, 2.2.1).
func (p policy) find(name string) int {
	for i, d := range p {
		if directiveName(d) == name {
			return i
		}
	}
	return -1
}

// allow adds sources to the first of the named directives that is there; when
// only default-src is, the last name is added with default-src's own sources,
// so that default-src goes on to mean the same for everything else.
func (p policy) allow(extra func(sources) []string, names ...string) policy {
	for _, n := range names {
		if i := p.find(n); i >= 0 {
			p[i] = withSources(p[i], extra(sourcesOf(p[i])))
			return p
		}
	}
	i := p.find("default-src")
	if i < 0 {
		return p
	}
	list := sourcesOf(p[i])
	add := extra(list)
	if len(add) == 0 {
		return p
	}
	words := append([]string{names[len(names)-1]}, list.withoutNone()...)
	own := " " + strings.Join(append(words, add...), " ")
	if last := len(p) - 1; strings.TrimSpace(p[last]) == "" {
		return append(p[:last:last], own, p[last]) // before the last semicolon
	}
	return append(p, own)
}

// withSources adds sources to a directive. 'none' beside others means nothing,
// and is taken out (CSP 3, 2.3.1).
func withSources(directive string, add []string) string {
	if len(add) == 0 {
		return directive
	}
	list := sourcesOf(directive)
	if kept := list.withoutNone(); len(kept) < len(list) {
		name := cspWords(directive)[0]
		before, _, _ := strings.Cut(directive, name)
		return before + strings.Join(append(append([]string{name}, kept...), add...), " ")
	}
	return strings.TrimRightFunc(directive, isCSPSpace) + " " + strings.Join(add, " ")
}

// sources is a source list.
type sources []string

func sourcesOf(directive string) sources {
	words := cspWords(directive)
	if len(words) == 0 {
		return nil
	}
	return words[1:]
}

func (s sources) withoutNone() (out sources) {
	for _, e := range s {
		if !equalFold([]byte(e), "'none'") {
			out = append(out, e)
		}
	}
	return out
}

// has reports whether a keyword is in the list, given in lower case.
func (s sources) has(keyword string) bool {
	for _, e := range s {
		if equalFold([]byte(e), keyword) {
			return true
		}
	}
	return false
}

// byNonce reports whether scripts are told by nonce, hash or trust, so that
// 'unsafe-inline' has no effect (CSP 3, 6.7.3.2).
func (s sources) byNonce() bool {
	for _, e := range s {
		e = strings.ToLower(e)
		if e == "'strict-dynamic'" || strings.HasPrefix(e, "'nonce-") || strings.HasPrefix(e, "'sha") {
			return true
		}
	}
	return false
}

// allowsAll reports whether a URL is allowed by "*" or by its scheme alone
// (CSP 3, 6.7.2.8: http stands for https, and ws for wss, too).
func (s sources) allowsAll(url string) bool {
	scheme, _, _ := strings.Cut(url, ":")
	for _, e := range s {
		switch e = strings.ToLower(e); {
		case e == "*", e == scheme+":":
			return true
		case e == "http:" && scheme == "https", e == "ws:" && scheme == "wss":
			return true
		}
	}
	return false
}

// scriptSources returns what must be added for our script. A nonce would end
// the effect of 'unsafe-inline', so that such a list gets the script's URL;
// where scripts are told by nonce or hash, a URL may have no effect.
func (need CSPNeeds) scriptSources(list sources) []string {
	byNonce := list.byNonce()
	urls := len(need.Scripts) > 0
	if !byNonce && urls && list.allowsAll(need.Scripts[0]) {
		return nil
	}
	if need.Nonce == "" || !byNonce && list.has("'unsafe-inline'") && urls {
		return list.missing(need.Scripts...)
	}
	return list.missing("'nonce-" + need.Nonce + "'")
}

func (need CSPNeeds) connectSources(list sources) (add []string) {
	for _, c := range need.Connect {
		if !list.allowsAll(c) {
			add = append(add, list.missing(c)...)
		}
	}
	return add
}

// missing returns those expressions that the list has not.
func (s sources) missing(expressions ...string) (out []string) {
	for _, e := range expressions {
		if e != "" && !slices.Contains(s, e) {
			out = append(out, e)
		}
	}
	return out
}
