package events

import (
	"context"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// keepLog is how many changes a session's document keeps; more while they are
// not told.
const keepLog = 32

// Sessions is a store of sessions whose every write notes its change in the
// document and has it told.
type Sessions struct {
	fleet.Sessions
	Clock clock.Clock
	// Tell takes a session that was written; it must not wait. See
	// [Publisher.Session].
	Tell func(*fleet.Session)
}

var _ fleet.Sessions = (*Sessions)(nil)

// Insert implements [fleet.Sessions].
func (s *Sessions) Insert(ctx context.Context, n *fleet.Session) error {
	noted := note(nil, n, s.Clock.Now())
	if err := s.Sessions.Insert(ctx, noted); err != nil {
		return err
	}
	return s.written(n, noted)
}

// Swap implements [fleet.Sessions].
func (s *Sessions) Swap(ctx context.Context, old, next *fleet.Session) error {
	noted := note(old, next, s.Clock.Now())
	if err := s.Sessions.Swap(ctx, old, noted); err != nil {
		return err
	}
	return s.written(next, noted)
}

// written makes dst what is stored and has it told.
func (s *Sessions) written(dst, stored *fleet.Session) error {
	*dst = *stored
	s.Tell(stored.Clone())
	return nil
}

// note gives next with the change that makes it of old, nil if it is new. No
// change that may not have been told is dropped: then the log grows.
func note(old, next *fleet.Session, now time.Time) *fleet.Session {
	n := next.Clone()
	if old != nil && !old.Unpublished {
		n.Told = old.Version
		n.Log = n.Log[max(0, len(n.Log)+1-keepLog):]
	}
	n.Log = append(n.Log, fleet.SessionChange{Version: n.Version, At: now.UTC(), Type: kind(old, n), State: n.State,
		Account: n.AccountID, EndsAt: n.EndsAt, Reason: n.Reason})
	n.Unpublished = true
	return n
}

// kind gives the type of the event of a change.
func kind(old, next *fleet.Session) string {
	switch {
	case old == nil || old.State != next.State:
		return "lab." + string(next.State)
	case next.State == fleet.SessionActive && next.EndsAt.After(old.EndsAt):
		return fleet.EventLabExtended
	case next.EndRequested && !old.EndRequested:
		return fleet.EventLabEnding
	}
	return fleet.EventLabUpdated
}
