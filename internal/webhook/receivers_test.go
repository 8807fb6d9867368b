package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/webhook"
)

func TestRetryAfterIsHonouredToABound(t *testing.T) {
	t.Parallel()
	for after, want := range map[string]time.Duration{"90": 90 * time.Second, "999999": time.Hour, "-1": 6 * time.Second, "soon": 6 * time.Second, "1": 6 * time.Second,
		"Fri, 31 Dec 9999 23:59:59 GMT": time.Hour, "Fri, 31 Dec 1999 23:59:59 GMT": 6 * time.Second} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			r := receive(t, false, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", after)
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			b := setup(t)
			b.create(t, r.URL)
			must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
			d := b.run(t, b.one(t))
			if got := d.NextTry.Sub(b.clock.Now()); got > want || got < want*2/3 {
				t.Errorf("next try in %v, want %v", got, want)
			}
		})
	}
}

func TestGoneSwitchesOff(t *testing.T) {
	t.Parallel()
	r := receive(t, false, status(410))
	b := setup(t)
	w, _ := b.create(t, r.URL)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive), event(2, fleet.EventLabEnded)}))
	for _, k := range b.take() {
		if d := b.run(t, k); d.State != fleet.DeliveryDead || d.Error == "" {
			t.Fatalf("%+v", d)
		}
	}
	w, err := b.Get(b.ctx, w.ID)
	must(t, err)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(3, fleet.EventLabActive)}))
	if n := len(b.take()); !w.Off || n != 0 || len(r.got()) != 1 {
		t.Fatalf("off %v, %d more tasks, %d requests", w.Off, n, len(r.got()))
	}
	if _, err := b.Ping(b.ctx, w); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("ping of what is off: %v", err)
	}
}

// A redirect is a failure that says so; where it leads nobody goes.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	inner := receive(t, false, nil)
	for _, code := range []int{301, 302, 303, 307, 308} {
		r := receive(t, false, func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, inner.URL, code) })
		b := setup(t)
		b.create(t, r.URL)
		must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
		d := b.run(t, b.one(t))
		if d.State != fleet.DeliveryPending || d.Status != code || !strings.Contains(d.Error, "redirects are not followed") || strings.Contains(d.Error, inner.URL) {
			t.Errorf("%d: %+v", code, d)
		}
	}
	if n := len(inner.got()); n != 0 {
		t.Errorf("%d requests where redirects led", n)
	}
}

// Nothing of what a receiver says is kept, and no more of it is read than a little.
func TestAnswersAreNotKept(t *testing.T) {
	t.Parallel()
	const said = "receiver-says-a-secret"
	ended := make(chan error, 1)
	r := receive(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		var err error
		for n := 0; n < 1<<30 && err == nil; n += len(said) * 1000 {
			_, err = w.Write([]byte(strings.Repeat(said, 1000)))
		}
		ended <- err
	})
	b := setup(t)
	b.create(t, r.URL)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
	d := b.run(t, b.one(t))
	if d.Status != http.StatusTeapot || strings.Contains(fmt.Sprint(*d), said) || len(d.Error) > 200 {
		t.Errorf("%+v", d)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a gigabyte was read")
		}
	case <-time.After(wait):
		t.Error("the connection was not closed")
	}
}

func TestReceiversThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	cut := receive(t, false, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	for url, want := range map[string]string{closed.URL: "the connection was refused", cut.URL: "the connection was closed without an answer",
		strings.Replace(closed.URL, "http", "https", 1): "the connection was refused", strings.Replace(cut.URL, "http", "https", 1): "it does not speak TLS",
		receive(t, true, nil).URL: "the certificate is not valid for this name"} {
		b := setup(t)
		b.create(t, url)
		must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
		if d := b.run(t, b.one(t)); d.State != fleet.DeliveryPending || d.Error != want || d.Status != 0 {
			t.Errorf("%s: %+v", url, d)
		}
	}
	if n := len(cut.got()); n != 2 {
		t.Errorf("a broken connection was tried %d times, want 2", n)
	}
}

// A receiver that hangs is left when its time is over, and has failed.
func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := receive(t, false, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	b := setup(t, func(c *webhook.Config) { c.Limit = 50 * time.Millisecond })
	b.create(t, r.URL)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
	if d := b.run(t, b.one(t)); d.State != fleet.DeliveryPending || d.Attempts != 1 || d.Error != "no answer in time" || len(r.got()) != 1 {
		t.Errorf("%+v, %d requests", d, len(r.got()))
	}
}

// One that hangs while the worker shuts down has not failed; and those that hang
// do not take all that others need.
func TestHangs(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	r := receive(t, false, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-release })
	t.Cleanup(func() { close(release) })
	b := setup(t)
	b.create(t, r.URL)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
	k := b.one(t)
	ctx, cancel := context.WithCancel(b.ctx)
	go func() { <-arrived; cancel() }()
	if err := b.Attempt(ctx, k.delivery, k.attempt); !errors.Is(err, context.Canceled) {
		t.Fatalf("shut down: %v", err)
	}
	if d := b.delivery(t, k.delivery); d.Attempts != 0 {
		t.Fatalf("counted: %+v", d)
	}
	// As many hang as may; the next is put off without having been tried.
	for n := range 4 {
		must(t, b.Deliver(b.ctx, []fleet.Event{event(10+n, fleet.EventLabActive)}))
	}
	hanging, stop := context.WithCancel(b.ctx)
	ended := make(chan error, 4)
	for _, k := range b.take() {
		go func() { ended <- b.Attempt(hanging, k.delivery, k.attempt) }()
	}
	for range 4 {
		<-arrived
	}
	var snooze *fleet.SnoozeError
	if err := b.Attempt(b.ctx, k.delivery, k.attempt); !errors.As(err, &snooze) {
		t.Errorf("a fifth to the same host: %v", err)
	}
	stop()
	for range 4 {
		<-ended
	}
}
