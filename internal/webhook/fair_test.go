package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/webhook"
)

// Receivers of one owner that all hang leave room for the deliveries of another.
func TestOwnersDoNotStarveEachOther(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	hang := func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-release }
	b := setup(t)
	for range 3 {
		r := receive(t, false, hang)
		b.create(t, r.URL)
	}
	t.Cleanup(func() { close(release) }) // before the receivers are closed
	good := receive(t, false, nil)
	_, _, err := b.Create(b.ctx, "bootcamp", webhook.Spec{Name: "good", URL: good.URL})
	must(t, err)
	for n := range 4 {
		must(t, b.Deliver(b.ctx, []fleet.Event{event(n, fleet.EventLabActive)}))
	}
	hanging, stop := context.WithCancel(b.ctx)
	tasks := b.take()
	ended := make(chan error, len(tasks))
	for _, k := range tasks {
		go func() { ended <- b.Attempt(hanging, k.delivery, k.attempt) }()
	}
	const most = 6
	for range len(tasks) - most {
		var snooze *fleet.SnoozeError
		if err := <-ended; !errors.As(err, &snooze) {
			t.Fatalf("beyond what an owner may send at once: %v", err)
		}
	}
	for range most {
		<-arrived
	}
	e := event(9, fleet.EventLabActive)
	e.Owner = "bootcamp"
	must(t, b.Deliver(b.ctx, []fleet.Event{e}))
	if d := b.run(t, b.one(t)); d.State != fleet.DeliveryDelivered || len(good.got()) != 1 {
		t.Errorf("the other owner's delivery is %s: %s", d.State, d.Error)
	}
	stop()
	for range most {
		<-ended
	}
}
