package proxy_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream is a request as an attacker writes it in HTTP/2, where a header's value
// may hold what ends a line in HTTP/1.1.
type stream struct {
	pseudo  []hpack.HeaderField // instead of the ordinary ones
	fields  []hpack.HeaderField // after them
	body    string
	trailer []hpack.HeaderField
	passes  bool // it is a request; else the site must not see it at all
}

func head(pairs ...string) (list []hpack.HeaderField) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return list
}

func pseudo(method, path string) []hpack.HeaderField {
	return head(":method", method, ":scheme", "https", ":authority", "h", ":path", path)
}

const inLine = "\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

var streams = map[string]stream{
	"an ordinary request":                     {passes: true},
	"a body with a request in it":             {pseudo: pseudo("POST", "PATH"), body: smuggled, passes: true},
	"a length that is right":                  {pseudo: pseudo("POST", "PATH"), fields: head("content-length", "50"), body: smuggled, passes: true},
	"a length below the body":                 {pseudo: pseudo("POST", "PATH"), fields: head("content-length", "4"), body: smuggled},
	"a length above the body":                 {pseudo: pseudo("POST", "PATH"), fields: head("content-length", "90"), body: smuggled},
	"a length of nothing":                     {pseudo: pseudo("POST", "PATH"), fields: head("content-length", "0"), body: smuggled},
	"a length on a GET with a body":           {fields: head("content-length", "4"), body: smuggled},
	"two lengths":                             {pseudo: pseudo("POST", "PATH"), fields: head("content-length", "4", "content-length", "50"), body: smuggled},
	"a length with a plus":                    {pseudo: pseudo("POST", "PATH"), fields: head("content-length", "+50"), body: smuggled},
	"a coding":                                {pseudo: pseudo("POST", "PATH"), fields: head("transfer-encoding", "chunked"), body: ended},
	"a coding in an underscore's twin":        {pseudo: pseudo("POST", "PATH"), fields: head("transfer_encoding", "chunked"), body: ended},
	"a connection header":                     {fields: head("connection", "content-length")},
	"an upgrade":                              {fields: head("upgrade", "websocket")},
	"lines in a value":                        {fields: head("x", "a\r\nX-Smuggled: 1")},
	"a request in a value":                    {fields: head("x", "a"+inLine)},
	"a line feed in a value":                  {fields: head("x", "a\nX-Smuggled: 1")},
	"a return in a value":                     {fields: head("x", "a\rX-Smuggled: 1")},
	"a NUL in a value":                        {fields: head("x", "a\x00b")},
	"lines in a name":                         {fields: head("x: a\r\nx-smuggled", "1")},
	"a colon in a name":                       {fields: head("x-smuggled: 1", "b")},
	"a space in a name":                       {fields: head("x-smuggled ", "1")},
	"capitals in a name":                      {fields: head("X-Smuggled", "1")},
	"no name":                                 {fields: head("", "1")},
	"lines in the path":                       {pseudo: pseudo("GET", "PATH HTTP/1.1\r\nX-Smuggled: 1\r\nX: ")},
	"a request in the path":                   {pseudo: pseudo("GET", "PATH HTTP/1.1"+inLine)},
	"a space in the path":                     {pseudo: pseudo("GET", "PATH HTTP/1.1")},
	"lines in the method":                     {pseudo: pseudo("GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\nGET", "PATH")},
	"a space in the method":                   {pseudo: pseudo("GET /smuggled", "PATH")},
	"no path":                                 {pseudo: head(":method", "GET", ":scheme", "https", ":authority", "h")},
	"an empty path":                           {pseudo: pseudo("GET", "")},
	"a path of another server":                {pseudo: pseudo("GET", "https://other.example/smuggled")},
	"a path without a slash":                  {pseudo: pseudo("GET", "smuggled")},
	"two paths":                               {pseudo: append(pseudo("GET", "PATH"), head(":path", "/smuggled")...)},
	"two methods":                             {pseudo: append(pseudo("GET", "PATH"), head(":method", "POST")...)},
	"two authorities":                         {pseudo: append(pseudo("GET", "PATH"), head(":authority", "other")...)},
	"lines in the authority":                  {pseudo: head(":method", "GET", ":scheme", "https", ":authority", "h\r\nX-Smuggled: 1", ":path", "PATH")},
	"a request in the authority":              {pseudo: head(":method", "GET", ":scheme", "https", ":authority", "h"+inLine, ":path", "PATH")},
	"a path in the authority":                 {pseudo: head(":method", "GET", ":scheme", "https", ":authority", "h/smuggled", ":path", "PATH")},
	"lines in the scheme":                     {pseudo: head(":method", "GET", ":scheme", "https"+inLine, ":authority", "h", ":path", "PATH")},
	"a pseudo-header that nobody knows":       {pseudo: append(pseudo("GET", "PATH"), head(":smuggled", "1")...)},
	"a pseudo-header after the others":        {fields: head("x", "y", ":path", "/smuggled")},
	"a status in a request":                   {pseudo: append(pseudo("GET", "PATH"), head(":status", "200")...)},
	"a Host beside the authority":             {fields: head("host", "other"), passes: true},
	"CONNECT":                                 {pseudo: head(":method", "CONNECT", ":authority", "other.example:443")},
	"extended CONNECT, which was not offered": {pseudo: append(pseudo("CONNECT", "PATH"), head(":protocol", "websocket")...)},
	"an ordinary trailer":                     {pseudo: pseudo("POST", "PATH"), body: "abc", trailer: head("x-smuggled", "1"), passes: true},
	"a pseudo-header in the trailer":          {pseudo: pseudo("POST", "PATH"), body: "abc", trailer: head(":path", "/smuggled")},
	"a length in the trailer":                 {pseudo: pseudo("POST", "PATH"), fields: head("trailer", "content-length"), body: "abc", trailer: head("content-length", "50"), passes: true},
	"lines in a trailer":                      {pseudo: pseudo("POST", "PATH"), fields: head("trailer", "x"), body: "abc", trailer: head("x", "a"+inLine)},
	"a coding that the other side may send":   {fields: head("te", "trailers, chunked")},
	"cookies in parts":                        {fields: head("cookie", "a=1", "cookie", "b=2"), passes: true},
}

func TestNoStreamOfHTTP2BecomesTwoRequests(t *testing.T) {
	for name, command := range origins {
		t.Run(name, func(t *testing.T) {
			f := startFront(t, startOrigin(t, command))
			for name, s := range streams {
				t.Run(name, func(t *testing.T) { f.attackByStream(t, s) })
			}
			f.judge(t)
		})
	}
}

func (f *front) attackByStream(t *testing.T, s stream) {
	c := f.dial(t, true, "h2")
	path := f.path("stream")
	if s.pseudo == nil {
		s.pseudo = pseudo("GET", "PATH")
	}
	status := f.send(t, c, s, path)
	f.mu.Lock()
	reached := 0
	for request := range f.answered {
		if _, target, _ := strings.Cut(request, " "); strings.HasPrefix(target, path) || strings.Contains(target, "smuggled") {
			reached += f.answered[request]
		}
	}
	f.mu.Unlock()
	// What is wrong with a body shows when its head may be at the site already.
	most := 0
	if s.passes || s.body != "" {
		most = 1
	}
	if reached > most || s.passes && reached == 0 {
		t.Errorf("the site answered %d times, want %d (status %s)", reached, most, status)
	}
	f.victims(t, true)
}

// send writes a stream, and waits until its connection says what became of it.
func (f *front) send(t *testing.T, c net.Conn, s stream, path string) (status string) {
	t.Helper()
	if err := c.(*tls.Conn).Handshake(); err != nil {
		t.Fatal(err)
	}
	var out, block bytes.Buffer
	encoder, to := hpack.NewEncoder(&block), http2.NewFramer(&out, c)
	to.AllowIllegalWrites = true
	to.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	headers := func(list []hpack.HeaderField, end bool) {
		block.Reset()
		for _, field := range list {
			field.Value = strings.ReplaceAll(field.Value, "PATH", path)
			_ = encoder.WriteField(field) // to memory
		}
		_ = to.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end}) // to memory
	}
	_, _ = out.WriteString(http2.ClientPreface) // to memory, as all that follows
	_ = to.WriteSettings()
	headers(append(append([]hpack.HeaderField(nil), s.pseudo...), s.fields...), s.body == "" && s.trailer == nil)
	if s.body != "" {
		body := strings.ReplaceAll(s.body, "SMUGGLED", smuggled)
		_ = to.WriteData(1, s.trailer == nil, []byte(body))
	}
	if s.trailer != nil {
		headers(s.trailer, true)
	}
	if _, err := c.Write(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := to.ReadFrame()
		if err != nil {
			return fmt.Sprint(status, " ", err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			status += frame.PseudoValue("status")
			if frame.StreamEnded() {
				return status
			}
		case *http2.DataFrame:
			if frame.StreamEnded() {
				return status
			}
		case *http2.RSTStreamFrame:
			return fmt.Sprint(status, " ", frame.ErrCode)
		case *http2.GoAwayFrame:
			return fmt.Sprint(status, " ", frame.ErrCode)
		}
	}
}
