// Package cleanup empties an account after a lab and proves it empty: freeze,
// stop what runs on by itself, read the trail, sweep wave after wave, verify by
// another look, wait for late events, delete the user, restore the account's
// settings, give it back.
//
// Invariants:
//   - The run's document drives everything: each step reads it, does its work,
//     and writes what is done by compare-and-set. Any step can be done again.
//   - An account leaves state account_cleanup only when every check that was
//     planned came back Clean. What could not be listed is Unknown, and Unknown
//     goes round again like what was found.
//   - Nothing is read before everything is frozen and stopped.
//   - What was planned, called, deleted and verified is evidence.
package cleanup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// AWS is what this package needs of awsclient.
type AWS interface {
	Mutator(ctx context.Context, t awsclient.Target, purpose string) (*awsclient.Session, error)
	Reader(ctx context.Context, t awsclient.Target) (*awsclient.Session, error)
}

// Machine is what this package needs of lifecycle.
type Machine interface {
	Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error)
}

// Users freezes and deletes the fleet's own user, by package identity.
type Users interface {
	Freeze(ctx context.Context, sess *awsclient.Session, a *fleet.Account, lt fleet.LabType) error
	Delete(ctx context.Context, sess *awsclient.Session) error
}

// LabTypes is what this package needs of labtype.
type LabTypes interface {
	// Revision gives a lab type as an account was handed out with it.
	Revision(ctx context.Context, name string, revision int64) (fleet.LabType, error)
	// Regions gives every Region that a lab of any revision may have used.
	Regions(ctx context.Context) ([]string, error)
}

// Settings restores what belongs to every account, by package settings.
type Settings interface {
	// Restore brings the settings of a Region (and the account's own ones, in
	// the global Region) back to what a lab expects, and verifies it.
	Restore(ctx context.Context, p cleaner.Place, rec cleaner.Recorder) error
	// Quotas reads the quotas that labs depend on.
	Quotas(ctx context.Context, cfg aws.Config) (map[string]float64, error)
}

// Failures gives an account up, by package failsafe.
type Failures interface {
	StepFailed(ctx context.Context, accountID string, epoch int64, cause error) error
}

// Config is what a Service is made of. Zero times and limits get defaults.
type Config struct {
	Accounts fleet.Accounts
	Runs     fleet.Cleanings
	Machine  Machine
	AWS      AWS
	Users    Users
	Settings Settings
	Failures Failures
	Registry *cleaner.Registry
	LabTypes LabTypes
	Orgs     map[string]fleet.Organization
	Clock    clock.Clock
	// Follow is told of a run whose next tasks are due.
	Follow func(ctx context.Context, r *fleet.CleaningRun)

	// Phase is told how long a phase took, Cleaned how long a whole cleaning;
	// either may be nil.
	Phase   func(phase string, took time.Duration)
	Cleaned func(labType string, took time.Duration)

	// Settle is waited for after the markers were seen; default 2 min.
	Settle time.Duration
	// SettleMax is how long markers are waited for before a full sweep stands in
	// for the trail; default 30 min.
	SettleMax time.Duration
	// SettlePoll is how often the markers are looked for; default 15 s.
	SettlePoll time.Duration
	// Rounds is how often the sweep is repeated; default 12.
	Rounds int
	// Backoff is waited for before the second round, doubled for each further
	// one up to MaxBackoff; defaults 2 s and 5 min.
	Backoff, MaxBackoff time.Duration
}

// Service cleans accounts.
type Service struct{ Config }

// New makes a Service.
func New(c Config) *Service {
	if c.Phase == nil {
		c.Phase = func(string, time.Duration) {}
	}
	if c.Cleaned == nil {
		c.Cleaned = func(string, time.Duration) {}
	}
	c.Settle = cmp.Or(c.Settle, 2*time.Minute)
	c.SettleMax = cmp.Or(c.SettleMax, 30*time.Minute)
	c.SettlePoll = cmp.Or(c.SettlePoll, 15*time.Second)
	c.Rounds = cmp.Or(c.Rounds, 12)
	c.Backoff = cmp.Or(c.Backoff, 2*time.Second)
	c.MaxBackoff = cmp.Or(c.MaxBackoff, 5*time.Minute)
	return &Service{c}
}

// RunID names the cleaning run of an account's epoch.
func RunID(account string, epoch int64) string { return fleet.RunID(account, epoch) }

func target(a *fleet.Account) awsclient.Target {
	return awsclient.Target{Org: a.Org, AccountID: a.ID, OU: a.OU, Epoch: a.Epoch}
}

// labType gives the lab type as the account was handed out with it, whatever was
// applied since; known is false where there was no lab, or nobody knows it any
// more.
func (s *Service) labType(ctx context.Context, name string, revision int64) (lt fleet.LabType, known bool, err error) {
	if name == "" {
		return fleet.LabType{}, false, nil
	}
	lt, err = s.LabTypes.Revision(ctx, name, revision)
	if errors.Is(err, fleet.ErrNotFound) {
		return fleet.LabType{}, false, nil
	}
	return lt, err == nil, err
}

func (s *Service) place(a *fleet.Account, sess *awsclient.Session, region string) cleaner.Place {
	return cleaner.Place{AccountID: a.ID, MemberRole: s.Orgs[a.Org].MemberRole, Region: region, Config: sess.Config(region)}
}

// current gives the account and the run if the account is still being cleaned in
// that run's epoch; nil, nil when it has moved on.
func (s *Service) current(ctx context.Context, runID string) (*fleet.Account, *fleet.CleaningRun, error) {
	run, err := s.Runs.Get(ctx, runID)
	if err != nil {
		return nil, nil, fmt.Errorf("cleaning run %s: %w", runID, err)
	}
	a, err := s.Accounts.Get(ctx, run.AccountID)
	if err != nil {
		return nil, nil, fmt.Errorf("account of cleaning run %s: %w", runID, err)
	}
	if a.State != fleet.Cleanup || a.Epoch != run.Epoch {
		return nil, nil, nil
	}
	return a, run, nil
}

// write swaps a run's document. Losing the race is no error: the winner has
// enqueued what follows.
func (s *Service) write(ctx context.Context, run *fleet.CleaningRun, change func(*fleet.CleaningRun)) (*fleet.CleaningRun, error) {
	next := run.Clone()
	next.Version++
	next.Attempts = 0
	phase := next.Phase
	change(next)
	if next.Phase != phase {
		next.PhaseSince = s.Clock.Now().UTC()
	}
	err := s.Runs.Swap(ctx, run, next)
	if errors.Is(err, fleet.ErrConflict) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("write cleaning run %s: %w", run.ID, err)
	}
	s.measure(run, next)
	s.Follow(ctx, next)
	return next, nil
}

// measure tells how long what has just ended took.
func (s *Service) measure(old, next *fleet.CleaningRun) {
	if next.Phase != old.Phase {
		s.Phase(string(old.Phase), next.PhaseSince.Sub(old.PhaseSince))
	}
	if !next.DoneAt.IsZero() && old.DoneAt.IsZero() {
		s.Cleaned(next.LabType, next.DoneAt.Sub(next.StartedAt))
	}
}

// closeSession gives the session's lease back even when the step's context ended.
func closeSession(ctx context.Context, sess *awsclient.Session) error {
	cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return sess.Close(cctx)
}

// withGlobal adds the Region where global services are recorded.
func withGlobal(regions []string) []string {
	if slices.Contains(regions, fleet.GlobalRegion) {
		return regions
	}
	return append(slices.Clone(regions), fleet.GlobalRegion)
}
