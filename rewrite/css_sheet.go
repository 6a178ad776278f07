package rewrite

import "io"

// Sheet copies a style sheet and maps its URLs as [AppendCSS] does, as it
// streams: what is written is the same wherever the input is split. It keeps
// back only a token that has not ended, at most 64 KiB of it.
type Sheet struct {
	w       io.Writer
	s       cssScanner
	changed bool
	err     error
}

// NewSheet returns a Sheet that writes to w. Close has to be called at the
// sheet's end; it does not close w.
func NewSheet(w io.Writer, m Mapper) *Sheet {
	sh := new(Sheet)
	sh.Reset(w, m)
	return sh
}

// Reset makes it one for another sheet.
func (sh *Sheet) Reset(w io.Writer, m Mapper) {
	buf, out := sh.s.buf[:0], sh.s.out[:0]
	sh.w, sh.err, sh.changed = w, nil, false
	sh.s.reset(m, nil)
	sh.s.buf, sh.s.out = buf, out
	if m == nil {
		sh.s.begun, sh.s.mode = true, cssRaw
	}
}

// Changed reports whether any URL changed so far.
func (sh *Sheet) Changed() bool { return sh.changed }

// sheetPiece is how much is read at once, so that the memory taken does not
// depend on how much is written at once.
const sheetPiece = 32 << 10

// Write implements io.Writer.
func (sh *Sheet) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) && sh.err == nil {
		n := min(len(p)-done, sheetPiece)
		sh.s.buf = append(sh.s.buf, p[done:done+n]...)
		sh.s.run()
		sh.pass()
		done += n
	}
	if sh.err != nil {
		return 0, sh.err
	}
	return done, nil
}

// Close writes what was kept back.
func (sh *Sheet) Close() error {
	if sh.err != nil {
		return sh.err
	}
	sh.s.final = true
	sh.s.run()
	sh.s.pos, sh.s.mode = len(sh.s.buf), cssRaw
	sh.pass()
	return sh.err
}

// pass writes what is sure to stay, and forgets it.
func (sh *Sheet) pass() {
	s := &sh.s
	hold := max(s.hold(), s.kept)
	sh.changed = sh.changed || s.changed
	switch {
	case hold == 0:
		return
	case s.kept == 0:
		_, sh.err = sh.w.Write(s.buf[:hold])
	default:
		s.out = append(s.out, s.buf[s.kept:hold]...)
		_, sh.err = sh.w.Write(s.out)
	}
	s.forget(hold)
}

// hold is up to where buf is not needed any more.
func (s *cssScanner) hold() int {
	if s.start >= 0 && len(s.buf)-s.start > maxToken {
		s.start = -1
	}
	switch {
	case !s.begun:
		return 0
	case s.start >= 0:
		return s.start
	case s.mode == cssText:
		// A bracket may follow; then the byte before the name counts, too.
		return max(s.nameStart(s.pos)-1, 0)
	}
	return s.pos
}

// forget drops the first n bytes of buf.
func (s *cssScanner) forget(n int) {
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	s.out = s.out[:0]
	s.kept = 0
	s.pos -= n
	s.from -= n
	s.to -= n
	s.floor = max(s.floor-n, 0)
	s.want = max(s.want-n, -1)
	if s.start >= 0 {
		s.start -= n
	}
}
