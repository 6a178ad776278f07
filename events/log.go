package events

import (
	"context"
	"errors"
	"iter"
)

// ErrNoSession is returned where a session is not known (any more).
var ErrNoSession = errors.New("no such session")

// Log keeps the records of all sessions, append only.
//
// One gateway appends to a session at a time and gives out its offsets, from 1
// and without gaps. A Log is safe for concurrent use.
type Log interface {
	// Append queues records of one session, in order, and returns at once.
	// done is called once, from a goroutine of the log's: with nil when all of
	// them are durable, else with the reason why they may not be. Appends of a
	// session become durable in the order in which they were made, each as a
	// whole, and done is called in that order. When the
	// log's bounded queue is full, done gets ErrLogBusy and nothing is kept.
	// Records that do not follow the last accepted ones get ErrLogGap, so that
	// nothing is kept after a loss. done may take locks of the caller's, so it
	// is never called within Append.
	// The payloads must not be changed afterwards.
	Append(id SessionID, records []Record, done func(error))
	// Read yields the session's durable records after the given offset, in
	// order, each once, and ends at the last one. Damage is yielded as an
	// error, never skipped. An unknown session yields nothing.
	Read(ctx context.Context, id SessionID, after Offset) iter.Seq2[Record, error]
	// Forget drops a session's records, once its recording was verified.
	Forget(ctx context.Context, id SessionID) error
	// Close makes durable what is queued and releases everything.
	Close() error
}

// ErrLogBusy is given where a log cannot keep up and its queue is full.
var ErrLogBusy = errors.New("the log's queue is full")
