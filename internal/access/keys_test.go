package access_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/fleet"
)

const home = "192.0.2.7"

func TestKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain, made, err := b.New(b.ctx, access.KeyRequest{Name: "academy", Role: access.Backend}, "root")
	must(t, err)
	if !regexp.MustCompile(`^kml_[a-z0-9]{12}_[0-9a-f]{64}$`).MatchString(plain) || !strings.HasPrefix(plain, "kml_"+made.ID+"_") {
		t.Fatalf("the key is not as it should be, its id is %s", made.ID)
	}
	stored, err := b.db.Keys().Get(b.ctx, made.ID)
	must(t, err)
	_, secret, _ := strings.Cut(strings.TrimPrefix(plain, "kml_"), "_")
	if len(stored.Hash) != 32 || bytes.Contains(stored.Hash, []byte(secret)) {
		t.Errorf("hash has %d bytes", len(stored.Hash))
	}
	if stored.Owner != made.ID || stored.CreatedBy != "root" || !stored.CreatedAt.Equal(t0) || !stored.ExpiresAt.IsZero() {
		t.Errorf("stored is %+v", stored)
	}
	p, err := b.Verify(b.ctx, plain, home)
	if want := (access.Principal{ID: made.ID, Name: "academy", Role: access.Backend, Owner: made.ID}); err != nil || p != want {
		t.Errorf("principal %+v, %v", p, err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for field, r := range map[string]access.KeyRequest{
		"body.name":    {Name: " ", Role: access.Admin},
		"body.role":    {Name: "x", Role: "king"},
		"body.expires": {Name: "x", Role: access.Admin, Expires: t0},
	} {
		_, _, err := b.New(b.ctx, r, "root")
		var f *fleet.FieldError
		if !errors.As(err, &f) || f.Field != field || f.Remedy == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain, made, err := b.New(b.ctx, access.KeyRequest{Name: "x", Role: access.Admin, Expires: t0.Add(time.Minute)}, "root")
	must(t, err)
	flipped := []byte(plain)
	flipped[len(flipped)-1] ^= 1
	other := "kml_" + strings.Repeat("a", 12) + plain[len("kml_")+12:]
	for _, bad := range []string{"", "kml_", "kml__", plain[:len(plain)-1], plain + "0", string(flipped), other, strings.ToUpper(plain), "KML" + plain[3:], " " + plain, strings.TrimPrefix(plain, "kml_"),
		"kml_" + made.ID + "_", strings.Repeat("x", 1<<20)} {
		if p, err := b.Verify(b.ctx, bad, home); !errors.Is(err, access.ErrUnauthenticated) || p != (access.Principal{}) {
			t.Errorf("%.90q: %+v, %v", bad, p, err)
		} else if len(bad) > 40 && strings.Contains(err.Error(), plain[20:]) {
			t.Errorf("the error tells the key: %v", err)
		}
	}
	if _, err := b.Verify(b.ctx, plain, home); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Minute) // the very second, and though it was just remembered
	if _, err := b.Verify(b.ctx, plain, home); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("an expired key: %v", err)
	}
}

func TestExpiryBeatsMemory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain, _, err := b.New(b.ctx, access.KeyRequest{Name: "x", Role: access.Admin, Expires: t0.Add(time.Second)}, "root")
	must(t, err)
	_, err = b.Verify(b.ctx, plain, home)
	must(t, err)
	b.clock.Advance(time.Second)
	if _, err := b.Verify(b.ctx, plain, home); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("it is remembered beyond its end: %v", err)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.process()
	plain, made, err := b.New(b.ctx, access.KeyRequest{Name: "x", Role: access.Admin}, "root")
	must(t, err)
	for _, keys := range []*access.Keys{b.Keys, other} {
		_, err := keys.Verify(b.ctx, plain, home)
		must(t, err)
	}
	first, err := b.Revoke(b.ctx, made.ID)
	must(t, err)
	if _, err := b.Verify(b.ctx, plain, home); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("in the process that revoked it: %v", err)
	}
	b.clock.Advance(3 * time.Second)
	if _, err := other.Verify(b.ctx, plain, home); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("in another process, three seconds later: %v", err)
	}
	again, err := b.Revoke(b.ctx, made.ID)
	if err != nil || !again.RevokedAt.Equal(first.RevokedAt) {
		t.Errorf("again: %v, %v", again, err)
	}
	if _, err := b.Revoke(b.ctx, "none"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}

// A store that fails is no refusal: the caller must not be told that its key is
// bad.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain, _, err := b.New(b.ctx, access.KeyRequest{Name: "x", Role: access.Admin}, "root")
	must(t, err)
	gone, cancel := context.WithCancel(b.ctx)
	cancel()
	if _, err := b.Verify(gone, plain, home); err == nil || errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("got %v", err)
	}
}

// counting counts notes of use.
type counting struct {
	fleet.APIKeys
	mu      sync.Mutex
	touched []time.Time
	fail    error
}

func (c *counting) Touch(ctx context.Context, id, from string, at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched = append(c.touched, at)
	if c.fail != nil {
		return c.fail
	}
	return c.APIKeys.Touch(ctx, id, from, at)
}

func TestLastUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := &counting{APIKeys: b.db.Keys()}
	b.Store = store
	plain, made, err := b.New(b.ctx, access.KeyRequest{Name: "x", Role: access.Admin}, "root")
	must(t, err)
	for range 100 { // 100 seconds from half past
		_, err := b.Verify(b.ctx, plain, home)
		must(t, err)
		b.clock.Advance(time.Second)
	}
	minute := t0.Truncate(time.Minute)
	if want := []time.Time{minute, minute.Add(time.Minute), minute.Add(2 * time.Minute)}; !slices.EqualFunc(store.touched, want, time.Time.Equal) {
		t.Errorf("noted at %v, want %v", store.touched, want)
	}
	k, err := b.Get(b.ctx, made.ID)
	if err != nil || k.LastFrom != home || !k.LastUsed.Equal(minute.Add(2*time.Minute)) {
		t.Errorf("last use is %v from %s, %v", k.LastUsed, k.LastFrom, err)
	}
	var told string
	store.fail, b.TouchFailed = fleet.ErrConflict, func(id string, err error) {
		if errors.Is(err, fleet.ErrConflict) {
			told = id
		}
	}
	b.clock.Advance(time.Minute)
	if _, err := b.Verify(b.ctx, plain, home); err != nil || told != made.ID {
		t.Errorf("a use that cannot be noted: %v, told of %q", err, told)
	}
}

func TestListByPrefix(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ids []string
	var plains = map[string]string{}
	for range 5 {
		plain, made, err := b.New(b.ctx, access.KeyRequest{Name: "x", Role: access.Viewer}, "root")
		must(t, err)
		ids, plains[made.ID] = append(ids, made.ID), plain
	}
	slices.Sort(ids)
	got := func(prefix, after string, limit int) (out []string) {
		keys, err := b.List(b.ctx, prefix, after, limit)
		must(t, err)
		for _, k := range keys {
			out = append(out, k.ID)
		}
		return out
	}
	if all := got("", "", 10); !slices.Equal(all, ids) {
		t.Errorf("all are %v, want %v", all, ids)
	}
	if page := got("", ids[1], 2); !slices.Equal(page, ids[2:4]) {
		t.Errorf("page is %v", page)
	}
	for _, prefix := range []string{ids[2], "kml_" + ids[2], plains[ids[2]], ids[2][:8]} {
		if one := got(prefix, "", 10); !slices.Equal(one, ids[2:3]) {
			t.Errorf("by %d characters: %v", len(prefix), one)
		}
	}
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, err := b.New(b.ctx, access.KeyRequest{Name: "x", Role: access.Operator}, "root")
	must(t, err)
	_, first, err := b.Bootstrap(b.ctx, "first", "root", false)
	must(t, err)
	if first.Role != string(access.Admin) {
		t.Errorf("role is %s", first.Role)
	}
	if _, _, err := b.Bootstrap(b.ctx, "second", "root", false); !errors.Is(err, fleet.ErrExists) {
		t.Errorf("a second one: %v", err)
	}
	_, _, err = b.Bootstrap(b.ctx, "forced", "root", true)
	must(t, err)
	keys, err := b.List(b.ctx, "", "", 10)
	must(t, err)
	for _, k := range keys {
		if k.Role == string(access.Admin) {
			_, err := b.Revoke(b.ctx, k.ID)
			must(t, err)
		}
	}
	_, _, err = b.Bootstrap(b.ctx, "again", "root", false)
	must(t, err)
}
