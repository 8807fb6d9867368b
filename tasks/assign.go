package tasks

import (
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
)

// NewAssign makes the task that asks for a lab. The request is accepted once
// its session document stands; until then asynq retries it. Enqueueing the same
// request id twice makes one lab: asynq answers [asynq.ErrTaskIDConflict], which
// a backend treats as success. Errors match [fleet.ErrInvalid] and name the field.
func NewAssign(a Assign) (*asynq.Task, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	return newTask(KindAssign, "lab:assign/"+a.RequestID, a), nil
}

// Validate checks a request's form; whether the lab type exists, and when the lab
// may begin, only the fleet knows.
func (a Assign) Validate() error {
	return fleet.RequestForm{RequestID: a.RequestID, LabType: a.LabType, Student: a.Student, Booking: a.Booking, Callback: a.Callback,
		Duration: a.Duration, Patience: a.Patience, Priority: a.Priority}.Check()
}

// Named says whether the request has an id by which it can be found again.
func (a Assign) Named() bool { return a.RequestID != "" && len(a.RequestID) <= fleet.MaxField }

// NewMatch makes a task that runs the match for a pool: somebody wrote "waiting"
// or "ready". Many of one pool at one time are one.
func NewMatch(p fleet.PoolName, at time.Time) *asynq.Task {
	return newTask(KindMatch, ID(KindMatch, string(p), at.UnixMilli()/100, "", 0), Match{Pool: string(p)})
}

// NewStart makes the task that puts a scheduled session on the waiting list, at
// its time.
func NewStart(session string, at time.Time) *asynq.Task {
	return newTask(KindStart, ID(KindStart, session, at.Unix(), "", 0), Start{Session: session, At: at}, asynq.ProcessAt(at))
}

// NewExpire makes the task that ends a session at its end, to the second.
func NewExpire(session string, endsAt time.Time, attempt int) *asynq.Task {
	return newTask(KindExpire, ID(KindExpire, session, endsAt.Unix(), "", attempt),
		SessionStep{Session: session, EndsAt: endsAt}, asynq.ProcessAt(endsAt))
}
