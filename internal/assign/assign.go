// Package assign takes a request for a lab from its acceptance to its end:
// accept, match, hand out, extend, end.
//
// Invariants:
//   - A request is accepted once its session document stands; the request id
//     makes accepting twice accepting once.
//   - The claim writes the account first and the session second. A unique index
//     on the account's session id lets a session hold one account at most; a
//     claim whose second half was lost is completed from the account's document.
//   - The session is ended before its account is touched. An extension writes the
//     session first, AWS second, and the account's EndsAt, which confirms, last:
//     AWS never allows more than the session says, and what a crash left undone
//     shows in the two documents.
//   - After an extension was written to AWS the session is read again; if it ended
//     meanwhile, the account is frozen again.
//   - A lab in a booking ends by the end of its class.
//   - Nobody on a waiting list is overtaken: when there is no room for the first,
//     beside what is booked, those behind wait too.
//   - Secrets are sealed on the way in and opened for [Service.Reveal] only.
package assign

import (
	"cmp"
	"context"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Machine is what this package needs of lifecycle.
type Machine interface {
	Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error)
	Edit(ctx context.Context, a *fleet.Account, mutate func(*fleet.Account)) (*fleet.Account, error)
}

// Granter makes the warm user of an account good for a lab.
type Granter interface {
	// Grant attaches the lab type's policies, writes the boundary's version that
	// denies everything from end on, and returns once the user's key works in
	// every Region of the lab type.
	Grant(ctx context.Context, a *fleet.Account, lt fleet.LabType, end time.Time) error
	// Extend writes a boundary version with a later end.
	Extend(ctx context.Context, a *fleet.Account, lt fleet.LabType, end time.Time) error
	// Refreeze makes the boundary deny everything again: the session ended while
	// an extension was being written, which may have undone the freeze.
	Refreeze(ctx context.Context, a *fleet.Account) error
}

// LabTypes is what this package needs of labtype. Errors: fleet.ErrNotFound.
type LabTypes interface {
	// Get gives the lab type in force, for a request.
	Get(ctx context.Context, name string) (fleet.LabType, error)
	// Revision gives it as a session was accepted with it.
	Revision(ctx context.Context, name string, revision int64) (fleet.LabType, error)
	// All gives those in force by name.
	All(ctx context.Context) ([]fleet.LabType, error)
}

// Seats says whether a session may take a seat of a booking.
type Seats interface {
	// Seat gives the booking if the owner ("" is one that the door does not know)
	// may take a seat of it for a lab type. Errors: fleet.ErrNotFound,
	// fleet.ErrInvalid, fleet.ErrForbidden.
	Seat(ctx context.Context, booking, owner, labType string) (*fleet.Booking, error)
	// Ends is when the class ends, and with it its labs. fleet.ErrNotFound.
	Ends(ctx context.Context, booking string) (time.Time, error)
}

// Room keeps the labs of everybody from taking what booked classes need.
type Room interface {
	// Room says whether a waiting session may be given an account now.
	Room(ctx context.Context, s *fleet.Session) (bool, error)
	// Extension refuses to move the end of an active session by so much: a
	// fleet.FieldError says why, and how much is possible.
	Extension(ctx context.Context, s *fleet.Session, by time.Duration) error
}

// Sealer seals and opens secrets; purpose binds them to what they are for.
type Sealer interface {
	Seal(plaintext, purpose string) (fleet.Sealed, error)
	Open(s fleet.Sealed, purpose string) (string, error)
}

// Config is what a Service is made of.
type Config struct {
	Accounts fleet.Accounts
	Sessions fleet.Sessions
	LabTypes LabTypes
	Statuses fleet.LabTypeStore
	Pool     fleet.Pool
	Machine  Machine
	Granter  Granter
	Sealer   Sealer
	Seats    Seats // nil: there are no bookings
	Room     Room  // nil: there always is
	Clock    clock.Clock
	NewID    func() string // of sessions and attempts
	// Wake has begun what an accepted session needs next; what it cannot begin, the
	// ticks do. May be nil.
	Wake func(ctx context.Context, s *fleet.Session)
	// Served is told how long a session waited for its credentials; may be nil.
	Served func(labType string, took time.Duration)
	// Patience is how long a request waits for an account unless it says
	// otherwise; default 10 minutes.
	Patience time.Duration
	// Stale is the age from which a readiness stamp is not trusted at a claim;
	// default 15 minutes.
	Stale time.Duration
}

// Service assigns accounts to sessions.
type Service struct{ Config }

// New makes a Service.
func New(c Config) *Service {
	if c.Served == nil {
		c.Served = func(string, time.Duration) {}
	}
	if c.Wake == nil {
		c.Wake = func(context.Context, *fleet.Session) {}
	}
	c.Patience = cmp.Or(c.Patience, 10*time.Minute)
	c.Stale = cmp.Or(c.Stale, 15*time.Minute)
	return &Service{c}
}

func sessionPurpose(s *fleet.Session) string { return sealPurpose("session", s.ID, s.Epoch) }

// accountPurpose is what the account's secrets are sealed for, by whoever made
// the user: see identity.
func accountPurpose(a *fleet.Account) string { return sealPurpose("account", a.ID, a.User.Epoch) }
