package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// installationFile has the name by which a data folder claims a bucket. It is no
// secret, and goes where the folder goes: a copy of the folder is the same
// installation, and must not run beside it.
const installationFile = "installation"

// installation is the owner that a data folder is.
func installation(data string) (archive.Owner, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	o := archive.Owner{Host: host, Since: time.Now().UTC().Truncate(time.Second)}
	name := filepath.Join(data, installationFile)
	b, err := os.ReadFile(name)
	switch o.ID = strings.TrimSpace(string(b)); {
	case errors.Is(err, fs.ErrNotExist):
		o.ID = strings.ToLower(rand.Text())
		return o, replaceFile(name, []byte(o.ID+"\n"))
	case err == nil && o.ID == "":
		err = fmt.Errorf("%s is empty: restore it, or remove it and the object %q of the bucket", name, archive.OwnerName)
	}
	return o, err
}
