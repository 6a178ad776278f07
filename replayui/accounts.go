package replayui

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/pillion-dev/pillion/events"
)

// Account is a person on the console's side.
type Account struct {
	Name string       `json:"name"`
	Org  events.OrgID `json:"org"`
	Role events.Role  `json:"role"`
}

type storedAccount struct {
	Account
	Salt []byte `json:"salt"`
	Hash []byte `json:"hash"` // Argon2id (RFC 9106)
}

// Argon2id's second recommended setting (RFC 9106, 4).
const (
	argonTime    = 3
	argonMemory  = 64 << 10
	argonThreads = 2
	argonLen     = 32
	minPassword  = 8
)

func passwordHash(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonLen)
}

// Accounts keeps accounts in a file that other processes may change.
type Accounts struct {
	file string

	mu     sync.Mutex
	read   time.Time
	byName map[string]storedAccount
	// hashing bounds the memory that sign-ins take at a time.
	hashing chan struct{}
}

// NewAccounts opens the file; one that is missing holds no accounts.
func NewAccounts(file string) *Accounts {
	return &Accounts{file: file, byName: map[string]storedAccount{}, hashing: make(chan struct{}, 4)}
}

func (a *Accounts) load() error {
	info, err := os.Stat(a.file)
	if errors.Is(err, fs.ErrNotExist) {
		a.byName, a.read = map[string]storedAccount{}, time.Time{}
		return nil
	}
	if err != nil || info.ModTime().Equal(a.read) {
		return err
	}
	b, err := os.ReadFile(a.file)
	if err != nil {
		return err
	}
	var list []storedAccount
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("accounts %s: %w", a.file, err)
	}
	a.byName, a.read = map[string]storedAccount{}, info.ModTime()
	for _, s := range list {
		a.byName[s.Name] = s
	}
	return nil
}

// Add stores an account, in place of one of the same name.
func (a *Accounts) Add(account Account, password string) error {
	switch account.Role {
	case events.RoleAgent, events.RoleSupervisor, events.RoleAuditor, events.RoleAdministrator:
	default:
		return fmt.Errorf("role %q: use agent, supervisor, auditor or administrator", account.Role)
	}
	if account.Name == "" {
		return errors.New("an account needs a name")
	}
	if len(password) < minPassword {
		return fmt.Errorf("the password is shorter than %d characters", minPassword)
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(); err != nil {
		return err
	}
	a.byName[account.Name] = storedAccount{account, salt, passwordHash(password, salt)}
	list := make([]storedAccount, 0, len(a.byName))
	for _, s := range a.byName {
		list = append(list, s)
	}
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	part := a.file + ".new"
	if err := os.MkdirAll(filepath.Dir(a.file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(part, b, 0o600); err != nil {
		return err
	}
	return os.Rename(part, a.file)
}

// Check returns the account of a name and password; ok is false for every other
// pair, after as much work.
func (a *Accounts) Check(name, password string) (account Account, ok bool, err error) {
	a.mu.Lock()
	err = a.load()
	s, known := a.byName[name]
	a.mu.Unlock()
	if err != nil {
		return account, false, err
	}
	if !known {
		s.Salt, s.Hash = []byte("0123456789abcdef"), make([]byte, argonLen)
	}
	a.hashing <- struct{}{}
	hash := passwordHash(password, s.Salt)
	<-a.hashing
	return s.Account, subtle.ConstantTimeCompare(hash, s.Hash) == 1 && known, nil
}

// Get returns an account by name; ok is false for none.
func (a *Accounts) Get(name string) (account Account, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.load() != nil {
		return account, false
	}
	s, ok := a.byName[name]
	return s.Account, ok
}
