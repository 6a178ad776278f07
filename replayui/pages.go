package replayui

import (
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

var shell = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
{{with .Preload}}<link rel="preload" as="fetch" crossorigin="anonymous" href="{{.}}">
{{end -}}
<script type="module" src="/{{.Script}}"></script>
</head>
<body>
<div id="app"><noscript>The console needs JavaScript.</noscript></div>
</body>
</html>
`))

const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// page serves the shell of one of our applications.
func page(title, script string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", pagePolicy)
		w.Header().Set("Cache-Control", "no-store")
		_ = shell.Execute(w, map[string]string{"Title": title, "Script": script, "Preload": preload(r)}) // the client is gone, if anything
	}
}

var milliseconds = regexp.MustCompile(`^\d{1,12}$`)

// preload is what a recording's page is going to ask for first.
func preload(r *http.Request) string {
	id := r.PathValue("id")
	if !strings.HasPrefix(r.URL.Path, "/replay/") || id == "" {
		return ""
	}
	path := "/api/sessions/" + url.PathEscape(id) + "/open"
	if t := r.URL.Query().Get("t"); milliseconds.MatchString(t) {
		path += "?t=" + t
	}
	return path
}

// framePolicy is alone enough: nothing runs, and nothing is loaded but from the archive.
const framePolicy = "default-src 'none'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; " +
	"style-src 'self' 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-src 'none'; frame-ancestors 'self'"

// frame serves the empty document in which viewers build pages.
func frame(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", framePolicy)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("<!DOCTYPE html><title>Page</title>")) // the client is gone, if anything
}
