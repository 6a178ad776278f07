package events

import (
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"time"
)

// File is a file that the user sent to the site, or got from it.
type File struct {
	Up   bool
	Name string // empty for none
	Type string // media type
	URL  string
	Size int64
	Hash []byte // SHA-256; nil where not all of it was seen
}

const (
	maxVouched = 200  // names that a browser says may be told
	maxFiles   = 1000 // that one session tells of
)

// fileKey is what a browser vouches for a file with: a hash of its name (FNV-1a of
// 64 bits, in hexadecimal), which does not leave the browser by itself, and its size.
func fileKey(name string, size int64) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails (hash.Hash)
	return vouchedKey(hex.EncodeToString(h.Sum(nil)), size)
}

func vouchedKey(hash string, size int64) string { return strconv.FormatInt(size, 10) + " " + hash }

// vouchWait is how long a file waits for its name: what a page sends at once
// passes before the browser has said that the name may be told.
const vouchWait = 2 * time.Second

// lateFile is a file that waits.
type lateFile struct {
	key   string
	since time.Time
	Lifecycle
}

// vouch takes the hash of a file's name that the user chose in a part of the page
// that is not masked.
func (s *Session) vouch(hash string, size int64) {
	if s.info.State != StateLive || len(s.vouched) >= maxVouched || len(hash) != 16 {
		return
	}
	if s.vouched == nil {
		s.vouched = map[string]bool{}
	}
	s.vouched[vouchedKey(hash, size)] = true
	s.tellFiles(time.Time{})
}

// Passed logs a file that passed the gateway, while the session is live. The
// name of one that the user sent is told only where the browser vouched for it:
// the gateway does not know in which part of the page it was chosen.
func (s *Session) Passed(f File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.info.State != StateLive || s.over || s.files >= maxFiles {
		return
	}
	s.files++
	k := s.hub.masker(nil)
	l := Lifecycle{Type: "download", Name: k.text(f.Name), URL: k.url(f.URL), Media: cut(f.Type, 100), Size: f.Size, Hash: hex.EncodeToString(f.Hash)}
	if !f.Up || f.Name == "" {
		l.Type = map[bool]string{true: "upload", false: "download"}[f.Up]
		s.lifecycle(userNo, l)
		return
	}
	l.Type = "upload"
	s.late = append(s.late, lateFile{fileKey(f.Name, f.Size), s.hub.opts.Now(), l})
	s.tellFiles(time.Time{})
}

// tellFiles logs the files whose names are vouched for, and those that have
// waited since before a time without theirs.
func (s *Session) tellFiles(before time.Time) {
	rest := s.late[:0]
	for _, f := range s.late {
		switch {
		case s.vouched[f.key]:
			s.lifecycle(userNo, f.Lifecycle)
		case !f.since.After(before):
			f.Name = mask
			s.lifecycle(userNo, f.Lifecycle)
		default:
			rest = append(rest, f)
		}
	}
	s.late = rest
}
