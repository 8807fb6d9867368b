package assign_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
)

// A lab for later waits from then on, at its place of then, and not before.
func TestALabForLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := t0.Add(time.Hour)
	r := request(1)
	r.NotBefore, r.Patience = at, 5*time.Minute
	s, err := b.Accept(b.ctx, r)
	must(t, err)
	if s.State != fleet.SessionScheduled || !s.NotBefore.Equal(at) || !s.WaitUntil.Equal(at.Add(5*time.Minute)) {
		t.Fatalf("%+v", s)
	}
	b.ready(t, 1)
	if n := b.match(t); n != 0 {
		t.Fatal("matched before its time")
	}
	var snooze *fleet.SnoozeError
	if _, err := b.Start(b.ctx, s.ID); !errors.As(err, &snooze) || snooze.For != time.Hour {
		t.Fatalf("started early: %v", err)
	}
	b.clock.Advance(time.Hour + time.Second)
	behind := b.accept(t, 2)
	var wg sync.WaitGroup
	for range 8 { // its task and the sweeper
		wg.Go(func() {
			if _, err := b.Start(b.ctx, s.ID); err != nil && !errors.Is(err, fleet.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s = b.session(t, s.ID); s.State != fleet.SessionWaiting || !s.QueuedAt.Equal(at) || s.Version != 2 {
		t.Fatalf("%+v", s)
	}
	a := b.account(t, "000000000001")
	_, err = b.machine.Edit(b.ctx, a, func(n *fleet.Account) { n.ReadyAt = b.clock.Now() })
	must(t, err)
	b.match(t)
	if b.session(t, s.ID).State != fleet.SessionAssigning || b.session(t, behind.ID).State != fleet.SessionWaiting {
		t.Fatal("the one that queued first was not served first")
	}
	if again, err := b.Start(b.ctx, s.ID); err != nil || again.State != fleet.SessionAssigning {
		t.Fatalf("%v, %v", again, err)
	}
}

func TestEndOfAScheduledLabCancelsIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := request(1)
	r.NotBefore = t0.Add(time.Hour)
	s, err := b.Accept(b.ctx, r)
	must(t, err)
	must(t, b.End(b.ctx, s.ID, "no class"))
	b.clock.Advance(2 * time.Hour)
	s, err = b.Start(b.ctx, s.ID)
	must(t, err)
	if s.State != fleet.SessionCancelled || s.Reason != "no class" || s.EndedAt.IsZero() {
		t.Fatalf("%+v", s)
	}
}

// A request whose time passed in the queue is one for now; at the other door it
// is a mistake. The same one again is the same lab.
func TestAStartThatHasPassed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := request(1)
	r.NotBefore = t0.Add(-time.Hour)
	_, err := b.Accept(b.ctx, r)
	var bad *fleet.FieldError
	if !errors.As(err, &bad) || bad.Field != "start_at" {
		t.Fatal(err)
	}
	r.Queued = true
	s, err := b.Accept(b.ctx, r)
	must(t, err)
	if s.State != fleet.SessionWaiting || !s.QueuedAt.Equal(r.NotBefore) || !s.WaitUntil.Equal(t0.Add(10*time.Minute)) {
		t.Fatalf("%+v", s)
	}
	later := request(2)
	later.NotBefore = t0.Add(time.Hour + 123456*time.Nanosecond) // stores keep milliseconds
	first, err := b.Accept(b.ctx, later)
	must(t, err)
	b.clock.Advance(2 * time.Hour)
	again, err := b.Accept(b.ctx, later)
	must(t, err)
	if first.ID != again.ID {
		t.Fatal("two labs")
	}
}

func TestRequestNamesTheBadField(t *testing.T) {
	t.Parallel()
	b := setup(t)
	long := strings.Repeat("x", 300)
	for field, change := range map[string]func(*assign.Request){
		"request_id": func(r *assign.Request) { r.RequestID = long },
		"lab_type":   func(r *assign.Request) { r.LabType = "" },
		"student":    func(r *assign.Request) { r.Student = long },
		"duration":   func(r *assign.Request) { r.Duration = -time.Hour },
		"patience":   func(r *assign.Request) { r.Patience = -1 },
		"priority":   func(r *assign.Request) { r.Priority = fleet.MaxPriority + 1 },
		"start_at":   func(r *assign.Request) { r.NotBefore = t0.Add(91 * 24 * time.Hour) },
		"booking":    func(r *assign.Request) { r.Booking = long },
	} {
		r := request(1)
		change(&r)
		_, err := b.Accept(b.ctx, r)
		var bad *fleet.FieldError
		if !errors.As(err, &bad) || bad.Field != field || bad.Remedy == "" || len(bad.Value) > 110 {
			t.Errorf("%s: %v", field, err)
		}
	}
	for callback, good := range map[string]bool{"https://example.com/hook?x=1": true, "http://example.com:8080": true, "ftp://example.com": false,
		"//example.com": false, "https:///path": false, "https://ann:pw@example.com": false, "javascript:alert(1)": false, "https://example.com/" + strings.Repeat("x", 2000): false} {
		r := request(1)
		r.RequestID, r.Callback = callback[:min(len(callback), 50)], callback
		if _, err := b.Accept(b.ctx, r); (err == nil) != good {
			t.Errorf("%.50s: %v", callback, err)
		}
	}
	all, err := b.db.Sessions().Find(b.ctx, fleet.SessionQuery{})
	must(t, err)
	if len(all) != 2 {
		t.Errorf("%d sessions stand, want those of the two good callbacks", len(all))
	}
}

func TestSameRequestComparesWhatIsNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.accept(t, 1)
	for name, change := range map[string]func(*assign.Request){
		"priority": func(r *assign.Request) { r.Priority = 1 },
		"start":    func(r *assign.Request) { r.NotBefore = t0.Add(time.Hour) },
		"booking":  func(r *assign.Request) { r.Booking = "b1" },
	} {
		r := request(1)
		change(&r)
		if _, err := b.Accept(b.ctx, r); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Both doors have the next step begun for what is accepted, and for nothing else.
func TestRequestWakes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var woken []fleet.SessionState
	b.cfg.Wake = func(_ context.Context, s *fleet.Session) { woken = append(woken, s.State) }
	b.Service = assign.New(b.cfg)
	s, err := b.Request(b.ctx, request(1))
	must(t, err)
	later := request(2)
	later.NotBefore = t0.Add(time.Hour)
	_, err = b.Request(b.ctx, later)
	must(t, err)
	bad := request(3)
	bad.LabType = "ec3"
	_, err = b.Request(b.ctx, bad)
	wantErr(t, err, fleet.ErrInvalid)
	must(t, b.End(b.ctx, s.ID, "changed my mind"))
	_, err = b.Request(b.ctx, request(1))
	must(t, err)
	if len(woken) != 2 || woken[0] != fleet.SessionWaiting || woken[1] != fleet.SessionScheduled {
		t.Fatalf("woken: %v", woken)
	}
}
