package tasks

import (
	"fmt"
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

const maxField = 200

// Validate checks a request's form; whether the lab type exists only the fleet knows.
func (a Assign) Validate() error {
	for _, f := range []struct{ name, value string }{{"request_id", a.RequestID}, {"lab_type", a.LabType}, {"student", a.Student}} {
		if f.value == "" || len(f.value) > maxField {
			return &fleet.FieldError{Field: f.name, Value: f.value, Remedy: fmt.Sprintf("give 1 to %d characters", maxField)}
		}
	}
	if a.Duration <= 0 {
		return &fleet.FieldError{Field: "duration", Value: a.Duration.String(), Remedy: "give a positive duration, such as 1h"}
	}
	if a.Patience < 0 {
		return &fleet.FieldError{Field: "patience", Value: a.Patience.String(), Remedy: "give how long the request may wait, or nothing"}
	}
	return nil
}

// Named says whether the request has an id by which it can be found again.
func (a Assign) Named() bool { return a.RequestID != "" && len(a.RequestID) <= maxField }

// NewMatch makes a task that runs the match for a pool: somebody wrote "waiting"
// or "ready". Many of one pool at one time are one.
func NewMatch(p fleet.Purpose, at time.Time) *asynq.Task {
	return newTask(KindMatch, ID(KindMatch, string(p), at.UnixMilli()/100, "", 0), Match{Purpose: string(p)})
}

// NewExpire makes the task that ends a session at its end, to the second.
func NewExpire(session string, endsAt time.Time, attempt int) *asynq.Task {
	return newTask(KindExpire, ID(KindExpire, session, endsAt.Unix(), "", attempt),
		SessionStep{Session: session, EndsAt: endsAt}, asynq.ProcessAt(endsAt))
}
