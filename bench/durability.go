package main

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/jetstream"
)

const (
	recordsAtOnce = 100 // records that are made durable together
	recordSize    = 400 // bytes
)

// measureDurability compares records made durable with as many synced writes.
func measureDurability(ctx context.Context, _ settings, rep *report) error {
	dir, err := os.MkdirTemp("", "pillion-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	payload := make([]byte, recordSize)
	_, _ = rand.Read(payload) // never fails (crypto/rand)
	ours, err := appends(ctx, filepath.Join(dir, "log"), payload)
	if err != nil {
		return err
	}
	synced, err := syncedWrites(filepath.Join(dir, "floor"), payload)
	if err != nil {
		return err
	}
	t := rep.table("Durability", "Records of 400 bytes, acknowledged once they are on the disk.", pairHead()...)
	t.pair(pair{"100 records acknowledged durable", "100 writes, each synced (peer)", ours, synced})
	t.print()
	return nil
}

func appends(ctx context.Context, dir string, payload []byte) (testing.BenchmarkResult, error) {
	server, err := jetstream.Embed(dir)
	if err != nil {
		return testing.BenchmarkResult{}, err
	}
	defer server.Close()
	log, err := jetstream.NewLog(ctx, server.Conn, 1)
	if err != nil {
		return testing.BenchmarkResult{}, err
	}
	defer log.Close()
	offset := events.Offset(0)
	return testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			done := make(chan error, recordsAtOnce)
			for range recordsAtOnce {
				offset++
				log.Append("bench", []events.Record{{Offset: offset, Time: time.Now(), Kind: events.KindPageEvents, Payload: payload}},
					func(err error) { done <- err })
			}
			for range recordsAtOnce {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
		}
	}), nil
}

func syncedWrites(name string, payload []byte) (testing.BenchmarkResult, error) {
	file, err := os.Create(name)
	if err != nil {
		return testing.BenchmarkResult{}, err
	}
	defer file.Close()
	return testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			for range recordsAtOnce {
				if _, err := file.Write(payload); err != nil {
					b.Fatal(err)
				}
				if err := file.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}), nil
}
