package main

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"path/filepath"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/proxy"
)

// newTee is what assets are copied to: nowhere, a hash, or a store on disk.
func newTee(kind, dir string) (proxy.Tee, error) {
	switch kind {
	case "":
		return nil, nil //nolint:nilnil // no tee is one of the choices
	case "hash":
		return hashTee{}, nil
	case "store":
		return newStoreTee(dir)
	}
	return nil, fmt.Errorf("tee %q: hash, store or nothing", kind)
}

// hashTee hashes and keeps nothing: the least that a store by content costs.
type hashTee struct{}

// Begin implements proxy.Tee.
func (hashTee) Begin(proxy.Asset) proxy.AssetWriter { return hashing{sha256.New()} }

type hashing struct{ hash.Hash }

func (h hashing) Commit() { h.Sum(nil) }
func (hashing) Abort()    {}

// storeTee is the archive's collector, wired as in cmd/pillion.
type storeTee struct{ c *archive.Collector }

func newStoreTee(dir string) (proxy.Tee, error) {
	store, err := disk.NewStore(dir)
	if err != nil {
		return nil, err
	}
	captures, err := disk.NewCaptures(filepath.Join(dir, "captures.db"))
	if err != nil {
		return nil, err
	}
	vaults, err := archive.NewVaults(store, make([]byte, archive.KeySize))
	if err != nil {
		return nil, err
	}
	c, err := archive.NewCollector(archive.CollectorOptions{Store: store, Vaults: vaults, Captures: captures, Overflow: filepath.Join(dir, "overflow")})
	return storeTee{c}, err // ends with the process
}

// Begin implements proxy.Tee.
func (t storeTee) Begin(a proxy.Asset) proxy.AssetWriter {
	w := t.c.Begin(archive.Answer{
		Visit: a.Visit, URL: a.URL, Time: a.Time, Status: a.Status, Location: a.Location, Header: a.Header, Request: a.Request,
		Dest: a.Request.Get("Sec-Fetch-Dest"), Credentials: a.Credentials, Refetched: a.Refetched,
	})
	if w == nil {
		return nil // not a nil *Collecting in an interface
	}
	return w
}
