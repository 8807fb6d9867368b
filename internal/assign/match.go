package assign

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/kodekloud/kml/internal/fleet"
)

const (
	matchBatch = 16 // waiting sessions looked at together
	claimTries = 32 // accounts tried for one session before the pool counts as empty
	searchPage = 1000
)

// Match gives waiting sessions of a pool an account of that pool each, by priority
// and then oldest first, until nobody waits, no account is ready, or none may be
// taken from the booked classes; it returns how many it matched. Any number may
// run at once: the claims decide.
func (s *Service) Match(ctx context.Context, p fleet.PoolName) (int, error) {
	matched := 0
	for {
		waiting, err := s.Sessions.Waiting(ctx, p, matchBatch)
		if err != nil {
			return matched, fmt.Errorf("waiting list of %s: %w", p, err)
		}
		progress := false
		for _, w := range waiting {
			if s.Clock.Now().After(w.WaitUntil) {
				if err := s.ExpireWaiting(ctx, w); err != nil {
					return matched, err
				}
				progress = true
				continue
			}
			room, err := s.room(ctx, w)
			if !room {
				return matched, err
			}
			err = s.claim(ctx, w)
			switch {
			case err == nil:
				matched, progress = matched+1, true
			case errors.Is(err, fleet.ErrPoolEmpty):
				return matched, nil
			case errors.Is(err, fleet.ErrConflict): // somebody else serves it
			default:
				return matched, err
			}
		}
		if !progress {
			return matched, nil
		}
	}
}

// noRoom is why a session waits though accounts are ready.
const noRoom = "the accounts that are ready are needed for booked classes"

// room asks whether w may be given an account beside what is booked. If not, w
// says so.
func (s *Service) room(ctx context.Context, w *fleet.Session) (bool, error) {
	if s.Room == nil || w.PoolName().Booking() != "" {
		return true, nil
	}
	room, err := s.Room.Room(ctx, w)
	if room || err != nil || w.Reason == noRoom {
		return room, err
	}
	n := w.Clone()
	n.Reason = noRoom
	n.Version++
	if err := s.Sessions.Swap(ctx, w, n); err != nil && !errors.Is(err, fleet.ErrConflict) {
		return false, fmt.Errorf("note why session %s waits: %w", w.ID, err)
	}
	return false, nil
}

// ExpireWaiting ends a session whose time on the waiting list is over.
func (s *Service) ExpireWaiting(ctx context.Context, w *fleet.Session) error {
	n := w.Clone()
	n.State, n.Reason, n.EndedAt = fleet.SessionExpired, "no account became ready in time", s.Clock.Now().UTC()
	if w.Reason == noRoom {
		n.Reason = "no account became free in time: " + noRoom
	}
	n.Version++
	if err := s.Sessions.Swap(ctx, w, n); err != nil && !errors.Is(err, fleet.ErrConflict) {
		return fmt.Errorf("expire waiting session %s: %w", w.ID, err)
	}
	return nil
}

// claim finds an account for w: the account's document first, then the session's.
func (s *Service) claim(ctx context.Context, w *fleet.Session) error {
	for range claimTries {
		a, err := s.ready(ctx, w.PoolName())
		if err != nil {
			return err
		}
		attempt := s.NewID()
		claimed, err := s.Machine.Move(ctx, a, fleet.Assigning, "claimed for session "+w.ID, func(n *fleet.Account) {
			n.SessionID, n.AttemptID, n.LabType, n.LabTypeRevision = w.ID, attempt, w.LabType, w.LabTypeRevision
		})
		switch {
		case errors.Is(err, fleet.ErrExists): // w holds another account already
			s.giveBack(ctx, a)
			return fleet.ErrConflict
		case errors.Is(err, fleet.ErrConflict): // the account went to somebody else
			continue
		case err != nil:
			return fmt.Errorf("claim account %s: %w", a.ID, err)
		}
		return s.bind(ctx, claimed, w)
	}
	return fleet.ErrPoolEmpty
}

// ready pops a ready account. The pool is a hint: when it is empty, or names
// nothing but what is not ready, the accounts themselves are asked; and what it
// names is looked at again.
func (s *Service) ready(ctx context.Context, p fleet.PoolName) (*fleet.Account, error) {
	for range claimTries {
		id, err := s.Pool.Pop(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("pool %s: %w", p, err)
		}
		if id == "" {
			break
		}
		a, err := s.Accounts.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("ready account %s: %w", id, err)
		}
		if s.claimable(a, p) {
			return a, nil
		}
	}
	return s.search(ctx, p)
}

// search asks the accounts themselves, takes one, and puts the others into the
// pool, so that the next claim need not search.
func (s *Service) search(ctx context.Context, p fleet.PoolName) (*fleet.Account, error) {
	q := fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}, Booking: p.Booking(), After: "0", Limit: searchPage} // sorts before every id
	if q.Booking == "" {
		q.Purpose = fleet.Purpose(p)
	}
	var usable []*fleet.Account
	for len(usable) == 0 { // those of other pools of the purpose may fill a page
		found, err := s.Accounts.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("search ready accounts of %s: %w", p, err)
		}
		for _, a := range found {
			if s.claimable(a, p) {
				usable = append(usable, a)
			}
		}
		if len(found) < searchPage {
			break
		}
		q.After = found[len(found)-1].ID
	}
	if len(usable) == 0 {
		return nil, fleet.ErrPoolEmpty
	}
	// Several matchers may search at once: each starts elsewhere.
	pick := rand.IntN(len(usable))
	for i, a := range usable {
		if i != pick {
			s.giveBack(ctx, a)
		}
	}
	return usable[pick], nil
}

// claimable is the readiness check of a claim: the record alone, no call to AWS.
func (s *Service) claimable(a *fleet.Account, p fleet.PoolName) bool {
	return a.State == fleet.UserCreated && a.PoolName() == p && a.User != nil && a.SessionID == "" && !a.Leaves() &&
		!a.SweptAt.IsZero() && s.Clock.Since(a.ReadyAt) < s.Stale
}

// bind writes the session's half of the claim. A session that was cancelled
// meanwhile sends the untouched account back.
func (s *Service) bind(ctx context.Context, a *fleet.Account, w *fleet.Session) error {
	n := w.Clone()
	n.State, n.AccountID, n.AttemptID, n.Epoch, n.Org, n.AssignedAt = fleet.SessionAssigning, a.ID, a.AttemptID, a.Epoch, a.Org, s.Clock.Now().UTC()
	n.Reason = ""
	n.Version++
	err := s.Sessions.Swap(ctx, w, n)
	if errors.Is(err, fleet.ErrConflict) {
		// The hand-out task, which the move has enqueued, reads both documents
		// and decides: it returns the account if the session does not want it.
		return fleet.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("bind session %s to account %s: %w", w.ID, a.ID, err)
	}
	return nil
}

// giveBack puts an account that is ready into the pool; a failure only costs the
// hint.
func (s *Service) giveBack(ctx context.Context, a *fleet.Account) {
	_ = s.Pool.Add(ctx, a.PoolName(), a.ID, a.RestedSince)
}
