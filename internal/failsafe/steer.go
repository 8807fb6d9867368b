package failsafe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Ender ends the lab of an account that is taken out.
type Ender interface {
	End(ctx context.Context, sessionID, reason string) error
}

// steerTries is how often an order is tried again that another write overtook.
const steerTries = 10

// steer reads the account and carries out an order, again while others write it.
func (s *Service) steer(ctx context.Context, order, accountID string, f func(*fleet.Account) error) error {
	for range steerTries {
		a, err := s.Accounts.Get(ctx, accountID)
		if err == nil {
			err = f(a)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, fleet.ErrConflict) {
			return fmt.Errorf("%s %s: %w", order, accountID, err)
		}
	}
	return fmt.Errorf("%s %s: %w", order, accountID, fleet.ErrConflict)
}

// refused is an order that the account's state does not allow; next says what to
// do instead.
func refused(a *fleet.Account, next string) error {
	return fmt.Errorf("it is %s: %s: %w", a.State, next, fleet.ErrBadMove)
}

// Quarantine takes an account out for investigation, from any state, and ends the
// lab in it. Nothing in it is deleted: it is frozen and left as it is. Doing it
// again finishes what was left undone.
func (s *Service) Quarantine(ctx context.Context, accountID, who, why string) error {
	reason := fmt.Sprintf("quarantined by %s: %s", who, why)
	var session string
	err := s.steer(ctx, "quarantine", accountID, func(a *fleet.Account) error {
		session = a.SessionID
		if a.State == fleet.Failed {
			return nil
		}
		_, err := s.Machine.Move(ctx, a, fleet.Failed, reason, func(n *fleet.Account) { n.Drain = "" }) // the last order holds
		return err
	})
	if err != nil || session == "" {
		return err
	}
	// The account first, so that no cleaning begins. If the process dies here, the
	// sweepers of the sessions end the lab.
	if err := s.Sessions.End(ctx, session, reason); err != nil {
		return fmt.Errorf("quarantine %s: %w", accountID, err)
	}
	// A lab that was on its way is cancelled by being sent back.
	if err := s.Requeuer.Requeue(ctx, session, accountID, reason); err != nil {
		return fmt.Errorf("quarantine %s: %w", accountID, err)
	}
	return nil
}

// Release gives an account back to the fleet: from investigation by way of the
// cleaning, and one that was drained, or is to be, to where it was. What was
// drained is swept before it is used again: anybody may have worked in it.
// Errors: ErrBadMove.
func (s *Service) Release(ctx context.Context, accountID, who, why string) error {
	reason := fmt.Sprintf("released by %s: %s", who, why)
	return s.steer(ctx, "release", accountID, func(a *fleet.Account) error {
		back := func(n *fleet.Account) { n.Drain, n.SweptAt = "", time.Time{} }
		var err error
		switch {
		case a.State == fleet.Failed:
			_, err = s.Machine.Move(ctx, a, fleet.Cleanup, reason, func(n *fleet.Account) { n.Failures, n.Drain = 0, "" })
		case a.Drain == "" && a.State == fleet.Draining:
			return refused(a, "it left the configured OUs; move it back in AWS Organizations")
		case a.Drain == "":
			return refused(a, "only failed and drained accounts are released")
		case a.State != fleet.Draining || a.Leaving: // not gone yet, or not to come back
			_, err = s.Machine.Edit(ctx, a, func(n *fleet.Account) { n.Drain = "" })
		default:
			_, err = s.Machine.Move(ctx, a, fleet.Loaded, reason, back)
			if errors.Is(err, fleet.ErrBadMove) { // it has a user, or things in it
				_, err = s.Machine.Move(ctx, a, fleet.Cleanup, reason, func(n *fleet.Account) { back(n); n.Failures = 0 })
			}
		}
		return err
	})
}

// Drain takes an account out of the fleet for good, or until it is released: at
// once when it is free, else as soon as it is. No sync brings it back.
func (s *Service) Drain(ctx context.Context, accountID, who, why string) error {
	drain := fmt.Sprintf("%s: %s", who, why)
	return s.steer(ctx, "drain", accountID, func(a *fleet.Account) error {
		note := func(n *fleet.Account) { n.Drain = drain }
		var err error
		switch {
		case a.State == fleet.Draining && a.Drain != "":
		case a.State == fleet.Loaded, a.State == fleet.UserCreated, a.State == fleet.Failed && !a.Open(s.Clock.Now()):
			_, err = s.Machine.Move(ctx, a, fleet.Draining, "drained by "+drain, note)
		default:
			_, err = s.Machine.Edit(ctx, a, note)
		}
		return err
	})
}

// Clean sends an account that nobody uses to the cleaning; full is every kind in
// every Region, without trust in the trail. Errors: ErrBadMove, with what to do
// instead.
func (s *Service) Clean(ctx context.Context, accountID string, full bool, who, why string) error {
	reason := fmt.Sprintf("cleaning ordered by %s: %s", who, why)
	return s.steer(ctx, "clean", accountID, func(a *fleet.Account) error {
		switch a.State {
		case fleet.Loaded, fleet.UserCreated, fleet.Failed:
		case fleet.Assigning, fleet.InUse:
			return refused(a, "end the lab "+a.SessionID+" first; its account is cleaned then")
		case fleet.UserCreating:
			return refused(a, "its user is being made; try again when it is ready")
		case fleet.Draining:
			return refused(a, "it is out of the fleet; release it first")
		default:
			return refused(a, "it is being cleaned already")
		}
		_, err := s.Machine.Move(ctx, a, fleet.Cleanup, reason, func(n *fleet.Account) {
			if a.State == fleet.Failed {
				n.Failures = 0
			}
			if full { // what no full sweep has proved empty gets one
				n.SweptAt = time.Time{}
			}
		})
		return err
	})
}
