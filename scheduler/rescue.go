package scheduler

import (
	"context"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// rescue drives accounts that have been in their state for a while. Their task
// is enqueued again under its own id: one that is known, waiting or running,
// conflicts, and nothing happens; one that was lost is back. Nothing is written,
// so a step that merely takes long is not disturbed. What a known task cannot
// tell, that its worker is dead, is looked at by [Reconciler.dead]; then the
// attempt is raised in the document, which frees the id and makes the next task.
func (r *Reconciler) rescue(ctx context.Context) error {
	var errs []error
	known := map[*asynq.Task]*fleet.Account{}
	err := r.eachAccount(ctx, fleet.AccountQuery{Before: r.Clock.Now().Add(-r.Stuck), States: []fleet.State{
		fleet.UserCreating, fleet.Assigning, fleet.AssigningFailed, fleet.Cleanup, fleet.UserDeleted}}, func(a *fleet.Account) {
		t, err := r.again(ctx, a)
		if t != nil {
			known[t] = a
		}
		errs = append(errs, err)
	})
	for _, a := range r.dead(ctx, known, &errs) {
		_, err := r.Machine.Edit(ctx, a, func(n *fleet.Account) {
			n.Attempts++
			n.NextTry = r.Clock.Now().UTC()
		})
		errs = append(errs, lost(err))
	}
	return errors.Join(append(errs, err)...)
}

// unfrozen goes on freezing accounts that failed before anybody could freeze
// them, until it works or the end comes that AWS enforces by itself.
func (r *Reconciler) unfrozen(ctx context.Context) error {
	now := r.Clock.Now()
	var ts []*asynq.Task
	var errs []error
	err := r.eachAccount(ctx, fleet.AccountQuery{States: []fleet.State{fleet.Failed}}, func(a *fleet.Account) {
		if !a.Open(now) {
			return
		}
		run, err := r.run(ctx, a)
		errs = append(errs, err)
		if err == nil && (run == nil || run.FrozenAt.IsZero()) {
			ts = append(ts, tasks.NewFreezeFailed(a, now))
		}
	})
	return errors.Join(append(errs, err, r.Follow.Enqueue(ctx, ts...))...)
}

// again enqueues an account's task again, and gives it if it is known.
func (r *Reconciler) again(ctx context.Context, a *fleet.Account) (*asynq.Task, error) {
	if a.State == fleet.Cleanup {
		run, err := r.run(ctx, a)
		if err != nil {
			return nil, err
		}
		if run != nil && run.Phase != fleet.PhaseFreeze && run.Phase != fleet.PhasePlan {
			return nil, nil // the run's own sweeper drives it
		}
	}
	t := tasks.ForAccount(a)
	known, err := r.Follow.enqueue(ctx, t)
	if !known || err != nil {
		return nil, err
	}
	return t, nil
}

// run gives the cleaning run of an account's epoch, nil if there is none yet.
func (r *Reconciler) run(ctx context.Context, a *fleet.Account) (*fleet.CleaningRun, error) {
	runs, err := r.Runs.Runs(ctx, a.ID, 1)
	if err != nil {
		return nil, fmt.Errorf("cleaning run of %s: %w", a.ID, err)
	}
	if len(runs) == 0 || runs[0].Epoch != a.Epoch {
		return nil, nil
	}
	return runs[0], nil
}

// runs drives cleaning runs that gave no news for long, and closes those whose
// account went another way.
func (r *Reconciler) runs(ctx context.Context) error {
	open, err := r.Runs.Open(ctx, r.Clock.Now().Add(-r.StuckRun), page)
	if err != nil {
		return fmt.Errorf("open cleaning runs: %w", err)
	}
	var errs []error
	known := map[*asynq.Task]*fleet.CleaningRun{}
	for _, run := range open {
		a, err := r.Accounts.Get(ctx, run.AccountID)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("account of cleaning run %s: %w", run.ID, err))
		case a.Epoch != run.Epoch || a.State != fleet.Cleanup && a.State != fleet.UserDeleted:
			errs = append(errs, r.closeRun(ctx, run, a))
		default:
			t, err := r.runAgain(ctx, run)
			if t != nil {
				known[t] = run
			}
			errs = append(errs, err)
		}
	}
	for _, run := range r.deadRuns(ctx, known, &errs) {
		next := run.Clone()
		next.Version++
		next.Attempts++
		if err := r.Runs.Swap(ctx, run, next); err != nil {
			errs = append(errs, lost(err))
			continue
		}
		r.Follow.Run(ctx, next)
	}
	return errors.Join(errs...)
}

// runAgain enqueues a run's tasks again, up to the first that is known, which it
// gives: as long as one is, the run is not stuck, and a full queue is not asked
// about every unit over and over.
func (r *Reconciler) runAgain(ctx context.Context, run *fleet.CleaningRun) (*asynq.Task, error) {
	for _, t := range tasks.ForRun(run) {
		known, err := r.Follow.enqueue(ctx, t)
		if err != nil {
			return nil, err
		}
		if known {
			return t, nil
		}
	}
	return nil, nil
}

// closeRun ends a run that nobody works on any more.
func (r *Reconciler) closeRun(ctx context.Context, run *fleet.CleaningRun, a *fleet.Account) error {
	next := run.Clone()
	next.Version++
	next.Phase, next.DoneAt, next.Error = fleet.PhaseDone, r.Clock.Now().UTC(), "the account went another way: "+string(a.State)
	if a.State == fleet.Loaded && a.Epoch == run.Epoch { // only its last write was missed
		next.Error = ""
	}
	return lost(r.Runs.Swap(ctx, run, next))
}

// page is how many documents are read in one go.
const page = 1000

// eachAccount looks at all accounts of a query, in the order of their ids.
func (r *Reconciler) eachAccount(ctx context.Context, q fleet.AccountQuery, f func(*fleet.Account)) error {
	q.After, q.Limit = "0", page // sorts before every id
	for {
		found, err := r.Accounts.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("accounts in %v: %w", q.States, err)
		}
		for _, a := range found {
			f(a)
		}
		if len(found) < page {
			return nil
		}
		q.After = found[len(found)-1].ID
	}
}
