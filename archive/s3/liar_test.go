package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/archive/s3"
)

// liar stands between a store and the real server, and does not always say what
// that said. It lies about requests of the method that it is set to, and never to
// those of buckets.
type liar struct {
	*httptest.Server
	to    *httputil.ReverseProxy
	lie   atomic.Pointer[lie]
	lies  atomic.Int64 // how many it told
	calls atomic.Int64
}

type lie struct {
	method string // empty: any
	tell   func(l *liar, w http.ResponseWriter, r *http.Request)
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	u, err := url.Parse("http://" + server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{to: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host // it is signed
	}, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.calls.Add(1)
		if lie := l.lie.Load(); lie != nil && (lie.method == "" || lie.method == r.Method) && strings.Count(strings.Trim(r.URL.Path, "/"), "/") > 0 {
			l.lies.Add(1)
			lie.tell(l, w, r)
			return
		}
		l.to.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

// options are those of a store behind the liar, in a bucket of its own.
func (l *liar) options() s3.Options {
	o := server.Options()
	o.Endpoint = strings.TrimPrefix(l.URL, "http://")
	o.Timeout, o.MinRate = 700*time.Millisecond, 1<<20
	return o
}

// answered is what the real server answers.
func (l *liar) answered(r *http.Request) *httptest.ResponseRecorder {
	real := httptest.NewRecorder()
	l.to.ServeHTTP(real, r)
	return real
}

func (l *liar) pass(w http.ResponseWriter, real *httptest.ResponseRecorder, body []byte) {
	for name, values := range real.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(real.Code)
	_, _ = w.Write(body) // the client may have gone
}

func fails(status int, code string) func(*liar, http.ResponseWriter, *http.Request) {
	return func(_ *liar, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
	}
}

var lies = map[string]lie{
	"gives wrong bytes": {http.MethodGet, func(l *liar, w http.ResponseWriter, r *http.Request) {
		real := l.answered(r)
		body := bytes.Clone(real.Body.Bytes())
		if len(body) > 0 {
			body[len(body)/2] ^= 4
		}
		l.pass(w, real, body)
	}},
	"gives a part and ends the connection": {http.MethodGet, func(l *liar, w http.ResponseWriter, r *http.Request) {
		real := l.answered(r)
		l.pass(w, real, real.Body.Bytes()[:real.Body.Len()/2])
		panic(http.ErrAbortHandler)
	}},
	"gives a part as the whole": {http.MethodGet, func(l *liar, w http.ResponseWriter, r *http.Request) {
		real := l.answered(r)
		body := real.Body.Bytes()[:real.Body.Len()/2]
		real.Header().Set("Content-Length", fmt.Sprint(len(body)))
		l.pass(w, real, body)
	}},
	"gives another object": {http.MethodGet, func(_ *liar, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("Etag", `"another"`)
		_, _ = io.WriteString(w, "another object")
	}},
	"takes a part and ends the connection": {http.MethodPut, func(_ *liar, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		panic(http.ErrAbortHandler)
	}},
	"acknowledges and loses": {http.MethodPut, func(_ *liar, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Etag", `"00000000000000000000000000000000"`)
	}},
	"acknowledges what it refused": {http.MethodPut, func(l *liar, w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", r.Header.Get("Authorization")+"0")
		l.answered(r)
		w.Header().Set("Etag", `"00000000000000000000000000000000"`)
	}},
	"answers 503":                 {"", fails(503, "SlowDown")},
	"answers 500":                 {"", fails(500, "InternalError")},
	"answers 503 after it stored": {http.MethodPut, func(l *liar, w http.ResponseWriter, r *http.Request) { l.answered(r); fails(503, "SlowDown")(l, w, r) }},
	"is full":                     {http.MethodPut, fails(507, "XMinioStorageFull")},
	"is beyond its quota":         {http.MethodPut, fails(400, "XMinioAdminBucketQuotaExceeded")},
	"answers what is no S3": {"", func(_ *liar, w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>Sign in to the hotel's network</html>")
	}},
	"says that all is absent":      {http.MethodGet, fails(404, "NoSuchKey")},
	"says that the bucket is gone": {http.MethodPut, fails(404, "NoSuchBucket")},
	"ends the connection":          {"", func(*liar, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	"hangs": {"", func(_ *liar, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}},
	"hangs in the middle of what it gives": {http.MethodGet, func(l *liar, w http.ResponseWriter, r *http.Request) {
		real := l.answered(r)
		l.pass(w, real, real.Body.Bytes()[:real.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}},
	"gives 1 KB a second": {http.MethodGet, func(l *liar, w http.ResponseWriter, r *http.Request) {
		real := l.answered(r)
		for name, values := range real.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(real.Code)
		for body := real.Body.Bytes(); len(body) > 0 && r.Context().Err() == nil; body = body[min(128, len(body)):] {
			_, _ = w.Write(body[:min(128, len(body))])
			_ = http.NewResponseController(w).Flush()
			time.Sleep(125 * time.Millisecond)
		}
	}},
	"takes 1 KB a second": {http.MethodPut, func(_ *liar, _ http.ResponseWriter, r *http.Request) {
		for range 24 { // longer than anybody waits
			if _, err := io.CopyN(io.Discard, r.Body, 128); err != nil {
				break
			}
			time.Sleep(125 * time.Millisecond)
		}
		panic(http.ErrAbortHandler)
	}},
}

// Whatever a store does: what was stored stays, nothing wrong is handed out as
// right, nobody who stores waits for it, and all arrives once it is honest.
func TestLiars(t *testing.T) {
	for name, lie := range lies {
		t.Run("a store that "+name, func(t *testing.T) {
			t.Parallel()
			lied(t, lie)
		})
	}
}

func lied(t *testing.T, lie lie) {
	ctx := t.Context()
	l := newLiar(t)
	far := open(t, l.options())
	near, err := disk.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	spool, err := archive.NewSpool(ctx, near, far, archive.SpoolOptions{Backoff: time.Millisecond, MaxBackoff: 100 * time.Millisecond, Quick: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(spool.Close)
	// Some of it was there before the store began to lie.
	want := map[string][]byte{}
	store := func(n int) {
		t.Helper()
		for i := range n {
			name := fmt.Sprintf("lied/%d-%d", len(want), i)
			want[name] = randomly(20_000 + rand.IntN(1000))
			if err := archive.PutBytes(ctx, spool, name, want[name]); err != nil {
				t.Fatalf("the spool has room, and %s was not taken: %v", name, err)
			}
		}
	}
	store(3)
	before := []string{"lied/0-0", "lied/1-1", "lied/2-2"}
	if err := spool.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	l.lie.Store(&lie)
	calls := l.calls.Load()
	store(10)
	for _, name := range before {
		neverWrong(t, spool, name, want[name])
		neverWrong(t, far, name, want[name])
	}
	for deadline := time.Now().Add(time.Minute); spool.Status().Retries < 2 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if st := spool.Status(); st.Retries < 2 || st.Objects == 0 || l.lies.Load() == 0 {
		t.Errorf("nothing was tried: %+v, %d lies in %d calls", st, l.lies.Load(), l.calls.Load()-calls)
	}
	for name, content := range want { // those that wait are read all the same
		neverWrong(t, spool, name, content)
	}
	l.lie.Store(nil)
	if err := spool.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	for name, content := range want {
		if got, err := archive.ReadObject(ctx, far, name); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(content), err)
		}
	}
	if st := spool.Status(); st.Objects != 0 || st.Bytes != 0 || !st.Away.IsZero() {
		t.Errorf("%+v", st)
	}
}

func randomly(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// neverWrong reads an object of which a failing store may say anything but
// something wrong.
func neverWrong(t *testing.T, s archive.Store, name string, want []byte) {
	t.Helper()
	if got, err := archive.ReadObject(t.Context(), s, name); err == nil && !bytes.Equal(got, want) {
		t.Errorf("%s: %d wrong bytes were handed out as right", name, len(got))
	}
}

func TestErrorsOfAStoreThatIsFull(t *testing.T) {
	for _, name := range []string{"is full", "is beyond its quota"} {
		l := newLiar(t)
		s := open(t, l.options())
		told := lies[name]
		l.lie.Store(&told)
		if err := archive.PutBytes(t.Context(), s, "a/one", []byte("x")); !errors.Is(err, s3.ErrFull) || errors.Is(err, s3.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A connection that breaks in the middle of what it gives is taken up again there.
func TestReadsGoOnWhereTheyBroke(t *testing.T) {
	l := newLiar(t)
	o := l.options()
	o.Timeout = 20 * time.Second
	s := open(t, o)
	content := randomly(3 << 20)
	if err := archive.PutBytes(t.Context(), s, "a/one", content); err != nil {
		t.Fatal(err)
	}
	var left atomic.Int64
	left.Store(3)
	l.lie.Store(&lie{http.MethodGet, func(l *liar, w http.ResponseWriter, r *http.Request) {
		if left.Add(-1) < 0 {
			l.to.ServeHTTP(w, r)
			return
		}
		real := l.answered(r)
		l.pass(w, real, real.Body.Bytes()[:real.Body.Len()/2])
		panic(http.ErrAbortHandler)
	}})
	if got, err := archive.ReadObject(t.Context(), s, "a/one"); err != nil || !bytes.Equal(got, content) || left.Load() >= 0 {
		t.Errorf("%d bytes, %v, %d breaks left", len(got), err, left.Load())
	}
}

// A caller may take its time with what it reads: only the store's time counts.
func TestSlowReadersAreNoSlowStores(t *testing.T) {
	l := newLiar(t)
	o := l.options()
	o.Timeout, o.MinRate = 300*time.Millisecond, 64<<20
	s := open(t, o)
	content := randomly(4 << 20)
	if err := archive.PutBytes(t.Context(), s, "a/one", content); err != nil {
		t.Fatal(err)
	}
	f, err := s.Open(t.Context(), "a/one")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []byte
	for part := make([]byte, 1<<20); ; {
		n, err := io.ReadFull(f, part)
		got = append(got, part[:n]...)
		if err != nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	if !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d", len(got), len(content))
	}
}

func TestRequestsEndWithTheirCallers(t *testing.T) {
	l := newLiar(t)
	o := l.options()
	o.Timeout = time.Hour
	s := open(t, o)
	if err := archive.PutBytes(t.Context(), s, "a/one", []byte("x")); err != nil {
		t.Fatal(err)
	}
	hangs := lies["hangs"]
	l.lie.Store(&hangs)
	for name, do := range map[string]func(context.Context) error{
		"put":    func(ctx context.Context) error { return archive.PutBytes(ctx, s, "a/two", []byte("x")) },
		"open":   func(ctx context.Context) error { _, err := archive.ReadObject(ctx, s, "a/one"); return err },
		"stat":   func(ctx context.Context) error { _, err := s.Stat(ctx, "a/one"); return err },
		"delete": func(ctx context.Context) error { return s.Delete(ctx, "a/one") },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) && name != "delete" {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}
