package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/seal"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func sealer(t interface{ Fatal(...any) }, primary string, keys map[string][]byte) *seal.Sealer {
	s, err := seal.New(primary, keys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpensWhatItSealedForThePurposeOnly(t *testing.T) {
	t.Parallel()
	s := sealer(t, "a", map[string][]byte{"a": key('a'), "b": key('b')})
	rapid.Check(t, func(t *rapid.T) {
		plain, purpose := rapid.String().Draw(t, "plain"), rapid.String().Draw(t, "purpose")
		sealed, err := s.Seal(plain, purpose)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Open(sealed, purpose); err != nil || got != plain {
			t.Fatalf("opened %q, %v", got, err)
		}
		if _, err := s.Open(sealed, purpose+"x"); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("other purpose: %v", err)
		}
		sealed.Data[rapid.IntRange(0, len(sealed.Data)-1).Draw(t, "at")] ^= 1
		if _, err := s.Open(sealed, purpose); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("damaged data: %v", err)
		}
	})
}

func TestSealsNeverTheSameTwice(t *testing.T) {
	t.Parallel()
	s := sealer(t, "a", map[string][]byte{"a": key('a')})
	one, err1 := s.Seal("x", "p")
	two, err2 := s.Seal("x", "p")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(one.Nonce, two.Nonce) || bytes.Equal(one.Data, two.Data) {
		t.Fatal("the same secret sealed twice looks the same")
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old := sealer(t, "2025", map[string][]byte{"2025": key(1)})
	both := sealer(t, "2026", map[string][]byte{"2025": key(1), "2026": key(2)})
	alone := sealer(t, "2026", map[string][]byte{"2026": key(2)})
	sealed, err := old.Seal("secret", "p")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := both.Open(sealed, "p"); err != nil || got != "secret" {
		t.Fatalf("rotated sealer opened %q, %v", got, err)
	}
	if !both.Stale(sealed) || old.Stale(sealed) {
		t.Fatal("Stale does not follow the primary key")
	}
	if _, err := alone.Open(sealed, "p"); !errors.Is(err, seal.ErrKey) {
		t.Fatalf("removed key: %v", err)
	}
	sealed.KeyID = "2026" // data of one key under the name of another
	if _, err := both.Open(sealed, "p"); !errors.Is(err, seal.ErrOpen) {
		t.Fatalf("wrong key: %v", err)
	}
}

func TestOpenRefusesNonsense(t *testing.T) {
	t.Parallel()
	s := sealer(t, "a", map[string][]byte{"a": key(1)})
	for _, sealed := range []fleet.Sealed{{KeyID: "a"}, {KeyID: "a", Nonce: make([]byte, 12)}, {KeyID: "a", Nonce: make([]byte, 11), Data: make([]byte, 20)}} {
		if _, err := s.Open(sealed, "p"); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%+v: %v", sealed, err)
		}
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		primary string
		keys    map[string][]byte
		names   string
	}{
		"no primary":      {"a", map[string][]byte{"b": key(1)}, `"a"`},
		"empty primary":   {"", map[string][]byte{"": key(1)}, "primary"},
		"no keys":         {"a", nil, `"a"`},
		"short key":       {"a", map[string][]byte{"a": key(1)[:31]}, "31"},
		"nameless key":    {"a", map[string][]byte{"a": key(1), "": key(2)}, "id"},
		"short secondary": {"a", map[string][]byte{"a": key(1), "b": nil}, `"b"`},
	} {
		_, err := seal.New(c.primary, c.keys)
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	const k, secret = "KEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKE", "hunter2hunter2"
	s := sealer(t, "a", map[string][]byte{"a": []byte(k)})
	sealed, err := s.Seal(secret, "p")
	if err != nil {
		t.Fatal(err)
	}
	_, openErr := s.Open(sealed, "other")
	_, newErr := seal.New("a", map[string][]byte{"a": []byte(k + "x")})
	raw := fmt.Sprint([]byte(k))
	for _, out := range []string{fmt.Sprintf("%v %+v %#v %s %x %d", s, s, s, s, s, s), openErr.Error(), newErr.Error(), fmt.Sprintf("%+v", sealed)} {
		if strings.Contains(out, k) || strings.Contains(out, secret) || strings.Contains(out, raw) || strings.Contains(out, raw[1:20]) {
			t.Errorf("leak in %q", out)
		}
	}
}
