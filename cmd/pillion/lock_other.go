//go:build !unix

package main

import (
	"errors"
	"os"
	"path/filepath"
)

var errRunning = errors.New("another pillion runs on this folder")

// lockData locks nothing: there is no lock that ends with its process here.
func lockData(data string) (*os.File, error) {
	return os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
}
