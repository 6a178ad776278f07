package events

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
)

// ErrLogGap is given where records do not follow the last accepted ones.
var ErrLogGap = errors.New("records do not follow the log's last ones")

// MemLog is a Log in memory, for tests and trials.
type MemLog struct {
	mu       sync.Mutex
	sessions map[SessionID][]Record
	calls    []func() // to be made by the one goroutine that makes them
	pending  sync.WaitGroup
	closed   bool
}

// NewMemLog returns an empty MemLog.
func NewMemLog() *MemLog { return &MemLog{sessions: map[SessionID][]Record{}} }

// Append implements Log.
func (l *MemLog) Append(id SessionID, records []Record, done func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.accept(id, records)
	if l.calls = append(l.calls, func() { done(err) }); len(l.calls) == 1 {
		l.pending.Go(l.call)
	}
}

// call makes the calls that wait, in their order.
func (l *MemLog) call() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.calls) > 0 {
		next := l.calls[0]
		l.mu.Unlock()
		next()
		l.mu.Lock()
		l.calls = l.calls[1:]
	}
}

func (l *MemLog) accept(id SessionID, records []Record) error {
	if l.closed {
		return errors.New("the log is closed")
	}
	kept := l.sessions[id]
	for _, r := range records {
		if r.Offset != Offset(len(kept)+1) {
			return ErrLogGap
		}
		kept = append(kept, r)
	}
	l.sessions[id] = kept
	return nil
}

// Read implements Log.
func (l *MemLog) Read(ctx context.Context, id SessionID, after Offset) iter.Seq2[Record, error] {
	l.mu.Lock()
	kept := l.sessions[id]
	l.mu.Unlock()
	return func(yield func(Record, error) bool) {
		for i := int(after); i < len(kept); i++ {
			if err := ctx.Err(); err != nil {
				yield(Record{}, err)
				return
			}
			if !yield(kept[i], nil) {
				return
			}
		}
	}
}

// Forget implements Log.
func (l *MemLog) Forget(_ context.Context, id SessionID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sessions, id)
	return nil
}

// Close implements Log.
func (l *MemLog) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.pending.Wait()
	return nil
}

// MemDirectory is a Directory in memory, for tests and trials.
type MemDirectory struct {
	mu   sync.Mutex
	list map[SessionID]SessionInfo
}

// NewMemDirectory returns an empty MemDirectory.
func NewMemDirectory() *MemDirectory { return &MemDirectory{list: map[SessionID]SessionInfo{}} }

// Put implements Directory.
func (d *MemDirectory) Put(_ context.Context, info SessionInfo) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list[info.ID] = info
	return nil
}

// Get implements Directory.
func (d *MemDirectory) Get(_ context.Context, id SessionID) (SessionInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	info, ok := d.list[id]
	if !ok {
		return info, ErrNoSession
	}
	return info, nil
}

// List implements Directory.
func (d *MemDirectory) List(context.Context) ([]SessionInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.list)), nil
}

// Delete implements Directory.
func (d *MemDirectory) Delete(_ context.Context, id SessionID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.list, id)
	return nil
}
