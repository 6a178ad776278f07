package events

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// SessionID names an assistance session: a UUIDv7, long and secret towards
// everybody without a right to the session. It is never read out; see JoinCode.
type SessionID string

// Offset is a record's place in its session's log: from 1, without gaps.
type Offset uint64

// PageID numbers the pages (browser documents) of one session, from 1.
type PageID uint32

// ParticipantNo numbers the participants of one session; 0 is the gateway.
type ParticipantNo uint32

// Kind says what a record's payload is (FORMAT.md, Records).
type Kind uint8

// The kinds of records.
const (
	KindPageState         Kind = 1
	KindPageEvents        Kind = 2
	KindEventRequest      Kind = 3
	KindEventConfirmation Kind = 4
	KindLock              Kind = 5
	KindLifecycle         Kind = 6
	KindChannelData       Kind = 7
	KindPointer           Kind = 8
	KindDrawing           Kind = 9
)

// Record is one entry of a session's log.
type Record struct {
	Offset  Offset
	Time    time.Time // the gateway's clock, UTC, stored in microseconds
	From    ParticipantNo
	Page    PageID
	Seq     uint64 // the sender's own number, 0 for none
	Kind    Kind
	Payload []byte
}

// ErrRecord is returned for bytes that are no record.
var ErrRecord = errors.New("malformed record")

// AppendRecord appends the record as stored and relayed (FORMAT.md, Records).
func AppendRecord(dst []byte, r *Record) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Offset))
	dst = binary.AppendUvarint(dst, uint64(r.Time.UnixMicro()))
	dst = append(dst, byte(r.Kind))
	dst = binary.AppendUvarint(dst, uint64(r.From))
	dst = binary.AppendUvarint(dst, uint64(r.Page))
	dst = binary.AppendUvarint(dst, r.Seq)
	return append(dst, r.Payload...)
}

// DecodeRecord reads what AppendRecord wrote. The payload aliases b.
func DecodeRecord(b []byte) (Record, error) {
	var r Record
	fields := [6]uint64{}
	for i := range fields {
		if i == 2 {
			if len(b) == 0 {
				return r, fmt.Errorf("%w: no kind", ErrRecord)
			}
			fields[i], b = uint64(b[0]), b[1:]
			continue
		}
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return r, fmt.Errorf("%w: field %d", ErrRecord, i)
		}
		fields[i], b = v, b[n:]
	}
	if fields[3] > 1<<32-1 || fields[4] > 1<<32-1 || fields[1] > 1<<62 {
		return r, fmt.Errorf("%w: number out of range", ErrRecord)
	}
	r.Offset, r.Time = Offset(fields[0]), time.UnixMicro(int64(fields[1])).UTC()
	r.Kind, r.From, r.Page = Kind(fields[2]), ParticipantNo(fields[3]), PageID(fields[4])
	r.Seq, r.Payload = fields[5], b
	return r, nil
}
