// Package failsafe counts failures and draws the consequences: a step is tried
// again with a growing delay, an account that fails too often goes to
// investigation with its story, a lab type that fails too often is switched off.
//
// Invariants:
//   - An account's failures are counted in its document, in the write that draws
//     the consequence, so no crash forgets one. (A lab type's count is a write of
//     its own behind that; a crash between them forgets one.)
//   - Nothing is counted against an account that has moved on to another epoch
//     or state.
//   - An account in state failed leaves it only on the word of an operator or a
//     rule ([Service.Release], [Service.Clean], [Service.Drain]), or because it
//     left the configured OUs.
//   - An operator's order is one write of the account with who and why; what was
//     written meanwhile by others is looked at again first.
package failsafe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Machine is what this package needs of lifecycle.
type Machine interface {
	Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error)
	Edit(ctx context.Context, a *fleet.Account, mutate func(*fleet.Account)) (*fleet.Account, error)
}

// Requeuer sends a session whose hand-out failed back to the waiting list.
type Requeuer interface {
	Requeue(ctx context.Context, sessionID, accountID, reason string) error
}

// Config is what a Service is made of. Zero limits get their defaults.
type Config struct {
	Accounts fleet.Accounts
	Machine  Machine
	LabTypes fleet.LabTypeStore
	Log      fleet.ActivityLog
	Requeuer Requeuer
	Sessions Ender
	Clock    clock.Clock
	// Tell, if set, is told that a lab type was switched.
	Tell func(ctx context.Context, e fleet.Event)

	HandOutLimit int           // tries of a hand-out, for which a student waits; default 5
	StepLimit    int           // tries of any other step; default 10, over six minutes
	AccountLimit int           // steps given up since the last lab it served; default 8
	LabTypeLimit int           // failures since the last success; default 5
	Backoff      time.Duration // before the second try, doubled each time; default 1 s
	MaxBackoff   time.Duration // default 2 min
}

// Service counts failures.
type Service struct{ Config }

// New makes a Service.
func New(c Config) *Service {
	if c.Tell == nil {
		c.Tell = func(context.Context, fleet.Event) {}
	}
	c.HandOutLimit = cmp.Or(c.HandOutLimit, 5)
	c.StepLimit = cmp.Or(c.StepLimit, 10)
	c.AccountLimit = cmp.Or(c.AccountLimit, 8)
	c.LabTypeLimit = cmp.Or(c.LabTypeLimit, 5)
	c.Backoff = cmp.Or(c.Backoff, time.Second)
	c.MaxBackoff = cmp.Or(c.MaxBackoff, 2*time.Minute)
	return &Service{c}
}

// onGivingUp says where an account goes when a step of its state is given up.
var onGivingUp = map[fleet.State]fleet.State{
	fleet.UserCreating:    fleet.Cleanup,
	fleet.Assigning:       fleet.AssigningFailed,
	fleet.AssigningFailed: fleet.Failed,
	fleet.Cleanup:         fleet.Failed,
	fleet.UserDeleted:     fleet.Failed,
}

// StepFailed records that the step of an account's state failed with cause. It
// gives nil when the failure is written, so the task that reports it is done.
func (s *Service) StepFailed(ctx context.Context, accountID string, epoch int64, cause error) error {
	a, err := s.Accounts.Get(ctx, accountID)
	if err != nil {
		return fmt.Errorf("record failure of %s: %w", accountID, err)
	}
	to, driven := onGivingUp[a.State]
	if a.Epoch != epoch || !driven {
		return nil
	}
	var permanent *fleet.PermanentError
	limit := s.StepLimit
	if a.State == fleet.Assigning { // another account serves the student sooner
		limit = s.HandOutLimit
	}
	if a.Attempts+1 < limit && !errors.As(cause, &permanent) {
		return s.again(ctx, a, cause)
	}
	if a.Failures+1 >= s.AccountLimit && a.State != fleet.Assigning {
		to = fleet.Failed
	}
	return s.giveUp(ctx, a, to, cause)
}

// again notes the failure and sets the time of the next try.
func (s *Service) again(ctx context.Context, a *fleet.Account, cause error) error {
	_, err := s.Machine.Edit(ctx, a, func(n *fleet.Account) {
		n.Attempts++
		n.LastFailure = cause.Error()
		n.NextTry = s.Clock.Now().UTC().Add(s.delay(a.Attempts))
	})
	if err != nil {
		return fmt.Errorf("record failure of %s: %w", a.ID, err)
	}
	return nil
}

func (s *Service) delay(attempts int) time.Duration {
	return min(s.Backoff<<min(attempts, 16), s.MaxBackoff)
}

// giveUp moves the account on and counts the failure against its lab type.
func (s *Service) giveUp(ctx context.Context, a *fleet.Account, to fleet.State, cause error) error {
	reason := fmt.Sprintf("gave up after %d tries in %s: %v", a.Attempts+1, a.State, cause)
	moved, err := s.Machine.Move(ctx, a, to, reason, func(n *fleet.Account) {
		n.Failures++
		n.LastFailure = cause.Error()
	})
	if err != nil {
		return fmt.Errorf("give up on %s: %w", a.ID, err)
	}
	var requeued, counted, investigated error
	if a.State == fleet.Assigning && a.SessionID != "" {
		requeued = s.Requeuer.Requeue(ctx, a.SessionID, a.ID, reason) // else the sessions' sweeper does it
	}
	if a.LabType != "" {
		counted = s.labTypeFailed(ctx, a, reason)
	}
	if moved.State == fleet.AssigningFailed && moved.Failures >= s.AccountLimit {
		// In two moves, since the first one lets go of the session.
		_, investigated = s.Machine.Move(ctx, moved, fleet.Failed, reason, nil)
	}
	return errors.Join(requeued, counted, investigated)
}

// labTypeFailed counts, and logs the failure that switched the lab type off.
func (s *Service) labTypeFailed(ctx context.Context, a *fleet.Account, reason string) error {
	now := s.Clock.Now().UTC().Truncate(time.Millisecond) // as stores keep it
	before, err := s.LabTypes.Status(ctx, a.LabType)
	if err != nil {
		return fmt.Errorf("status of lab type %s: %w", a.LabType, err)
	}
	st, err := s.LabTypes.Failed(ctx, a.LabType, reason, s.LabTypeLimit, now)
	if err != nil {
		return fmt.Errorf("count failure of lab type %s: %w", a.LabType, err)
	}
	if before.Off || !st.Off {
		return nil
	}
	// Several failures at once may see the switch: its time names the one line.
	return s.switched(ctx, fleet.Activity{ID: fmt.Sprintf("labtype/%s/off/%d", a.LabType, st.Since.UnixMilli()), At: st.Since,
		Kind: "labtype", LabType: a.LabType, Account: a.ID, To: "off", Reason: st.Reason, Who: "failsafe"})
}

// SwitchLabType turns a lab type on or off on an operator's word.
func (s *Service) SwitchLabType(ctx context.Context, name string, off bool, who, why string) error {
	now := s.Clock.Now().UTC()
	if err := s.LabTypes.SetOff(ctx, name, off, why, now); err != nil {
		return fmt.Errorf("switch lab type %s: %w", name, err)
	}
	to := "on"
	if off {
		to = "off"
	}
	return s.switched(ctx, fleet.Activity{ID: fmt.Sprintf("labtype/%s/%s/%d", name, to, now.UnixMilli()), At: now,
		Kind: "labtype", LabType: name, To: to, Reason: why, Who: who})
}

// switched logs that a lab type was switched, and tells it.
func (s *Service) switched(ctx context.Context, line fleet.Activity) error {
	if err := s.Log.Append(ctx, line); err != nil {
		return err
	}
	s.Tell(ctx, fleet.Event{ID: line.ID, Type: fleet.EventLabType, At: line.At, LabType: line.LabType, State: line.To, Reason: line.Reason})
	return nil
}
