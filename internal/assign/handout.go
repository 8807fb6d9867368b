package assign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// HandOut gives a claimed account to its student. It is driven by the account's
// document and can be done again from any point. It returns nil when there is
// nothing (more) to do.
func (s *Service) HandOut(ctx context.Context, accountID string, epoch int64) error {
	a, err := s.Accounts.Get(ctx, accountID)
	if err != nil {
		return fmt.Errorf("hand out %s: %w", accountID, err)
	}
	switch {
	case a.Epoch != epoch:
		return nil
	case a.State == fleet.InUse: // an earlier try died before it told the session
		return s.Resume(ctx, a)
	case a.State != fleet.Assigning:
		return nil
	}
	session, err := s.boundSession(ctx, a)
	if err != nil {
		return err
	}
	if session == nil {
		return s.release(ctx, a)
	}
	lt, err := s.LabTypes.Revision(ctx, session.LabType, session.LabTypeRevision)
	if errors.Is(err, fleet.ErrNotFound) {
		return fleet.Permanent(fmt.Errorf("hand out %s: %w", accountID, err), "give every worker the same lab type files")
	}
	if err != nil {
		return fmt.Errorf("hand out %s: %w", accountID, err)
	}
	end, err := s.end(ctx, session)
	if err != nil {
		return err
	}
	if end.Sub(s.Clock.Now()) < min(leastLab, session.Duration) {
		if err := s.cancelAssigning(ctx, session, a.ID, fmt.Sprintf("its class ends at %s: there is no time left", end.Format(time.RFC3339))); err != nil {
			return err
		}
		return s.release(ctx, a)
	}
	// The end goes into the document before AWS hears of it: from here on the
	// account counts as touched. It never goes back, so that AWS does not allow
	// more than the document says, whichever of two tries AWS heard last.
	end = later(end, a.EndsAt)
	if a, err = s.Machine.Edit(ctx, a, func(n *fleet.Account) { n.EndsAt = end }); err != nil {
		return fmt.Errorf("set the end of %s: %w", accountID, err)
	}
	if err := s.Granter.Grant(ctx, a, lt, end); err != nil {
		return fmt.Errorf("grant %s in %s: %w", lt.Name, a.ID, err)
	}
	access, err := s.access(a, session, lt)
	if err != nil {
		return err
	}
	if a, err = s.enter(ctx, a, "credentials work in every Region of "+lt.Name); err != nil || a == nil {
		return err
	}
	return s.activate(ctx, a, session, access)
}

// leastLab is the shortest lab that is handed out in a class that ends.
const leastLab = time.Minute

// end is when a session that is handed out now ends: after its duration, or with
// its class.
func (s *Service) end(ctx context.Context, session *fleet.Session) (time.Time, error) {
	end := ceilSecond(s.Clock.Now().UTC().Add(session.Duration))
	if session.Booking == "" || s.Seats == nil {
		return end, nil
	}
	class, err := s.Seats.Ends(ctx, session.Booking)
	if err != nil {
		return end, fmt.Errorf("hand out session %s: %w", session.ID, err)
	}
	if class = class.UTC().Truncate(time.Second); class.Before(end) {
		return class, nil
	}
	return end, nil
}

// besideUs is how long a try waits that found another one at work.
const besideUs = 2 * time.Second

// enter takes a granted account into use. A write by somebody else in between
// (a sync, a rescue) does not undo the grant; another try of the same hand-out
// does: it has set an end of its own, and goes first.
func (s *Service) enter(ctx context.Context, a *fleet.Account, reason string) (*fleet.Account, error) {
	for range writeTries {
		entered, err := s.Machine.Move(ctx, a, fleet.InUse, reason, func(n *fleet.Account) { n.Failures, n.LastFailure = 0, "" })
		if !errors.Is(err, fleet.ErrConflict) {
			if err != nil {
				return nil, fmt.Errorf("account %s in use: %w", a.ID, err)
			}
			return entered, nil
		}
		now, err := s.Accounts.Get(ctx, a.ID)
		switch {
		case err != nil:
			return nil, fmt.Errorf("account %s in use: %w", a.ID, err)
		case now.Epoch != a.Epoch:
			return nil, nil
		case now.State != fleet.Assigning || !now.EndsAt.Equal(a.EndsAt):
			return nil, fleet.Snooze(besideUs, "the account is being handed out by somebody else")
		}
		a = now
	}
	return nil, fmt.Errorf("account %s in use: %w", a.ID, fleet.ErrConflict)
}

// boundSession gives the session that a is claimed for, completing a claim whose
// second half was lost; nil when the session does not want the account.
func (s *Service) boundSession(ctx context.Context, a *fleet.Account) (*fleet.Session, error) {
	session, err := s.Sessions.Get(ctx, a.SessionID)
	if err != nil {
		return nil, fmt.Errorf("session %s of account %s: %w", a.SessionID, a.ID, err)
	}
	if session.State == fleet.SessionWaiting {
		err := s.bind(ctx, a, session)
		if errors.Is(err, fleet.ErrConflict) {
			return nil, fleet.Snooze(100*time.Millisecond, "the session is being written by somebody else")
		}
		if err != nil {
			return nil, err
		}
		if session, err = s.Sessions.Get(ctx, a.SessionID); err != nil {
			return nil, fmt.Errorf("session %s: %w", a.SessionID, err)
		}
	}
	if session.State.Final() || session.EndRequested || session.AccountID != a.ID {
		return nil, s.cancelAssigning(ctx, session, a.ID, session.Reason)
	}
	return session, nil
}

// cancelAssigning ends a session that was asked to end, or lost its time, while
// its account was on the way.
func (s *Service) cancelAssigning(ctx context.Context, session *fleet.Session, accountID, reason string) error {
	if session.State != fleet.SessionAssigning || session.AccountID != accountID {
		return nil
	}
	n := session.Clone()
	n.State, n.Reason, n.EndedAt, n.Access = fleet.SessionCancelled, reason, s.Clock.Now().UTC(), nil
	n.Version++
	if err := s.Sessions.Swap(ctx, session, n); err != nil {
		return fmt.Errorf("cancel session %s: %w", session.ID, err)
	}
	return nil
}

// release lets go of an account whose session is over: back into the pool when
// AWS never heard of it, else through the cleaning.
func (s *Service) release(ctx context.Context, a *fleet.Account) error {
	to, reason := fleet.UserCreated, "session cancelled before the account was touched"
	if !a.EndsAt.IsZero() {
		to, reason = fleet.Cleanup, "session ended during the hand-out"
	}
	_, err := s.Machine.Move(ctx, a, to, reason, nil)
	if err != nil {
		return fmt.Errorf("release account %s: %w", a.ID, err)
	}
	return nil
}

// access seals what the student gets for this session alone.
func (s *Service) access(a *fleet.Account, session *fleet.Session, lt fleet.LabType) (*fleet.Access, error) {
	out := &fleet.Access{AccountID: a.ID, Regions: lt.Regions, UserName: a.User.Name}
	reseal := func(in fleet.Sealed) (*fleet.Sealed, error) {
		plain, err := s.Sealer.Open(in, accountPurpose(a))
		if err != nil {
			return nil, fleet.Permanent(fmt.Errorf("open a secret of account %s: %w", a.ID, err), "check that the worker has the sealing key it was made with")
		}
		sealed, err := s.Sealer.Seal(plain, sessionPurpose(session))
		if err != nil {
			return nil, fmt.Errorf("seal for session %s: %w", session.ID, err)
		}
		return &sealed, nil
	}
	var err error
	if lt.Keys {
		out.AccessKeyID = a.User.AccessKeyID
		if out.SecretKey, err = reseal(a.User.SecretKey); err != nil {
			return nil, err
		}
	}
	if lt.Console {
		out.ConsoleURL = "https://" + a.ID + ".signin.aws.amazon.com/console"
		if out.Password, err = reseal(a.User.Password); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// activate writes the session's side. When the session was asked to end or has
// ended meanwhile, the account goes to the cleaning at once.
func (s *Service) activate(ctx context.Context, a *fleet.Account, session *fleet.Session, access *fleet.Access) error {
	for range writeTries {
		if session.State == fleet.SessionActive {
			return nil
		}
		if session.State != fleet.SessionAssigning || session.AccountID != a.ID || session.EndRequested {
			break
		}
		n := session.Clone()
		n.State, n.Access, n.StartedAt, n.EndsAt = fleet.SessionActive, access, s.Clock.Now().UTC(), a.EndsAt
		n.Version++
		err := s.Sessions.Swap(ctx, session, n)
		if err == nil {
			s.Served(n.LabType, n.StartedAt.Sub(n.RequestedAt))
			return s.Statuses.Succeeded(ctx, session.LabType)
		}
		if !errors.Is(err, fleet.ErrConflict) {
			return fmt.Errorf("activate session %s: %w", session.ID, err)
		}
		if session, err = s.Sessions.Get(ctx, session.ID); err != nil {
			return fmt.Errorf("session of account %s: %w", a.ID, err)
		}
	}
	if err := s.cancelAssigning(ctx, session, a.ID, session.Reason); err != nil {
		return err
	}
	return s.toCleanup(ctx, a.ID, a.SessionID, "session ended during the hand-out")
}

// Resume brings an account that is in use and its session together again: the
// process died between the two writes, or between an extension and AWS. Where
// both agree it does nothing.
func (s *Service) Resume(ctx context.Context, a *fleet.Account) error {
	session, err := s.Sessions.Get(ctx, a.SessionID)
	if err != nil {
		return fmt.Errorf("session %s of account %s: %w", a.SessionID, a.ID, err)
	}
	switch {
	case session.State == fleet.SessionActive && session.AccountID == a.ID:
		if session.EndsAt.Equal(a.EndsAt) {
			return nil
		}
		_, err := s.apply(ctx, session)
		if errors.Is(err, fleet.ErrEnded) {
			return nil
		}
		return err
	case session.State == fleet.SessionAssigning && session.AccountID == a.ID:
		lt, err := s.LabTypes.Revision(ctx, session.LabType, session.LabTypeRevision)
		if err != nil {
			return fmt.Errorf("resume session %s: %w", session.ID, err)
		}
		access, err := s.access(a, session, lt)
		if err != nil {
			return err
		}
		return s.activate(ctx, a, session, access)
	}
	return s.toCleanup(ctx, a.ID, session.ID, "its session is "+string(session.State)+": "+session.Reason)
}

func later(t, u time.Time) time.Time {
	if u.After(t) {
		return u
	}
	return t
}

func ceilSecond(t time.Time) time.Time {
	if r := t.Truncate(time.Second); !r.Equal(t) {
		return r.Add(time.Second)
	}
	return t
}
