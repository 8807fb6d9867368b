package handlers_test

import (
	"context"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

func (f *fake) Attempt(ctx context.Context, delivery string, attempt int) error {
	return f.call(ctx, "attempt "+delivery+" "+string(rune('0'+attempt)))
}

// An attempt reaches the service with its number, at its time; one that is put
// off comes again.
func TestDeliver(t *testing.T) {
	t.Parallel()
	tries := 0
	b := setup(t, func(context.Context, string) error {
		if tries++; tries == 1 {
			return fleet.Snooze(time.Second, "busy")
		}
		return nil
	})
	task := tasks.NewDeliver("wh_1.session.s1.3", 4, time.Now())
	b.enqueue(t, task)
	for range 2 {
		b.next(t, "attempt wh_1.session.s1.3 4")
	}
	b.state(t, task, gone)
}
