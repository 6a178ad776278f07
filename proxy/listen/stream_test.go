package listen

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
)

// An upstream gets such a request as HTTP/1.1, where it means something else.
func TestAStreamThatReadsOtherwiseInHTTP1NeverReachesTheHandler(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	var seen atomic.Int64
	why := make(chan string, 1)
	s := started(t, Options{Addr: "localhost:0", TLS: files, HTTP3: true, Handler: counted(&seen), Refused: func(reason string) { why <- reason }})
	for name, c := range map[string]struct{ path, header, why string }{
		"a space in the path":              {"/a HTTP/1.1", "X", ReasonRequestLine},
		"a coding in an underscore's twin": {"/", "transfer_encoding", ReasonHeaderLine},
		"a length in an underscore's twin": {"/", "Content_Length", ReasonHeaderLine},
	} {
		for _, version := range []string{"HTTP/2.0", "HTTP/3.0"} {
			t.Run(name+" by "+version, func(t *testing.T) {
				u, err := url.Parse(localURL(s, "https"))
				if err != nil {
					t.Fatal(err)
				}
				u.Opaque = c.path // is sent as it is
				resp, err := client(t, s, version, pool).Do((&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{c.header: {"1"}}}).WithContext(t.Context()))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.StatusCode != http.StatusBadRequest || <-why != c.why || seen.Load() != 0 {
					t.Errorf("%s; the handler saw %d requests", resp.Status, seen.Load())
				}
			})
		}
	}
}
