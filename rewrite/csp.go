package rewrite

import "strings"

// CSPNeeds is what our own script needs from a page's policy.
type CSPNeeds struct {
	Nonce  string // of the script tag; with Script empty too, the script needs nothing
	Script string // absolute URL of the script
	// Connect are source expressions that the script connects to.
	Connect []string
}

// CSP edits the value of a Content-Security-Policy header (or meta element) so
// that our script runs and connects, and nothing else does that did not before.
// Each of several policies, separated by commas, is edited, since all of them
// must agree (CSP 3, 3.1). A policy that restricts neither stays as it is.
func CSP(value string, need CSPNeeds) string {
	policies := strings.Split(value, ",")
	for i, p := range policies {
		policies[i] = editPolicy(p, need)
	}
	return strings.Join(policies, ",")
}

func editPolicy(policy string, need CSPNeeds) string {
	d := strings.Split(policy, ";")
	if need.Nonce != "" || need.Script != "" {
		d = allow(d, []string{"script-src-elem", "script-src"}, func(sources []string) []string { return scriptSources(sources, need) })
	}
	d = allow(d, []string{"connect-src"}, func(sources []string) []string { return connectSources(sources, need.Connect) })
	return strings.Join(d, ";")
}

// allow adds sources to the first of the named directives that is there; when
// only default-src is, the last name is added with default-src's own sources,
// so that default-src goes on to mean the same for everything else.
func allow(directives, names []string, extra func([]string) []string) []string {
	for _, n := range append(append([]string(nil), names...), "default-src") {
		i := findDirective(directives, n)
		if i < 0 {
			continue
		}
		words := strings.Fields(directives[i])
		add := extra(words[1:])
		if len(add) == 0 {
			return directives
		}
		sources := withoutNone(words[1:])
		edited := " " + strings.Join(append(append([]string{names[len(names)-1]}, sources...), add...), " ")
		if n == "default-src" {
			return append(directives, edited)
		}
		out := append([]string(nil), directives...)
		out[i] = strings.TrimPrefix(edited, " ")
		out[i] = strings.Replace(out[i], names[len(names)-1], words[0], 1)
		if i > 0 {
			out[i] = " " + out[i]
		}
		return out
	}
	return directives
}

// findDirective returns the first directive of that name: later ones are
// ignored by browsers (CSP 3, 2.2.1).
func findDirective(directives []string, name string) int {
	for i, d := range directives {
		if words := strings.Fields(d); len(words) > 0 && strings.EqualFold(words[0], name) {
			return i
		}
	}
	return -1
}

func withoutNone(sources []string) []string {
	var out []string
	for _, s := range sources {
		if !strings.EqualFold(s, "'none'") {
			out = append(out, s)
		}
	}
	return out
}

// scriptSources returns what must be added for our script. A nonce would end
// the effect of 'unsafe-inline', so that such a list gets the script's URL.
func scriptSources(sources []string, need CSPNeeds) []string {
	inline, strict := false, false
	for _, s := range sources {
		s = strings.ToLower(s)
		switch {
		case s == "'unsafe-inline'":
			inline = true
		case s == "'strict-dynamic'", strings.HasPrefix(s, "'nonce-"), strings.HasPrefix(s, "'sha"):
			strict = true
		}
	}
	if inline && !strict {
		return []string{need.Script}
	}
	return []string{"'nonce-" + need.Nonce + "'"}
}

func connectSources(sources, need []string) []string {
	for _, s := range sources {
		if s == "*" {
			return nil
		}
	}
	return need
}
