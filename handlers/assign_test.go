package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

func assignment(t *testing.T, change func(*tasks.Assign)) *asynq.Task {
	t.Helper()
	a := tasks.Assign{RequestID: "r", LabType: "l", Student: "s", Duration: time.Hour}
	change(&a)
	task, err := tasks.NewAssign(a)
	must(t, err)
	return task
}

// A request for later has its start enqueued instead of a match; priority and
// booking come through.
func TestRequestForLater(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.enqueue(t, assignment(t, func(a *tasks.Assign) { a.NotBefore, a.Priority, a.Booking = time.Now().Add(time.Hour), 3, "b1" }))
	b.next(t, "accept")
	b.next(t, "enqueue "+tasks.KindStart)
	must(t, b.end(t))
}

// A seat that is not to be had is the end of the request, and is recorded.
func TestRefusedSeatIsRecordedThenRevoked(t *testing.T) {
	t.Parallel()
	for _, why := range []error{fleet.ErrNotFound, fleet.ErrForbidden, &fleet.FullError{Seats: 1}} {
		b := setup(t, func(_ context.Context, call string) error {
			if call == "accept" {
				return fmt.Errorf("seat of booking b1: %w", why)
			}
			return nil
		})
		task := assignment(t, func(a *tasks.Assign) { a.Booking, a.Priority = "b1", 1 })
		b.enqueue(t, task)
		b.next(t, "accept")
		b.next(t, "refuse r")
		if err := b.end(t); !errors.Is(err, asynq.RevokeTask) {
			t.Errorf("%v: the task ended with %v", why, err)
		}
		b.state(t, task, gone)
	}
}

func TestMatchOfNoPoolIsRevoked(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.enqueue(t, asynq.NewTask(tasks.KindMatch, []byte(`{"purpose":"production"}`), asynq.Queue(tasks.QueueCritical))) // of an older version
	if err := b.end(t); !errors.Is(err, asynq.RevokeTask) || b.count("match") > 0 {
		t.Fatalf("%v, %d matches", err, b.count("match"))
	}
}
