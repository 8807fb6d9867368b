package scheduler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// Inspector is what asynq's inspector does.
type Inspector interface {
	GetTaskInfo(queue, id string) (*asynq.TaskInfo, error)
	Servers() ([]*asynq.ServerInfo, error)
}

// secondLook is how long a task is given to show up in its worker's report,
// which asynq's servers write every five seconds and which outlives them by ten.
const secondLook = 6 * time.Second

// dead gives the accounts whose known task nobody will ever finish.
func (r *Reconciler) dead(ctx context.Context, known map[*asynq.Task]*fleet.Account, errs *[]error) []*fleet.Account {
	return unfinished(ctx, r, known, errs)
}

// deadRuns is dead for cleaning runs.
func (r *Reconciler) deadRuns(ctx context.Context, known map[*asynq.Task]*fleet.CleaningRun, errs *[]error) []*fleet.CleaningRun {
	return unfinished(ctx, r, known, errs)
}

// unfinished gives what belongs to tasks that will never be finished: archived
// by somebody's hand, or active while no living worker reports them, at two
// looks, since one that was just begun is not reported yet. (asynq gives the
// tasks of a dead worker back by itself after one to two minutes; a student who
// waits for a hand-out should not have to.)
func unfinished[T any](ctx context.Context, r *Reconciler, known map[*asynq.Task]T, errs *[]error) []T {
	if r.Inspector == nil || len(known) == 0 {
		return nil
	}
	var out []T
	suspects, archived, err := r.look(slices.Collect(maps.Keys(known)))
	for _, t := range archived {
		out = append(out, known[t])
	}
	if err == nil && len(suspects) > 0 {
		select {
		case <-ctx.Done():
			return out
		case <-r.Clock.After(secondLook):
		}
		suspects, _, err = r.look(suspects)
	}
	if err != nil {
		*errs = append(*errs, err)
		return out
	}
	for _, t := range suspects {
		out = append(out, known[t])
	}
	return out
}

// look tells tasks that are active without a living worker, and archived ones.
func (r *Reconciler) look(ts []*asynq.Task) (suspects, archived []*asynq.Task, err error) {
	servers, err := r.Inspector.Servers()
	if err != nil {
		return nil, nil, fmt.Errorf("asynq servers: %w", err)
	}
	running := map[string]bool{}
	for _, s := range servers {
		for _, w := range s.ActiveWorkers {
			running[w.TaskID] = true
		}
	}
	for _, t := range ts {
		id := tasks.IDOf(t)
		info, err := r.Inspector.GetTaskInfo(tasks.QueueOf(t.Type()), id)
		switch {
		case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound): // done meanwhile
		case err != nil:
			return nil, archived, fmt.Errorf("task %s: %w", id, err)
		case info.State == asynq.TaskStateArchived:
			archived = append(archived, t)
		case info.State == asynq.TaskStateActive && !running[id]:
			suspects = append(suspects, t)
		}
	}
	return suspects, archived, nil
}
