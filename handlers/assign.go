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
	if err == nil {
		err = p.Validate()
	}
	if err != nil {
		return outcome(fleet.Permanent(err, "enqueue with tasks.NewAssign"))
	}
	r := assign.Request{RequestID: p.RequestID, LabType: p.LabType, Student: p.Student, Duration: p.Duration,
		Purpose: fleet.Purpose(p.Purpose), Patience: p.Patience, Callback: p.Callback}
	session, err := s.Assign.Accept(ctx, r)
	if errors.Is(err, fleet.ErrInvalid) || errors.Is(err, fleet.ErrLabTypeOff) {
		if _, rerr := s.Assign.Refuse(ctx, r, err); rerr != nil {
			return outcome(fmt.Errorf("record refusal: %w", rerr))
		}
		return outcome(err)
	}
	if err != nil {
		return outcome(err)
	}
	if session.State != fleet.SessionWaiting {
		return nil
	}
	_, err = s.Assign.Match(with(ctx, "", session.ID), session.Purpose)
	return outcome(err)
}

func (s Services) match(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.Match](t)
	if err != nil {
		return outcome(fleet.Permanent(err, "enqueue with tasks.NewMatch"))
	}
	_, err = s.Assign.Match(ctx, fleet.Purpose(p.Purpose))
	return outcome(err)
}

func (s Services) expire(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.SessionStep](t)
	if err != nil {
		return outcome(fleet.Permanent(err, "enqueue with tasks.NewExpire"))
	}
	return outcome(s.Assign.Expire(with(ctx, "", p.Session), p.Session))
}
