package archive

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

const (
	// inMemory bounds the bodies that wait in memory; larger ones go to a file.
	inMemory  = 4 << 20
	maxMemory = 96 << 20 // of all answers under way and waiting
	maxFiles  = 4 << 30  // of all files for larger ones, in bytes
	// maxPooled bounds the bodies that wait to be used again.
	maxPooled = 1 << 20
)

// errTooLarge ends the copying of an answer; the answer itself goes on.
var errTooLarge = errors.New("too large for the archive")

// errFull ends it where there is no room.
var errFull = errors.New("the archive does not keep up")

// Collecting takes one answer's body. Exactly one of Commit and Abort ends it.
// It has one user at a time.
type Collecting struct {
	c       *Collector
	capture Capture
	kind    kind
	limit   int64
	shared  bool // it may stand for its URL whoever asks
	confirm bool // the answer was a 304: what it refers to is looked up
	expect  int  // size of the body, as far as the header tells
	why     Why  // it cannot be kept

	body []byte
	file *overflow // in place of it
	size int64     // of the body so far
	part *part     // of a file of which a range came
	at   int64     // where in it the next byte stands
}

// bodies are used again: most assets are of a few sizes.
var bodies sync.Pool

// takeBody returns an empty body with room for n bytes, as far as that is sensible.
func takeBody(n int) []byte {
	if b, ok := bodies.Get().(*[]byte); ok && cap(*b) >= n {
		return (*b)[:0]
	}
	return make([]byte, 0, max(n, 4<<10))
}

// Write takes a part of the body. It fails where the answer cannot be kept.
func (w *Collecting) Write(p []byte) (int, error) {
	if w.why != "" {
		return 0, errTooLarge
	}
	err := w.take(p)
	if err == nil {
		return len(p), nil
	}
	if w.why = WhyLost; errors.Is(err, errTooLarge) {
		w.why = WhyTooLarge
	}
	w.free()
	return 0, err
}

func (w *Collecting) take(p []byte) error {
	if w.part != nil {
		n, err := w.part.write(p, w.at)
		w.at += int64(n)
		return err
	}
	if w.size+int64(len(p)) > w.limit {
		return errTooLarge
	}
	if w.file == nil && w.size+int64(len(p)) > inMemory && w.c.dir != "" {
		if err := w.overflow(); err != nil {
			return err
		}
	}
	files := w.file != nil
	if !w.c.reserve(int64(len(p)), files) {
		return errFull
	}
	if files {
		if _, err := w.file.WriteAt(p, w.size); err != nil {
			w.c.giveBack(int64(len(p)), true)
			return err
		}
	} else {
		if w.body == nil {
			w.body = takeBody(max(w.expect, len(p)))
		}
		w.body = append(w.body, p...)
	}
	w.size += int64(len(p))
	return nil
}

// overflow moves the body from memory to a file.
func (w *Collecting) overflow() error {
	file, err := newOverflow(w.c.dir)
	if err != nil {
		return err
	}
	if _, err = file.WriteAt(w.body, 0); err != nil || !w.c.reserve(w.size, true) {
		return errors.Join(err, errFull, file.Close())
	}
	w.freeBody()
	w.file = file
	return nil
}

func (w *Collecting) freeBody() {
	w.c.giveBack(int64(len(w.body)), false)
	if body := w.body; cap(body) > 0 && cap(body) <= maxPooled {
		bodies.Put(&body)
	}
	w.body = nil
}

// free gives up what the body takes.
func (w *Collecting) free() {
	w.freeBody()
	if w.file != nil {
		w.c.giveBack(w.size, true)
		_ = w.file.Close() // it is nobody's any more
		w.file = nil
	}
	w.size = 0
}

// content is the whole body.
func (w *Collecting) content() io.ReaderAt {
	if w.file != nil {
		return w.file
	}
	return bytes.NewReader(w.body)
}

// Abort drops the answer: it did not come whole.
func (w *Collecting) Abort() {
	if w.part != nil { // what came of a range stands where it belongs
		w.c.partEnded(w)
		return
	}
	if w.why == "" {
		w.why = WhyBroken
	}
	w.end()
}

// Commit hands the whole answer to the collector.
func (w *Collecting) Commit() {
	if w.part != nil {
		w.c.partEnded(w)
		return
	}
	w.end()
}

// end hands the answer to the collector, kept or not.
func (w *Collecting) end() {
	if w.why != "" {
		w.free()
	}
	if !w.c.enqueue(w) {
		w.free()
	}
}
