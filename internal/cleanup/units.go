package cleanup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
)

// Sweep asks for everything to be deleted that a unit's kinds list, and
// completes the unit. What AWS refuses is in the result; verification decides.
//
// Most units find nothing: a reader looks first, whose session all units of the
// account share, and only what it does not see clean takes a lease and a session
// that may delete.
func (s *Service) Sweep(ctx context.Context, u fleet.Unit) error {
	a, run, err := s.unit(ctx, u)
	if err != nil || run == nil {
		return err
	}
	rec := s.recorder(run, string(u.Phase))
	res := fleet.UnitResult{Verdict: fleet.Clean}
	dirty, err := s.look(ctx, a, run, u, &res, rec)
	if err != nil {
		return err
	}
	if len(dirty) == 0 {
		return s.complete(ctx, run, u, res, rec, nil, nil)
	}
	// Written first: after a crash nobody could tell what was there.
	if err := rec.flush(ctx); err != nil {
		return err
	}
	sess, err := s.AWS.Mutator(ctx, target(a), "sweep")
	if err != nil {
		return fmt.Errorf("session to sweep %s: %w", a.ID, err)
	}
	var errs []error
	for _, name := range dirty {
		k, ok := s.Registry.Get(name)
		if !ok {
			errs = append(errs, unknownKind(name))
			continue
		}
		r := cleaner.Sweep(ctx, s.place(a, sess, u.Region), k, rec.record)
		res.Listed, res.Deleted, res.Kept, res.Left = res.Listed+r.Listed, res.Deleted+r.Deleted, res.Kept+r.Kept, res.Left+r.Blocked+r.Throttled+r.Failed
		errs = append(errs, r.Err)
	}
	if res.Left > 0 {
		res.Verdict = fleet.Remaining
	}
	res.Calls += sess.Calls()
	return s.complete(ctx, run, u, res, rec, errors.Join(errs...), closeSession(ctx, sess))
}

// look gives the kinds of a unit that are not seen to be clean, and records what
// of them is to be deleted and kept.
func (s *Service) look(ctx context.Context, a *fleet.Account, run *fleet.CleaningRun, u fleet.Unit, res *fleet.UnitResult, rec *recorder) ([]string, error) {
	sess, err := s.AWS.Reader(ctx, target(a))
	if err != nil {
		return nil, fmt.Errorf("session to look at %s: %w", a.ID, err)
	}
	var dirty []string
	for _, name := range run.Kinds(u) {
		k, ok := s.Registry.Get(name)
		if !ok {
			dirty = append(dirty, name)
			continue
		}
		var found []cleaner.Event
		r := cleaner.Plan(ctx, s.place(a, sess, u.Region), k, func(e cleaner.Event) { found = append(found, e) })
		if r.Err != nil || r.Listed > r.Kept {
			dirty = append(dirty, name)
			rec.add(found...)
			continue
		}
		res.Listed, res.Kept = res.Listed+r.Listed, res.Kept+r.Kept
	}
	res.Calls = sess.Calls()
	return dirty, nil
}

func unknownKind(name string) error {
	return fmt.Errorf("kind %s is planned but not known here: %w", name, fleet.ErrNotFound)
}

// Verify lists a unit's kinds again and completes the unit with what it knows.
func (s *Service) Verify(ctx context.Context, u fleet.Unit) error {
	a, run, err := s.unit(ctx, u)
	if err != nil || run == nil {
		return err
	}
	sess, err := s.AWS.Reader(ctx, target(a))
	if err != nil {
		return fmt.Errorf("session to verify %s: %w", a.ID, err)
	}
	rec := s.recorder(run, string(u.Phase))
	res := fleet.UnitResult{Verdict: fleet.Clean}
	var errs []error
	for _, name := range run.Kinds(u) {
		k, ok := s.Registry.Get(name)
		if !ok {
			res.Verdict = fleet.Unknown
			errs = append(errs, unknownKind(name))
			continue
		}
		f := cleaner.Verify(ctx, s.place(a, sess, u.Region), k)
		res.Listed, res.Kept, res.Left = res.Listed+f.Listed, res.Kept+f.Kept, res.Left+f.LeftCount
		res.Verdict = worse(res.Verdict, f.Verdict)
		errs = append(errs, f.Err)
		rec.add(verified(k, u, f))
	}
	res.Calls = sess.Calls()
	return s.complete(ctx, run, u, res, rec, errors.Join(errs...), nil)
}

// verified is the evidence of one look.
func verified(k cleaner.Kind, u fleet.Unit, f cleaner.Finding) cleaner.Event {
	e := cleaner.Event{Action: actionVerified, Kind: k.Name, Region: u.Region,
		Detail: fmt.Sprintf("%s: %d listed, %d kept, %d left", f.Verdict, f.Listed, f.Kept, f.LeftCount)}
	if f.Err != nil {
		e.Detail += " (" + cmp.Or(awsclient.Code(f.Err), "no answer") + ")"
	}
	return e
}

// worse: Unknown is worse than Remaining is worse than Clean.
func worse(x, y fleet.Verdict) fleet.Verdict {
	order := []fleet.Verdict{fleet.Clean, fleet.Remaining, fleet.Unknown}
	return order[max(slices.Index(order, x), slices.Index(order, y))]
}

// unit gives the account and run of a unit that is still to be done.
func (s *Service) unit(ctx context.Context, u fleet.Unit) (*fleet.Account, *fleet.CleaningRun, error) {
	a, run, err := s.current(ctx, u.Run)
	if err != nil || run == nil {
		return nil, nil, err
	}
	if run.Phase != u.Phase || run.Round != u.Round || u.Phase == fleet.PhaseSweep && run.Wave != u.Wave {
		return nil, nil, nil
	}
	if _, done := run.Units[u.Key()]; done { // its writer may have died before it moved the run on
		return nil, nil, s.advance(ctx, run)
	}
	return a, run, nil
}

const maxUnitError = 500

// complete writes the unit's result, once, and moves the run on if it was the
// last of its wave. A unit that this worker may not finish (the account moved
// on, the worker is shutting down) stays open.
func (s *Service) complete(ctx context.Context, run *fleet.CleaningRun, u fleet.Unit, res fleet.UnitResult, rec *recorder, unitErr, closeErr error) error {
	if ctx.Err() != nil || errors.Is(unitErr, fleet.ErrStaleEpoch) || errors.Is(unitErr, fleet.ErrProtected) {
		return errors.Join(unitErr, ctx.Err())
	}
	if unitErr != nil {
		res.Error = unitErr.Error()
		res.Error = strings.ToValidUTF8(res.Error[:min(len(res.Error), maxUnitError)], "")
		if u.Phase == fleet.PhaseSweep {
			res.Verdict = fleet.Unknown
		}
	}
	if err := errors.Join(closeErr, rec.flush(ctx)); err != nil {
		return err
	}
	res.At = s.Clock.Now().UTC()
	now, err := s.Runs.CompleteUnit(ctx, run.ID, u.Key(), res)
	if err != nil {
		return fmt.Errorf("complete %s of %s: %w", u.Key(), run.ID, err)
	}
	return s.advance(ctx, now)
}

// advance moves a run on when all units of its phase are complete.
func (s *Service) advance(ctx context.Context, run *fleet.CleaningRun) error {
	var dirty, story []string
	for _, u := range fleet.Units(run) {
		res, done := run.Units[u.Key()]
		if !done {
			return nil
		}
		if res.Verdict == fleet.Clean {
			continue
		}
		story = append(story, strings.TrimSpace(fmt.Sprintf("%s in %s: %s, %d left %s", u.Service, u.Region, res.Verdict, res.Left, res.Error)))
		if !slices.Contains(dirty, u.Service) {
			dirty = append(dirty, u.Service)
		}
	}
	switch {
	case run.Phase == fleet.PhaseSweep:
		_, err := s.write(ctx, run, s.nextWave)
		return err
	case run.Phase != fleet.PhaseVerify:
		return nil
	case len(dirty) > 0:
		return s.nextRound(ctx, run, dirty, story)
	}
	_, err := s.write(ctx, run, s.verified)
	return err
}

// verified takes a run from its verification to what comes next.
func (s *Service) verified(n *fleet.CleaningRun) {
	n.Phase, n.Dirty, n.NextTry, n.Error = fleet.PhaseSettle, nil, time.Time{}, ""
	if n.Settled {
		n.Phase = fleet.PhaseUser
	}
}

// nextWave goes to the next wave that has something to do, else to the
// verification.
func (s *Service) nextWave(n *fleet.CleaningRun) {
	n.NextTry = time.Time{}
	for n.Wave++; n.Wave < len(n.Plan); n.Wave++ {
		if len(fleet.Units(n)) > 0 {
			return
		}
	}
	n.Phase = fleet.PhaseVerify
}

// nextRound sweeps the services that are not clean once more, after a growing
// delay; after the last round the account is given up, with the story.
func (s *Service) nextRound(ctx context.Context, run *fleet.CleaningRun, dirty, story []string) error {
	if run.Round >= s.Rounds {
		return s.Failures.StepFailed(ctx, run.AccountID, run.Epoch, fleet.Permanent(
			fmt.Errorf("not clean after %d rounds: %s", run.Round, strings.Join(story, "; ")), "look at the evidence, remove what is left by hand, release the account"))
	}
	_, err := s.write(ctx, run, func(n *fleet.CleaningRun) {
		n.Phase, n.Round, n.Wave, n.Dirty = fleet.PhaseSweep, run.Round+1, -1, dirty
		n.Error = strings.Join(story, "; ")
		s.nextWave(n)
		n.NextTry = s.Clock.Now().UTC().Add(min(s.Backoff<<min(run.Round-1, 16), s.MaxBackoff))
	})
	return err
}
