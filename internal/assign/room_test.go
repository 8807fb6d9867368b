package assign_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
)

// room has so many accounts to spare; negative: it cannot tell.
type room struct {
	spare int
	asked []string
	limit time.Duration // of extensions
}

var errUntold = errors.New("no connection")

func (r *room) Room(_ context.Context, s *fleet.Session) (bool, error) {
	r.asked = append(r.asked, s.RequestID)
	if r.spare < 0 {
		return false, errUntold
	}
	r.spare--
	return r.spare >= 0, nil
}

func (r *room) Extension(_ context.Context, _ *fleet.Session, by time.Duration) error {
	if by > r.limit {
		return &fleet.FieldError{Field: "by", Value: by.String(), Remedy: "give at most " + r.limit.String()}
	}
	return nil
}

func (b *bundle) beside(r *room) *room {
	b.cfg.Room = r
	b.Service = assign.New(b.cfg)
	return r
}

// Accounts are ready, and booked: who is first waits and says why, nobody behind
// gets past, and with the room that comes they are served in their order.
func TestNoRoomBesideTheBookings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.beside(&room{spare: 1})
	for n := range 3 {
		b.ready(t, n)
	}
	first, second, third := b.accept(t, 1), b.accept(t, 2), b.accept(t, 3)
	if n := b.match(t); n != 1 || b.session(t, first.ID).State != fleet.SessionAssigning {
		t.Fatalf("%d matched", n)
	}
	waits := b.session(t, second.ID)
	if waits.State != fleet.SessionWaiting || !strings.Contains(waits.Reason, "booked") {
		t.Fatalf("second: %+v", waits)
	}
	r.spare = 0
	if n := b.match(t); n != 0 || r.asked[len(r.asked)-1] != second.RequestID || b.session(t, second.ID).Version != waits.Version {
		t.Fatalf("%d matched, asked for %v, written again: %v", n, r.asked, b.session(t, second.ID).Version != waits.Version)
	}
	for _, asked := range r.asked {
		if asked == third.RequestID {
			t.Fatal("the third was looked at before the second")
		}
	}
	r.spare = -1
	_, err := b.Match(b.ctx, fleet.Production.Pool())
	wantErr(t, err, errUntold)
	r.spare = 2
	if n := b.match(t); n != 2 {
		t.Fatalf("%d matched", n)
	}
	if s := b.session(t, second.ID); s.State != fleet.SessionAssigning || s.Reason != "" {
		t.Fatalf("second: %+v", s)
	}
}

// One that waits for room until its patience is over says so; those behind it are
// next.
func TestNoRoomUntilTheEndOfPatience(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.beside(&room{})
	b.ready(t, 1)
	first := b.accept(t, 1)
	b.match(t)
	b.clock.Advance(9 * time.Minute)
	second := b.accept(t, 2)
	b.clock.Advance(2 * time.Minute)
	r.spare = 1
	if n := b.match(t); n != 1 || b.session(t, second.ID).State != fleet.SessionAssigning {
		t.Fatalf("%d matched", n)
	}
	if s := b.session(t, first.ID); s.State != fleet.SessionExpired || !strings.Contains(s.Reason, "booked") {
		t.Fatalf("first: %+v", s)
	}
}

// A seat's account is held: it needs no room beside the bookings.
func TestASeatNeedsNoRoom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.booked(t)
	r := b.beside(&room{})
	s := b.seat(t, 1)
	b.hold(t, b.ready(t, 1), "b1")
	if n, err := b.Match(b.ctx, s.PoolName()); n != 1 || err != nil || len(r.asked) > 0 {
		t.Fatalf("%d matched, %v, asked for %v", n, err, r.asked)
	}
}

func TestExtendAsksForRoom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.beside(&room{spare: 1, limit: time.Hour})
	b.ready(t, 1)
	s := b.active(t, 1)
	_, err := b.Extend(b.ctx, s.ID, time.Hour+time.Minute)
	wantErr(t, err, fleet.ErrInvalid)
	if until, _ := b.aws.until(s.AccountID); !until.Equal(s.EndsAt) || !b.session(t, s.ID).EndsAt.Equal(s.EndsAt) {
		t.Fatal("it was extended all the same")
	}
	got, err := b.Extend(b.ctx, s.ID, time.Hour)
	must(t, err)
	if !got.EndsAt.Equal(s.EndsAt.Add(time.Hour)) {
		t.Fatalf("until %v", got.EndsAt)
	}
}

// A lab in a booking ends with its class at the latest; with less than a minute
// left there is none, and its account, which AWS never heard of, goes back.
func TestALabEndsWithItsClass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at, want time.Duration // of the hand-out, and of the end; 0: refused
	}{{0, time.Hour}, {time.Hour, 2 * time.Hour}, {90 * time.Minute, 2 * time.Hour}, {119 * time.Minute, 2 * time.Hour}, {119*time.Minute + time.Second, 0}, {3 * time.Hour, 0}} {
		b := setup(t)
		b.booked(t)
		s := b.seat(t, 1)
		b.hold(t, b.ready(t, 1), "b1")
		if n, err := b.Match(b.ctx, s.PoolName()); n != 1 || err != nil {
			t.Fatalf("%d matched, %v", n, err)
		}
		b.clock.Advance(t0.Add(c.at).Sub(b.clock.Now()))
		s = b.session(t, s.ID)
		must(t, b.HandOut(b.ctx, s.AccountID, s.Epoch))
		a, got := b.account(t, s.AccountID), b.session(t, s.ID)
		until, _ := b.aws.until(s.AccountID)
		switch {
		case c.want == 0:
			if got.State != fleet.SessionCancelled || !strings.Contains(got.Reason, "class ends") || a.State != fleet.UserCreated || b.aws.grants != 0 {
				t.Errorf("at %v: session is %s (%s), account %s, %d grants", c.at, got.State, got.Reason, a.State, b.aws.grants)
			}
		case got.State != fleet.SessionActive || !got.EndsAt.Equal(t0.Add(c.want)) || !until.Equal(got.EndsAt) || !a.EndsAt.Equal(got.EndsAt):
			t.Errorf("at %v: session is %s until %v, AWS %v, account %v", c.at, got.State, got.EndsAt, until, a.EndsAt)
		}
	}
}
