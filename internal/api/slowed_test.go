package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/access"
)

// Somebody at the same address who fails all the time does not keep out a key
// that was good before, however long it rested; and it is no way in for one that
// was revoked.
func TestNeighbourLocksNobodyOut(t *testing.T) {
	t.Parallel()
	const failures = 5
	b := setup(t, withKeys, withLimits(6000, 1000, failures))
	good, revoked := b.key(t, access.Viewer), b.key(t, access.Viewer)
	for _, key := range []string{good, revoked} {
		if a := b.with(t, key, "GET", "/v1/me", nil); a.status != http.StatusOK {
			t.Fatalf("%+v", a)
		}
	}
	_, err := (&access.Keys{Store: b.db.Keys(), Clock: b.clock}).Revoke(b.ctx, revoked[4:16]) // by another process
	must(t, err)
	b.clock.Advance(time.Hour)
	n := 0
	attack := func() (last answer) {
		for range failures + 2*slowBurst {
			n++
			last = b.with(t, fmt.Sprintf("%s%064x", good[:17], n), "GET", "/v1/me", nil)
		}
		return last
	}
	refused(t, attack(), http.StatusTooManyRequests, "too_many_failures")
	if a := b.with(t, good, "GET", "/v1/me", nil); a.status != http.StatusOK {
		t.Errorf("a good key that rested: %+v", a)
	}
	refused(t, b.with(t, revoked, "GET", "/v1/me", nil), http.StatusUnauthorized, "unauthenticated")
	attack()
	refused(t, b.with(t, revoked, "GET", "/v1/me", nil), http.StatusTooManyRequests, "too_many_failures")
}
