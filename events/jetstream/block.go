package jetstream

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pillion-dev/pillion/events"
)

// A block is one message of a shard's stream: records of several sessions.
//
//	u8   version = 1
//	uint sessions, each: uint length + id, uint first offset, uint records, uint bytes
//	the sessions' records in the same order, each: uint length, record (events/FORMAT.md)

const blockVersion = 1

var errBlock = errors.New("damaged block")

// part is what a block holds of one session.
type part struct {
	id      events.SessionID
	first   events.Offset
	count   uint64
	records []byte
}

func (p *part) add(r *events.Record) {
	if p.count == 0 {
		p.first = r.Offset
	}
	p.count++
	b := events.AppendRecord(make([]byte, 0, len(r.Payload)+48), r)
	p.records = binary.AppendUvarint(p.records, uint64(len(b)))
	p.records = append(p.records, b...)
}

func appendBlock(dst []byte, parts []*part) []byte {
	dst = append(dst, blockVersion)
	dst = binary.AppendUvarint(dst, uint64(len(parts)))
	for _, p := range parts {
		dst = binary.AppendUvarint(dst, uint64(len(p.id)))
		dst = append(dst, p.id...)
		dst = binary.AppendUvarint(dst, uint64(p.first))
		dst = binary.AppendUvarint(dst, p.count)
		dst = binary.AppendUvarint(dst, uint64(len(p.records)))
	}
	for _, p := range parts {
		dst = append(dst, p.records...)
	}
	return dst
}

// decodeBlock reads a block; the parts alias b.
func decodeBlock(b []byte) ([]part, error) {
	if len(b) == 0 || b[0] != blockVersion {
		return nil, fmt.Errorf("%w: unknown version", errBlock)
	}
	b = b[1:]
	bad := false
	number := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			bad = true
			return 0
		}
		b = b[n:]
		return v
	}
	count := number()
	if count > uint64(len(b)) {
		return nil, fmt.Errorf("%w: more sessions than bytes", errBlock)
	}
	parts := make([]part, 0, count)
	sizes := make([]uint64, 0, count)
	for range count {
		length := number()
		if bad || length > uint64(len(b)) {
			return nil, fmt.Errorf("%w: cut short", errBlock)
		}
		p := part{id: events.SessionID(b[:length])}
		b = b[length:]
		p.first, p.count = events.Offset(number()), number()
		parts = append(parts, p)
		sizes = append(sizes, number())
	}
	for i := range parts {
		if bad || sizes[i] > uint64(len(b)) {
			return nil, fmt.Errorf("%w: cut short", errBlock)
		}
		parts[i].records, b = b[:sizes[i]], b[sizes[i]:]
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("%w: trailing bytes", errBlock)
	}
	return parts, nil
}

// each yields the records of a part; it stops when yield returns false.
func (p *part) each(yield func(events.Record) bool) error {
	b := p.records
	for len(b) > 0 {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return fmt.Errorf("%w: cut short", errBlock)
		}
		r, err := events.DecodeRecord(b[n : n+int(length)])
		if err != nil {
			return err
		}
		b = b[n+int(length):]
		if !yield(r) {
			return nil
		}
	}
	return nil
}
