package handlers

import (
	"context"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// assign accepts a request and runs the match. A request that cannot be served
// is recorded as a failed session, so that whoever enqueued it finds the reason.
func (s Services) assign(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.Assign](t)
	if err != nil {
		return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.NewAssign"))
	}
	r := assign.Request{RequestID: p.RequestID, LabType: p.LabType, Student: p.Student, Duration: p.Duration,
		Purpose: fleet.Purpose(p.Purpose), Patience: p.Patience, Callback: p.Callback, Priority: p.Priority, NotBefore: p.NotBefore, Booking: p.Booking, Queued: true}
	var session *fleet.Session
	if err = p.Validate(); err == nil {
		session, err = s.Assign.Accept(ctx, r)
	}
	if refusal(err) {
		return s.refuse(ctx, r, err)
	}
	if err != nil {
		return outcome(ctx, err)
	}
	switch session.State {
	case fleet.SessionScheduled:
		return outcome(ctx, s.Enqueue(ctx, tasks.NewStart(session.ID, session.NotBefore)))
	case fleet.SessionWaiting:
		_, err = s.Assign.Match(ctx, session.PoolName())
	}
	return outcome(ctx, err)
}

// refusal says whether a request was refused for good: by its fields, by its lab
// type, or by the booking whose seat it wants.
func refusal(err error) bool {
	var full *fleet.FullError
	return errors.As(err, &full) || errors.Is(err, fleet.ErrInvalid) || errors.Is(err, fleet.ErrLabTypeOff) || errors.Is(err, fleet.ErrNotFound) ||
		errors.Is(err, fleet.ErrForbidden) || errors.Is(err, fleet.ErrEnded)
}

// refuse records why a request cannot be served, then revokes its task. One
// without a usable request id has no place to be recorded at: its log line is all.
func (s Services) refuse(ctx context.Context, r assign.Request, why error) error {
	if (tasks.Assign{RequestID: r.RequestID}).Named() {
		if _, err := s.Assign.Refuse(ctx, r, why); err != nil {
			return outcome(ctx, fmt.Errorf("record refusal: %w", err))
		}
	}
	return outcome(ctx, fleet.Permanent(why, ""))
}

func (s Services) match(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.Match](t)
	if err != nil {
		return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.NewMatch"))
	}
	if p.Pool == "" {
		return outcome(ctx, fleet.Permanent(errors.New("match of no pool"), "enqueue with tasks.NewMatch"))
	}
	_, err = s.Assign.Match(ctx, fleet.PoolName(p.Pool))
	return outcome(ctx, err)
}

// start puts a scheduled session on the waiting list and runs the match.
func (s Services) start(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.Start](t)
	if err != nil {
		return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.NewStart"))
	}
	session, err := s.Assign.Start(ctx, p.Session)
	if err == nil && session.State == fleet.SessionWaiting {
		_, err = s.Assign.Match(ctx, session.PoolName())
	}
	return outcome(ctx, err)
}

func (s Services) expire(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.SessionStep](t)
	if err != nil {
		return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.NewExpire"))
	}
	return outcome(ctx, s.Assign.Expire(ctx, p.Session))
}
