package assign_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
)

func TestAcceptIsOncePerRequestID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := make([]string, 64)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := b.Accept(b.ctx, request(1))
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("sessions %s and %s for one request", ids[0], id)
		}
	}
	all, err := b.db.Sessions().Find(b.ctx, fleet.SessionQuery{})
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d sessions stand", len(all))
	}
}

// The queue knows no owner; the request id is what both doors share.
func TestAcceptByBothDoors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	byQueue := b.accept(t, 1)
	r := request(1)
	r.Owner, r.Purpose = "backend", fleet.Production
	byHTTP, err := b.Accept(b.ctx, r)
	must(t, err)
	if byHTTP.ID != byQueue.ID {
		t.Fatalf("two sessions: %s and %s", byQueue.ID, byHTTP.ID)
	}
	refused, err := b.Refuse(b.ctx, request(1), errors.New("late"))
	must(t, err)
	if refused.ID != byQueue.ID || refused.State != fleet.SessionWaiting {
		t.Fatalf("a refusal changed what was accepted: %+v", refused)
	}
}

// A second request under the same id is told apart even when both come at once.
func TestAcceptOfTwoRequestsUnderOneID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := request(1)
	other.Student = "somebody-else"
	mine := request(1)
	mine.Owner = "backend-1"
	theirs := request(1)
	theirs.Owner = "backend-2"
	for _, pair := range [][2]assign.Request{{request(1), other}, {mine, theirs}} {
		pair[0].RequestID, pair[1].RequestID = pair[0].Owner+"x", pair[0].Owner+"x"
		var errs [2]error
		var wg sync.WaitGroup
		for i := range pair {
			wg.Go(func() { _, errs[i] = b.Accept(b.ctx, pair[i]) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), fleet.ErrInvalid) {
			t.Fatalf("errors are %v and %v, want one to be refused", errs[0], errs[1])
		}
	}
}

func TestAcceptRefusesWhatCannotBeServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must(t, b.cfg.Statuses.SetOff(b.ctx, labName, true, "three students had no key", t0))
	for name, c := range map[string]struct {
		change func(*assign.Request)
		want   error
	}{
		"unknown lab type": {func(r *assign.Request) { r.LabType = "ec3" }, fleet.ErrInvalid},
		"too long":         {func(r *assign.Request) { r.Duration = 5 * time.Hour }, fleet.ErrInvalid},
		"no duration":      {func(r *assign.Request) { r.Duration = 0 }, fleet.ErrInvalid},
		"quarantine":       {func(r *assign.Request) { r.Purpose = fleet.Quarantine }, fleet.ErrInvalid},
		"switched off":     {func(*assign.Request) {}, fleet.ErrLabTypeOff},
	} {
		r := request(1)
		c.change(&r)
		if _, err := b.Accept(b.ctx, r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	must(t, b.cfg.Statuses.SetOff(b.ctx, labName, false, "", t0))
	b.accept(t, 1)
}

func TestRefusalIsFoundByItsRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := request(1)
	r.LabType = "ec3"
	_, why := b.Accept(b.ctx, r)
	for range 2 {
		s, err := b.Refuse(b.ctx, r, why)
		must(t, err)
		if s.State != fleet.SessionFailed || s.Reason != why.Error() || s.EndedAt.IsZero() {
			t.Fatalf("refused session is %+v", s)
		}
	}
}
