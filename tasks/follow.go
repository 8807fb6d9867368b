package tasks

import (
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
)

// ForAccount gives the task that an account's document asks for, or nil when
// the account rests. It is enqueued by whoever wrote the document, and again,
// under a raised attempt, by the rescue.
func ForAccount(a *fleet.Account) *asynq.Task {
	step := AccountStep{Account: a.ID, Epoch: a.Epoch, Session: a.SessionID}
	name := ""
	switch a.State {
	case fleet.UserCreating:
		name = KindUser
	case fleet.Assigning:
		name = KindHandOut
	case fleet.Cleanup, fleet.AssigningFailed:
		name = KindFreeze
	case fleet.UserDeleted:
		name = KindReset
	default:
		return nil
	}
	var opts []asynq.Option
	if !a.NextTry.IsZero() {
		opts = append(opts, asynq.ProcessAt(a.NextTry))
	}
	return newTask(name, ID(name, a.ID, a.Epoch, string(a.State), a.Attempts), step, opts...)
}

// ForRun gives the tasks that a cleaning run's document asks for. Freezing,
// planning and the reset follow from the account's state: see [ForAccount]. A
// second task for them would do the same work beside the first.
func ForRun(r *fleet.CleaningRun) []*asynq.Task {
	step := RunStep{Run: r.ID, Session: r.SessionID, Account: r.AccountID, Epoch: r.Epoch}
	switch r.Phase {
	case fleet.PhaseSweep, fleet.PhaseVerify:
		return forUnits(r)
	case fleet.PhaseSettle:
		wait := "marker"
		if !r.MarkedAt.IsZero() {
			wait = "settle"
		}
		return []*asynq.Task{newTask(KindSettle, ID(KindSettle, r.AccountID, r.Epoch, wait+"-"+itoa(r.Round), r.Attempts), step, at(r)...)}
	case fleet.PhaseUser:
		return []*asynq.Task{newTask(KindUnuser, ID(KindUnuser, r.AccountID, r.Epoch, "", r.Attempts), step, at(r)...)}
	default:
		return nil
	}
}

// forUnits gives the units that are still to be done. When all are done and the
// run has not moved on, its writer died in between: any unit's task moves it on.
func forUnits(r *fleet.CleaningRun) []*asynq.Task {
	name := KindSweep
	if r.Phase == fleet.PhaseVerify {
		name = KindVerify
	}
	var out []*asynq.Task
	units := fleet.Units(r)
	for i, u := range units {
		if _, done := r.Units[u.Key()]; done && (len(out) > 0 || i < len(units)-1) {
			continue
		}
		out = append(out, newTask(name, ID(name, r.AccountID, r.Epoch, u.Key(), r.Attempts), u, at(r)...))
	}
	return out
}

func at(r *fleet.CleaningRun) []asynq.Option {
	if r.NextTry.IsZero() {
		return nil
	}
	return []asynq.Option{asynq.ProcessAt(r.NextTry)}
}

// NewSync makes the task that syncs an organization; at is the planned time.
func NewSync(org string, at time.Time) *asynq.Task {
	return newTask(KindSync, ID(KindSync, org, at.Unix(), "", 0), Sync{Org: org})
}

// NewReadiness makes the task that looks at a ready account again. It is named
// by the stamp that it is to renew, so that a full queue does not collect a task
// for every time that somebody thought of it.
func NewReadiness(a *fleet.Account) *asynq.Task {
	return newTask(KindReadiness, ID(KindReadiness, a.ID, a.Epoch, itoa(int(a.ReadyAt.UnixMilli())), 0), AccountStep{Account: a.ID, Epoch: a.Epoch, Session: a.SessionID})
}

// NewFreezeFailed makes the task that freezes an account which failed before it
// was frozen; one in ten seconds.
func NewFreezeFailed(a *fleet.Account, at time.Time) *asynq.Task {
	return newTask(KindFreeze, ID(KindFreeze, a.ID, a.Epoch, "failed", int(at.Unix()/10)), AccountStep{Account: a.ID, Epoch: a.Epoch, Session: a.SessionID})
}

// NewTick makes a periodic task. Two schedulers name the same planned time, so
// one of them enqueues it; it is retained for two periods to keep it so.
func NewTick(name string, at time.Time, period time.Duration) *asynq.Task {
	return newTask(KindTick+name, ID(KindTick+name, itoa(int(at.UnixMilli())), 0, "", 0), Tick{At: at}, asynq.Retention(2*period))
}
