package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/archive/s3"
	"github.com/pillion-dev/pillion/archive/s3/miniotest"
	"github.com/pillion-dev/pillion/cmd/pillion/demosite"
)

// legacy is the sample site, with pictures without number.
func legacy(t *testing.T) *httptest.Server {
	t.Helper()
	sample := demosite.New()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, is := strings.CutPrefix(r.URL.Path, "/picture/"); is {
			w.Header().Set("Content-Type", "image/svg+xml")
			_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg"><text>%s</text></svg>`, name)
			return
		}
		sample.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// visitors load pages with their files until they are told to stop.
type visitors struct {
	site           string
	pages, failed  atomic.Int64
	slowest        atomic.Int64
	mu             sync.Mutex
	files          map[archive.Ref]string // what they were given, and from where
	stop           chan struct{}
	wg             sync.WaitGroup
	pictureCounter atomic.Int64
}

func visit(site string, n int) *visitors {
	v := &visitors{site: site, files: map[archive.Ref]string{}, stop: make(chan struct{})}
	for range n {
		v.wg.Go(func() {
			for {
				select {
				case <-v.stop:
					return
				case <-time.After(50 * time.Millisecond): // more than the disk takes would be lost, bucket or not
					v.load()
				}
			}
		})
	}
	return v
}

func (v *visitors) load() {
	for _, path := range []string{"/", "/style/site.css", "/images/banner.svg", fmt.Sprintf("/picture/%d", v.pictureCounter.Add(1)), "/plans"} {
		began := time.Now()
		body, err := get(v.site + path)
		for took := time.Since(began).Nanoseconds(); ; {
			before := v.slowest.Load()
			if took <= before || v.slowest.CompareAndSwap(before, took) {
				break
			}
		}
		if v.pages.Add(1); err != nil {
			v.failed.Add(1)
			continue
		}
		if strings.HasPrefix(path, "/picture/") {
			v.mu.Lock()
			v.files[archive.RefOf(body)] = path
			v.mu.Unlock()
		}
	}
}

func get(address string) ([]byte, error) {
	resp, err := http.Get(address)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return body, err
}

// more waits until 200 more requests were made.
func (v *visitors) more(t *testing.T) {
	t.Helper()
	until := v.pages.Load() + 200
	for deadline := time.Now().Add(2 * time.Minute); v.pages.Load() < until; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d requests were made, %d wanted", v.pages.Load(), until)
		}
	}
}

// onBucket are the flags of a gateway with a bucket, its key in files.
func onBucket(t *testing.T, server *miniotest.Server, bucket string) (storeFlags, []string) {
	t.Helper()
	f := storeFlags{
		S3: fmt.Sprintf("s3://%s/%s?tls=0", server.Endpoint, bucket), S3KeyFile: file(t, server.Key+"\n"), S3SecretFile: file(t, server.Secret+"\n"),
		S3MakeBucket: true, SpoolSize: "1GB",
	}
	return f, []string{"--s3", f.S3, "--s3-key-file", f.S3KeyFile, "--s3-secret-file", f.S3SecretFile}
}

// The store goes away while people use the site and one is helped, and comes back:
// no request fails, and everything arrives.
func TestTheSiteNeverWaitsForTheBucket(t *testing.T) {
	server := miniotest.Start(t)
	flags, args := onBucket(t, server, "recordings")
	data := filepath.Join(t.TempDir(), "data")
	site := siteConfig{Org: "main", Flags: siteFlags{Upstream: []string{legacy(t).URL}}}
	g, err := openGateway(t.Context(), gatewayFlags{Data: data, Org: "main", Retention: "forever", storeFlags: flags}, []siteConfig{site}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	defer func() {
		if !closed {
			g.close()
		}
	}()
	front, admin := httptest.NewServer(g.site), httptest.NewServer(g.admin)
	defer front.Close()
	defer admin.Close()
	v := visit(front.URL, 3)
	v.more(t)
	server.Stop()
	v.more(t)
	id := g.helped(t, front.URL+"/", "/images/banner.svg", "/picture/1")
	waitFor(t, "the gateway says that its bucket is away", func() bool {
		ready, err := get(admin.URL + "/readyz")
		return err == nil && strings.HasPrefix(string(ready), "ok\n") && strings.Contains(string(ready), "nothing listens there")
	})
	if text, err := get(admin.URL + "/metrics"); err != nil || strings.Contains(string(text), "pillion_spool_objects 0\n") || strings.Contains(string(text), "pillion_spool_away_seconds 0\n") {
		t.Errorf("the metrics do not tell that the bucket is away (%v)", err)
	}
	v.more(t)
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
	v.more(t)
	sealed(t, data, id)
	close(v.stop)
	v.wg.Wait()
	if v.failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", v.failed.Load(), v.pages.Load())
	}
	t.Logf("%d requests, %d failed, the slowest took %v; %d pictures", v.pages.Load(), v.failed.Load(), time.Duration(v.slowest.Load()), len(v.files))
	var text []byte
	defer func() {
		if t.Failed() {
			ready, err := get(admin.URL + "/readyz")
			t.Logf("%s %v", ready, err)
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, "pillion_spool") || strings.HasPrefix(line, "pillion_archive") {
					t.Log(strings.TrimSpace(line))
				}
			}
		}
	}()
	waitFor(t, "the spool is empty", func() bool {
		var err error
		text, err = get(admin.URL + "/metrics")
		return err == nil && strings.Contains(string(text), "pillion_spool_objects 0\n") && strings.Contains(string(text), "pillion_archive_lost_total 0\n")
	})
	says(t, 0, "is whole", append([]string{"verify", string(id), "--data", data}, args...)...) // beside the gateway
	front.Close()
	g.close()
	closed = true
	says(t, 0, "is whole", append([]string{"verify", string(id), "--data", data}, args...)...)
	says(t, 1, "it is not there", "verify", string(id), "--data", data) // there is nothing on disk
	far := bucketOf(t, flags)
	blobs := archive.BlobsIn(far)
	for ref, path := range v.files {
		if _, err := blobs.Read(t.Context(), ref); err != nil {
			t.Errorf("%s is not in the bucket: %v", path, err)
		}
	}
	near, err := disk.NewStore(spoolFolder(data))
	if err != nil {
		t.Fatal(err)
	}
	for o, err := range near.List(t.Context(), "") {
		t.Errorf("%s is left in the spool (%v)", o.Name, err)
	}
	says(t, 0, "is deleted", append([]string{"archive", "delete", string(id), "--reason", "asked for", "--data", data}, args...)...)
	says(t, 0, "was deleted at", append([]string{"verify", string(id), "--data", data}, args...)...)
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

func bucketOf(t *testing.T, f storeFlags) *s3.Store {
	t.Helper()
	o, err := f.options()
	if err != nil {
		t.Fatal(err)
	}
	s, err := s3.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// An archive that was on disk goes to the bucket when there is one, and recordings
// that are sealed there are locked and held.
func TestTheArchiveGoesToTheBucketAndIsLockedThere(t *testing.T) {
	server := miniotest.Start(t)
	flags, args := onBucket(t, server, "locked")
	flags.S3Lock, flags.S3LockDays = "governance", 2
	args = append(args, "--s3-lock", "governance", "--s3-lock-days", "2")
	data, before := sealedFolder(t)
	site := siteConfig{Org: "main", Flags: siteFlags{Upstream: []string{legacy(t).URL}}}
	g, err := openGateway(t.Context(), gatewayFlags{Data: data, Org: "main", Retention: "forever", storeFlags: flags}, []siteConfig{site}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(g.site)
	picture, err := get(front.URL + "/picture/of-this-session")
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the picture is kept", func() bool {
		_, err := archive.BlobsIn(g.store).Read(t.Context(), archive.RefOf(picture))
		return err == nil
	})
	time.Sleep(3 * time.Second) // the index is told of captures every two
	id := g.helped(t, front.URL+"/", "/picture/of-this-session")
	sealed(t, data, id)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := g.store.spool.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	far := bucketOf(t, flags)
	waitFor(t, "the session's picture is locked", func() bool {
		err := archive.BlobsIn(far).Delete(ctx, archive.RefOf(picture))
		if err == nil { // it was not locked yet: it has to come back
			_, err = archive.BlobsIn(far).Put(ctx, picture)
		}
		return errors.Is(err, archive.ErrLocked)
	})
	front.Close()
	g.close()
	for _, recording := range []string{string(before), string(id)} {
		says(t, 0, "is whole", append([]string{"verify", recording, "--data", data}, args...)...)
		n := 0
		for o, err := range far.List(ctx, "recordings/"+recording+"/") {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if err := far.Delete(ctx, o.Name); !errors.Is(err, archive.ErrLocked) {
				t.Errorf("%s was deleted: %v", o.Name, err)
			}
		}
		if n == 0 {
			t.Errorf("recording %s has no objects", recording)
		}
	}
	says(t, 0, "is under a legal hold", append([]string{"archive", "hold", string(id), "--reason", "case 7", "--data", data}, args...)...)
	says(t, 1, "under a legal hold", append([]string{"archive", "delete", string(id), "--reason", "asked for", "--data", data}, args...)...)
	says(t, 0, "no longer", append([]string{"archive", "hold", string(id), "--end", "--data", data}, args...)...)
	onDisk, err := disk.NewStore(archiveFolder(data))
	if err != nil {
		t.Fatal(err)
	}
	for o, err := range onDisk.List(ctx, "") {
		t.Errorf("%s is left on disk (%v)", o.Name, err)
	}
}

func TestABucketThatRefusesStopsTheStartAndOneThatIsAwayDoesNot(t *testing.T) {
	server := miniotest.Start(t)
	_, args := onBucket(t, server, "start")
	serve := append([]string{"serve", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data")}, args...)
	with := func(more ...string) []string { return append(append([]string{}, serve...), more...) }
	says(t, 1, "check the key", with("--s3-key-file", file(t, "somebody"))...)
	says(t, 1, "check the secret", with("--s3-secret-file", file(t, "something"))...)
	says(t, 1, "--s3-make-bucket", with("--no-s3-make-bucket")...)
	says(t, 1, "--s3-kms-key", with("--s3-encryption", "kms", "--s3-kms-key", "none")...)
	says(t, 2, "s3://KEY:SECRET@HOST:PORT/BUCKET", with("--s3", "http://h/b")...)
	says(t, 2, "for how many days", with("--s3-lock", "governance")...)
	says(t, 2, "no size", with("--spool-size", "much")...)
	says(t, 2, "no such file", with("--s3-key-file", "/nowhere/at-all")...)
	says(t, 2, "certificate in PEM", with("--s3-ca", file(t, "x"))...)
	settings := file(t, fmt.Sprintf("s3:\n  url: s3://127.0.0.1:1/away?tls=0\n  key: k\n  secret: s\n  encryption: s3\nupstream: http://127.0.0.1:1\nlisten: 127.0.0.1:0\nconsole: 127.0.0.1:0\nadmin: 127.0.0.1:0\ndata: %s\n", filepath.Join(t.TempDir(), "data")))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, status := &lines{}, make(chan int, 1)
	go func() { status <- run(ctx, []string{"serve", "--config", settings}, strings.NewReader(""), out, out) }() // ends by stop
	admin := strings.TrimSpace(out.wait(t, "admin    "))
	if ready, err := get(admin + "/readyz"); err != nil || !strings.HasPrefix(string(ready), "ok\n") {
		t.Errorf("%s %v", ready, err)
	}
	if text := out.String(); !strings.Contains(text, "the bucket is away") || !strings.Contains(text, "127.0.0.1:1/away") {
		t.Errorf("%s", text)
	}
	stop()
	if got := <-status; got != 0 {
		t.Errorf("status %d: %s", got, out)
	}
}

func TestSizesAreRead(t *testing.T) {
	for text, want := range map[string]int64{"10GB": 10e9, "500 mb": 500e6, "4096": 4096, "1TB": 1e12, "7B": 7, "2kb": 2000} {
		if got, err := size(text); err != nil || got != want {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "0", "1.5GB", "10XB", "10GBGB"} {
		if got, err := size(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}
