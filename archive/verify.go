package archive

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Problem is something in a recording that is not as it was sealed.
type Problem struct {
	Object string `json:"object,omitempty"` // name within the recording
	Record uint64 `json:"record,omitempty"` // offset of the record
	URL    string `json:"url,omitempty"`    // of the asset
	Ref    Ref    `json:"ref,omitempty"`
	What   string `json:"what"`
}

func (p Problem) String() string {
	where := p.Object
	if p.URL != "" {
		where = fmt.Sprintf("asset %s (%s)", p.URL, p.Ref)
	}
	if p.Record > 0 {
		where += fmt.Sprintf(", record %d", p.Record)
	}
	if where == "" {
		return p.What
	}
	return where + ": " + p.What
}

// Verifying says what is to be verified, and by what.
type Verifying struct {
	Store   Store
	Vaults  *Vaults // nil: the objects are checked as stored, not what is in them
	Session string
	// Keys are those that may have signed; nil for the one that the recording names.
	Keys []ed25519.PublicKey
	// Journal tells which top is the last one; nil when there is none.
	Journal *Journal
	// Bare is for a recording outside of an archive: its parts are not encrypted,
	// and its assets all stand as blobs.
	Bare bool
	// Authorities are the roots of time-stamping authorities; nil for any.
	Authorities *x509.CertPool
	// All looks for more than the first problem.
	All bool
}

// errEnough ends a check at the first problem.
var errEnough = errors.New("enough is known")

// Verify reads all of a recording and returns what is wrong with it; nothing
// when it is as it was sealed. ErrAbsent when there is none; other errors are
// for a store that cannot be read.
func Verify(ctx context.Context, what Verifying) ([]Problem, error) {
	v := &verifier{Verifying: what}
	err := v.run(ctx)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return v.problems, err
}

type verifier struct {
	Verifying
	r        *Recording
	problems []Problem
}

func (v *verifier) tell(p Problem) error {
	v.problems = append(v.problems, p)
	if !v.All {
		return errEnough
	}
	return nil
}

// note turns damage into a problem and passes other errors on.
func (v *verifier) note(object string, err error) error {
	var at *recordError
	switch {
	case errors.As(err, &at):
		return v.tell(Problem{Object: object, Record: at.offset, What: at.what})
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrAbsent):
		return v.tell(Problem{Object: object, What: err.Error()})
	}
	return err
}

// recordError is damage at a record.
type recordError struct {
	offset uint64
	what   string
}

func (e *recordError) Error() string {
	return fmt.Sprintf("record %d is damaged: %s", e.offset, e.what)
}
func (e *recordError) Unwrap() error { return ErrDamaged }

func (v *verifier) run(ctx context.Context) error {
	text, err := ReadObject(ctx, v.Store, topName(v.Session))
	if errors.Is(err, ErrAbsent) {
		return v.runV1(ctx)
	}
	if err != nil {
		return err
	}
	if err := v.top(ctx, text); err != nil || v.r == nil {
		return err
	}
	if v.Vaults != nil && !v.Bare {
		v.r.lib = NewLibrary(v.Store, v.Vaults)
		if v.r.vault, err = v.Vaults.Open(ctx, SessionOwner(v.Session)); err != nil {
			if err := v.note("", fmt.Errorf("the recording's key: %w", err)); err != nil {
				return err
			}
		}
	}
	if err := v.segments(ctx); err != nil {
		return err
	}
	if err := v.parts(ctx); err != nil || !v.readable() {
		return err
	}
	return v.contents(ctx)
}

// top checks the top as it is stored, and what attests it. Without one that can be
// read there is no v.r.
func (v *verifier) top(ctx context.Context, text []byte) error {
	top, signed, err := readTop(text, v.Session)
	if err != nil {
		return v.note("top", err)
	}
	v.r = &Recording{Top: *top, store: v.Store, hash: RefOf(text), bare: v.Bare, lib: NewLibrary(v.Store, nil)}
	if err := v.signed("top", signed.text, signed.signature, top.Key); err != nil {
		return err
	}
	if err := v.last(); err != nil {
		return err
	}
	return v.stamped(ctx)
}

// stamped checks the authority's time stamp, where there is one.
func (v *verifier) stamped(ctx context.Context) error {
	_, err := ReadStamp(ctx, v.Store, v.Session, v.Authorities)
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	return v.note("stamp", err)
}

// readable reports whether more can be looked at than objects as they are stored.
func (v *verifier) readable() bool { return v.r.vault != nil || v.Bare }

func (v *verifier) runV1(ctx context.Context) (err error) {
	if _, listed := v.Journal.Last(v.Session); listed {
		if has, err := HasTop(ctx, v.Store, v.Session); err != nil || has {
			return errors.Join(err, v.tell(Problem{Object: manifestV1, What: "it is of version 1, and a later one was sealed"}))
		}
	}
	if v.r, err = OpenRecording(ctx, v.Store, v.Vaults, v.Session); err != nil {
		if errors.Is(err, ErrDamaged) {
			return v.note(manifestV1, err)
		}
		return err
	}
	if err := v.signatureV1(ctx); err != nil {
		return err
	}
	if err := v.segmentsV1(ctx); err != nil {
		return err
	}
	return v.contents(ctx)
}

// signed checks a signature, and whose it is.
func (v *verifier) signed(object string, text, signature []byte, by string) error {
	key := publicKeyOf(by)
	known := len(v.Keys) == 0
	for _, k := range v.Keys {
		known = known || k.Equal(key)
	}
	switch {
	case key == nil:
		return v.tell(Problem{Object: object, What: "the key that it names is none"})
	case !ed25519.Verify(key, text, signature):
		return v.tell(Problem{Object: object, What: "it does not match its signature"})
	case !known:
		return v.tell(Problem{Object: object, What: fmt.Sprintf("it was signed with key %s, which is none of this archive's", KeyID(key))})
	}
	return nil
}

// last compares the top with the one that was entered in the journal last.
func (v *verifier) last() error {
	entry, ok := v.Journal.Last(v.Session)
	switch {
	case v.Journal == nil || ok && entry.Top == v.r.hash:
		return nil
	case !ok:
		return v.tell(Problem{Object: "top", What: "the journal of recordings does not know it"})
	case v.Journal.Knows(v.Session, v.r.hash):
		return v.tell(Problem{Object: "top", What: fmt.Sprintf("it is an older one: the last was sealed at %s", entry.Time.Format("2006-01-02 15:04:05"))})
	}
	return v.tell(Problem{Object: "top", What: "it is another one than the journal of recordings tells of"})
}

// eachOffset yields records whose offsets have to be those from one to another.
func eachOffset(b []byte, from, to uint64, yield func(record []byte)) error {
	next := from
	err := Each(b, func(record []byte) error {
		o, k := binary.Uvarint(record)
		if k <= 0 || o != next || o > to {
			return &recordError{next, fmt.Sprintf("offset %d stands in its place", o)}
		}
		next++
		yield(record)
		return nil
	})
	if err == nil && next != to+1 {
		err = &recordError{next, "it is not there"}
	}
	if errors.Is(err, ErrDamaged) && !errors.As(err, new(*recordError)) {
		err = &recordError{next, err.Error()}
	}
	return err
}

func (v *verifier) segments(ctx context.Context) error {
	var chain []byte
	offset := uint64(0)
	for n, s := range v.r.Segments {
		object := segmentPart(n)
		if s.N != n || s.From != offset+1 || s.To < s.From {
			if err := v.tell(Problem{Object: object, What: fmt.Sprintf("it has offsets %d to %d, after %d", s.From, s.To, offset)}); err != nil {
				return err
			}
		}
		if err := v.segment(ctx, s, object, chain); err != nil {
			return err
		}
		chain, _ = hex.DecodeString(s.Chain) // what it should be, so that each break is told once
		offset = s.To
	}
	if v.r.Chain != hex.EncodeToString(chain) {
		if err := v.tell(Problem{Object: "top", What: "its chain is not that of the last segment"}); err != nil {
			return err
		}
	}
	return v.whole(offset)
}

func (v *verifier) segment(ctx context.Context, s Segment, object string, chain []byte) error {
	p := Part{object, s.Size, s.Hash, s.Plain}
	if !v.readable() {
		_, err := v.r.stored(ctx, p)
		return v.note(object, err)
	}
	content, err := v.r.content(ctx, p)
	if err != nil {
		return v.note(object, err)
	}
	if err := eachOffset(content, s.From, s.To, func(record []byte) { chain = chainRecord(chain, record) }); err != nil {
		return v.note(object, err)
	}
	if hex.EncodeToString(chain) != s.Chain {
		return v.tell(Problem{Object: object, Record: s.From, What: "the chain breaks in the records from here to " + fmt.Sprint(s.To)})
	}
	return nil
}

func (v *verifier) whole(offset uint64) error {
	if offset == v.r.Records {
		return nil
	}
	return v.tell(Problem{Object: "top", Record: offset + 1, What: fmt.Sprintf("it is not there: %d of %d are", offset, v.r.Records)})
}

// parts checks the objects that are no segments as they are stored, and opens them.
func (v *verifier) parts(ctx context.Context) error {
	for _, p := range v.r.Parts {
		_, err := v.r.stored(ctx, p)
		if err == nil && v.readable() {
			_, err = v.r.plain(ctx, p)
		}
		if err := v.note(p.Name, err); err != nil {
			return err
		}
	}
	return nil
}

// contents checks what the parts say, and every asset.
func (v *verifier) contents(ctx context.Context) error {
	if v.r.v1 == nil {
		if err := v.r.json(ctx, indexPart, &v.r.Index); err != nil {
			return v.again(indexPart, err)
		}
	}
	for n, k := range v.r.Keyframes {
		_, err := v.r.KeyframeBytes(ctx, n)
		object := fmt.Sprintf("keyframe-%04d.zst", n)
		if v.r.v1 == nil {
			object = keyframePart(k.Part)
		}
		if err := v.again(object, err); err != nil {
			return err
		}
	}
	for n, c := range v.r.Chunks {
		text, err := v.r.Events(ctx, n)
		var list []json.RawMessage
		if err == nil && (json.Unmarshal(text, &list) != nil || len(list) != c.Count) {
			err = fmt.Errorf("%s is %w: it does not have %d events", eventsPart(n), ErrDamaged, c.Count)
		}
		if err := v.again(eventsPart(n), err); err != nil {
			return err
		}
	}
	m, err := v.r.Manifest(ctx)
	if err != nil {
		return v.again(manifestPart, err)
	}
	return v.assets(ctx, m)
}

// again notes damage of an object, unless it was told already.
func (v *verifier) again(object string, err error) error {
	if errors.Is(err, ErrDamaged) {
		for _, p := range v.problems {
			if p.Object == object {
				return nil
			}
		}
	}
	return v.note(object, err)
}

func (v *verifier) assets(ctx context.Context, m *Manifest) error {
	type asset struct {
		ref     Ref
		private bool
	}
	checked := map[asset]bool{}
	for _, c := range m.Captures {
		a := asset{c.Ref, c.Private}
		if c.Ref == "" || checked[a] {
			continue // a redirect, or known
		}
		checked[a] = true
		content, err := v.r.Asset(ctx, c)
		p := Problem{URL: c.URL, Ref: c.Ref}
		switch {
		case errors.Is(err, ErrAbsent):
			p.What = "it is not there"
		case errors.Is(err, ErrDamaged):
			p.What = err.Error()
		case err != nil:
			return err
		case c.Size > 0 && int64(len(content)) != c.Size:
			p.What = fmt.Sprintf("it has %d bytes and not %d", len(content), c.Size)
		default:
			continue
		}
		if err := v.tell(p); err != nil {
			return err
		}
	}
	return nil
}
