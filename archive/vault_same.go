package archive

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
)

func newSame(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// SealSame encrypts like [Vault.Seal], but the same content under the same name
// always comes out alike, so that what is written twice is written once. Its
// nonce is a keyed hash of both (a synthetic nonce, as RFC 8452 has them): two
// contents do not share one.
func (v *Vault) SealSame(name string, content []byte) []byte {
	mac := hmac.New(sha256.New, v.names)
	mac.Write([]byte("nonce\x00" + name + "\x00"))
	mac.Write(content)
	nonce := mac.Sum(nil)[:v.same.NonceSize()]
	return v.same.Seal(nonce, nonce, content, []byte(name))
}

// Same reports whether two vaults have the same key.
func (v *Vault) Same(other *Vault) bool {
	return v.owner == other.owner && subtle.ConstantTimeCompare(v.names, other.names) == 1
}
