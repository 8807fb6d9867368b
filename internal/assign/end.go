package assign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// End ends a session early, or because its time is over. A waiting one is
// cancelled; one in assignment ends as soon as the hand-out looks; an active one
// ends now, and its account goes to the cleaning, whose first step freezes it.
// Ending what has ended is no error.
func (s *Service) End(ctx context.Context, sessionID, reason string) error {
	session, err := s.Sessions.Get(ctx, sessionID)
	if err != nil {
		return fmt.Errorf("end session %s: %w", sessionID, err)
	}
	for range 10 {
		n := session.Clone()
		n.Version++
		switch session.State {
		case fleet.SessionWaiting:
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
	a, err := s.Accounts.Get(ctx, session.AccountID)
	if err != nil {
		return fmt.Errorf("account of session %s: %w", session.ID, err)
	}
	if a.State != fleet.InUse || a.SessionID != session.ID {
		return nil
	}
	return s.toCleanup(ctx, a, reason)
}

func (s *Service) toCleanup(ctx context.Context, a *fleet.Account, reason string) error {
	_, err := s.Machine.Move(ctx, a, fleet.Cleanup, reason, nil)
	if errors.Is(err, fleet.ErrConflict) {
		return fleet.Snooze(50*time.Millisecond, "the account is being written by somebody else")
	}
	if err != nil {
		return fmt.Errorf("send %s to the cleaning: %w", a.ID, err)
	}
	return nil
}

// Expire ends a session if its time is over; before that it asks to be called
// again at the end.
func (s *Service) Expire(ctx context.Context, sessionID string) error {
	session, err := s.Sessions.Get(ctx, sessionID)
	if err != nil {
		return fmt.Errorf("expire session %s: %w", sessionID, err)
	}
	if session.State != fleet.SessionActive {
		return s.End(ctx, sessionID, session.Reason) // only frees what was left behind
	}
	if left := session.EndsAt.Sub(s.Clock.Now()); left > 0 {
		return fleet.Snooze(left, "the lab ends at "+session.EndsAt.Format(time.RFC3339))
	}
	return s.End(ctx, sessionID, "the lab's time is over")
}

// Extend moves the end of an active session. AWS is told first: if this process
// dies before the session is, the lab ends at the old time, which is safe. It
// gives the session as it stands after.
func (s *Service) Extend(ctx context.Context, sessionID string, by time.Duration) (*fleet.Session, error) {
	session, err := s.Sessions.Get(ctx, sessionID)
	if err != nil {
		return nil, fmt.Errorf("extend session %s: %w", sessionID, err)
	}
	lt, end := s.LabTypes[session.LabType], session.EndsAt.Add(by)
	switch {
	case session.State != fleet.SessionActive:
		return nil, fmt.Errorf("extend session %s, which is %s: %w", sessionID, session.State, fleet.ErrEnded)
	case by <= 0 || end.Sub(session.StartedAt) > lt.MaxDuration:
		return nil, &fleet.FieldError{Field: "by", Value: by.String(), Remedy: fmt.Sprintf("the whole lab may take %v", lt.MaxDuration)}
	}
	a, err := s.Accounts.Get(ctx, session.AccountID)
	if err != nil {
		return nil, fmt.Errorf("account of session %s: %w", sessionID, err)
	}
	if a.State != fleet.InUse || a.SessionID != sessionID {
		return nil, fmt.Errorf("extend session %s: %w", sessionID, fleet.ErrEnded)
	}
	if a, err = s.Machine.Edit(ctx, a, func(n *fleet.Account) { n.EndsAt = end }); err != nil {
		return nil, fmt.Errorf("extend session %s: %w", sessionID, err)
	}
	if err := s.Granter.Extend(ctx, a, lt, end); err != nil {
		return nil, fmt.Errorf("extend session %s in AWS: %w", sessionID, err)
	}
	n := session.Clone()
	n.EndsAt = end
	n.Version++
	if err := s.Sessions.Swap(ctx, session, n); err != nil {
		// It ended meanwhile, and the freeze may have come before our version:
		// the caller must freeze again.
		return nil, fmt.Errorf("extend session %s: %w", sessionID, err)
	}
	return n, nil
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
