package booking_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
)

// willing stands in for AWS and for the seals.
type willing struct{}

func (willing) Grant(context.Context, *fleet.Account, fleet.LabType, time.Time) error  { return nil }
func (willing) Extend(context.Context, *fleet.Account, fleet.LabType, time.Time) error { return nil }
func (willing) Refreeze(context.Context, *fleet.Account) error                         { return nil }
func (willing) Seal(string, string) (fleet.Sealed, error)                              { return fleet.Sealed{}, nil }
func (willing) Open(fleet.Sealed, string) (string, error)                              { return "", nil }

// play is days of random classes and labs on few accounts, in steps.
type play struct {
	*bundle
	rnd     *rand.Rand
	takes   map[string]time.Duration // the cleaning of an account, by its run: at most Turn
	classes []*fleet.Booking
	n       int // of requests

	full, waited, extended, kept, late int
	missing                            []string
}

const (
	playAccounts = 8
	playStep     = 5 * time.Minute
	playSteps    = 120
)

func newPlay(t *testing.T, seed uint64, beside bool) *play {
	p := &play{bundle: setup(t), rnd: rand.New(rand.NewPCG(seed, 1)), takes: map[string]time.Duration{}}
	c := assign.Config{Accounts: p.db.Accounts(), Sessions: p.db.Sessions(), LabTypes: labTypes{}, Statuses: p.db.LabTypes(), Pool: p.pool, Machine: p.machine,
		Granter: willing{}, Sealer: willing{}, Seats: p.Service, Clock: p.clock, NewID: p.newID, Patience: 15 * time.Minute, Stale: 1000 * time.Hour}
	if beside {
		c.Room = p.Service
	}
	p.labService = assign.New(c)
	for range playAccounts {
		p.add(t)
	}
	return p
}

// steps is a time of at most most, a whole number of steps, and at least one.
func (p *play) steps(most time.Duration) time.Duration {
	return playStep * time.Duration(1+p.rnd.IntN(int(most/playStep)))
}

func (p *play) run(t *testing.T) {
	for n := range playSteps {
		p.clock.Advance(t0.Add(time.Duration(n) * playStep).Sub(p.clock.Now()))
		p.turn(t)
		for range 2 {
			must(t, p.Tick(p.ctx, p.clock.Now()))
		}
		p.serveAll(t)
		for _, c := range p.classes {
			if c.Start.Equal(p.clock.Now()) {
				p.check(t, c)
			}
		}
		p.act(t)
		p.serveAll(t)
	}
}

// turn ends what is over, cleans, and warms what rests.
func (p *play) turn(t *testing.T) {
	labs, err := p.db.Sessions().Find(p.ctx, fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionActive}, EndsBefore: p.clock.Now()})
	must(t, err)
	for _, l := range labs {
		must(t, p.labService.Expire(p.ctx, l.ID))
	}
	accounts, err := p.db.Accounts().Find(p.ctx, fleet.AccountQuery{States: []fleet.State{fleet.Cleanup}})
	must(t, err)
	for _, a := range accounts {
		run := fmt.Sprint(a.ID, a.Epoch)
		if _, ok := p.takes[run]; !ok {
			p.takes[run] = p.steps(15 * time.Minute)
		}
		if p.clock.Now().Sub(a.Since) >= p.takes[run] {
			p.move(t, p.move(t, a, fleet.UserDeleted, nil), fleet.Loaded, nil)
		}
	}
	accounts, err = p.db.Accounts().Find(p.ctx, fleet.AccountQuery{States: []fleet.State{fleet.Loaded}})
	must(t, err)
	for _, a := range accounts {
		a = p.move(t, a, fleet.UserCreating, nil)
		p.move(t, a, fleet.UserCreated, func(n *fleet.Account) { n.User, n.ReadyAt = &fleet.User{Name: "kml"}, p.clock.Now() })
	}
}

// serveAll matches and hands out until nothing more can be.
func (p *play) serveAll(t *testing.T) {
	pools, err := p.Pools(p.ctx)
	must(t, err)
	for _, pool := range append(pools, fleet.Production.Pool()) {
		_, err := p.labService.Match(p.ctx, pool)
		must(t, err)
	}
	accounts, err := p.db.Accounts().Find(p.ctx, fleet.AccountQuery{States: []fleet.State{fleet.Assigning}})
	must(t, err)
	for _, a := range accounts {
		must(t, p.labService.HandOut(p.ctx, a.ID, a.Epoch))
	}
}

// check notes students of a class, which starts now, that have no lab.
func (p *play) check(t *testing.T, c *fleet.Booking) {
	now := p.get(t, c.ID)
	if now.State == fleet.BookingCancelled {
		return
	}
	active := 0
	for _, l := range p.labs(t, c.ID) {
		if l.State == fleet.SessionActive && !l.EndsAt.After(c.End) {
			active++
		}
	}
	if active != len(c.Students) {
		p.missing = append(p.missing, fmt.Sprintf("class %s of %d at %v: %d have a lab", c.ID, len(c.Students), c.Start.Sub(t0), active))
	}
}

// act books, asks, comes late, extends, ends and cancels, at random.
func (p *play) act(t *testing.T) {
	if p.rnd.IntN(3) == 0 {
		p.bookOne(t)
	}
	for range p.rnd.IntN(4) / 2 { // now none, now a few at once
		p.ask(t, "")
	}
	for _, c := range p.classes {
		if now := p.clock.Now(); now.After(c.Start) && now.Before(c.NoShowAt()) && p.rnd.IntN(3) == 0 {
			p.ask(t, c.ID)
		}
	}
	labs, err := p.db.Sessions().Find(p.ctx, fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionActive}})
	must(t, err)
	for _, l := range labs {
		switch p.rnd.IntN(20) {
		case 0:
			must(t, p.labService.End(p.ctx, l.ID, "enough"))
		case 1, 2:
			_, err := p.labService.Extend(p.ctx, l.ID, p.steps(30*time.Minute))
			switch {
			case err == nil:
				p.extended++
			case errors.Is(err, fleet.ErrInvalid):
				p.kept++
			default:
				t.Fatal(err)
			}
		}
	}
	if len(p.classes) > 0 && p.rnd.IntN(30) == 0 {
		c := p.classes[p.rnd.IntN(len(p.classes))]
		if _, err := p.Cancel(p.ctx, c.ID, "", "changed my mind"); err != nil && !errors.Is(err, fleet.ErrBookingOver) {
			t.Fatal(err)
		}
	}
}

func (p *play) bookOne(t *testing.T) {
	start := p.clock.Now().Add(p.steps(4 * time.Hour))
	r := booking.Request{Owner: "academy", LabType: labName, Seats: 1 + p.rnd.IntN(playAccounts-1), Start: start, End: start.Add(p.steps(90 * time.Minute))}
	for n := range r.Seats - p.rnd.IntN(r.Seats) {
		r.Students = append(r.Students, fmt.Sprint("student-", n))
	}
	made, err := p.Book(p.ctx, r)
	var full *fleet.FullError
	switch {
	case err == nil:
		p.classes = append(p.classes, made)
	case errors.As(err, &full):
		p.full++
	default:
		t.Fatal(err)
	}
}

// ask asks for a lab. One in a class is served at once, or refused.
func (p *play) ask(t *testing.T, class string) {
	p.n++
	l, err := p.labService.Request(p.ctx, assign.Request{RequestID: fmt.Sprint("r", p.n), LabType: labName, Student: fmt.Sprint("s", p.n), Duration: p.steps(2 * time.Hour), Booking: class})
	var full *fleet.FullError
	if class != "" && (errors.As(err, &full) || errors.Is(err, fleet.ErrInvalid)) {
		return
	}
	must(t, err)
	p.serveAll(t)
	l, err = p.db.Sessions().Get(p.ctx, l.ID)
	must(t, err)
	switch {
	case class == "":
		if l.State == fleet.SessionWaiting && l.Reason != "" {
			p.waited++
		}
	case l.State != fleet.SessionActive || l.EndsAt.After(p.get(t, class).End):
		p.missing = append(p.missing, fmt.Sprintf("late in class %s: %s until %v", class, l.State, l.EndsAt.Sub(t0)))
	default:
		p.late++
	}
}

// Whatever is booked, asked for, extended, ended and cancelled beside each other:
// as long as cleanings take no longer than they may and no account fails, a class
// that was accepted has its labs the moment it starts, and a late student one at
// once. Without the look at the bookings it would not.
func TestAcceptedClassesGetTheirSeats(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, seed, true)
			p.run(t)
			for _, m := range p.missing {
				t.Error(m)
			}
			if len(p.classes) < 5 || p.full == 0 || p.waited == 0 || p.extended == 0 || p.kept == 0 || p.late == 0 {
				t.Errorf("it proves little: %d classes, %d refused; %d labs waited for room; %d extended, %d not; %d late", len(p.classes), p.full, p.waited, p.extended, p.kept, p.late)
			}
			t.Logf("%d classes, %d refused; %d labs waited for room; %d extended, %d not; %d late", len(p.classes), p.full, p.waited, p.extended, p.kept, p.late)
		})
	}
	t.Run("without room", func(t *testing.T) {
		t.Parallel()
		p := newPlay(t, 0, false)
		p.run(t)
		if len(p.missing) == 0 {
			t.Error("no class missed a lab")
		}
	})
}
