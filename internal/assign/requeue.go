package assign

import (
	"context"
	"errors"
	"fmt"

	"github.com/kodekloud/kml/internal/fleet"
)

// handOutTries is how many accounts a session may fail on before it is failed
// itself: one bad account is bad luck, three are the request's fault.
const handOutTries = 3

// Requeue sends a session back to the waiting list, at its old place, because
// the hand-out of accountID failed for good. A session that has failed too often
// is failed, with the reason. Doing it twice is doing it once.
func (s *Service) Requeue(ctx context.Context, sessionID, accountID, reason string) error {
	for range writeTries {
		session, err := s.Sessions.Get(ctx, sessionID)
		if err != nil {
			return fmt.Errorf("requeue session %s: %w", sessionID, err)
		}
		if session.State != fleet.SessionAssigning || session.AccountID != accountID {
			return nil
		}
		err = s.Sessions.Swap(ctx, session, s.requeued(session, reason))
		if err == nil {
			return nil
		}
		if !errors.Is(err, fleet.ErrConflict) {
			return fmt.Errorf("requeue session %s: %w", sessionID, err)
		}
	}
	return fmt.Errorf("requeue session %s: %w", sessionID, fleet.ErrConflict)
}

// requeued is the session after a hand-out that failed.
func (s *Service) requeued(session *fleet.Session, reason string) *fleet.Session {
	n := session.Clone()
	n.Version++
	n.Tries++
	n.AccountID, n.AttemptID, n.Epoch = "", "", 0
	switch {
	case session.EndRequested:
		n.State, n.EndedAt = fleet.SessionCancelled, s.Clock.Now().UTC()
	case n.Tries >= handOutTries:
		n.State, n.Reason, n.EndedAt = fleet.SessionFailed, reason, s.Clock.Now().UTC()
	default:
		n.State = fleet.SessionWaiting
	}
	return n
}

// Recover looks at a session that has been in assignment for long: if no
// account is on its way to it any more, it goes back to the waiting list. (One
// that left the way and is not clean yet still holds the session; until it is,
// no other can be claimed.)
func (s *Service) Recover(ctx context.Context, session *fleet.Session) error {
	a, err := s.Accounts.BySession(ctx, session.ID)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return s.Requeue(ctx, session.ID, session.AccountID, "no account holds the session any more")
	case err != nil:
		return fmt.Errorf("account of session %s: %w", session.ID, err)
	case a.State == fleet.InUse:
		return s.Resume(ctx, a)
	case a.State == fleet.Assigning:
		return nil // the account's own rescue drives it
	}
	return s.Requeue(ctx, session.ID, session.AccountID, "account "+a.ID+" went to "+string(a.State)+": "+a.Reason)
}
