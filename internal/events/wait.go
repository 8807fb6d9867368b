package events

import (
	"context"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// lookEvery is how often a session is read again even if no event came.
const lookEvery = time.Second

// Waiter waits for sessions.
type Waiter struct {
	Sessions fleet.Sessions
	Hub      *Hub
	Clock    clock.Clock
}

// WaitSettled waits until a session is settled, at most so long, and gives it as
// it stands then, settled or not. Errors: fleet.ErrNotFound; the context's, if it
// ended first.
func (w *Waiter) WaitSettled(ctx context.Context, id string, most time.Duration) (*fleet.Session, error) {
	sub, cancel := context.WithCancel(ctx)
	defer cancel()
	over := w.Clock.NewTimer(most)
	defer over.Stop()
	look := w.Clock.NewTicker(lookEvery)
	defer look.Stop()
	var told <-chan fleet.StreamedEvent
	for listening := false; ; {
		s, err := w.Sessions.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("wait for session %s: %w", id, err)
		}
		if s.State.Settled() || most <= 0 {
			return s, nil
		}
		if !listening { // only those who have to wait; and look again, since it may just have happened
			listening = true
			told, _ = w.Hub.Subscribe(sub, "", func(e fleet.Event) bool { return e.Lab == id })
			continue
		}
		select {
		case _, open := <-told:
			if !open {
				told = nil // the looks go on
			}
		case <-look.Chan():
		case <-over.Chan():
			most = 0
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for session %s: %w", id, ctx.Err())
		}
	}
}
