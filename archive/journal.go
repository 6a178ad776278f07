package archive

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Sealed is an entry of a [Journal]: a recording was sealed.
type Sealed struct {
	N       int       `json:"n"` // from 1
	Session string    `json:"session"`
	Top     Ref       `json:"top"` // of the top as stored
	Time    time.Time `json:"time"`
	Before  string    `json:"before"` // SHA-256 of the entry's line before
	Key     string    `json:"key"`    // the public key that signed, base64
}

// Journal is the installation's own list of the recordings that it sealed,
// outside of their store: each entry a line, chained to the one before and
// signed. It tells when a recording is gone, or is an older one than it was.
// It is safe for concurrent use by one process.
type Journal struct {
	mu     sync.Mutex
	file   *os.File
	n      int
	before string
	last   map[string]Sealed
	known  map[string]map[Ref]bool
	order  []string // sessions, in the order of their first entries
}

// OpenJournal opens a journal to read and to add to, and makes it when it is
// missing. Half a line at its end, of a process that was killed, is cut off.
func OpenJournal(name string) (*Journal, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := newJournal()
	j.file = f
	size, err := j.read(f, nil)
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return j, nil
}

func newJournal() *Journal {
	return &Journal{last: map[string]Sealed{}, known: map[string]map[Ref]bool{}}
}

// ReadJournal reads a journal and checks its chain, and its signatures against
// the keys; without keys, against those that it names. What is wrong is an error
// that wraps ErrDamaged.
func ReadJournal(name string, keys []ed25519.PublicKey) (*Journal, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	j := newJournal()
	check := func(e *Sealed, text, signature []byte) error {
		key := publicKeyOf(e.Key)
		known := len(keys) == 0
		for _, k := range keys {
			known = known || k.Equal(key)
		}
		if key == nil || !known || !ed25519.Verify(key, text, signature) {
			return fmt.Errorf("entry %d is %w: it is not signed with a key of this archive's", e.N, ErrDamaged)
		}
		return nil
	}
	if _, err := j.read(bytes.NewReader(b), check); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return j, nil
}

// read takes the entries and returns how many bytes whole lines have.
func (j *Journal) read(from io.Reader, check func(e *Sealed, text, signature []byte) error) (size int64, err error) {
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
		size += int64(len(line))
		text, signature, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte("\t"))
		var e Sealed
		if !ok || json.Unmarshal(text, &e) != nil || e.N != j.n+1 || e.Before != j.before {
			return size, fmt.Errorf("entry %d is %w: it does not follow the one before", j.n+1, ErrDamaged)
		}
		if check != nil {
			sig, err := base64.StdEncoding.DecodeString(string(signature))
			if err := errors.Join(err, check(&e, text, sig)); err != nil {
				return size, err
			}
		}
		j.take(e, line)
	}
}

func (j *Journal) take(e Sealed, line []byte) {
	sum := sha256.Sum256(line)
	j.n, j.before = e.N, hex.EncodeToString(sum[:])
	if j.known[e.Session] == nil {
		j.known[e.Session] = map[Ref]bool{}
		j.order = append(j.order, e.Session)
	}
	j.last[e.Session] = e
	j.known[e.Session][e.Top] = true
}

// Enter adds an entry, durably on return, unless it is the session's last one.
func (j *Journal) Enter(session string, top Ref, at time.Time, key ed25519.PrivateKey) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.last[session].Top == top {
		return nil
	}
	e := Sealed{j.n + 1, session, top, at.UTC(), j.before, base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line := fmt.Appendf(nil, "%s\t%s\n", text, base64.StdEncoding.EncodeToString(ed25519.Sign(key, text)))
	at0, err := j.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err = j.file.Write(line); err == nil {
		err = j.file.Sync()
	}
	if err != nil { // the next one has to follow whole lines
		_, serr := j.file.Seek(at0, io.SeekStart)
		return errors.Join(err, j.file.Truncate(at0), serr)
	}
	j.take(e, line)
	return nil
}

// Last is a session's last entry. A nil Journal has none.
func (j *Journal) Last(session string) (Sealed, bool) {
	if j == nil {
		return Sealed{}, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.last[session]
	return e, ok
}

// Knows reports whether there is an entry of a session's with a top.
func (j *Journal) Knows(session string, top Ref) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.known[session][top]
}

// Sessions are those with an entry, in the order of their first ones.
func (j *Journal) Sessions() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.order...)
}

// Close closes the file.
func (j *Journal) Close() error {
	if j == nil || j.file == nil {
		return nil
	}
	return j.file.Close()
}
