//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// errRunning is returned where another gateway has a folder.
var errRunning = errors.New("another pillion runs on this folder")

// lockData makes a data folder this process's own until the file is closed; a
// process that is killed lets go of it.
func lockData(data string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errRunning
		}
		return nil, fmt.Errorf("%s: %w", data, err)
	}
	return f, nil
}
