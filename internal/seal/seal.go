// Package seal keeps small secrets under AES-256-GCM.
//
// Invariants:
//   - A sealed secret opens only under the key that sealed it and for the same
//     purpose; the purpose is authenticated, not stored.
//   - Keys are told apart by id, so the primary key can change while older
//     secrets still open (rotation).
//   - Neither keys nor plaintexts appear in an error or in a printed Sealer.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/kodekloud/kml/internal/fleet"
)

// KeySize is the length of a key, in bytes.
const KeySize = 32

// Errors of Open.
var (
	// ErrKey means that the secret was sealed under a key that the Sealer lacks.
	ErrKey = errors.New("sealed under an unknown key")
	// ErrOpen means that key, purpose and data do not belong together.
	ErrOpen = errors.New("does not open: wrong purpose, wrong key or damaged data")
)

// Sealer seals under its primary key and opens under any of its keys. It is
// safe for concurrent use.
type Sealer struct {
	primary string
	keys    map[string]cipher.AEAD
}

// New makes a Sealer of keys by id, each of [KeySize] bytes; primaryKeyID names
// the one that seals. Errors match [fleet.ErrInvalid] and hold no key.
func New(primaryKeyID string, keys map[string][]byte) (*Sealer, error) {
	if _, ok := keys[primaryKeyID]; !ok || primaryKeyID == "" {
		return nil, &fleet.FieldError{Field: "primary sealing key", Value: primaryKeyID, Remedy: "name one of the sealing keys"}
	}
	s := &Sealer{primary: primaryKeyID, keys: make(map[string]cipher.AEAD, len(keys))}
	for id, key := range keys {
		if id == "" {
			return nil, &fleet.FieldError{Field: "sealing key id", Remedy: "give every key an id"}
		}
		if len(key) != KeySize {
			return nil, &fleet.FieldError{Field: "sealing key", Value: id,
				Remedy: fmt.Sprintf("give %d random bytes, not %d", KeySize, len(key))}
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("sealing key %q: %w", id, err)
		}
		if s.keys[id], err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("sealing key %q: %w", id, err)
		}
	}
	return s, nil
}

// Seal encrypts plaintext under the primary key, bound to purpose.
func (s *Sealer) Seal(plaintext, purpose string) (fleet.Sealed, error) {
	aead := s.keys[s.primary]
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return fleet.Sealed{}, fmt.Errorf("seal for %q: %w", purpose, err)
	}
	return fleet.Sealed{KeyID: s.primary, Nonce: nonce, Data: aead.Seal(nil, nonce, []byte(plaintext), []byte(purpose))}, nil
}

// Open decrypts what was sealed for this purpose. Errors: ErrKey, ErrOpen.
func (s *Sealer) Open(sealed fleet.Sealed, purpose string) (string, error) {
	aead, ok := s.keys[sealed.KeyID]
	if !ok {
		return "", fmt.Errorf("open for %q: key %q: %w", purpose, sealed.KeyID, ErrKey)
	}
	if len(sealed.Nonce) != aead.NonceSize() {
		return "", fmt.Errorf("open for %q: %w", purpose, ErrOpen)
	}
	plain, err := aead.Open(nil, sealed.Nonce, sealed.Data, []byte(purpose))
	if err != nil {
		return "", fmt.Errorf("open for %q: %w", purpose, ErrOpen)
	}
	return string(plain), nil
}

// Stale says whether the secret should be sealed anew: its key is no longer the
// primary one.
func (s *Sealer) Stale(sealed fleet.Sealed) bool { return sealed.KeyID != s.primary }

// String names the primary key's id only.
func (s *Sealer) String() string { return "sealer with key " + s.primary }

// GoString hides the keys from %#v too.
func (s *Sealer) GoString() string { return s.String() }

// Format hides the keys from every other verb.
func (s *Sealer) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }
