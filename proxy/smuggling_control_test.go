package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A check that cannot fail proves nothing: the same forms through a proxy that
// believes in lengths alone are smuggled past it, and it is noticed.
func TestANaiveProxyIsSmuggledPastAndTheLogShowsIt(t *testing.T) {
	o := startOrigin(t, origins["Node.js"])
	through := naive(t, strings.TrimPrefix(o.url, "http://"))
	got := 0
	for _, form := range []form{
		lengthForms["a coding, and a length that ends before it"],
		codingForms["a length beside the coding chunked, identity"],
		lengthForms["a length, and a coding that ends before it"],
	} {
		c, err := net.Dial("tcp", through)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil { // some forms leave the origin waiting
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(c, "%sGET /victim HTTP/1.1\r\nHost: h\r\n\r\n", form.filled("/form")); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, c) // what the attacker sees is of no interest
	}
	o.end(t)
	requests, _ := o.asked(t)
	for _, request := range requests {
		if strings.Contains(request, "/smuggled") {
			got++
		}
	}
	if got == 0 {
		t.Errorf("nothing was smuggled: the origin was asked %q", requests)
	}
}

var contentLength = regexp.MustCompile(`(?i)content-length: *(\d+)`)

// naive is a proxy that passes headers as they are and bodies by their length.
func naive(t *testing.T, to string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go relay(c, to) // ends with the peer
		}
	}()
	return l.Addr().String()
}

func relay(c net.Conn, to string) {
	defer c.Close()
	up, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer up.Close()
	from, answers := bufio.NewReader(c), bufio.NewReader(up)
	for {
		head := ""
		for !strings.HasSuffix(head, "\r\n\r\n") {
			line, err := from.ReadString('\n')
			if err != nil {
				return
			}
			head += line
		}
		n := 0
		if m := contentLength.FindStringSubmatch(head); m != nil {
			n, _ = strconv.Atoi(m[1]) // digits
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		if _, err := io.WriteString(up, head+string(body)); err != nil {
			return
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil || resp.Write(c) != nil {
			return
		}
	}
}
