package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// KeyPrefix begins every key, so that scanners for leaked secrets find them.
const KeyPrefix = "kml_"

const (
	idLength    = 12          // of 32 letters each: 60 bits
	secretBytes = 32          // 256 bits
	touchEvery  = time.Minute // how exact the last use is
	touchLimit  = 2 * time.Second
	swapTries   = 5
)

// Keys makes and checks API keys. The zero values of its optional fields are
// good.
type Keys struct {
	Store fleet.APIKeys
	Clock clock.Clock
	// TouchFailed is told that a use could not be noted; the key is good all the
	// same. Optional.
	TouchFailed func(id string, err error)

	known cache
}

// KeyRequest is what a key is made from.
type KeyRequest struct {
	Name    string
	Role    Role
	Owner   string    // "": the key's own id
	Expires time.Time // zero: never
}

// New makes a key and gives it in plain text, this once. Errors match
// fleet.ErrInvalid or are the store's.
func (k *Keys) New(ctx context.Context, r KeyRequest, by string) (plain string, made *fleet.APIKey, err error) {
	now := k.Clock.Now().UTC()
	switch {
	case strings.TrimSpace(r.Name) == "":
		return "", nil, &fleet.FieldError{Field: "body.name", Remedy: "say who will use the key"}
	case !r.Role.Valid():
		return "", nil, &fleet.FieldError{Field: "body.role", Value: string(r.Role), Remedy: fmt.Sprintf("use one of %v", Roles)}
	case !r.Expires.IsZero() && !r.Expires.After(now):
		return "", nil, &fleet.FieldError{Field: "body.expires", Value: r.Expires.Format(time.RFC3339), Remedy: "give a time to come, or none"}
	}
	id := strings.ToLower(rand.Text())[:idLength]
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails: crypto/rand
	plain = KeyPrefix + id + "_" + hex.EncodeToString(secret)
	made = &fleet.APIKey{ID: id, Hash: digest(plain), Name: r.Name, Role: string(r.Role), Owner: r.Owner, CreatedAt: now, CreatedBy: by, ExpiresAt: r.Expires.UTC(), Version: 1}
	if r.Expires.IsZero() {
		made.ExpiresAt = time.Time{}
	}
	if made.Owner == "" {
		made.Owner = id
	}
	if err := k.Store.Insert(ctx, made); err != nil {
		return "", nil, fmt.Errorf("key %s: %w", id, err)
	}
	return plain, made, nil
}

// Verify says whose key it is. Errors match ErrUnauthenticated if the key is not
// good, and are the store's otherwise. from is the caller's address, noted with
// the last use.
func (k *Keys) Verify(ctx context.Context, plain, from string) (Principal, error) {
	sum, now := [sha256.Size]byte(digest(plain)), k.Clock.Now()
	if p, ok := k.known.get(sum, now); ok {
		return p, nil
	}
	key, err := k.good(ctx, plain, now)
	if errors.Is(err, ErrUnauthenticated) {
		k.known.drop(sum)
	}
	if err != nil {
		return Principal{}, err
	}
	p := Principal{ID: key.ID, Name: key.Name, Role: Role(key.Role), Owner: key.Owner}
	k.known.put(sum, p, key.ExpiresAt, now)
	k.touch(ctx, key, from, now)
	return p, nil
}

// good looks a key up.
func (k *Keys) good(ctx context.Context, plain string, now time.Time) (*fleet.APIKey, error) {
	id, ok := idOf(plain)
	if !ok {
		return nil, fmt.Errorf("no key of the fleet: %w", ErrUnauthenticated)
	}
	key, err := k.Store.Get(ctx, id)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return nil, fmt.Errorf("key %s is unknown: %w", id, ErrUnauthenticated)
	case err != nil:
		return nil, fmt.Errorf("key %s: %w", id, err)
	case subtle.ConstantTimeCompare(digest(plain), key.Hash) != 1:
		return nil, fmt.Errorf("key %s with another secret: %w", id, ErrUnauthenticated)
	case !key.RevokedAt.IsZero():
		return nil, fmt.Errorf("key %s was revoked: %w", id, ErrUnauthenticated)
	case !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt):
		return nil, fmt.Errorf("key %s has expired: %w", id, ErrUnauthenticated)
	}
	return key, nil
}

// Familiar says whether a key was good when it was last verified here. It may
// have ended since; whose it is says Verify.
func (k *Keys) Familiar(plain string) bool {
	return k.known.familiar([sha256.Size]byte(digest(plain)))
}

// Recent gives whose key it is if it was verified a few seconds ago.
func (k *Keys) Recent(plain string) (Principal, bool) {
	return k.known.get([sha256.Size]byte(digest(plain)), k.Clock.Now())
}

// touch notes a use, once a minute: a write per call would cost more than the
// calls.
func (k *Keys) touch(ctx context.Context, key *fleet.APIKey, from string, now time.Time) {
	at := now.UTC().Truncate(touchEvery)
	if !at.After(key.LastUsed) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchLimit)
	defer cancel()
	if err := k.Store.Touch(ctx, key.ID, from, at); err != nil && k.TouchFailed != nil {
		k.TouchFailed(key.ID, err)
	}
}

// Get finds a key by its id.
func (k *Keys) Get(ctx context.Context, id string) (*fleet.APIKey, error) {
	return k.Store.Get(ctx, id)
}

// List lists keys by id, those after a cursor whose id begins so. A prefix may
// be the beginning of the key itself.
func (k *Keys) List(ctx context.Context, prefix, after string, limit int) ([]*fleet.APIKey, error) {
	prefix, _, _ = strings.Cut(strings.TrimPrefix(prefix, KeyPrefix), "_")
	return k.Store.Find(ctx, prefix, after, limit)
}

// Revoke ends a key for good; again is no error. Other processes may take it for
// as long as they remember it, a few seconds.
func (k *Keys) Revoke(ctx context.Context, id string) (*fleet.APIKey, error) {
	defer k.known.forget(id)
	for range swapTries {
		old, err := k.Store.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
		if !old.RevokedAt.IsZero() {
			return old, nil
		}
		next := old.Clone()
		next.RevokedAt, next.Version = k.Clock.Now().UTC(), old.Version+1
		if err = k.Store.Swap(ctx, old, next); err == nil {
			return next, nil
		}
		if !errors.Is(err, fleet.ErrConflict) {
			return nil, fmt.Errorf("revoke key %s: %w", id, err)
		}
	}
	return nil, fmt.Errorf("revoke key %s: %w", id, fleet.ErrConflict)
}

// Bootstrap makes the first admin key. ErrExists if there is one that works,
// unless forced: then who may run it on the server's own host gets back in.
func (k *Keys) Bootstrap(ctx context.Context, name, by string, force bool) (plain string, made *fleet.APIKey, err error) {
	n, err := k.Store.CountRole(ctx, string(Admin), k.Clock.Now())
	if err != nil {
		return "", nil, fmt.Errorf("admin keys: %w", err)
	}
	if n > 0 && !force {
		return "", nil, fmt.Errorf("%d admin keys work: %w", n, fleet.ErrExists)
	}
	return k.New(ctx, KeyRequest{Name: name, Role: Admin}, by)
}

// idOf is the id in a key.
func idOf(plain string) (string, bool) {
	rest, ours := strings.CutPrefix(plain, KeyPrefix)
	id, secret, ok := strings.Cut(rest, "_")
	return id, ours && ok && len(id) == idLength && len(secret) == hex.EncodedLen(secretBytes)
}

// written is a key in a text; what stands in front is public.
var written = regexp.MustCompile(`(` + KeyPrefix + `[a-z0-9]{12}_)[0-9A-Za-z]+`)

// Hide takes the secrets of keys out of a text.
func Hide(text string) string {
	if !strings.Contains(text, KeyPrefix) {
		return text
	}
	return written.ReplaceAllString(text, "${1}…")
}

func digest(plain string) []byte {
	sum := sha256.Sum256([]byte(plain))
	return sum[:]
}
