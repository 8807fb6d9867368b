package fleet

import (
	"context"
	"time"
)

// The stores of what the doors (API, events, bookings) keep. Errors as those of
// [Accounts]. Swap replaces old by next if the stored version is still old's;
// next.Version must be old.Version+1; a write whose reply was lost is read back
// by its write id. Lists are ordered and paged as each query says; a Limit of 0
// is 1000.

// APIKeys keeps the keys to the API.
type APIKeys interface {
	Get(ctx context.Context, id string) (*APIKey, error)
	Insert(ctx context.Context, k *APIKey) error
	Swap(ctx context.Context, old, next *APIKey) error
	// Touch notes a use; it does not change the version.
	Touch(ctx context.Context, id, from string, at time.Time) error
	// Find lists keys by id, those after a cursor whose id begins so.
	Find(ctx context.Context, prefix, after string, limit int) ([]*APIKey, error)
	// CountAdmins counts keys of a role that are neither revoked nor expired.
	CountRole(ctx context.Context, role string, now time.Time) (int, error)
}

// IdempotentCalls keeps answers to POSTs for a day.
type IdempotentCalls interface {
	// Begin claims the call if it is new, or if its claim is older than stale and
	// not done; it gives what stands afterwards: the caller owns the call if
	// Claim is its own.
	Begin(ctx context.Context, c IdempotentCall, stale time.Time) (*IdempotentCall, error)
	// Finish stores the answer if the claim still stands; ErrConflict if not.
	Finish(ctx context.Context, id, claim string, status int, answer *Sealed) error
	// Abandon lets go of a call that changed nothing, if the claim still stands.
	Abandon(ctx context.Context, id, claim string) error
}

// Calendars keeps bookings. Those in a calendar count; those that are over are
// archived.
type Calendars interface {
	// Get gives the calendar of a purpose; an empty one with version 0 if none
	// was ever written.
	Get(ctx context.Context, p Purpose) (*Calendar, error)
	// Swap replaces it, or inserts it when old's version is 0.
	Swap(ctx context.Context, old, next *Calendar) error
	// Archive keeps a booking that is over; again is no error.
	Archive(ctx context.Context, b Booking) error
	// Archived finds a booking that is over.
	Archived(ctx context.Context, id string) (*Booking, error)
	// Past lists bookings that are over, latest start first. Owner "" is all.
	Past(ctx context.Context, owner string, from, to time.Time, limit int) ([]Booking, error)
}

// Webhooks keeps where events are delivered.
type Webhooks interface {
	Get(ctx context.Context, id string) (*Webhook, error)
	Insert(ctx context.Context, w *Webhook) error
	Swap(ctx context.Context, old, next *Webhook) error
	Delete(ctx context.Context, id string) error
	// Find lists an owner's by id; every owner's if all.
	Find(ctx context.Context, owner string, all bool, after string, limit int) ([]*Webhook, error)
}

// Deliveries keeps events on their way.
type Deliveries interface {
	Get(ctx context.Context, id string) (*Delivery, error)
	// Add inserts those that are not known yet.
	Add(ctx context.Context, ds ...*Delivery) error
	Swap(ctx context.Context, old, next *Delivery) error
	Find(ctx context.Context, q DeliveryQuery) ([]*Delivery, error)
}

// DeliveryQuery selects deliveries, newest first.
type DeliveryQuery struct {
	Webhook, Owner string
	State          DeliveryState
	Due            time.Time // NextTry not after this; results then come soonest first
	Cursor         Cursor
	Limit          int
}

// Cursor is a place in a list ordered by time and id. The zero Cursor is its
// beginning.
type Cursor struct {
	At time.Time
	ID string
}

// EventStream is the live stream: what is read again after a break, not what is
// kept. It holds the last events and forgets the rest.
type EventStream interface {
	Publish(ctx context.Context, events ...Event) error
	// Read gives events after a position ("" is now), waiting up to block for the
	// first; none after block is no error. ErrTrimmed when the position is no
	// longer on the stream: list anew. The position to go on from is returned.
	Read(ctx context.Context, after string, block time.Duration, limit int) (events []StreamedEvent, next string, err error)
}

// LabTypeFiles keeps applied lab types, every revision of them.
type LabTypeFiles interface {
	// Put stores a revision; ErrExists if it stands already.
	Put(ctx context.Context, lt LabType, who string, at time.Time) error
	Get(ctx context.Context, name string, revision int64) (LabType, error)
	// Latest gives the newest revision of each.
	Latest(ctx context.Context) ([]LabType, error)
}

// PoolTargets keeps targets of warm accounts that were set at run time, in place
// of the configured ones.
type PoolTargets interface {
	// All gives the targets by org and OU.
	All(ctx context.Context) ([]PoolTarget, error)
	// Set writes a target if the stored version is still the given one (0: none).
	Set(ctx context.Context, t PoolTarget, version int64) (PoolTarget, error)
}

// PoolTarget is how many accounts of an OU are kept ready.
type PoolTarget struct {
	Org     string    `bson:"org"`
	OU      string    `bson:"ou"`
	Warm    int       `bson:"warm"`
	Version int64     `bson:"version"`
	SetBy   string    `bson:"set_by"`
	SetAt   time.Time `bson:"set_at"`
}

// Reports reads what was, summed up.
type Reports interface {
	// Usage sums labs and cleanings between two times by day (UTC), lab type and
	// organization, ordered by these.
	Usage(ctx context.Context, from, to time.Time) ([]Usage, error)
}

// Usage is what one lab type did in one organization on one day.
type Usage struct {
	Day       string // 2026-11-21
	LabType   string
	Org       string // "" for labs that never got an account
	Labs      int    // served
	Minutes   float64
	Failed    int
	Expired   int // waited in vain
	Cancelled int
	Cleanings int
	Cleaning  time.Duration // of them together
}
