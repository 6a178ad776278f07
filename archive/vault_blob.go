package archive

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// A blob in a vault is sealed in chunks, so that a large one is never in memory
// whole: each with AES-256-GCM, under a key of the blob's own that follows from
// the vault's and the content's hash, with the chunk's number and whether it is
// the last as nonce. The same content gives the same bytes: a store may read
// them twice.
const (
	chunkSize  = 1 << 20
	sealedSize = chunkSize + 16
)

// blobAEAD is the cipher of one blob.
func (v *Vault) blobAEAD(ref Ref) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, v.names)
	mac.Write([]byte("key of " + ref))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func chunkNonce(n int64, last bool) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce, uint64(n))
	if last {
		nonce[11] = 1
	}
	return nonce
}

// chunks is how many of them content has: an empty one has one.
func chunks(size int64) int64 { return max(1, (size+chunkSize-1)/chunkSize) }

// sealing is a blob's content, encrypted as it is read.
type sealing struct {
	aead    cipher.AEAD
	content io.ReaderAt
	size    int64
	n       int64 // the chunk at hand; -1 for none
	plain   []byte
	sealed  []byte
}

// ReadAt implements io.ReaderAt, for one reader at a time.
func (s *sealing) ReadAt(p []byte, off int64) (done int, err error) {
	for done < len(p) {
		n := off / sealedSize
		if n >= chunks(s.size) {
			return done, io.EOF
		}
		if err := s.chunk(n); err != nil {
			return done, err
		}
		at := off - n*sealedSize
		if at >= int64(len(s.sealed)) {
			return done, io.EOF
		}
		k := copy(p[done:], s.sealed[at:])
		done, off = done+k, off+int64(k)
	}
	return done, nil
}

func (s *sealing) chunk(n int64) error {
	if s.n == n {
		return nil
	}
	s.plain = append(s.plain[:0], make([]byte, min(chunkSize, s.size-n*chunkSize))...)
	if k, err := s.content.ReadAt(s.plain, n*chunkSize); k < len(s.plain) {
		return errors.Join(io.ErrUnexpectedEOF, err)
	}
	s.sealed = s.aead.Seal(s.sealed[:0], chunkNonce(n, n == chunks(s.size)-1), s.plain, nil)
	s.n = n
	return nil
}

// PutBlob stores content, durably on return. What is there already costs little.
func (v *Vault) PutBlob(ctx context.Context, content []byte) (Ref, error) {
	ref := RefOf(content)
	return ref, v.PutBlobFrom(ctx, ref, bytes.NewReader(content), int64(len(content)))
}

// PutBlobFrom stores content of which the caller knows the hash.
func (v *Vault) PutBlobFrom(ctx context.Context, ref Ref, content io.ReaderAt, size int64) error {
	name, err := v.blobName(ref)
	if err != nil {
		return err
	}
	sealed := size + chunks(size)*(sealedSize-chunkSize)
	if o, err := quickStat(ctx, v.store, name); err == nil && o.Size == sealed {
		return nil
	}
	aead, err := v.blobAEAD(ref)
	if err != nil {
		return err
	}
	return v.store.Put(ctx, name, &sealing{aead: aead, content: content, size: size, n: -1}, sealed)
}

// OpenBlob returns a blob's content; ErrAbsent when there is none. Reading it
// fails with ErrDamaged before anything is read that was not stored there. The
// caller closes it.
func (v *Vault) OpenBlob(ctx context.Context, ref Ref) (io.ReadCloser, error) {
	name, err := v.blobName(ref)
	if err != nil {
		return nil, err
	}
	f, err := v.store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	aead, err := v.blobAEAD(ref)
	return &unsealing{aead: aead, f: f, name: name, buf: make([]byte, 0, sealedSize+1)}, err
}

type unsealing struct {
	aead  cipher.AEAD
	f     io.ReadCloser
	name  string
	n     int64
	buf   []byte // sealed: a chunk and the first byte of the next
	plain []byte
	end   bool
}

// Read implements io.Reader.
func (u *unsealing) Read(p []byte) (int, error) {
	for len(u.plain) == 0 {
		if u.end {
			return 0, io.EOF
		}
		if err := u.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, u.plain)
	u.plain = u.plain[n:]
	return n, nil
}

func (u *unsealing) next() error {
	had := len(u.buf)
	n, err := io.ReadFull(u.f, u.buf[had:cap(u.buf)])
	u.buf = u.buf[:had+n]
	u.end = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !u.end {
		return err
	}
	sealed := u.buf[:min(len(u.buf), sealedSize)]
	rest := len(u.buf) - len(sealed)
	u.end = u.end && rest == 0
	u.plain, err = u.aead.Open(u.plain[:0:0], chunkNonce(u.n, u.end), sealed, nil)
	if err != nil {
		return fmt.Errorf("%s is %w", u.name, ErrDamaged)
	}
	u.n++
	u.buf = append(u.buf[:0], u.buf[len(sealed):]...)
	return nil
}

// Close implements io.Closer.
func (u *unsealing) Close() error { return u.f.Close() }

// ReadBlob returns a blob's content, after checking its hash: ErrAbsent when
// there is none, ErrDamaged when it is another one.
func (v *Vault) ReadBlob(ctx context.Context, ref Ref) ([]byte, error) {
	f, err := v.OpenBlob(ctx, ref)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxObject+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if RefOf(content) != ref {
		return nil, fmt.Errorf("a blob of %s is %w: its content is not that of %s", v.owner, ErrDamaged, ref)
	}
	return content, nil
}

// refOf is the Ref of content. What is in memory is read where it is: a copy, and
// the buffer for it, would cost more than the rest of a small file's keeping.
func refOf(content io.ReaderAt, size int64) (Ref, error) {
	var from io.Reader = io.NewSectionReader(content, 0, size)
	if whole, is := content.(*bytes.Reader); is && whole.Size() == size {
		if _, err := whole.Seek(0, io.SeekStart); err != nil {
			return "", err
		}
		from = whole
	}
	sum := sha256.New()
	n, err := io.Copy(sum, from)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return Ref(refPrefix + hex.EncodeToString(sum.Sum(nil))), err
}
