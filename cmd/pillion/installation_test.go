package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/s3/miniotest"
)

// What one gateway's recordings need is not for another to delete: a second data
// folder is refused the first one's bucket, may have a part of it, and comes to it
// when the operator says that the first is gone.
func TestABucketIsOneInstallationsAlone(t *testing.T) {
	server := miniotest.Start(t)
	flags, _ := onBucket(t, server, "shared")
	site := siteConfig{Org: "main", Flags: siteFlags{Upstream: []string{"http://127.0.0.1:1"}}}
	start := func(data string, flags storeFlags) error {
		g, err := openGateway(t.Context(), gatewayFlags{Data: data, Org: "main", Retention: "forever", storeFlags: flags}, []siteConfig{site}, slog.New(slog.DiscardHandler))
		if err == nil {
			g.close()
		}
		return err
	}
	first, second := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
	for range 2 { // the same again is no other
		if err := start(first, flags); err != nil {
			t.Fatal(err)
		}
	}
	owner, err := archive.ReadOwner(t.Context(), bucketOf(t, flags))
	if own, oerr := installation(first); err != nil || oerr != nil || owner.ID != own.ID {
		t.Errorf("%+v %v, %+v %v", owner, err, own, oerr)
	}
	args := []string{"serve", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", second,
		"--s3", flags.S3, "--s3-key-file", flags.S3KeyFile, "--s3-secret-file", flags.S3SecretFile}
	for _, words := range []string{"belongs to another installation: " + owner.ID, "--s3-prefix", fmt.Sprintf("remove the object %q", archive.OwnerName)} {
		says(t, 1, words, args...)
	}
	apart := flags
	apart.S3Prefix = "second"
	if err := start(second, apart); err != nil {
		t.Errorf("below a name of its own: %v", err)
	}
	if err := bucketOf(t, flags).Delete(t.Context(), archive.OwnerName); err != nil {
		t.Fatal(err)
	}
	if err := start(second, flags); err != nil {
		t.Errorf("after the other was gone: %v", err)
	}
}
