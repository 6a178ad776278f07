package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// request is what a browser asks for.
type request struct {
	path   string
	dest   string // Sec-Fetch-Dest
	coding string // Accept-Encoding; "identity" sends none
}

func pageRequest(size int, coding string) request {
	return request{fmt.Sprintf("/page?size=%d", size), "document", coding}
}

// bytes is the request as Chromium writes it, for a visitor who has been there before.
func (r request) bytes(host string) []byte {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", r.path, host) // a Buffer never fails
	b.WriteString("User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Accept-Language: en-GB,en;q=0.9\r\n" +
		"Upgrade-Insecure-Requests: 1\r\n" +
		"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n" +
		"Cookie: ASPSESSIONIDQAABCTRD=KLMNOPQRSTUVWXYZABCDEFGH; pillion_visit=0123456789abcdefghijklmnopqrstuv\r\n")
	_, _ = fmt.Fprintf(&b, "Sec-Fetch-Dest: %s\r\n", r.dest)
	if r.coding != "identity" {
		_, _ = fmt.Fprintf(&b, "Accept-Encoding: %s\r\n", r.coding)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// client is one browser's connection, as lean as can be: what it does itself
// takes processor time from what is measured.
type client struct {
	addr   string
	dialer net.Dialer
	conn   net.Conn
	r      *bufio.Reader
}

const (
	clientBuffer = 64 << 10 // bytes
	clientWaits  = time.Minute
)

func newClient(addr string) *client {
	return &client{addr: addr, r: bufio.NewReaderSize(nil, clientBuffer)}
}

// remote makes the connection like one over Ethernet, whose kernel takes in
// little: over loopback it would hold whole pages that nobody has read.
func (c *client) remote() {
	const segment, window = 1460, 32 << 10 // bytes
	c.dialer.Control = func(_, _ string, raw syscall.RawConn) error {
		var err error
		ctlErr := raw.Control(func(fd uintptr) {
			err = errors.Join(
				syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, segment),
				syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, window))
		})
		return errors.Join(err, ctlErr)
	}
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close() // it was only read
		c.conn = nil
	}
}

// answer is what came back.
type answer struct {
	status   int
	encoding string
	closes   bool          // the connection ends with it
	length   int64         // of the body, -1 where it was not told
	chunked  bool          // the body has no length and ends by itself
	first    time.Duration // from the request's end to the first byte
	whole    time.Duration // to the last byte
}

// fetch sends a request and takes in the answer; body gets the body's parts,
// and may be nil.
func (c *client) fetch(ctx context.Context, request []byte, body io.Writer) (a answer, err error) {
	start, err := c.send(ctx, request)
	if err != nil {
		return a, err
	}
	if a, err = c.head(start); err != nil {
		return a, fmt.Errorf("head of the answer: %w", err)
	}
	if err = c.body(&a, body); err != nil {
		return a, fmt.Errorf("body of the answer: %w", err)
	}
	a.whole = time.Since(start)
	if a.closes {
		c.close()
	}
	if a.status != http.StatusOK {
		return a, fmt.Errorf("%s answered %d", c.addr, a.status)
	}
	return a, nil
}

func (c *client) send(ctx context.Context, request []byte) (start time.Time, err error) {
	if c.conn == nil {
		if c.conn, err = c.dialer.DialContext(ctx, "tcp", c.addr); err != nil {
			return start, err
		}
		c.r.Reset(c.conn)
	}
	start = time.Now()
	if err = c.conn.SetDeadline(start.Add(clientWaits)); err != nil {
		return start, err
	}
	_, err = c.conn.Write(request)
	return start, err
}

// head reads an answer's head.
func (c *client) head(start time.Time) (answer, error) {
	a := answer{length: -1}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	a.first = time.Since(start)
	if len(line) < 12 {
		return a, fmt.Errorf("%q is no status line", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("%q is no status line", line)
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			return a, nil
		}
		if err := a.field(line); err != nil {
			return a, err
		}
	}
}

func (a *answer) field(line []byte) (err error) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		a.length, err = strconv.ParseInt(string(value), 10, 64)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		a.chunked = bytes.EqualFold(value, []byte("chunked"))
	case bytes.EqualFold(name, []byte("Content-Encoding")):
		a.encoding = string(value)
	case bytes.EqualFold(name, []byte("Connection")):
		a.closes = bytes.EqualFold(value, []byte("close"))
	}
	return err
}

// body reads the body and says in a how long it was.
func (c *client) body(a *answer, to io.Writer) error {
	switch {
	case a.chunked:
		return c.chunks(a, to)
	case a.length >= 0:
		return c.take(a.length, to)
	default:
		return errors.New("it has neither length nor chunks")
	}
}

func (c *client) chunks(a *answer, to io.Writer) error {
	for a.length = 0; ; {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
		if err != nil {
			return fmt.Errorf("length of a chunk: %w", err)
		}
		if err := c.take(size, to); err != nil {
			return err
		}
		if _, err := c.r.Discard(2); err != nil { // the line's end; at the last chunk that of the trailer
			return err
		}
		if size == 0 {
			return nil
		}
		a.length += size
	}
}

func (c *client) take(n int64, to io.Writer) error {
	if to == nil {
		_, err := c.r.Discard(int(n))
		return err
	}
	_, err := io.CopyN(struct{ io.Writer }{to}, c.r, n)
	return err
}
