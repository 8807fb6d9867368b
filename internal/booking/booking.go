// Package booking keeps classes: seats of a lab type for a time. It accepts what
// the fleet can hold, holds accounts ahead of the class, asks for the labs of
// listed students when it starts, and lets go what nobody took.
//
// Invariants:
//   - The bookings of a purpose that are not over stand in one document, the
//     calendar, and are accepted by compare-and-set of it: two that do not fit
//     beside each other are never both accepted.
//   - A booking takes its seats from its lead time to the end of the cleaning
//     that follows it; what else is known to need an account then counts beside it.
//   - A lab beside the bookings is given an account, or more time, only if at no
//     time until its account is clean again one is missing to a booking: see
//     [Service.Room]. What another process wrote is known within a second.
//   - Accounts are held by a mark in the account's own document, written by
//     lifecycle alone, and only on an account that is ready and nobody's.
//   - [Service.Tick] decides on documents alone: done twice, beside itself, or
//     after a crash at any point, it comes to the same.
//   - A booking is archived before it leaves the calendar, and its state is final
//     before it is archived.
//   - No lab is ended early: one that runs ends by its own time.
//   - A change is told from the calendar: one whose teller died is told by the
//     next tick, before the booking leaves the calendar. Of several that were not
//     told the last one is.
package booking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Machine is what this package needs of lifecycle.
type Machine interface {
	Edit(ctx context.Context, a *fleet.Account, mutate func(*fleet.Account)) (*fleet.Account, error)
}

// LabTypes finds lab types. Errors: fleet.ErrNotFound.
type LabTypes interface {
	Get(ctx context.Context, name string) (fleet.LabType, error)
}

// Lab is the lab of a listed student, as it is asked for.
type Lab struct {
	RequestID, LabType, Student, Owner, Booking string
	Purpose                                     fleet.Purpose
	Duration, Patience                          time.Duration
}

// Config is what a Service is made of. Zero times get defaults.
type Config struct {
	Calendars fleet.Calendars
	Accounts  fleet.Accounts
	Sessions  fleet.Sessions
	Cleanings fleet.Cleanings
	LabTypes  LabTypes
	Statuses  fleet.LabTypeStore
	Pool      fleet.Pool
	Machine   Machine
	Clock     clock.Clock
	NewID     func() string
	// Request asks for a lab, once per request id. fleet.ErrInvalid,
	// fleet.ErrLabTypeOff and *fleet.FullError are final.
	Request func(ctx context.Context, l Lab) error
	// EndLab cancels a lab that still waits, by the session's id.
	EndLab func(ctx context.Context, sessionID, reason string) error
	// Tell is told of every change of a booking, and again if it fails; may be nil.
	Tell func(ctx context.Context, e fleet.Event) error

	Lead   time.Duration // accounts are held so long before the class; default 15 min
	Turn   time.Duration // cleaning of an account after its lab; default 15 min
	Warm   time.Duration // warming begins so long before the lead time; default 10 min
	NoShow time.Duration // of bookings that do not say; default 30 min
}

// Service keeps the bookings. It is safe for concurrent use.
type Service struct {
	Config
	mu      sync.Mutex
	outlook map[fleet.Purpose]outlook // for [Service.ETA]
	kept    map[fleet.Purpose]kept
	rooms   map[fleet.Purpose]*room // the map is never written
}

// New makes a Service.
func New(c Config) *Service {
	if c.Tell == nil {
		c.Tell = func(context.Context, fleet.Event) error { return nil }
	}
	c.Lead = cmp.Or(c.Lead, 15*time.Minute)
	c.Turn = cmp.Or(c.Turn, 15*time.Minute)
	c.Warm = cmp.Or(c.Warm, 10*time.Minute)
	c.NoShow = cmp.Or(c.NoShow, 30*time.Minute)
	s := &Service{Config: c, outlook: map[fleet.Purpose]outlook{}, kept: map[fleet.Purpose]kept{}, rooms: map[fleet.Purpose]*room{}}
	for _, p := range Purposes {
		s.rooms[p] = newRoom()
	}
	return s
}

// Purposes are those that can be booked.
var Purposes = []fleet.Purpose{fleet.Production, fleet.Development, fleet.Testing}

// editTries bounds how often a calendar is written anew because somebody else
// was faster. Each time one of them got through.
const editTries = 200

// errSame says that there is nothing to write.
var errSame = errors.New("nothing changes")

// edit changes a calendar by compare-and-set and gives it as it stands then. f
// changes a copy of what stands; it runs again when somebody else was faster.
func (s *Service) edit(ctx context.Context, p fleet.Purpose, f func(*fleet.Calendar) error) (*fleet.Calendar, error) {
	for range editTries {
		old, err := s.Calendars.Get(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("calendar of %s: %w", p, err)
		}
		next := old.Clone()
		err = f(next)
		if errors.Is(err, errSame) {
			return old, nil
		}
		if err != nil {
			return nil, err
		}
		next.Purpose = p
		next.Version++
		err = s.Calendars.Swap(ctx, old, next)
		if err == nil {
			s.keep(next, s.now())
			return next, nil
		}
		if !errors.Is(err, fleet.ErrConflict) && !errors.Is(err, fleet.ErrExists) {
			return nil, fmt.Errorf("write calendar of %s: %w", p, err)
		}
	}
	return nil, fmt.Errorf("write calendar of %s: %w", p, fleet.ErrConflict)
}

// stamp is a time as it is stored.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func (s *Service) now() time.Time { return stamp(s.Clock.Now()) }
