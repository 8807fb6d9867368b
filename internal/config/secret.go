package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const mask = "***"

// Secret is a string that prints as ***.
type Secret string

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText hides the secret from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// URI is an address that may hold a password, which it does not print.
type URI string

// Reveal gives the whole address.
func (u URI) Reveal() string { return string(u) }

// userinfo is what stands before the last @ of the authority: an address with a
// mistake in it is masked too.
var userinfo = regexp.MustCompile(`^([a-z0-9+]+://)?[^/?]*@`)

// String hides user and password.
func (u URI) String() string { return userinfo.ReplaceAllString(string(u), "${1}"+mask+"@") }

// GoString hides the password from %#v.
func (u URI) GoString() string { return fmt.Sprintf("%q", u.String()) }

// MarshalText hides the password from JSON and YAML.
func (u URI) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Keys are sealing keys by id.
type Keys map[string][]byte

const keySize = 32

var errKeys = errors.New("write id:base64 with commas between, 32 random bytes each, such as from: openssl rand -base64 32")

// UnmarshalText reads id:base64,id2:base64. Errors hold no key.
func (k *Keys) UnmarshalText(text []byte) error {
	out := Keys{}
	for pair := range strings.SplitSeq(string(text), ",") {
		id, encoded, ok := strings.Cut(strings.TrimSpace(pair), ":")
		key, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case !ok || id == "" || err != nil || len(key) != keySize:
			return errKeys
		case out[id] != nil:
			return fmt.Errorf("give every key an id of its own; %q is there twice", id)
		}
		out[id] = key
	}
	*k = out
	return nil
}

// reveal is what UnmarshalText reads.
func (k Keys) reveal() string {
	pairs := make([]string, 0, len(k))
	for _, id := range slices.Sorted(maps.Keys(k)) {
		pairs = append(pairs, id+":"+base64.StdEncoding.EncodeToString(k[id]))
	}
	return strings.Join(pairs, ",")
}

// String tells the ids alone.
func (k Keys) String() string {
	ids := slices.Sorted(maps.Keys(k))
	for i := range ids {
		ids[i] += ":" + mask
	}
	return strings.Join(ids, ",")
}

// GoString hides the keys from %#v.
func (k Keys) GoString() string { return fmt.Sprintf("%q", k.String()) }

// MarshalText hides the keys from JSON and YAML.
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
