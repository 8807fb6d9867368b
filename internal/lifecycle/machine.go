package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Skew is the default of Machine.Skew: how far the clocks of the fleet's hosts and AWS may be apart. A lease
// counts as live for so much longer, since AWS ends its session by AWS's clock.
const Skew = 20 * time.Second

// fenceTries bounds how often a fenced move starts anew because somebody took
// a lease at the same instant.
const fenceTries = 3

// Machine moves accounts along the transition table. It is safe for concurrent
// use.
type Machine struct {
	accounts  fleet.Accounts
	log       fleet.ActivityLog
	clock     clock.Clock
	observers []func(old, next *fleet.Account)

	// Skew is how far the clocks of hosts and AWS may be apart; change it before
	// use, if at all.
	Skew time.Duration
	// HistoryError, if set, is told that a transition was made but could not be
	// logged at once; its successor or FlushHistory will. Set it before use.
	HistoryError func(accountID string, err error)
}

// New makes a Machine. The observers are called, in order, after each move or
// edit that was written; they must not keep or change the accounts.
func New(accounts fleet.Accounts, log fleet.ActivityLog, clock clock.Clock, observers ...func(old, next *fleet.Account)) *Machine {
	return &Machine{Skew: Skew, accounts: accounts, log: log, clock: clock, observers: observers}
}

// Add brings a new account into the fleet, in state Loaded, and gives it as
// stored. Errors: ErrExists.
func (m *Machine) Add(ctx context.Context, a *fleet.Account, reason string) (*fleet.Account, error) {
	reason, err := clipReason(reason)
	if err != nil {
		return nil, err
	}
	next := a.Clone()
	now := m.now()
	next.State, next.Since, next.Reason, next.Version = fleet.Loaded, now, reason, 1
	next.RestedSince = now
	next.History = []fleet.Transition{{Version: 1, To: fleet.Loaded, At: now, Reason: reason, Epoch: next.Epoch}}
	if err := m.accounts.Insert(ctx, next); err != nil {
		return nil, fmt.Errorf("add account %s: %w", a.ID, err)
	}
	m.logNew(ctx, next)
	return next, nil
}

// Move takes a, as it was read, to another state and gives it as written; a
// stays as it is. mutate, if not nil, changes further fields in the same write:
// it sees the account as it will be (state, epoch and version are the new ones)
// and must not touch what the Machine keeps; it may run more than once.
//
// The new state has no attempts behind it and no NextTry unless mutate sets
// them. Entering Assigning needs a SessionID; entering UserCreated or
// UserDeleted ends the session's hold, and UserDeleted forgets the user;
// entering Loaded stamps RestedSince.
//
// Errors: ErrBadMove; ErrInvalid for what mutate or the caller did wrong;
// ErrConflict if the account has changed since it was read; ErrExists if the
// session holds another account; a SnoozeError until the leases run out, for a
// fenced state.
func (m *Machine) Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error) {
	next, err := m.move(ctx, a, to, reason, mutate)
	if err != nil {
		return nil, fmt.Errorf("move account %s from %s to %s: %w", a.ID, a.State, to, err)
	}
	return next, nil
}

func (m *Machine) move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error) {
	if err := checkMove(a, to); err != nil {
		return nil, err
	}
	reason, err := clipReason(reason)
	if err != nil {
		return nil, err
	}
	if err := m.logLast(ctx, a); err != nil {
		return nil, err
	}
	if !to.Fenced() {
		return m.step(ctx, a, to, reason, mutate)
	}
	for range fenceTries {
		old, err := m.unleased(ctx, a)
		if err != nil {
			return nil, err
		}
		next, err := m.step(ctx, old, to, reason, mutate)
		if !errors.Is(err, fleet.ErrConflict) {
			return next, err
		}
	}
	return nil, fleet.ErrConflict
}

// unleased reads the leases of a again. A lease does not raise the version, so
// an account that was worked on since it was read is still the same.
func (m *Machine) unleased(ctx context.Context, a *fleet.Account) (*fleet.Account, error) {
	stored, err := m.accounts.Get(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if stored.Version != a.Version || stored.State != a.State {
		return nil, fleet.ErrConflict
	}
	if wait := stored.LeasedUntil().Add(m.Skew).Sub(m.clock.Now()); len(stored.Leases) > 0 && wait > 0 {
		return nil, fleet.Snooze(wait, "a mutating session may still act in the account")
	}
	return stored, nil
}

// step builds the successor of old and swaps it in.
func (m *Machine) step(ctx context.Context, old *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error) {
	next, err := m.successor(old, to, reason, mutate)
	if err != nil {
		return nil, err
	}
	if err := m.accounts.Swap(ctx, old, next); err != nil {
		return nil, err
	}
	m.logNew(ctx, next)
	m.observe(old, next)
	return next, nil
}

// Edit changes an account, as it was read, without a change of state, and gives
// it as written. Errors: ErrInvalid, ErrConflict.
func (m *Machine) Edit(ctx context.Context, a *fleet.Account, mutate func(*fleet.Account)) (*fleet.Account, error) {
	next := a.Clone()
	next.Version++
	before := next.Clone()
	mutate(next)
	if err := checkMutation(before, next, false); err != nil {
		return nil, fmt.Errorf("edit account %s: %w", a.ID, err)
	}
	if err := m.accounts.Swap(ctx, a, next); err != nil {
		return nil, fmt.Errorf("edit account %s: %w", a.ID, err)
	}
	m.observe(a, next)
	return next, nil
}

func (m *Machine) observe(old, next *fleet.Account) {
	for _, fn := range m.observers {
		fn(old, next)
	}
}

func (m *Machine) now() time.Time { return m.clock.Now().UTC().Truncate(time.Millisecond) }
