package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// publicKey is a key that recordings were signed with, from a time on.
type publicKey struct {
	key   ed25519.PublicKey
	since string // RFC 3339; empty: not known
}

const publicKeysFile = "signing.pub"

// publicKeys reads a list of public keys: a line each, base64, then what else.
func publicKeys(name string) ([]publicKey, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []publicKey
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(fields[0])
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%s: %q is no public key", name, fields[0])
		}
		k := publicKey{key: key}
		if len(fields) > 1 {
			k.since = fields[1]
		}
		list = append(list, k)
	}
	return list, lines.Err()
}

// installed are the keys that an installation signed with so far, the one that it
// signs with now last; none where it has never signed.
func installed(data string) ([]publicKey, error) {
	list, err := publicKeys(filepath.Join(data, publicKeysFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	seed, err := os.ReadFile(filepath.Join(data, "signing.key"))
	if errors.Is(err, fs.ErrNotExist) {
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the signing key has %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	now := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	for i, k := range list {
		if k.key.Equal(now) {
			return append(append(list[:i:i], list[i+1:]...), k), nil
		}
	}
	return append(list, publicKey{key: now}), nil
}

func keysOf(list []publicKey) []ed25519.PublicKey {
	keys := make([]ed25519.PublicKey, len(list))
	for i, k := range list {
		keys[i] = k.key
	}
	return keys
}

type keyCommand struct {
	List   keyList   `cmd:"" help:"The public keys that recordings are checked with, the present one last."`
	Rotate keyRotate `cmd:"" help:"Sign with a new key from the next start on. What was signed before stays valid."`
}

type keyList struct {
	Data string `help:"The gateway's folder." default:"pillion-data" type:"existingdir"`
}

// Run prints a line for each key: what verify --key reads.
func (c *keyList) Run(p *program) error {
	list, err := installed(c.Data)
	if err != nil {
		return err
	}
	for _, k := range list {
		_, _ = fmt.Fprintln(p.out, k.line())
	}
	return nil
}

func (k publicKey) line() string {
	since := k.since
	if since == "" {
		since = "-"
	}
	return base64.StdEncoding.EncodeToString(k.key) + " " + since + " " + archive.KeyID(k.key)
}

type keyRotate struct {
	Data string `help:"The gateway's folder." default:"pillion-data" type:"existingdir"`
}

// Run makes a new key in place of the one before, of which the public half stays.
// A gateway that runs goes on with the one that it began with, which is listed.
func (c *keyRotate) Run(p *program) error {
	list, err := installed(c.Data)
	if err != nil {
		return err
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails (crypto/rand)
	now := publicKey{ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), time.Now().UTC().Format(time.RFC3339)}
	var text strings.Builder
	for _, k := range append(list, now) {
		text.WriteString(k.line() + "\n")
	}
	// The public keys first: a key that is listed and never signs harms nobody.
	if err := replaceFile(filepath.Join(c.Data, publicKeysFile), []byte(text.String())); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(c.Data, "signing.key"), seed); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "From its next start on, the gateway signs with key %s.\n", archive.KeyID(now.key))
	return err
}

// replaceFile writes a file whole or not at all, durably on return.
func replaceFile(name string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, derr := os.Open(filepath.Dir(name))
	if derr != nil {
		return derr
	}
	return errors.Join(dir.Sync(), dir.Close())
}
