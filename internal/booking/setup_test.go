package booking_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
)

var t0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const labName = "ec2-basics"

// bundle is the service on MongoDB's wire protocol; labs are accepted by a few
// lines that stand in for package assign.
type bundle struct {
	*booking.Service
	ctx     context.Context
	clock   *clock.Fake
	db      *mongo.DB
	machine *lifecycle.Machine
	pool    *pool
	hook    atomic.Pointer[mongosim.Hook]
	ids     atomic.Int64

	mu     sync.Mutex
	told   []fleet.Event
	refuse error  // of requests
	asked  func() // after each request
	deaf   error  // of those who are told

	labService *assign.Service // if set, labs are its
}

func setup(t testing.TB) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	b := &bundle{ctx: ctx, clock: clock.NewFake(t0), pool: &pool{in: map[fleet.PoolName]map[string]bool{}}}
	sim, err := mongosim.Start(mongosim.Config{Hook: func(command, collection string, after bool) mongosim.Fault {
		if h := b.hook.Load(); h != nil {
			return (*h)(command, collection, after)
		}
		return mongosim.Fault{}
	}})
	must(t, err)
	b.db, err = mongo.Open(ctx, sim.URI(), "kml")
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(b.db.Close(context.Background()), sim.Close())) })
	b.machine = lifecycle.New(b.db.Accounts(), b.db.Activity(), b.clock)
	b.Service = booking.New(booking.Config{Calendars: b.db.Calendars(), Accounts: b.db.Accounts(), Sessions: b.db.Sessions(), Cleanings: b.db.Cleanings(),
		LabTypes: labTypes{}, Statuses: b.db.LabTypes(), Pool: b.pool, Machine: b.machine, Clock: b.clock, NewID: b.newID,
		Request: b.request, EndLab: b.endLab, Tell: b.tell})
	return b
}

func (b *bundle) newID() string { return fmt.Sprintf("id-%04d", b.ids.Add(1)) }

type labTypes struct{}

func (labTypes) Get(_ context.Context, name string) (fleet.LabType, error) {
	if name != labName && name != "s3-basics" {
		return fleet.LabType{}, fleet.ErrNotFound
	}
	return fleet.LabType{Name: name, MaxDuration: 4 * time.Hour}, nil
}

func (l labTypes) Revision(ctx context.Context, name string, _ int64) (fleet.LabType, error) {
	return l.Get(ctx, name)
}

func (labTypes) All(context.Context) ([]fleet.LabType, error) { return nil, nil }

// request accepts a lab once per request id.
func (b *bundle) request(ctx context.Context, l booking.Lab) error {
	b.mu.Lock()
	refuse := b.refuse
	b.mu.Unlock()
	if refuse != nil {
		return refuse
	}
	if b.labService != nil {
		_, err := b.labService.Request(ctx, assign.Request{RequestID: l.RequestID, LabType: l.LabType, Student: l.Student, Owner: l.Owner, Booking: l.Booking,
			Purpose: l.Purpose, Duration: l.Duration, Patience: l.Patience})
		return err
	}
	if _, err := b.Seat(ctx, l.Booking, l.Owner, l.LabType); err != nil {
		return err
	}
	now := b.clock.Now()
	err := b.db.Sessions().Insert(ctx, &fleet.Session{ID: b.newID(), RequestID: l.RequestID, LabType: l.LabType, Student: l.Student, Owner: l.Owner,
		Booking: l.Booking, Purpose: l.Purpose, Duration: l.Duration, State: fleet.SessionWaiting, Version: 1, RequestedAt: now, WaitUntil: now.Add(l.Patience)})
	if errors.Is(err, fleet.ErrExists) {
		return nil
	}
	if b.asked != nil {
		b.asked()
	}
	return err
}

func (b *bundle) endLab(ctx context.Context, id, reason string) error {
	for {
		s, err := b.db.Sessions().Get(ctx, id)
		if err != nil || s.State.Final() {
			return err
		}
		n := s.Clone()
		n.State, n.Reason, n.Version = fleet.SessionCancelled, reason, s.Version+1
		if err = b.db.Sessions().Swap(ctx, s, n); !errors.Is(err, fleet.ErrConflict) {
			return err
		}
	}
}

func (b *bundle) tell(_ context.Context, e fleet.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.deaf != nil {
		return b.deaf
	}
	b.told = append(b.told, e)
	return nil
}

// states are those that were told, in order.
func (b *bundle) states() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.told {
		out = append(out, e.State)
	}
	return out
}

// pool is the hint, kept in memory.
type pool struct {
	mu sync.Mutex
	in map[fleet.PoolName]map[string]bool
}

func (p *pool) Add(_ context.Context, name fleet.PoolName, id string, _ time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in[name] == nil {
		p.in[name] = map[string]bool{}
	}
	p.in[name][id] = true
	return nil
}

func (p *pool) Pop(context.Context, fleet.PoolName) (string, error) { return "", nil }

func (p *pool) Remove(_ context.Context, name fleet.PoolName, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.in[name], id)
	return nil
}

func (p *pool) Size(_ context.Context, name fleet.PoolName) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.in[name]), nil
}

// fleetOf adds so many warm accounts.
func (b *bundle) fleetOf(t testing.TB, n int) {
	t.Helper()
	for range n {
		b.warm(t, b.add(t))
	}
}

// add adds an account that rests.
func (b *bundle) add(t testing.TB) *fleet.Account {
	t.Helper()
	a, err := b.machine.Add(b.ctx, &fleet.Account{ID: fmt.Sprintf("%012d", b.ids.Add(1)), Org: "o", OU: "ou-1", Purpose: fleet.Production, SweptAt: t0.Add(-time.Hour)}, "new")
	must(t, err)
	return a
}

func (b *bundle) warm(t testing.TB, a *fleet.Account) *fleet.Account {
	t.Helper()
	a = b.move(t, a, fleet.UserCreating, nil)
	return b.move(t, a, fleet.UserCreated, func(n *fleet.Account) { n.User = &fleet.User{Name: "kml-" + a.ID} })
}

func (b *bundle) move(t testing.TB, a *fleet.Account, to fleet.State, f func(*fleet.Account)) *fleet.Account {
	t.Helper()
	a, err := b.machine.Move(b.ctx, a, to, "test", f)
	must(t, err)
	return a
}

// class is a request for seats from so long after t0 on, for two hours.
func class(seats int, in time.Duration) booking.Request {
	return booking.Request{Owner: "academy", LabType: labName, Seats: seats, Start: t0.Add(in), End: t0.Add(in + 2*time.Hour)}
}

func (b *bundle) book(t testing.TB, r booking.Request) *fleet.Booking {
	t.Helper()
	made, err := b.Book(b.ctx, r)
	must(t, err)
	return made
}

// at moves the clock to so long after t0 and lets the tick run until nothing
// more is to be done.
func (b *bundle) at(t testing.TB, after time.Duration) {
	t.Helper()
	b.clock.Advance(t0.Add(after).Sub(b.clock.Now()))
	for range 3 {
		must(t, b.Tick(b.ctx, b.clock.Now()))
	}
}

func (b *bundle) get(t testing.TB, id string) *fleet.Booking {
	t.Helper()
	got, err := b.Get(b.ctx, id, "")
	must(t, err)
	return got
}

// is says whether a booking is in a state.
func (b *bundle) is(t testing.TB, id string, want fleet.BookingState) {
	t.Helper()
	if got := b.get(t, id); got.State != want {
		t.Fatalf("booking is %s (%s), want %s", got.State, got.Reason, want)
	}
}

// held is how many ready accounts are marked for a booking, which is what its
// pool says too; "" counts those that are nobody's.
func (b *bundle) held(t testing.TB, id string) int {
	t.Helper()
	ready, err := b.db.Accounts().Find(b.ctx, fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}})
	must(t, err)
	n := 0
	for _, a := range ready {
		if a.Booking == id {
			n++
		}
	}
	if in, _ := b.pool.Size(b.ctx, fleet.BookedPool(id)); id != "" && in != n {
		t.Fatalf("%d accounts are held, %d are in the pool", n, in)
	}
	return n
}

func (b *bundle) labs(t testing.TB, id string) []*fleet.Session {
	t.Helper()
	found, err := b.db.Sessions().Find(b.ctx, fleet.SessionQuery{Booking: id})
	must(t, err)
	return found
}

// serve gives a waiting lab an account of its booking, as the match does.
func (b *bundle) serve(t testing.TB, l *fleet.Session, end time.Time) *fleet.Account {
	t.Helper()
	q := fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}, Booking: l.Booking}
	found, err := b.db.Accounts().Find(b.ctx, q)
	must(t, err)
	for _, a := range found {
		if a.PoolName() != l.PoolName() {
			continue
		}
		a = b.move(t, a, fleet.Assigning, func(n *fleet.Account) { n.SessionID, n.AttemptID = l.ID, b.newID() })
		must(t, b.pool.Remove(b.ctx, a.PoolName(), a.ID))
		a = b.move(t, a, fleet.InUse, func(n *fleet.Account) { n.EndsAt = end })
		b.swap(t, l, func(n *fleet.Session) { n.State, n.AccountID, n.EndsAt = fleet.SessionActive, a.ID, end })
		return a
	}
	t.Fatalf("no account is held for %s", l.PoolName())
	return nil
}

func (b *bundle) swap(t testing.TB, l *fleet.Session, f func(*fleet.Session)) {
	t.Helper()
	old, err := b.db.Sessions().Get(b.ctx, l.ID)
	must(t, err)
	n := old.Clone()
	n.Version++
	f(n)
	must(t, b.db.Sessions().Swap(b.ctx, old, n))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

// field says whether an error names a field and a remedy.
func field(t testing.TB, err error, name string) {
	t.Helper()
	var f *fleet.FieldError
	if !errors.As(err, &f) || f.Field != name || f.Remedy == "" {
		t.Fatalf("error is %v, want one of field %s", err, name)
	}
}

func full(t testing.TB, err error) *fleet.FullError {
	t.Helper()
	var f *fleet.FullError
	if !errors.As(err, &f) {
		t.Fatalf("error is %v, want a FullError", err)
	}
	return f
}
