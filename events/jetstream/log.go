// Package jetstream keeps session logs and live metadata in NATS JetStream,
// embedded in the process or on a cluster.
package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pillion-dev/pillion/events"
)

const (
	shards       = 4
	linger       = 5 * time.Millisecond
	blockSize    = 256 << 10
	maxQueue     = 64 << 20 // bytes that wait per shard
	publishTries = 3
	publishWait  = 10 * time.Second
	// maxMessage holds a page state of the largest size and its header.
	maxMessage = 16 << 20
)

// Log implements events.Log on shard streams.
type Log struct {
	js     jetstream.JetStream
	shards [shards]*shard
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// NewLog opens the shard streams, makes those that are missing, and starts one
// goroutine per shard; Close ends them. The connection stays the caller's.
func NewLog(ctx context.Context, nc *nats.Conn, replicas int) (*Log, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	l := &Log{js: js}
	run, stop := context.WithCancel(context.Background())
	l.stop = stop
	epoch := rand.Text()
	for i := range l.shards {
		s, err := newShard(ctx, js, i, epoch, replicas)
		if err != nil {
			stop()
			return nil, fmt.Errorf("log shard %d: %w", i, err)
		}
		l.shards[i] = s
	}
	for _, s := range l.shards {
		l.done.Add(1)
		go func() {
			defer l.done.Done()
			s.run(run)
		}()
	}
	return l, nil
}

func (l *Log) shard(id events.SessionID) *shard {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails (hash.Hash)
	return l.shards[h.Sum32()%shards]
}

// Append implements events.Log.
func (l *Log) Append(id events.SessionID, records []events.Record, done func(error)) {
	l.shard(id).append(id, records, done)
}

// Forget implements events.Log. Blocks go once all their sessions are forgotten
// and no older block stays.
func (l *Log) Forget(ctx context.Context, id events.SessionID) error {
	return l.shard(id).forget(ctx, id)
}

// Close implements events.Log.
func (l *Log) Close() error {
	l.stop()
	l.done.Wait()
	return nil
}

// Read implements events.Log.
func (l *Log) Read(ctx context.Context, id events.SessionID, after events.Offset) iter.Seq2[events.Record, error] {
	return func(yield func(events.Record, error) bool) {
		last := after
		err := l.shard(id).scan(ctx, since(id), func(_ uint64, parts []part) (more bool, err error) {
			more = true
			for i := range parts {
				if parts[i].id != id {
					continue
				}
				derr := parts[i].each(func(r events.Record) bool {
					switch {
					case r.Offset <= last: // published twice, or before after
						return true
					case r.Offset != last+1:
						err = fmt.Errorf("session %s: offset %d follows %d: %w", id, r.Offset, last, events.ErrLogGap)
						return false
					}
					last = r.Offset
					more = yield(r, nil)
					return more
				})
				err = errors.Join(err, derr)
			}
			return more, err
		})
		if err != nil {
			yield(events.Record{}, err)
		}
	}
}

// since is when the first record of a session can have been written: its id
// bears the time (UUIDv7). The margin covers clocks that were set back.
func since(id events.SessionID) *time.Time {
	u, err := uuid.Parse(string(id))
	if err != nil || u.Version() != 7 {
		return nil
	}
	sec, nsec := u.Time().UnixTime()
	t := time.Unix(sec, nsec).Add(-10 * time.Minute)
	return &t
}
