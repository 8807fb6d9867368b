package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// APIKeys tests a store of API keys. open gives an empty one to each test.
func APIKeys(t *testing.T, open func(t *testing.T) fleet.APIKeys) {
	suite(t, open, map[string]func(*testing.T, context.Context, fleet.APIKeys){
		"Swap": keySwap, "Touch": touchKey, "Find": findKeys, "CountRole": countKeys,
	})
}

// APIKey is a key of a role, usable for ever.
func APIKey(id, role string) *fleet.APIKey {
	return &fleet.APIKey{ID: id, Hash: []byte(id), Name: "of " + id, Role: role, Owner: "ada", CreatedAt: t0, CreatedBy: "root", Version: 1}
}

func keySwap(t *testing.T, ctx context.Context, s fleet.APIKeys) {
	k := APIKey("k1", "admin")
	must(t, s.Insert(ctx, k))
	got, err := s.Get(ctx, k.ID)
	must(t, err)
	equal(t, "after the insert", got, k)
	wantErr(t, s.Insert(ctx, APIKey("k1", "viewer")), fleet.ErrExists)
	swaps(t, ctx, s, k.ID, func(old *fleet.APIKey, i int) *fleet.APIKey {
		n := old.Clone()
		n.Version++
		n.Name, n.RevokedAt, n.ExpiresAt = fmt.Sprint(i), stored(at(i)), stored(at(9))
		return n
	}, func(k *fleet.APIKey) (i int) {
		_, err := fmt.Sscan(k.Name, &i)
		must(t, err)
		return i
	})
}

func touchKey(t *testing.T, ctx context.Context, s fleet.APIKeys) {
	wantErr(t, s.Touch(ctx, "none", "192.0.2.1", t0), fleet.ErrNotFound)
	k := APIKey("k1", "admin")
	must(t, s.Insert(ctx, k))
	must(t, s.Touch(ctx, k.ID, "192.0.2.1", at(3)))
	got, err := s.Get(ctx, k.ID)
	must(t, err)
	equal(t, "last use", got.LastUsed, at(3).UTC().Truncate(time.Minute))
	equal(t, "from", got.LastFrom, "192.0.2.1")
	equal(t, "version", got.Version, int64(1))
	renamed := k.Clone() // knows of no use
	renamed.Version, renamed.Name = 2, "new"
	must(t, s.Swap(ctx, k, renamed))
	got, err = s.Get(ctx, k.ID)
	must(t, err)
	equal(t, "the use outlives a swap", got.LastFrom+" "+got.Name, "192.0.2.1 new")
}

func findKeys(t *testing.T, ctx context.Context, s fleet.APIKeys) {
	for _, id := range []string{"ab2", "aa1", "b", "ab1", "abc"} {
		must(t, s.Insert(ctx, APIKey(id, "viewer")))
	}
	for name, c := range map[string]struct {
		prefix, after string
		limit         int
		want          []string
	}{
		"all":          {"", "", 0, []string{"aa1", "ab1", "ab2", "abc", "b"}},
		"prefix":       {"ab", "", 0, []string{"ab1", "ab2", "abc"}},
		"page":         {"ab", "ab1", 1, []string{"ab2"}},
		"after":        {"", "ab2", 0, []string{"abc", "b"}},
		"whole id":     {"b", "", 0, []string{"b"}},
		"no such":      {"ac", "", 0, []string{}},
		"no operators": {".*", "", 0, []string{}},
	} {
		got, err := s.Find(ctx, c.prefix, c.after, c.limit)
		must(t, err)
		equal(t, name, ids(got, func(k *fleet.APIKey) string { return k.ID }), c.want)
	}
}

func countKeys(t *testing.T, ctx context.Context, s fleet.APIKeys) {
	n, err := s.CountRole(ctx, "admin", t0)
	must(t, err)
	equal(t, "admins of nobody", n, 0)
	for i, change := range []func(*fleet.APIKey){
		func(*fleet.APIKey) {},
		func(k *fleet.APIKey) { k.ExpiresAt = at(10) },
		func(k *fleet.APIKey) { k.RevokedAt = at(1) },
		func(k *fleet.APIKey) { k.Role = "viewer" },
	} {
		k := APIKey(fmt.Sprint(i), "admin")
		change(k)
		must(t, s.Insert(ctx, k))
	}
	for minute, want := range map[int]int{5: 2, 10: 1, 11: 1} {
		n, err := s.CountRole(ctx, "admin", stored(at(minute)))
		must(t, err)
		equal(t, fmt.Sprint("admins at minute ", minute), n, want)
	}
}
