package forward

import (
	"bytes"
	"html/template"
	"io"
	"net/http"
	"strconv"
)

const style = `<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 system-ui,sans-serif;margin:12vh auto;max-width:36rem;padding:0 1.5rem;color:#1c2430;background:#fff}
h1{font-size:1.4rem;margin:0 0 .5rem}h2{font-size:1.05rem;margin:1.5rem 0 .25rem}p,ul,ol{margin:.5rem 0;color:#4a5565}
li{margin:.4rem 0}
code{font-size:.9rem;overflow-wrap:anywhere;color:#1c2430}li code.own{display:block;margin:.4rem 0;padding:.5rem .75rem;background:#f3f5f8;border-radius:6px}a{color:#0b57d0}</style>`

var failurePage = template.Must(template.New("failure").Parse(`<!DOCTYPE html>
<html lang="en"><head>` + style + `
<title>{{.Status}}</title></head>
<body><h1>{{.Title}}</h1><p>{{.Text}}</p></body></html>
`))

var indexPage = template.Must(template.New("index").Parse(`<!DOCTYPE html>
<html lang="en"><head>` + style + `
<title>Proxy for {{index .Hosts 0}}</title></head>
<body><h1>This is a proxy</h1>
<p>Browsers that use it reach these sites through the co-browsing gateway:</p>
<ul>{{range .Hosts}}<li><code>{{.}}</code></li>{{end}}</ul>
<p>{{if .Tunnel}}Other sites are passed on as they are.{{else}}It leads to no other site.{{end}}</p>
<h2>Setting up a browser</h2>
<ol>
<li>In the browser's network settings choose automatic proxy configuration, with this address:
<code class="own">{{.PAC}}</code></li>
<li>For sites with https, <a href="/pillion-ca.pem">download this gateway's certificate authority</a> and let the browser,
or the computer, trust it for web sites. It can vouch for the sites above and for no others. Before you trust it, compare
its SHA-256 fingerprint with what your administrator tells you:
<code class="own">{{.Fingerprint}}</code></li>
</ol>
<p>The authority is valid until {{.Until}}.</p>
</body></html>
`))

func failure(status int, title, text string) []byte {
	var b bytes.Buffer
	_ = failurePage.Execute(&b, map[string]string{ // to memory, from fixed words
		"Status": strconv.Itoa(status) + " " + http.StatusText(status), "Title": title, "Text": text,
	})
	return b.Bytes()
}

func pageHeader(h http.Header, kind string, length int) {
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(length))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

// say answers with a page.
func say(w http.ResponseWriter, status int, title, text string) {
	body := failure(status, title, text)
	pageHeader(w.Header(), "text/html; charset=utf-8", len(body))
	w.WriteHeader(status)
	_, _ = w.Write(body) // who asked may be gone
}

// page is the same where goproxy writes it.
func page(r *http.Request, status int, title, text string) *http.Response {
	body := failure(status, title, text)
	resp := &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
	pageHeader(resp.Header, "text/html; charset=utf-8", len(body))
	if r.Method == http.MethodConnect {
		resp.Close = true // goproxy closes the connection after it
		resp.Request = nil
	}
	return resp
}
