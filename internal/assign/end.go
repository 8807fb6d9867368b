package assign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// writeTries is how often a write is tried again that somebody else overtook.
const writeTries = 10

// End ends a session early, or because its time is over. A scheduled or waiting
// one is cancelled; one in assignment ends as soon as the hand-out looks; an active one
// ends now, and its account goes to the cleaning, whose first step freezes it.
// Ending what has ended is no error.
func (s *Service) End(ctx context.Context, sessionID, reason string) error {
	session, err := s.Sessions.Get(ctx, sessionID)
	if err != nil {
		return fmt.Errorf("end session %s: %w", sessionID, err)
	}
	for range writeTries {
		n := session.Clone()
		n.Version++
		switch session.State {
		case fleet.SessionScheduled, fleet.SessionWaiting:
			n.State, n.Reason, n.EndedAt = fleet.SessionCancelled, reason, s.Clock.Now().UTC()
		case fleet.SessionAssigning:
			n.EndRequested, n.Reason = true, reason
		case fleet.SessionActive:
			n.State, n.Reason, n.EndedAt, n.Access = fleet.SessionEnded, reason, s.Clock.Now().UTC(), nil
		default:
			return s.free(ctx, session, reason)
		}
		err := s.Sessions.Swap(ctx, session, n)
		if err == nil {
			return s.free(ctx, n, reason)
		}
		if !errors.Is(err, fleet.ErrConflict) {
			return fmt.Errorf("end session %s: %w", sessionID, err)
		}
		if session, err = s.Sessions.Get(ctx, sessionID); err != nil {
			return fmt.Errorf("end session %s: %w", sessionID, err)
		}
	}
	return fmt.Errorf("end session %s: %w", sessionID, fleet.ErrConflict)
}

// free sends the account of an ended session to the cleaning.
func (s *Service) free(ctx context.Context, session *fleet.Session, reason string) error {
	if session.State != fleet.SessionEnded || session.AccountID == "" {
		return nil
	}
	return s.toCleanup(ctx, session.AccountID, session.ID, cmp.Or(reason, "its session is over"))
}

// toCleanup moves an account that is in use for a session to the cleaning, again
// while somebody else writes it: the freeze is what waits for it.
func (s *Service) toCleanup(ctx context.Context, accountID, sessionID, reason string) error {
	for range writeTries {
		a, err := s.Accounts.Get(ctx, accountID)
		if err != nil {
			return fmt.Errorf("account of session %s: %w", sessionID, err)
		}
		if a.State != fleet.InUse || a.SessionID != sessionID {
			return nil
		}
		if _, err = s.Machine.Move(ctx, a, fleet.Cleanup, reason, nil); err == nil {
			return nil
		}
		if !errors.Is(err, fleet.ErrConflict) {
			return fmt.Errorf("send %s to the cleaning: %w", accountID, err)
		}
	}
	return fmt.Errorf("send %s to the cleaning: %w", accountID, fleet.ErrConflict)
}

// Expire ends a session if its time is over; before that it asks to be called
// again at the end.
func (s *Service) Expire(ctx context.Context, sessionID string) error {
	session, err := s.Sessions.Get(ctx, sessionID)
	if err != nil {
		return fmt.Errorf("expire session %s: %w", sessionID, err)
	}
	if session.State != fleet.SessionActive {
		return s.free(ctx, session, session.Reason) // what was left behind, if anything
	}
	if left := session.EndsAt.Sub(s.Clock.Now()); left > 0 {
		return fleet.Snooze(left, "the lab ends at "+session.EndsAt.Format(time.RFC3339))
	}
	return s.End(ctx, sessionID, "the lab's time is over")
}

// Reveal opens the credentials of an active session.
func (s *Service) Reveal(ctx context.Context, sessionID string) (fleet.Credentials, error) {
	session, err := s.Sessions.Get(ctx, sessionID)
	if err != nil {
		return fleet.Credentials{}, fmt.Errorf("credentials of session %s: %w", sessionID, err)
	}
	if session.State != fleet.SessionActive || session.Access == nil {
		return fleet.Credentials{}, fmt.Errorf("credentials of session %s, which is %s: %w", sessionID, session.State, fleet.ErrEnded)
	}
	x := session.Access
	out := fleet.Credentials{AccountID: x.AccountID, AccessKeyID: x.AccessKeyID, ConsoleURL: x.ConsoleURL, UserName: x.UserName, Regions: x.Regions}
	for _, f := range []struct {
		from *fleet.Sealed
		to   *string
	}{{x.SecretKey, &out.SecretKey}, {x.Password, &out.Password}} {
		if f.from == nil {
			continue
		}
		if *f.to, err = s.Sealer.Open(*f.from, sessionPurpose(session)); err != nil {
			return fleet.Credentials{}, fmt.Errorf("open credentials of session %s: %w", sessionID, err)
		}
	}
	return out, nil
}
