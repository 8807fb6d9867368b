package cleanup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/trail"
)

// Settle waits for late events: until the markers that were left after the
// freeze are in every Region's history, and a while longer. What came late and
// is not in the plan is swept too. When the markers do not come, a full sweep
// stands in for the trail.
func (s *Service) Settle(ctx context.Context, runID string) error {
	a, run, err := s.current(ctx, runID)
	if err != nil || run == nil || run.Phase != fleet.PhaseSettle {
		return err
	}
	if run.MarkedAt.IsZero() {
		return s.awaitMarkers(ctx, a, run)
	}
	if wait := run.MarkedAt.Add(s.Config.Settle).Sub(s.Clock.Now()); wait > 0 {
		return fleet.Snooze(wait, "late events may still come")
	}
	touched, err := s.read(ctx, a, run)
	if errors.Is(err, trail.ErrLong) {
		return s.fullSweep(ctx, run)
	}
	if err != nil {
		return err
	}
	later, err := s.planned(ctx, run, touched)
	if err != nil {
		return err
	}
	late := news(run, later)
	rec := s.recorder(run, "settle")
	for _, service := range late {
		rec.add(cleaner.Event{Action: "planned", Kind: service, Detail: "late: " + later.Because[service]})
	}
	if err := rec.flush(ctx); err != nil {
		return err
	}
	_, err = s.write(ctx, run, func(n *fleet.CleaningRun) {
		n.Settled = true
		if len(late) == 0 {
			n.Phase = fleet.PhaseUser
			return
		}
		n.Regions, n.Plan, n.Because = later.Regions, later.Plan, later.Because
		n.Phase, n.Round, n.Wave, n.Dirty = fleet.PhaseSweep, run.Round+1, -1, late
		s.nextWave(n)
	})
	return err
}

func (s *Service) awaitMarkers(ctx context.Context, a *fleet.Account, run *fleet.CleaningRun) error {
	sess, err := s.AWS.Reader(ctx, target(a))
	if err != nil {
		return fmt.Errorf("session to read the trail of %s: %w", a.ID, err)
	}
	for _, region := range withGlobal(run.Regions) {
		seen, err := trail.Marked(ctx, sess.Config(region), markerName(run), run.StartedAt)
		if err != nil {
			return fmt.Errorf("trail of %s in %s: %w", a.ID, region, err)
		}
		if seen {
			continue
		}
		if s.Clock.Since(run.FrozenAt) > s.SettleMax {
			return s.fullSweep(ctx, run)
		}
		return fleet.Snooze(s.SettlePoll, "the event history of "+region+" has not caught up")
	}
	_, err = s.write(ctx, run, func(n *fleet.CleaningRun) { n.MarkedAt = s.Clock.Now().UTC() })
	return err
}

// fullSweep gives up on the trail and cleans everything instead.
func (s *Service) fullSweep(ctx context.Context, run *fleet.CleaningRun) error {
	whole, err := s.whole(ctx, run)
	if err != nil {
		return err
	}
	full, err := s.planned(ctx, whole, nil)
	if err != nil {
		return err
	}
	_, err = s.write(ctx, run, func(n *fleet.CleaningRun) {
		n.Full, n.Settled, n.Regions, n.Plan, n.Because = true, true, full.Regions, full.Plan, full.Because
		n.Phase, n.Round, n.Wave, n.Dirty = fleet.PhaseSweep, run.Round+1, -1, slices.Sorted(maps.Keys(full.Because))
		s.nextWave(n)
	})
	return err
}

// DeleteUser deletes the fleet's own user and policies, and moves the account on.
func (s *Service) DeleteUser(ctx context.Context, runID string) error {
	a, run, err := s.current(ctx, runID)
	if err != nil || run == nil || run.Phase != fleet.PhaseUser {
		return err
	}
	sess, err := s.AWS.Mutator(ctx, target(a), "unuser")
	if err != nil {
		return fmt.Errorf("session to delete the user of %s: %w", a.ID, err)
	}
	rec := s.recorder(run, "user")
	if err = s.Users.Delete(ctx, sess); err == nil {
		rec.add(cleaner.Event{Action: "deleted", Kind: "kml.user", Detail: "user, boundary and lab policies"})
	}
	if err := errors.Join(err, closeSession(ctx, sess), rec.flush(ctx)); err != nil {
		return fmt.Errorf("delete the user of %s: %w", a.ID, err)
	}
	// The run's phase is written by the reset, which this move enqueues: a write of
	// ours would race it.
	_, err = s.Machine.Move(ctx, a, fleet.UserDeleted, "every planned check came back clean", func(n *fleet.Account) {
		n.CleaningID = run.ID
		if run.Full {
			n.SweptAt = s.Clock.Now().UTC()
		}
	})
	return err
}

// Reset restores the account's settings, verifies them, looks at the quotas of
// a new account, and lets the account rest.
func (s *Service) Reset(ctx context.Context, accountID string, epoch int64) error {
	a, err := s.Accounts.Get(ctx, accountID)
	if err != nil {
		return fmt.Errorf("reset %s: %w", accountID, err)
	}
	if a.State != fleet.UserDeleted || a.Epoch != epoch {
		return nil
	}
	run, err := s.Runs.Get(ctx, RunID(a.ID, a.Epoch))
	if err != nil {
		return fmt.Errorf("reset %s: %w", accountID, err)
	}
	if next, err := s.write(ctx, run, func(n *fleet.CleaningRun) { n.Phase = fleet.PhaseReset }); err != nil {
		return fmt.Errorf("reset %s: %w", accountID, err)
	} else if next != nil {
		run = next
	}
	sess, err := s.AWS.Mutator(ctx, target(a), "reset")
	if err != nil {
		return fmt.Errorf("session to reset %s: %w", accountID, err)
	}
	rec := s.recorder(run, "reset")
	quotas, err := s.restore(ctx, a, sess, run, rec)
	if err := errors.Join(err, closeSession(ctx, sess), rec.flush(ctx)); err != nil {
		return fmt.Errorf("reset %s: %w", accountID, err)
	}
	now := s.Clock.Now().UTC()
	_, err = s.Machine.Move(ctx, a, fleet.Loaded, "reset and verified", func(n *fleet.Account) {
		n.Quotas, n.RestedSince = quotas, now
	})
	if err != nil {
		return err
	}
	return s.done(ctx, run, now)
}

// done closes the run. The account rests already, so nobody drives the run any
// more: a write that somebody else overtook is made again.
func (s *Service) done(ctx context.Context, run *fleet.CleaningRun, at time.Time) error {
	for range doneTries {
		next, err := s.write(ctx, run, func(n *fleet.CleaningRun) { n.Phase, n.DoneAt, n.Error = fleet.PhaseDone, at, "" })
		if err != nil || next != nil {
			return err
		}
		if run, err = s.Runs.Get(ctx, run.ID); err != nil || run.Phase == fleet.PhaseDone {
			return err
		}
	}
	return fmt.Errorf("close cleaning run %s: %w", run.ID, fleet.ErrConflict)
}

const doneTries = 5

func (s *Service) restore(ctx context.Context, a *fleet.Account, sess *awsclient.Session, run *fleet.CleaningRun, rec *recorder) (map[string]float64, error) {
	g, gctx := errgroup.WithContext(ctx)
	for _, region := range withGlobal(run.Regions) {
		g.Go(func() error { return s.Settings.Restore(gctx, s.place(a, sess, region), rec.record) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if len(a.Quotas) > 0 {
		return a.Quotas, nil
	}
	return s.Settings.Quotas(ctx, sess.Config(fleet.GlobalRegion))
}

// DryRun tells what a full cleaning of an account would delete and keep, wave by
// wave, without one mutating call.
func (s *Service) DryRun(ctx context.Context, accountID string) ([]cleaner.Event, error) {
	a, err := s.Accounts.Get(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("dry run of %s: %w", accountID, err)
	}
	sess, err := s.AWS.Reader(ctx, target(a))
	if err != nil {
		return nil, fmt.Errorf("dry run of %s: %w", accountID, err)
	}
	everywhere, err := s.LabTypes.Regions(ctx)
	if err != nil {
		return nil, fmt.Errorf("dry run of %s: %w", accountID, err)
	}
	var out []cleaner.Event
	var errs []error
	for _, wave := range s.Registry.Waves() {
		for _, k := range wave {
			regions := everywhere
			if k.Global {
				regions = []string{fleet.GlobalRegion}
			}
			for _, region := range regions {
				r := cleaner.Plan(ctx, s.place(a, sess, region), k, func(e cleaner.Event) { out = append(out, e) })
				errs = append(errs, r.Err)
			}
		}
	}
	return out, errors.Join(errs...)
}
