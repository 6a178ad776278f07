package archive

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Vaults keep what is one owner's alone, encrypted under a key of the owner's.
// Each key stands in the store, wrapped under the installation's own: whoever has
// the store alone reads nothing, and what is left of an owner whose key was
// destroyed is noise, wherever copies of it are.
type Vaults struct {
	store  Store
	master cipher.AEAD
}

// KeySize is the length of the installation's key, in bytes.
const KeySize = 32

const (
	keyPrefix     = "keys/"
	privatePrefix = "private/"
)

// NewVaults returns the vaults of a store under an installation's key.
func NewVaults(store Store, key []byte) (*Vaults, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the archive's key has %d bytes, not %d", len(key), KeySize)
	}
	master, err := newAEAD(key)
	return &Vaults{store, master}, err
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// SessionOwner is the owner of what belongs to a session.
func SessionOwner(session string) string { return "session-" + session }

// VisitOwner is the owner of what a browser's visit fetched, until a session
// takes it over. A visit is a secret, so its hash stands for it.
func VisitOwner(visit string) string {
	sum := sha256.Sum256([]byte(visit))
	return "visit-" + hex.EncodeToString(sum[:16])
}

// Vault is one owner's. It is safe for concurrent use.
type Vault struct {
	store Store
	owner string
	aead  cipher.AEAD
	same  cipher.AEAD // the same, with nonces of its callers'
	names []byte      // key of the names of blobs
}

// Open returns an owner's vault; ErrAbsent when it has no key, or none any more.
func (v *Vaults) Open(ctx context.Context, owner string) (*Vault, error) {
	name := keyPrefix + owner
	wrapped, err := ReadObject(ctx, v.store, name)
	if err != nil {
		return nil, err
	}
	key, err := v.master.Open(nil, nil, wrapped, []byte(name))
	if err != nil || len(key) != 2*KeySize {
		return nil, fmt.Errorf("the key of %s is %w, or of another installation", owner, ErrDamaged)
	}
	aead, err := newAEAD(key[:KeySize])
	if err != nil {
		return nil, err
	}
	same, err := newSame(key[:KeySize])
	return &Vault{v.store, owner, aead, same, key[KeySize:]}, err
}

// Make returns an owner's vault, and makes its key when there is none. Whoever
// makes one at the same time gets the same, where the store is a [Maker].
func (v *Vaults) Make(ctx context.Context, owner string) (*Vault, error) {
	vault, err := v.Open(ctx, owner)
	if !errors.Is(err, ErrAbsent) {
		return vault, err
	}
	key := make([]byte, 2*KeySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	name := keyPrefix + owner
	err = makeObject(ctx, v.store, name, v.master.Seal(nil, nil, key, []byte(name)))
	if err != nil && !errors.Is(err, ErrExists) {
		return nil, err
	}
	return v.Open(ctx, owner)
}

// Destroy removes an owner's key, and then its blobs: from the first on, nobody
// reads them any more.
func (v *Vaults) Destroy(ctx context.Context, owner string) error {
	if err := v.store.Delete(ctx, keyPrefix+owner); err != nil {
		return err
	}
	return deleteAll(ctx, v.store, privatePrefix+owner+"/")
}

// Seal encrypts what is to stand under a name (AES-256-GCM): under another one it
// is not read.
func (v *Vault) Seal(name string, content []byte) []byte {
	return v.aead.Seal(nil, nil, content, []byte(name))
}

// Unseal decrypts what stood under a name; ErrDamaged when it is not as it was.
func (v *Vault) Unseal(name string, sealed []byte) ([]byte, error) {
	content, err := v.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("%s is %w, or not of %s", name, ErrDamaged, v.owner)
	}
	return content, nil
}

// blobName hides the content's hash, which gives away what others know.
func (v *Vault) blobName(ref Ref) (string, error) {
	if !ref.Valid() {
		return "", fmt.Errorf("blob %q: %w", ref, ErrAbsent)
	}
	mac := hmac.New(sha256.New, v.names)
	mac.Write([]byte(ref))
	return privatePrefix + v.owner + "/" + hex.EncodeToString(mac.Sum(nil)), nil
}

// DeleteBlob removes a blob; an absent one is no error.
func (v *Vault) DeleteBlob(ctx context.Context, ref Ref) error {
	name, err := v.blobName(ref)
	if err != nil {
		return nil //nolint:nilerr // what cannot be there is absent
	}
	return v.store.Delete(ctx, name)
}
