package assign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// applyTime bounds what follows once an extension stands in the session: it is
// carried through even if the caller is gone.
const applyTime = 30 * time.Second

// Extend moves the end of an active session by so much, and gives the session as
// it stands after. The session's document comes first: if this process dies
// before AWS was told, the lab is at risk of ending at the old time, never of
// living on past the one that is recorded; [Service.Resume] applies what stands.
// Errors: ErrEnded; ErrInvalid; anything else may leave an extension that stands
// and will be applied.
func (s *Service) Extend(ctx context.Context, sessionID string, by time.Duration) (*fleet.Session, error) {
	for range writeTries {
		session, err := s.Sessions.Get(ctx, sessionID)
		if err != nil {
			return nil, fmt.Errorf("extend session %s: %w", sessionID, err)
		}
		if err := s.extendable(ctx, session, by); err != nil {
			return nil, err
		}
		n := session.Clone()
		n.EndsAt = session.EndsAt.Add(by)
		n.Version++
		err = s.Sessions.Swap(ctx, session, n)
		if errors.Is(err, fleet.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("extend session %s: %w", sessionID, err)
		}
		actx, cancel := context.WithTimeout(context.WithoutCancel(ctx), applyTime)
		defer cancel()
		return s.apply(actx, n)
	}
	return nil, fmt.Errorf("extend session %s: %w", sessionID, fleet.ErrConflict)
}

func (s *Service) extendable(ctx context.Context, session *fleet.Session, by time.Duration) error {
	if session.State != fleet.SessionActive {
		return fmt.Errorf("extend session %s, which is %s: %w", session.ID, session.State, fleet.ErrEnded)
	}
	lt, err := s.LabTypes.Revision(ctx, session.LabType, session.LabTypeRevision)
	if err != nil {
		return fmt.Errorf("extend session %s: %w", session.ID, err)
	}
	if by <= 0 || session.EndsAt.Add(by).Sub(session.StartedAt) > lt.MaxDuration {
		return &fleet.FieldError{Field: "by", Value: by.String(), Remedy: fmt.Sprintf("give more than 0; the whole lab may take %v", lt.MaxDuration)}
	}
	if s.Room == nil {
		return nil
	}
	return s.Room.Extension(ctx, session, by)
}

// apply writes the end of an active session to AWS, and again until the session
// still says the same afterwards; then the account's document confirms it. A
// session that ended meanwhile is frozen again.
func (s *Service) apply(ctx context.Context, session *fleet.Session) (*fleet.Session, error) {
	lt, err := s.LabTypes.Revision(ctx, session.LabType, session.LabTypeRevision)
	if err != nil {
		return nil, fmt.Errorf("extend session %s: %w", session.ID, err)
	}
	for range writeTries {
		a, err := s.Accounts.Get(ctx, session.AccountID)
		if err != nil {
			return nil, fmt.Errorf("account of session %s: %w", session.ID, err)
		}
		if a.State != fleet.InUse || a.SessionID != session.ID {
			return nil, fmt.Errorf("extend session %s: %w", session.ID, fleet.ErrEnded)
		}
		// What went wrong here is told after the look at the session: AWS may have
		// heard of it all the same.
		wrote := s.Granter.Extend(ctx, a, lt, session.EndsAt)
		now, err := s.Sessions.Get(ctx, session.ID)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("session %s after its extension: %w", session.ID, err), wrote)
		}
		if now.State != fleet.SessionActive {
			return nil, errors.Join(fmt.Errorf("extend session %s, which is %s: %w", session.ID, now.State, fleet.ErrEnded), s.refreeze(ctx, a))
		}
		if wrote != nil {
			return nil, fmt.Errorf("extend session %s in AWS: %w", session.ID, wrote)
		}
		if now.EndsAt.Equal(session.EndsAt) {
			return now, s.confirm(ctx, a, session)
		}
		session = now // somebody else extended it beside us: the later end must win
	}
	return nil, fmt.Errorf("extend session %s in AWS: %w", session.ID, fleet.ErrConflict)
}

// confirm notes in the account's document the end that AWS enforces.
func (s *Service) confirm(ctx context.Context, a *fleet.Account, session *fleet.Session) error {
	for range writeTries {
		if a.State != fleet.InUse || a.SessionID != session.ID || a.EndsAt.Equal(session.EndsAt) {
			return nil
		}
		_, err := s.Machine.Edit(ctx, a, func(n *fleet.Account) { n.EndsAt = session.EndsAt })
		if err == nil {
			return nil
		}
		if !errors.Is(err, fleet.ErrConflict) {
			return fmt.Errorf("note the end of session %s: %w", session.ID, err)
		}
		if a, err = s.Accounts.Get(ctx, a.ID); err != nil {
			return fmt.Errorf("account of session %s: %w", session.ID, err)
		}
	}
	return fmt.Errorf("note the end of session %s: %w", session.ID, fleet.ErrConflict)
}

// refreeze freezes the account of was again, unless its user is gone. If the
// process dies before, the freeze of the cleaning does it: it is not over while
// a session that can open the boundary may still act.
func (s *Service) refreeze(ctx context.Context, was *fleet.Account) error {
	for range writeTries {
		a, err := s.Accounts.Get(ctx, was.ID)
		if err != nil {
			return fmt.Errorf("freeze account %s again: %w", was.ID, err)
		}
		if a.User == nil || was.User == nil || a.User.Name != was.User.Name {
			return nil // with the user went the boundary
		}
		err = s.Granter.Refreeze(ctx, a)
		if errors.Is(err, fleet.ErrStaleEpoch) { // the account goes to the cleaning this moment
			continue
		}
		if err != nil {
			return fmt.Errorf("freeze account %s again: %w", was.ID, err)
		}
		return nil
	}
	return fmt.Errorf("freeze account %s again: %w", was.ID, fleet.ErrStaleEpoch)
}
