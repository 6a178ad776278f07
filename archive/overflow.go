package archive

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"os"
)

// overflow is a file for what is too large for memory while it comes. It has no
// name, and what it holds is encrypted under a key that is in memory alone:
// nothing of it is left when the program ends, however it does.
type overflow struct {
	f     *os.File
	block cipher.Block
}

func newOverflow(dir string) (*overflow, error) {
	f, err := os.CreateTemp(dir, "part-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	block, err := aes.NewCipher(key)
	return &overflow{f, block}, err
}

// crypt encrypts or decrypts what stands at an offset (AES in counter mode).
func (o *overflow) crypt(p []byte, off int64) {
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[8:], uint64(off/aes.BlockSize))
	stream := cipher.NewCTR(o.block, iv[:])
	var skipped [aes.BlockSize]byte
	stream.XORKeyStream(skipped[:off%aes.BlockSize], skipped[:off%aes.BlockSize])
	stream.XORKeyStream(p, p)
}

// WriteAt implements io.WriterAt.
func (o *overflow) WriteAt(p []byte, off int64) (int, error) {
	sealed := append([]byte(nil), p...)
	o.crypt(sealed, off)
	return o.f.WriteAt(sealed, off)
}

// ReadAt implements io.ReaderAt.
func (o *overflow) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.f.ReadAt(p, off)
	o.crypt(p[:n], off)
	return n, err
}

// Close frees the file's space.
func (o *overflow) Close() error { return o.f.Close() }
