package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pillion-dev/pillion/events"
)

// shard packs the records of its sessions into blocks: one publish under way,
// what comes meanwhile waits for the next.
type shard struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string
	epoch   string
	blocks  uint64

	mu     sync.Mutex
	queue  []item
	size   int
	next   map[events.SessionID]events.Offset // what has to follow, of sessions seen
	closed bool
	wake   chan struct{}

	keep keeper
}

type item struct {
	id      events.SessionID
	records []events.Record
	size    int
	done    func(error)
}

func newShard(ctx context.Context, js jetstream.JetStream, n int, epoch string, replicas int) (*shard, error) {
	s := &shard{
		js: js, subject: fmt.Sprintf("log.%d", n), epoch: fmt.Sprintf("%s-%d", epoch, n),
		next: map[events.SessionID]events.Offset{}, wake: make(chan struct{}, 1),
	}
	var err error
	s.stream, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: fmt.Sprintf("LOG_%d", n), Subjects: []string{s.subject}, Storage: jetstream.FileStorage,
		Replicas: replicas, Discard: jetstream.DiscardNew, MaxMsgSize: maxMessage, Duplicates: 2 * time.Minute, AllowDirect: true,
	})
	if err != nil {
		return nil, err
	}
	s.keep.live = map[events.SessionID]bool{}
	return s, s.scan(ctx, nil, func(seq uint64, parts []part) (bool, error) {
		s.keep.add(seq, parts)
		for i := range parts {
			p := &parts[i]
			s.next[p.id] = max(s.next[p.id], p.first+events.Offset(p.count))
		}
		return true, nil
	})
}

func (s *shard) append(id events.SessionID, records []events.Record, done func(error)) {
	it := item{id: id, records: records, done: done}
	for i := range records {
		it.size += len(records[i].Payload) + 64
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.accept(&it); err != nil {
		go done(err) // done may take locks that our caller holds
		return
	}
	s.queue, s.size = append(s.queue, it), s.size+it.size
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *shard) accept(it *item) error {
	if s.closed {
		return errors.New("the log is closed")
	}
	if s.size+it.size > maxQueue {
		return events.ErrLogBusy
	}
	next, seen := s.next[it.id]
	for i := range it.records {
		if o := it.records[i].Offset; seen && o != next {
			return events.ErrLogGap
		}
		next, seen = it.records[i].Offset+1, true
	}
	s.next[it.id] = next
	return nil
}

// run publishes blocks until ctx ends, and then what is queued.
func (s *shard) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
			for s.publish() {
			}
			return
		case <-s.wake:
		}
		if s.waiting() < blockSize {
			timer.Reset(linger)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		for s.publish() {
		}
	}
}

func (s *shard) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// publish sends one block and reports whether there was anything to send.
func (s *shard) publish() bool {
	items := s.takeBlock()
	if len(items) == 0 {
		return false
	}
	parts := pack(items)
	s.blocks++
	msg := &nats.Msg{Subject: s.subject, Data: appendBlock(nil, parts)}
	id := fmt.Sprintf("%s-%d", s.epoch, s.blocks)
	seq, err := s.send(msg, id)
	if err != nil {
		s.failAll(items, err)
		return true
	}
	list := make([]part, len(parts))
	for i, p := range parts {
		list[i] = *p
	}
	s.keep.add(seq, list)
	for _, it := range items {
		it.done(nil)
	}
	return true
}

func (s *shard) send(msg *nats.Msg, id string) (seq uint64, err error) {
	for range publishTries {
		ctx, cancel := context.WithTimeout(context.Background(), publishWait)
		ack, perr := s.js.PublishMsg(ctx, msg, jetstream.WithMsgID(id))
		cancel()
		if perr == nil {
			return ack.Sequence, nil
		}
		err = perr
	}
	return 0, err
}

// takeBlock takes queued items for one block, at least one.
func (s *shard) takeBlock() []item {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, 0
	for n < len(s.queue) && (n == 0 || size+s.queue[n].size <= blockSize) {
		size += s.queue[n].size
		n++
	}
	items := slices.Clone(s.queue[:n])
	s.queue, s.size = slices.Delete(s.queue, 0, n), s.size-size
	return items
}

func pack(items []item) []*part {
	var parts []*part
	byID := map[events.SessionID]*part{}
	for _, it := range items {
		p := byID[it.id]
		if p == nil {
			p = &part{id: it.id}
			byID[it.id] = p
			parts = append(parts, p)
		}
		for i := range it.records {
			p.add(&it.records[i])
		}
	}
	return parts
}

// failAll gives up a block and all that waits behind it: of a session nothing
// may be kept after a loss.
func (s *shard) failAll(items []item, err error) {
	s.mu.Lock()
	items = append(items, s.queue...)
	s.queue, s.size = nil, 0
	for _, it := range items { // what follows next is what was lost first
		first := it.records[0].Offset
		s.next[it.id] = min(s.next[it.id], first)
	}
	s.mu.Unlock()
	for _, it := range items {
		it.done(err)
	}
}

// scan reads the stream's blocks up to the one that is last now.
func (s *shard) scan(ctx context.Context, since *time.Time, visit func(seq uint64, parts []part) (more bool, err error)) error {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return err
	}
	last := info.State.LastSeq
	if info.State.Msgs == 0 || since != nil && info.State.LastTime.Before(*since) {
		return nil
	}
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	if since != nil {
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, since
	}
	consumer, err := s.stream.OrderedConsumer(ctx, cfg)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(256, 4*maxMessage))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		parts, err := decodeBlock(msg.Data())
		if err != nil {
			return fmt.Errorf("%s, block %d: %w", s.subject, meta.Sequence.Stream, err)
		}
		more, err := visit(meta.Sequence.Stream, parts)
		if err != nil || !more || meta.Sequence.Stream >= last {
			return err
		}
	}
}

// keeper knows which blocks are still needed.
type keeper struct {
	mu     sync.Mutex
	blocks []keptBlock
	live   map[events.SessionID]bool // false: forgotten
}

type keptBlock struct {
	seq uint64
	ids []events.SessionID
}

func (k *keeper) add(seq uint64, parts []part) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := keptBlock{seq: seq}
	for i := range parts {
		b.ids = append(b.ids, parts[i].id)
		k.live[parts[i].id] = true
	}
	k.blocks = append(k.blocks, b)
}

// drop forgets a session and returns the sequence number up to which no block is needed.
func (k *keeper) drop(id events.SessionID) (upTo uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.live, id)
	n := 0
	for n < len(k.blocks) && !slices.ContainsFunc(k.blocks[n].ids, func(id events.SessionID) bool { return k.live[id] }) {
		upTo = k.blocks[n].seq
		n++
	}
	k.blocks = slices.Delete(k.blocks, 0, n)
	return upTo
}

func (s *shard) forget(ctx context.Context, id events.SessionID) error {
	s.mu.Lock()
	delete(s.next, id)
	s.mu.Unlock()
	upTo := s.keep.drop(id)
	if upTo == 0 {
		return nil
	}
	return s.stream.Purge(ctx, jetstream.WithPurgeSequence(upTo+1))
}
