package listen

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
)

func TestPipelinedRequestsOfEveryFramingAreAnsweredInOrder(t *testing.T) {
	requests := []struct{ raw, answer string }{
		{"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "1: abc"},
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "2: "},
		{chunkedHead + "5;ext=\"v\"\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "3: hello world"},
		{"PUT / HTTP/1.1\r\nhOsT:h\r\nTRANSFER-ENCODING: \tChunked \r\nTrailer: X\r\n\r\n00A\r\n0123456789\r\n000\r\nX: y\r\n\r\n", "4: 0123456789"},
		{"PATCH /?q=\xe9 HTTP/1.1\r\nHost: h\r\nX: caf\xe9\t\r\nContent-Length: 0005\r\n\r\n\r\n\r\n\x00", "5: \r\n\r\n\x00"},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "6: "},
		{"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "7: "}, // declined
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "8: "},
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "9: "},
	}
	var all strings.Builder
	for _, r := range requests {
		all.WriteString(r.raw)
	}
	for name, listener := range map[string]func(*testing.T) net.Listener{
		"as they come":   func(*testing.T) net.Listener { return nil },
		"a byte at once": dripped,
	} {
		t.Run(name, func(t *testing.T) {
			var seen atomic.Int64
			s := started(t, Options{Listener: listener(t), Handler: counted(&seen), Refused: func(why string) { t.Error("refused for", why) }})
			conn := dial(t, s)
			if _, err := io.WriteString(conn, all.String()); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			for i, want := range requests {
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatalf("answer %d: %v", i+1, err)
				}
				if body, err := io.ReadAll(resp.Body); string(body) != want.answer || err != nil {
					t.Fatalf("answer %d is %s %q, %v; want %q", i+1, resp.Status, body, err, want.answer)
				}
			}
		})
	}
}

func TestHTTP2ByPriorKnowledgeIsServedByteByByteToo(t *testing.T) {
	s := started(t, Options{Listener: dripped(t), Handler: http.HandlerFunc(described)})
	if got, _ := ask(t, client(t, s, "HTTP/2.0", nil), localURL(s, "http")); got != "HTTP/2.0 false  hello" {
		t.Errorf("%q", got)
	}
}

func TestABodyIsAskedForWhereTheClientWaits(t *testing.T) {
	s, _, _ := refusing(t)
	conn := dial(t, s)
	r := bufio.NewReader(conn)
	for i := range 2 {
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusContinue {
			t.Fatalf("%v, %v", resp, err)
		}
		if _, err := io.WriteString(conn, "hello"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != fmt.Sprintf("%d: hello", i+1) || err != nil {
			t.Errorf("%q, %v", body, err)
		}
	}
}

func TestARefusedBodyAfterContinueIsStillAnswered400(t *testing.T) {
	s, _, _ := refusing(t)
	conn := dial(t, s)
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, line); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "+5\r\nhello\r\n0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	wantOne400(t, conn)
}

func TestLargeUploadsAndAnswersPassWhole(t *testing.T) {
	s := started(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/1.x can
		_, _ = io.Copy(w, r.Body)
	})})
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	for name, body := range map[string]io.Reader{
		"with a length": bytes.NewReader(sent),
		"in chunks":     io.MultiReader(bytes.NewReader(sent)),
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := http.Post("http://"+s.Addr().String(), "application/octet-stream", body)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d bytes came back, of %d: %v", len(got), len(sent), err)
			}
		})
	}
}

func TestAWebSocketPassesUnwatched(t *testing.T) {
	var refused atomic.Int64
	s := started(t, Options{Refused: func(string) { refused.Add(1) }, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow() //nolint:errcheck // closed in any case
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, data) != nil {
				return
			}
		}
	})})
	c, _, err := websocket.Dial(t.Context(), "ws://"+s.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"\x00\r\n\r\n", "GET / HTTP/1.1\n\n", strings.Repeat("x", 30_000)} {
		if err := c.Write(t.Context(), websocket.MessageBinary, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(t.Context()); err != nil || string(got) != text {
			t.Fatalf("%d bytes back, of %d: %v", len(got), len(text), err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil || refused.Load() > 0 {
		t.Errorf("closed with %v, %d refused", err, refused.Load())
	}
}

// switching takes over the connection at once and echoes it.
func switching(w http.ResponseWriter, _ *http.Request) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	_, _ = io.Copy(c, rw) // ends with the client
}

func TestBytesSentBeforeTheUpgradeReachTheOtherProtocol(t *testing.T) {
	const hello = "\x16\x03\x01\x00\n\x00 no HTTP at all"
	for name, head := range map[string]string{
		"CONNECT": "CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n",
		"Upgrade": "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n",
	} {
		for part, sizes := range map[string][]int{"in one part": nil, "after the header": {0}, "with one byte early": {1}} {
			t.Run(name+" "+part, func(t *testing.T) {
				s := started(t, Options{Handler: http.HandlerFunc(switching), Refused: func(why string) { t.Error("refused for", why) }})
				conn := dial(t, s)
				rest := head + hello
				for _, n := range sizes {
					if _, err := io.WriteString(conn, rest[:len(head)+n]); err != nil {
						t.Fatal(err)
					}
					rest = rest[len(head)+n:]
				}
				if _, err := io.WriteString(conn, rest); err != nil {
					t.Fatal(err)
				}
				want := "HTTP/1.1 200 OK\r\n\r\n" + hello
				got := make([]byte, len(want))
				if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
	}
}

func TestADeclinedUpgradeIsNoWayAroundTheGuard(t *testing.T) {
	for _, sent := range []string{"", "P", "PO"} { // before the upgrade was declined
		t.Run(fmt.Sprintf("%q early", sent), func(t *testing.T) {
			s, seen, _ := refusing(t)
			conn := dial(t, s)
			bad := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
			if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"+sent); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); string(body) != "1: " || err != nil {
				t.Errorf("%q, %v", body, err)
			}
			if _, err := io.WriteString(conn, bad[len(sent):]); err != nil {
				t.Fatal(err)
			}
			if resp, err = http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusBadRequest {
				t.Fatalf("%v, %v", resp, err)
			}
			if n := seen.Load(); n != 1 {
				t.Errorf("the handler saw %d requests", n)
			}
		})
	}
}
