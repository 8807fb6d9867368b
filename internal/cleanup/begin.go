package cleanup

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/trail"
)

// Begin freezes an account whose lab ended, stops what runs on by itself, and
// plans the sweep. It can be done again from any point.
func (s *Service) Begin(ctx context.Context, accountID string, epoch int64) error {
	a, err := s.Accounts.Get(ctx, accountID)
	if err != nil {
		return fmt.Errorf("clean %s: %w", accountID, err)
	}
	if a.Epoch != epoch {
		return nil
	}
	if a.State == fleet.AssigningFailed {
		_, err := s.Machine.Move(ctx, a, fleet.Cleanup, "clean before anything else: "+a.Reason, nil)
		return err
	}
	if a.State == fleet.Failed {
		return s.freezeFailed(ctx, a)
	}
	if a.State != fleet.Cleanup {
		return nil
	}
	run, err := s.open(ctx, a)
	if err != nil {
		return err
	}
	if run.Phase == fleet.PhaseFreeze {
		if run, err = s.freeze(ctx, a, run); err != nil || run == nil {
			return err
		}
	}
	if run.Phase == fleet.PhasePlan {
		return s.plan(ctx, a, run)
	}
	return nil
}

// freezeFailed freezes an account that went to investigation before anybody
// could: its lab would be open until the end that AWS enforces. Nothing else is
// done to it; the rest is for an operator.
func (s *Service) freezeFailed(ctx context.Context, a *fleet.Account) error {
	run, err := s.open(ctx, a)
	if err != nil || !run.FrozenAt.IsZero() {
		return err
	}
	lt, _, err := s.labType(ctx, a.LabType, a.LabTypeRevision)
	if err != nil {
		return fmt.Errorf("freeze failed account %s: %w", a.ID, err)
	}
	sess, err := s.AWS.Mutator(ctx, target(a), "freeze")
	if err != nil {
		return fmt.Errorf("session to freeze %s: %w", a.ID, err)
	}
	err = s.Users.Freeze(ctx, sess, a, lt)
	if err := errors.Join(err, closeSession(ctx, sess)); err != nil {
		return fmt.Errorf("freeze failed account %s: %w", a.ID, err)
	}
	_, err = s.write(ctx, run, func(n *fleet.CleaningRun) { n.FrozenAt = s.Clock.Now().UTC() })
	return err
}

// open gives the run of the account's epoch, made on the first look.
func (s *Service) open(ctx context.Context, a *fleet.Account) (*fleet.CleaningRun, error) {
	id := RunID(a.ID, a.Epoch)
	run, err := s.Runs.Get(ctx, id)
	if err == nil || !errors.Is(err, fleet.ErrNotFound) {
		return run, err
	}
	lt, known, err := s.labType(ctx, a.LabType, a.LabTypeRevision)
	if err != nil {
		return nil, fmt.Errorf("open cleaning run %s: %w", id, err)
	}
	now := s.Clock.Now().UTC()
	run = &fleet.CleaningRun{ID: id, AccountID: a.ID, Org: a.Org, Epoch: a.Epoch, SessionID: a.SessionID, LabType: a.LabType, LabTypeRevision: a.LabTypeRevision,
		Full: !known || a.SweptAt.IsZero(), Reason: a.Reason, Version: 1, Phase: fleet.PhaseFreeze, Round: 1,
		StartedAt: now, PhaseSince: now, Regions: lt.Regions}
	if run.Full {
		if run.Regions, err = s.LabTypes.Regions(ctx); err != nil {
			return nil, fmt.Errorf("open cleaning run %s: %w", id, err)
		}
		run.Settled = true
	}
	if err := s.Runs.Insert(ctx, run); err != nil && !errors.Is(err, fleet.ErrExists) {
		return nil, fmt.Errorf("open cleaning run %s: %w", id, err)
	}
	return s.Runs.Get(ctx, id)
}

// freeze takes all power from the lab's principals, then stops what runs on
// without a caller, then marks the history.
func (s *Service) freeze(ctx context.Context, a *fleet.Account, run *fleet.CleaningRun) (*fleet.CleaningRun, error) {
	lt, _, err := s.labType(ctx, a.LabType, a.LabTypeRevision)
	if err != nil {
		return nil, fmt.Errorf("freeze %s: %w", a.ID, err)
	}
	sess, err := s.AWS.Mutator(ctx, target(a), "freeze")
	if err != nil {
		return nil, fmt.Errorf("session to freeze %s: %w", a.ID, err)
	}
	err = s.Users.Freeze(ctx, sess, a, lt)
	frozen := s.Clock.Now().UTC()
	rec := s.recorder(run, "freeze")
	if err == nil {
		rec.add(cleaner.Event{Action: "frozen", Detail: "boundary at version 1, keys and login gone"})
		err = s.stop(ctx, a, sess, run, lt, rec)
	}
	if err == nil {
		err = s.mark(ctx, sess, run)
	}
	if err := errors.Join(err, closeSession(ctx, sess), rec.flush(ctx)); err != nil {
		return nil, fmt.Errorf("freeze %s: %w", a.ID, err)
	}
	return s.write(ctx, run, func(n *fleet.CleaningRun) { n.Phase, n.FrozenAt = fleet.PhasePlan, frozen })
}

// stop makes everything that acts by itself cease, in every Region of the run:
// wave by wave, so that what makes others is stopped before them.
func (s *Service) stop(ctx context.Context, a *fleet.Account, sess *awsclient.Session, run *fleet.CleaningRun, lt fleet.LabType, rec *recorder) error {
	for _, wave := range s.Registry.Only(func(k cleaner.Kind) bool { return k.Stops && why(run, lt, k, nil) != "" }) {
		g, gctx := errgroup.WithContext(ctx)
		for _, k := range wave {
			regions := run.Regions
			if k.Global {
				regions = []string{fleet.GlobalRegion}
			}
			for _, region := range regions {
				g.Go(func() error { return cleaner.Stop(gctx, s.place(a, sess, region), k, rec.record).Err })
			}
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// mark leaves a marker in every Region's history, after the freeze.
func (s *Service) mark(ctx context.Context, sess *awsclient.Session, run *fleet.CleaningRun) error {
	if run.Full {
		return nil
	}
	for _, region := range withGlobal(run.Regions) {
		if err := trail.Mark(ctx, sess.Config(region), markerName(run)); err != nil {
			return fmt.Errorf("in %s: %w", region, err)
		}
	}
	return nil
}

func markerName(run *fleet.CleaningRun) string { return "kml-marker-" + run.ID }
